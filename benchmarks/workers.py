"""What it costs to share a batch: two workers and two exact shards against one process.

    python benchmarks/workers.py --units 256 --rounds 3

The same recipe is trained by one process, by one that computes two exact shards, by two workers,
and by two workers with exact shards, in turn and several times, at the same global batch. The time
of an epoch is the median over those after the first, which compiles; ratios are to one process in
the same round. On a machine whose cores the workers share, a ratio of 1 says that sharing is free.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

KINDS = {
    "one process": [],
    "one process, 2 exact shards": ["--exact-shards", "2"],
    "2 workers": ["--workers", "2"],
    "2 workers, 2 exact shards": ["--workers", "2", "--exact-shards", "2"],
}


def main() -> None:
    """Print the time of an epoch of each kind, and its ratio to one process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=256)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    ratios: dict[str, list[float]] = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory() as name:
        for turn in range(asked.rounds):
            found = {}
            for kind, words in KINDS.items():
                found[kind] = epoch_seconds(Path(name) / f"{turn}-{len(found)}", words, asked)
                ratios[kind].append(found[kind] / found["one process"])
                print(f"round {turn + 1}, {kind}: {found[kind]:.3f} s an epoch", flush=True)
    for kind, values in ratios.items():
        print(f"{kind}: {statistics.median(values):.2f} times one process")


def epoch_seconds(out: Path, words: list[str], asked: argparse.Namespace) -> float:
    """The median time of an epoch after the first one."""
    layers = [f"model.layers={json.dumps([{'dense': {'units': asked.units}}] * 2)}"]
    overrides = [f"epochs={asked.epochs}", f"data.batch_size={asked.batch}", *layers]
    overrides += ["data.drop_remainder=true", "steps_per_execution=1", "jit_compile=false"]
    command = [sys.executable, "-m", "keras_recipes", "train", "digits_mlp", *overrides, *words]
    subprocess.run([*command, "--quiet", "--out", str(out)], check=True, capture_output=True)
    lines = map(json.loads, (out / "metrics.jsonl").read_text().splitlines())
    return statistics.median(b - a for a, b in pairwise(line["seconds"] for line in lines))


if __name__ == "__main__":
    main()
