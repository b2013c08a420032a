"""Where the processor seconds of a sweep go: starting up, each part of a trial, the end.

Run:    python benchmarks/sweep_breakdown.py [--trials 16] [--epochs 6]

The sweep is the one of `sweep_speed.py`, searched in this process with one job. The seconds of a
part are those of the processors (user and system, all threads), without those of the parts inside
of it, so that the lines add up and other work on the machine hardly counts. What a process takes to
start is measured in processes that do nothing else: with N jobs a sweep starts N + 1 of them.
"""

import argparse
import functools
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from typing import Any

from sweep_speed import SWEEP

PACKAGE = "keras_recipes"
# Part -> the function that carries it out: module, class or object, name.
PARTS = [
    ("forget the last model", "recipes.sweep.run.trial", "keras.backend.clear_session"),
    ("take or release the lock, begin a run", "recipes.run.prepare", "reserve"),
    ("read the data", "recipes.run.prepare", "data_of"),
    ("build and compile the model", "recipes.run.train", "experiment"),
    ("look for a checkpoint", "recipes.run.training_run", "TrainingRun.restore"),
    ("describe the run (manifest)", "recipes.run.train", "describe"),
    ("store checkpoints", "callbacks.run_state.store", "CheckpointStore.save"),
    ("save models", "recipes.record.directory", "RunDirectory.write"),
    ("save the best model", "callbacks.best_checkpoint", "save_whole"),
    ("fit", "recipes.run.training_run", "TrainingRun.fit"),
    ("evaluate at the end", "recipes.run.training_run", "TrainingRun.metrics"),
    ("choose trials, take values (chief)", "recipes.sweep.run.chief", "Chief.next_trial"),
    ("choose trials, take values (chief)", "recipes.sweep.run.chief", "Chief.report"),
    ("choose trials, take values (chief)", "recipes.sweep.run.chief", "Chief.end"),
    ("make and show the table", "recipes.sweep.run.running", "Running.look"),
    ("the rest of a trial", "recipes.sweep.run.worker", "Worker.carry_out"),
    ("write the end (best.yaml, result)", "recipes.sweep.run.running", "Running.finish"),
    ("write events for TensorBoard", "recipes.sweep.run.running", "write_tensorboard"),
    ("write the report", "recipes.sweep.report", "write_sweep_report"),
]
FIRST_EPOCH, OTHER_EPOCHS = "fit: first epoch (tracing)", "fit: the other epochs and the end"
STARTS = [
    ("Python alone", "pass"),
    ("+ the sweep's language", "import keras_recipes.recipes.sweep.spec"),
    ("+ TensorFlow and Keras", "import tensorflow, keras"),
    ("+ keras-tuner, workers", "import keras_recipes.recipes.sweep.run.running"),
]


class Stopwatch:
    """Processor seconds of parts, each without the parts inside of it."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self._open = ["the rest"]
        self._since = time.process_time()

    def switch(self) -> None:
        """Count the time since the last switch for the part that is open."""
        now = time.process_time()
        self.seconds[self._open[-1]] += now - self._since
        self._since = now

    def watched(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, whose time is counted."""

        @functools.wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:
            self.switch()
            self._open.append(part)
            self.calls[part] += 1
            try:
                return function(*arguments, **named)
            finally:
                self.switch()
                self._open.pop()

        return call

    def watch(self, part: str, module: str, path: str) -> None:
        """Count the time of a function, wherever it is called from its own module."""
        *owners, name = path.split(".")
        owner = import_module(f"{PACKAGE}.{module}")
        for step in owners:
            owner = getattr(owner, step)
        setattr(owner, name, self.watched(part, getattr(owner, name)))

    def rename(self, part: str) -> None:
        """Let the part that is open be another one from now on."""
        self.switch()
        self._open[-1] = part


def watch_epochs(watch: Stopwatch) -> None:
    """Count the first epoch of each training for itself: it traces the functions of Keras."""
    import keras

    class Epochs(keras.callbacks.Callback):
        def get_state(self) -> dict[str, Any]:
            return {}

        def set_state(self, state: dict[str, Any]) -> None:
            pass

        def on_train_begin(self, logs: Any = None) -> None:
            watch.rename(FIRST_EPOCH)

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch == 0:
                watch.rename(OTHER_EPOCHS)

    module = import_module(f"{PACKAGE}.recipes.run.training_run")
    run_callbacks = module.run_callbacks
    module.run_callbacks = lambda *given: [Epochs(), *run_callbacks(*given)]


def start_seconds(code: str) -> float:
    """Processor seconds of a process that only runs some code: the median of three."""
    found = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], check=True, stderr=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(found)


def search(trials: int, epochs: int) -> tuple[Stopwatch, float, int]:
    """Search in this process; what was measured, the seconds in all, and the trials that ended."""
    import keras_recipes  # noqa: F401
    from keras_recipes.recipes.sweep.report import write_sweep_report
    from keras_recipes.recipes.sweep.run import running  # noqa: F401
    from keras_recipes.recipes.sweep.run.sweep import run_sweep
    from keras_recipes.recipes.sweep.spec import load_sweep

    watch = Stopwatch()
    for part, module, path in PARTS:
        watch.watch(part, module, path)
    watch_epochs(watch)
    overrides = {**SWEEP["overrides"], "epochs": epochs}
    sweep = load_sweep({**SWEEP, "budget": {"trials": trials}, "overrides": overrides})
    before = time.process_time()
    watch.switch()
    watch.seconds.clear()
    with tempfile.TemporaryDirectory() as folder:
        result = run_sweep(sweep, out=folder, progress=False)
        write_sweep_report(result.directory)
    watch.switch()
    return watch, time.process_time() - before, result.trials


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=6)
    arguments = parser.parse_args()
    print("start of a process, processor seconds:")
    for name, code in STARTS:
        print(f"  {start_seconds(code):7.2f}  {name}", flush=True)
    watch, total, trials = search(arguments.trials, arguments.epochs)
    print(f"\n{trials} trials of {arguments.epochs} epochs, one job:")
    print("    total  a trial  part")
    for part, spent in watch.seconds.most_common():
        print(f"  {spent:7.2f}  {spent / trials:7.3f}  {part}")
    print(f"  {total:7.2f}  {total / trials:7.3f}  in all, without the start")
    return 0


if __name__ == "__main__":
    sys.exit(main())
