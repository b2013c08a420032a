"""How long `--help` and `validate` take, as a user waits for them: medians of whole processes.

Run:    python benchmarks/command_line.py [--rounds 15]
"""

import argparse
import statistics
import subprocess
import sys
import time

COMMANDS = {
    "--help": (["--help"], 0.3),
    "validate digits_mlp": (["validate", "digits_mlp"], 0.5),
    "list": (["list"], 0.5),
}


def seconds(command: list[str]) -> float:
    """Wall-clock time of one process."""
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "keras_recipes", *command], check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    for name, (command, bar) in COMMANDS.items():
        seconds(command)
        median = statistics.median(seconds(command) for _ in range(rounds))
        print(f"keras-recipes {name}: {median:.3f} s (bar {bar} s)")


if __name__ == "__main__":
    main()
