"""Rebuilds the numbers and pictures of all pages of techniques, or of those that are named.

python docs/techniques/make.py [NAME ...]
"""

import importlib
import os
import sys
import time

# Operations of small networks are too short to be divided; one order of sums, one result.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")

import tensorflow as tf
from training import free

# The order of the index.
NAMES = (
    "descent",
    "optimizers",
    "input_scaling",
    "initial_weights",
    "batch_normalization",
    "gradients",
    "belief_network",
    "overfitting",
    "random_search",
    "rate_schedules",
    "losses",
    "gradient_check",
)


def main(names: list[str]) -> None:
    """Run each script, and print its time."""
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        sys.exit(f"techniques: expected names among {', '.join(NAMES)}. Received: {unknown}")
    # Optimizing a graph takes longer than it gains in so short trainings.
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    started = time.perf_counter()
    for name in names or NAMES:
        began, spent = time.perf_counter(), time.process_time()
        print(f"## {name}")
        importlib.import_module(name).main()
        # Networks of one page are not those of the next.
        free()
        seconds, processor = time.perf_counter() - began, time.process_time() - spent
        print(f"{name}: {seconds:.0f} s, {processor:.0f} s of processor time\n", flush=True)
    print(f"all: {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
