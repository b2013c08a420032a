"""Kill or stop workers of a training at random moments, resume it, and compare its weights.

    python tests/kill/workers_kill.py --kills 50 --seed 1

One training by two workers is never killed. Others are: at a random time of their lives one
worker, the chief as often as the other, gets SIGKILL, or SIGSTOP as one that hangs. The command
must then end by itself within the time it states, and the same command continues; a life that comes
to its own end must have left the weights and metrics of the first training, bit for bit. The exit
status is 1 if anything was otherwise.
"""

import argparse
import io
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from contextlib import suppress
from pathlib import Path

import h5py
import numpy as np

TIMEOUT = 15
# What the last of them may take beside the time without an answer.
GRACE = 60
RECIPE = """\
name: killed
data: {source: digits, limit: 200, validation: 40, test: 40, batch_size: 16, drop_remainder: true}
model: {layers: [{dense: {units: 16, activation: relu}}, {dropout: {rate: 0.2}}]}
optimizer: {sgd: {momentum: 0.9}}
learning_rate: 0.05
gradient_clipping: {global_norm: 1.0}
checkpoints: {every: 2 steps}
epochs: 15
"""


def main() -> int:
    """Kill as often as asked, and say what became of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--exact-shards", type=int, help="then lives have 1, 2 or 4 workers")
    asked = parser.parse_args()
    chance, tally, faults = random.Random(asked.seed), Counter(), []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "recipe.yaml").write_text(RECIPE)
        began = time.monotonic()
        status, _ = life(folder, "reference", 2, asked.exact_shards)
        length = time.monotonic() - began
        if status != 0:
            print("the training that is never killed has failed")
            return 1
        expected, run = contents(folder / "reference"), 0
        while sum(tally[kind] for kind in ("SIGKILL", "SIGSTOP")) < asked.kills:
            run += 1
            faults += killed_run(folder, f"run{run}", length, chance, tally, asked, expected)
            print(f"{dict(tally)}, {len(faults)} faults", flush=True)
    for fault in faults:
        print(fault)
    return 1 if faults else 0


def killed_run(folder, out, length, chance, tally, asked, expected) -> list[str]:
    """One run whose first lives are killed, and whose last one is not."""
    faults = []
    for number in range(1, 6):
        workers = chance.choice((1, 2, 4)) if asked.exact_shards else 2
        # Importing takes a third of a life: more kills fall into the training itself.
        delay = None if number == 5 else chance.uniform(0.2, 1.1) * length
        how = chance.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGSTOP))
        status, hit = life(
            folder, out, workers, asked.exact_shards, delay, chance.randrange(workers), how
        )
        if hit:
            tally[how.name] += 1
            tally["chief" if hit == 1 else "other"] += 1
        print(f"{out}, life {number}: status {status}, hit {hit} by {how.name}", flush=True)
        if status is None:
            faults.append(f"{out}, life {number}: did not end in time after {how.name}")
        elif status == 0:
            break
        elif not hit and number == 5:
            faults.append(f"{out}: status {status} without a kill")
    tally["runs"] += 1
    return [*faults, *(f"{out}: {name} differs" for name in different(folder / out, expected))]


def life(folder, out, workers, shards, delay=None, index=0, how=signal.SIGKILL):
    """A life: its status, None if it hung, and which worker was hit, counted from 1."""
    command = [sys.executable, "-m", "keras_recipes", "train", "recipe.yaml", "--resume", "--quiet"]
    command += ["--out", out, "--workers", str(workers), "--worker-timeout", str(TIMEOUT)]
    command += ["--exact-shards", str(shards)] if shards else []
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    hit, limit = 0, None
    if delay is not None:
        with suppress(subprocess.TimeoutExpired):
            return process.wait(delay), 0
        found = children(process.pid)
        if index < len(found):
            with suppress(ProcessLookupError):
                os.kill(found[index], how)
                hit = index + 1
        limit = TIMEOUT + GRACE if hit else None
    try:
        return process.wait(limit), hit
    except subprocess.TimeoutExpired:
        for child in children(process.pid):
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        process.kill()
        process.wait()
        return None, hit


def children(parent: int) -> list[int]:
    """Processes that a process has started, in their order."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            number = int(entry.name)
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[1]) == parent:
                found.append(number)
    return sorted(found)


def contents(run: Path) -> dict[str, object]:
    """Weights and metrics of a run, without times."""
    with zipfile.ZipFile(run / "model.keras") as archive:
        file = h5py.File(io.BytesIO(archive.read("model.weights.h5")))
    found: dict[str, object] = {}
    file.visititems(
        lambda name, item: (
            found.__setitem__(name, np.array(item)) if isinstance(item, h5py.Dataset) else None
        )
    )
    lines = (run / "metrics.jsonl").read_text().splitlines()
    for number, line in enumerate(map(json.loads, lines)):
        line.pop("seconds")
        found[f"metrics of epoch {number + 1}"] = line
    return found


def different(run: Path, expected: dict[str, object]) -> list[str]:
    """Names of what is not as in a run that was never killed."""
    try:
        found = contents(run)
    except OSError as error:
        return [str(error)]
    names = sorted(expected.keys() | found.keys())
    return [n for n in names if not np.array_equal(found.get(n), expected.get(n))]


if __name__ == "__main__":
    raise SystemExit(main())
