"""What it costs to share a batch: two workers and exact shards against one process.

    python benchmarks/workers.py --units 1024 --batch 256 --rounds 3 --threads 1

The same recipe is trained by one process, by one that computes two exact shards, by two workers,
and by two workers with exact shards, in turn and several times, at the same global batch. The time
of a step is the median over the epochs after the first, which compiles; ratios are to one process
in the same round. With `--threads 1` each process computes on one core, as if it were a machine of
its own: 0.5 times one process says that sharing is free. Without it the workers share the cores
that one process has alone, and 1 says so.

What the collectives take is measured by the two workers alone, on vectors of the sizes that a step
exchanges, and said as a share of the step of two workers.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np

from keras_recipes.recipes.devices.launch import environment, free_ports

KINDS = {
    "one process": [],
    "one process, 2 exact shards": ["--exact-shards", "2"],
    "2 workers": ["--workers", "2"],
    "2 workers, 2 exact shards": ["--workers", "2", "--exact-shards", "2"],
}
# An epoch is long beside what happens once in it.
ROWS, FEATURES, CLASSES = 16384, 64, 10
VALIDATION = 256
REPEATS = 40


def main() -> None:
    """Print the time of a step of each kind, its ratio to one process, and the collectives'."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=1024)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, help="threads that compute in each process")
    parser.add_argument("--collectives", nargs=2, type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.threads:
        for kind in ("INTRAOP", "INTEROP"):
            os.environ[f"TF_NUM_{kind}_THREADS"] = str(asked.threads)
    if asked.collectives:
        time_collectives(*asked.collectives)
        return
    ratios: dict[str, list[float]] = {kind: [] for kind in KINDS}
    steps: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        write_rows(Path(name, "rows.npz"))
        for turn in range(asked.rounds):
            found = {}
            for kind, words in KINDS.items():
                found[kind] = step_seconds(Path(name) / f"{turn}-{len(found)}", words, asked)
                ratios[kind].append(found[kind] / found["one process"])
                print(f"round {turn + 1}, {kind}: {1e3 * found[kind]:.2f} ms a step", flush=True)
            steps.append(found["2 workers"])
    for kind, values in ratios.items():
        print(f"{kind}: {statistics.median(values):.2f} times one process")
    step = statistics.median(steps)
    for what, seconds in collectives(asked).items():
        share = f", {seconds / step:.0%} of a step of 2 workers" if "exact" not in what else ""
        print(f"{what}: {1e3 * seconds:.2f} ms{share}")


def write_rows(path: Path) -> None:
    """Rows of numbers with random classes, whose training is as much work as any."""
    rng = np.random.default_rng(0)
    rows = ROWS + VALIDATION
    x, y = rng.random((rows, FEATURES), "float32"), rng.integers(0, CLASSES, rows)
    np.savez(path, x=x, y=y)


def step_seconds(out: Path, words: list[str], asked: argparse.Namespace) -> float:
    """The median time of a training step, from the times of the epochs after the first one."""
    layers = [f"model.layers={json.dumps([{'dense': {'units': asked.units}}] * 2)}"]
    overrides = [f"epochs={asked.epochs}", f"data.batch_size={asked.batch}", *layers]
    source = json.dumps({"npz": {"path": str(out.parent / "rows.npz")}})
    overrides += [f"data.source={source}", f"data.validation={VALIDATION}", "data.test=null"]
    overrides += [
        "callbacks=[]",
        "steps_per_execution=1",
        "jit_compile=false",
        "checkpoints.every=1000 epochs",
    ]
    command = [sys.executable, "-m", "keras_recipes", "train", "digits_mlp", *overrides, *words]
    subprocess.run([*command, "--quiet", "--out", str(out)], check=True, capture_output=True)
    lines = map(json.loads, (out / "metrics.jsonl").read_text().splitlines())
    epoch = statistics.median(b - a for a, b in pairwise(line["seconds"] for line in lines))
    return epoch * asked.batch / ROWS


def parameters(units: int) -> int:
    """Weights of the network, which are the numbers of its gradient."""
    return FEATURES * units + units + units * units + units + units * CLASSES + CLASSES


def collectives(asked: argparse.Namespace) -> dict[str, float]:
    """Seconds of what two workers exchange in a step."""
    sizes = [str(parameters(asked.units)), str(asked.batch // 2 * (CLASSES + 1))]
    command = [sys.executable, __file__, "--collectives", *sizes]
    ports = free_ports(3)
    workers = [
        subprocess.Popen(command, env=environment(i, ports), stdout=subprocess.PIPE, text=True)
        for i in range(2)
    ]
    chief, _ = [worker.communicate()[0] for worker in workers]
    return json.loads(chief.splitlines()[-1])


def time_collectives(gradient: int, outputs: int) -> None:
    """As one of two workers, print what sums and gathers of so many numbers take."""
    import tensorflow as tf

    from keras_recipes.recipes.devices.request import asked
    from keras_recipes.recipes.devices.start import start

    sharing = start(asked(os.environ))
    assert sharing is not None
    calls = {
        "the sum of the gradients": (sharing.across, tf.zeros(gradient)),
        "the gather of outputs and targets": (sharing.gathered, tf.zeros(outputs)),
        "with exact shards, the gather of the gradients": (sharing.gathered, tf.zeros(gradient)),
    }
    found = {}
    for what, (function, tensor) in calls.items():
        compiled = tf.function(function, autograph=False)
        times = []
        for _ in range(REPEATS):
            began = time.perf_counter()
            compiled(tensor).numpy()
            times.append(time.perf_counter() - began)
        found[what] = statistics.median(times[REPEATS // 4 :])
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
