"""Kill a sweep's worker, its chief, or everything, at random; nothing is lost or done twice.

Run:    python tests/kill/sweep_kill.py [--kills 50] [--trials 12] [--seed 0] [--shared]

A sweep of tiny trials with two jobs is searched once in peace. Then the same sweep is searched in
other directories, while one of its processes, or all, get SIGKILL again and again; whenever its
chief is gone, the same command is given once more. In the end

- the table has the same trials in the same order, with the same values and, to the last bit, the
  same scores;
- every trial ended once, and no training came to its end twice;
- every epoch of every trial stands once in its metrics.

With `--shared` the trials differ in when a cooldown begins, and share what is before it.
"""

import argparse
import csv
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

SWEEP = {
    "name": "killed",
    "recipe": "digits_mlp",
    "overrides": {
        "epochs": 4,
        "checkpoints": {"every": "1 epochs"},
        "data.limit": 300,
        "model.layers": [{"dense": {"units": 8}}],
        "callbacks": [],
    },
    "objective": {"minimize": "val_loss"},
    "space": {
        "learning_rate.warmup.then.polynomial.initial_learning_rate": {
            "log_uniform": {"min": 1e-3, "max": 1.0}
        },
        "data.batch_size": {"choice": [16, 32]},
    },
    "seed": 3,
}
STABLE = "learning_rate.warmup_stable_decay.stable_steps"
RATE = {"learning_rate": 0.1, "warmup_steps": 4, "stable_steps": 4, "decay_steps": 10}
# 14 updates an epoch.
SHARED = {
    **SWEEP,
    "overrides": {
        **SWEEP["overrides"],
        "data.batch_size": 16,
        "learning_rate": {"warmup_stable_decay": RATE},
    },
    "space": {STABLE: {"int": {"min": 4, "max": 48}}},
}
# Seconds that a sweep may take from its last kill to its end before it counts as hanging.
HANGS = 600.0


def write_sweep(folder: Path, trials: int, shared: bool = False) -> Path:
    """The sweep's file; YAML takes JSON."""
    path = folder / "killed.yaml"
    sweep = SHARED if shared else SWEEP
    path.write_text(json.dumps({**sweep, "budget": {"trials": trials}}), encoding="utf-8")
    return path


def start(sweep: Path, out: Path) -> subprocess.Popen:
    """The command of the sweep, in a session of its own."""
    command = [sys.executable, "-m", "keras_recipes", "sweep", str(sweep), "--jobs", "2"]
    log = open(f"{out}.log", "ab")  # noqa: SIM115
    return subprocess.Popen(
        [*command, "--out", str(out)], stdout=log, stderr=log, start_new_session=True
    )


def children(parent: int) -> list[int]:
    """Processes started by another, from the system's own table."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                text = (entry / "stat").read_text()
            except OSError:
                continue
            if int(text.rpartition(")")[2].split()[1]) == parent:
                found.append(int(entry.name))
    return found


def kill(pids: list[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def torment(sweep: Path, out: Path, kills: int, source: random.Random) -> Counter:
    """Search while killing; what was killed, counted."""
    done: Counter = Counter()
    process = start(sweep, out)
    while sum(done.values()) < kills:
        wait(process, out, source)
        if process.poll() is not None:
            break
        workers = children(process.pid)
        what = source.choice(["worker", "chief", "everything"])
        if what == "worker" and not workers:
            continue
        chosen = {
            "worker": [source.choice(workers)] if workers else [],
            "chief": [process.pid],
            "everything": [process.pid, *workers],
        }[what]
        kill(chosen)
        done[what] += 1
        if what != "worker":
            process.wait()
            process = start(sweep, out)
    process.wait(timeout=HANGS)
    if process.returncode != 0:
        said = Path(f"{out}.log").read_text(encoding="utf-8", errors="replace")[-2000:]
        raise SystemExit(f"the sweep ended with {process.returncode}: {said}")
    return done


def wait(process: subprocess.Popen, out: Path, source: random.Random) -> None:
    """Some time: mostly some seconds after a trial has started or ended, sometimes any moment."""
    events = out / "events.jsonl"
    size = events.stat().st_size if events.exists() else 0
    anywhere = source.random() < 0.2
    while not anywhere and process.poll() is None:
        if events.exists() and events.stat().st_size > size:
            break
        time.sleep(0.02)
    until = time.monotonic() + source.uniform(0.0, 10.0)
    while time.monotonic() < until and process.poll() is None:
        time.sleep(0.02)


def table(out: Path) -> list[dict[str, str]]:
    """The rows of a table, without what differs between two runs."""
    with open(out / "trials.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [{name: row[name] for name in row if name != "seconds"} for row in rows]


def wrong(out: Path, expected: list[dict[str, str]]) -> list[str]:
    """What is not as it must be."""
    found = []
    if table(out) != expected:
        found.append(f"the table differs: {table(out)}")
    lines = (out / "events.jsonl").read_text(encoding="utf-8").splitlines()
    events = [json.loads(line) for line in lines]
    for name in ("ended", "trained"):
        counts = Counter(int(e["trial"]) for e in events if e["event"] == name)
        twice = [trial for trial, count in counts.items() if count > 1]
        if twice:
            found.append(f"{name} twice: {twice}")
    for row in expected:
        text = (out / row["directory"] / "metrics.jsonl").read_text(encoding="utf-8")
        epochs = [json.loads(line)["epoch"] for line in text.splitlines()]
        if epochs != list(range(1, len(epochs) + 1)) or len(epochs) != int(row["epochs"]):
            found.append(f"trial {row['trial']}: epochs {epochs}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shared", action="store_true", help="trials that share beginnings")
    arguments = parser.parse_args()
    source = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sweep = write_sweep(folder, arguments.trials, arguments.shared)
        torment(sweep, folder / "peace", 0, source)
        expected = table(folder / "peace")
        total: Counter = Counter()
        number = 0
        while sum(total.values()) < arguments.kills:
            number += 1
            out = folder / f"killed-{number}"
            done = torment(sweep, out, arguments.kills - sum(total.values()), source)
            problems = wrong(out, expected)
            total += done
            print(f"sweep {number}: killed {dict(done)}; {problems or 'as in peace'}", flush=True)
            if problems:
                return 1
    print(f"{sum(total.values())} kills {dict(total)}: no trial lost, none completed twice")
    return 0


if __name__ == "__main__":
    sys.exit(main())
