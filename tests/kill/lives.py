"""Processes that train, and the moment at which each is killed.

A parent imports TensorFlow once, without running an operation of it, and forks: a life begins in
milliseconds rather than in seconds. What a life does is the command line's own entry function.
"""

import contextlib
import faulthandler
import os
import re
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

LOOK, HURRY = 0.001, 10
# No life of a recipe that takes seconds lasts so long: it hangs.
LONGEST = 900.0
# A process that is asked where it is says so within this time, or is not asked again.
ANSWER = 0.05
UNFINISHED, STATES = ".writing-", "checkpoints/state"

# Where a process is, by the files and functions of its stack; the first that fits.
PLACES = [
    ("checkpoint write", r"callbacks/run_state/store\.py"),
    ("pretraining", r"recipes/run/pretrain\.py|/pretraining/\w+\.py"),
    ("evaluation", r"recipes/run/training_run\.py\", line \d+ in (evaluate|metrics)"),
    ("model or result write", r"recipes/record/directory\.py|recipes/report/"),
    ("validation", r"in evaluate$"),
    # A dump of a stack ends after 100 frames, which tracing may take all.
    ("tracing", r"in (func_graph_from_py_func|trace_function)$"),
    ("step", r"trainer\.py\", line \d+ in fit$"),
]
ELSEWHERE = "build"


@dataclass
class Life:
    """A process at work on a run directory.

    Attributes:
        stack: file that it writes its stack to when it is asked.
        log: file with what it says.
    """

    pid: int
    began: float
    stack: Path
    log: Path
    status: int | None = None

    @property
    def age(self) -> float:
        return time.perf_counter() - self.began

    def ended(self) -> bool:
        """Whether it has come to its own end; `status` is its exit status then."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is not None

    def kill(self) -> str | None:
        """Kill it, by SIGKILL; where it was, or None where it had ended already."""
        if self.ended():
            return None
        os.kill(self.pid, signal.SIGUSR1)
        until = time.perf_counter() + ANSWER
        while not self._reported() and time.perf_counter() < until:
            time.sleep(0.0005)
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:  # so young that it has no group of its own yet
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self.status = -signal.SIGKILL
        return place(self.stack.read_text())

    def _reported(self) -> bool:
        # The main thread is the last one of a dump.
        return "most recent call first" in self.stack.read_text()[-20_000:]

    def wait(self) -> int:
        """Let it come to its end."""
        while not self.ended():
            if self.age > LONGEST:
                where = self.kill()
                raise TimeoutError(f"a life of {LONGEST:.0f} s without an end, in: {where}")
            time.sleep(0.005)
        assert self.status is not None
        return self.status


def place(stack: str) -> str:
    """Where a process was, by its stack.

    >>> place('Thread 0x1 (most recent call first):\\n  File "/a/trainer.py", line 9 in fit\\n')
    'step'
    """
    for name, pattern in PLACES:
        if re.search(pattern, stack, re.MULTILINE):
            return name
    return ELSEWHERE


def prepare() -> None:
    """Import what every life needs. No operation runs here: its threads would not be forked."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    import h5py  # noqa: F401
    import sklearn.datasets  # noqa: F401
    import tensorflow  # noqa: F401

    from keras_recipes.recipes import cli, commands  # noqa: F401
    from keras_recipes.recipes.build import images
    from keras_recipes.recipes.commands import train as train_verb  # noqa: F401
    from keras_recipes.recipes.report import page  # noqa: F401
    from keras_recipes.recipes.run import run_callbacks, train  # noqa: F401

    # Lives decode pictures batch by batch; those of a small folder would be held.
    images.HELD = 0


def hurry(by: int) -> None:
    """Let this process run before others, where it may: a checkpoint is written in milliseconds."""
    with contextlib.suppress(PermissionError):
        os.nice(by)


def begin(words: list[str], folder: Path) -> Life:
    """Fork a process that runs a command in `folder`."""
    stack, log = folder / "stack.txt", folder / "log.txt"
    stack.write_text("")
    began = time.perf_counter()
    pid = os.fork()
    if pid:
        return Life(pid, began, stack, log)
    try:
        live(words, folder, stack, log)
    finally:
        os._exit(99)  # whatever happens, a child never runs on as its parent


def live(words: list[str], folder: Path, stack: Path, log: Path) -> None:
    """Run a command in this fork, and end."""
    os.setsid()
    hurry(HURRY)
    os.chdir(folder)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.write(1, f"$ keras-recipes {' '.join(words)}\n".encode())
    faulthandler.register(signal.SIGUSR1, file=open(stack, "a"), all_threads=True)  # noqa: SIM115
    from keras_recipes.recipes import cli

    status = cli.main(words)
    os.write(1, f"exit status {status}\n".encode())
    os._exit(status)


Moment = Callable[[Life, Path], bool]


def at(seconds: float) -> Moment:
    """After some seconds of a life."""
    return lambda life, run: life.age >= seconds


def while_writing(folder: str, count: int, pause: float) -> Moment:
    """A moment after the `count`th file or checkpoint in a folder has started to be written."""
    # The name of a checkpoint holds the process and a number of its own.
    return _after(lambda run: unfinished(run, folder), count, pause)


def when_there(name: str, pause: float) -> Moment:
    """A moment after a file of the run directory has appeared."""
    return _after(lambda run: {name} if (run / name).exists() else set(), 1, pause)


def _after(look: Callable[[Path], set[str]], count: int, pause: float) -> Moment:
    met: dict[str, float] = {}

    def moment(life: Life, run: Path) -> bool:
        if len(met) < count:
            met.update(dict.fromkeys(look(run) - met.keys(), life.age))
        return len(met) >= count and life.age >= max(met.values()) + pause

    return moment


def clean_up(folder: Path, faults: int, keep: bool = False) -> int:
    """The exit status of a tool; the folder of its runs stays where something was at fault."""
    if keep or faults:
        print(f"all runs are in {folder}")
    else:
        shutil.rmtree(folder)
    return 1 if faults else 0


def unfinished(run: Path, folder: str) -> set[str]:
    """Paths of what is being written in a folder of a run, or of one of its folds."""
    return {
        str(path)
        for place in (folder, f"folds/*/{folder}")
        for path in run.glob(f"{place}/{UNFINISHED}*")
    }


def killed(life: Life, run: Path, moment: Moment) -> str | None:
    """Kill a life at its moment; where it was, or None where it ended before."""
    while not life.ended():
        if moment(life, run):
            return life.kill()
        if life.age > LONGEST:
            raise TimeoutError(f"a life of {LONGEST:.0f} s without an end, in: {life.kill()}")
        time.sleep(LOOK)
    return None
