"""Kill or stop workers of a training at random moments, resume it, and compare what is left.

    python tests/kill/workers_kill.py --kills 50 --seed 1

One training by two workers is never killed. Others are: at a random time of their lives one
worker, the chief as often as the other, gets SIGKILL, or SIGSTOP as one that hangs, or SIGTERM.
The command of `--workers` must then end by itself within the time that it states, and the same
command continues. A life that comes to its own end must have left the run directory of the first
training, bit for bit but for times and places. With `--exact-shards 4` each life has one, two or
four workers. The exit status is 1 if anything was otherwise.

TensorFlow is imported once: command and workers are forks of this process, see `lives`.
"""

import argparse
import os
import random
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import compare
import lives

TIMEOUT = 12.0
HOW = (*[signal.SIGKILL] * 6, *[signal.SIGSTOP] * 2, signal.SIGTERM)
# Lives of a run that are killed; after these it may come to its end.
MOST_LIVES = 6
RECIPE = """\
name: killed
data: {source: digits, limit: 200, validation: 40, test: 40, batch_size: 16, drop_remainder: true}
model: {layers: [{dense: {units: 16, activation: relu}}, {dropout: {rate: 0.2}}]}
optimizer: {sgd: {momentum: 0.9}}
learning_rate: 0.05
gradient_clipping: {global_norm: 1.0}
checkpoints: {every: 2 steps}
epochs: 10
"""


@dataclass
class Tally:
    """What became of the kills.

    Attributes:
        length: seconds of a life that nobody kills, the last one that there was.
        seconds: from each kill to the end of the command.
    """

    length: float
    kills: Counter = field(default_factory=Counter)
    places: Counter = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    runs: int = 0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"{self.kills['all']} kills in {self.runs} runs: {dict(self.kills)}"]
        lines.append(f"where they were: {dict(self.places)}")
        if self.seconds:
            middle, most = statistics.median(self.seconds), max(self.seconds)
            lines.append(f"the command ended {middle:.1f} s later (median), {most:.1f} s at most")
        return "\n".join([*lines, f"{len(self.faults)} faults", *self.faults])


def limit() -> float:
    """Seconds from a kill to the end of the command that the documentation promises.

    The other workers notice it and end; the command gives a chief that hangs as long again.
    """
    from keras_recipes.recipes.devices.peers import GRACE_SECONDS

    return 2 * (TIMEOUT + GRACE_SECONDS)


class Worker(lives.Life):
    """A worker as `launch` knows it: a fork in place of a process that imports TensorFlow."""

    @property
    def returncode(self):
        return self.status

    def poll(self):
        return self.status if self.ended() else None

    def send_signal(self, number):
        if not self.ended():
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)


def fork_workers(folder: Path) -> None:
    """Let `launch` fork its workers."""
    from keras_recipes.recipes.devices import launch

    def start(command, index, ports, output):
        stack, log = stack_of(folder, index), folder / f"log{index}.txt"
        stack.write_text("")
        own, began = launch.environment(index, ports), time.perf_counter()
        pid = os.fork()
        if pid:
            return Worker(pid, began, stack, log)
        try:
            for number in launch.SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.environ.update(own)
            lives.live(list(command[3:]), folder, stack, log)
        finally:
            os._exit(99)

    launch._start = start


def stack_of(folder: Path, index: int) -> Path:
    """The file in which a worker says where it is."""
    return folder / f"stack{index}.txt"


def command(out: str, workers: int, shards: int | None) -> list[str]:
    """The command of a life, the same for the first and those that continue."""
    words = ["train", "recipe.yaml", "--resume", "--quiet", "--out", out]
    words += ["--workers", str(workers), "--worker-timeout", str(TIMEOUT)]
    return words + (["--exact-shards", str(shards)] if shards else [])


def killed_run(folder: Path, out: str, dice: random.Random, asked, tally: Tally):
    """One run whose first lives are killed, until one comes to its end."""
    status = None
    for number in range(1, MOST_LIVES + 1):
        workers = dice.choice((1, 2, 4)) if asked.exact_shards else 2
        life = lives.begin(command(out, workers, asked.exact_shards), folder)
        if number < MOST_LIVES and tally.kills["all"] < asked.kills:
            strike(life, folder, dice, workers, dice.uniform(0.02, 1.0) * tally.length, tally)
        status = ended(life, None)
        print(f"{out}, life {number} of {workers} workers: status {status}", flush=True)
        if status is None:
            tally.faults.append(f"{out}, life {number}: hangs. {said(folder)}")
        if status == 0:
            if number == 1:
                tally.length = life.age
            break
    tally.runs += 1
    if status != 0:
        tally.faults.append(f"{out}: status {status} without a kill. {said(folder)}")
        return
    faults = compare.differences(folder / "reference", folder / out)
    tally.faults += [f"{out}: {fault}" for fault in faults]
    if not faults:
        shutil.rmtree(folder / out)


def strike(life, folder, dice, workers, delay, tally) -> None:
    """Hit one worker at its moment, and wait for the end of the command."""
    index, how = dice.randrange(workers), dice.choice(HOW)
    if ended(life, delay) is not None:
        return
    found = children(life.pid)
    if index >= len(found):
        return
    where = place_of(found[index], stack_of(folder, index))
    with suppress(ProcessLookupError):
        os.kill(found[index], how)
    began = time.perf_counter()
    tally.kills["all"] += 1
    tally.kills[how.name] += 1
    tally.kills["chief" if index == 0 else "other"] += 1
    tally.places[where] += 1
    status = ended(life, life.age + limit())
    took = time.perf_counter() - began
    print(f"  {how.name} to worker {index} in {where}: {status} after {took:.1f} s", flush=True)
    tally.seconds.append(took)
    # What is asked to end late may end by itself.
    if status is None and how is not signal.SIGTERM:
        tally.faults.append(f"{how.name} to worker {index} in {where}: not ended in time")


def ended(life: lives.Life, age: float | None) -> int | None:
    """The status of a life that ends before an age; None where it does not."""
    age = lives.LONGEST if age is None else age
    while life.age < age:
        if life.ended():
            return life.status
        time.sleep(lives.LOOK)
    return None


def place_of(pid: int, stack: Path) -> str:
    """Where a worker is, by its stack."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGUSR1)
    until = time.perf_counter() + lives.ANSWER
    while not stack.read_text() and time.perf_counter() < until:
        time.sleep(0.001)
    return lives.place(stack.read_text())


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


def said(folder: Path) -> str:
    """The last lines of the command and of the chief."""
    logs = [folder / name for name in ("log.txt", "log0.txt")]
    lines = [log.read_text().strip().splitlines()[-3:] for log in logs if log.exists()]
    return " | ".join(line for some in lines for line in some)


def main() -> int:
    """Kill as often as asked, and say what became of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--exact-shards", type=int, help="then lives have 1, 2 or 4 workers")
    asked = parser.parse_args()
    dice = random.Random(asked.seed)
    lives.prepare()
    folder = Path(tempfile.mkdtemp(prefix="workers-kill-"))
    fork_workers(folder)
    (folder / "recipe.yaml").write_text(RECIPE)
    life = lives.begin(command("reference", 2, asked.exact_shards), folder)
    if life.wait() != 0:
        print(f"the training that is never killed has failed: {said(folder)}")
        return 1
    tally = Tally(life.age)
    print(f"a life that is not killed takes {tally.length:.1f} s", flush=True)
    while tally.kills["all"] < asked.kills:
        killed_run(folder, f"run{tally.runs + 1}", dice, asked, tally)
        print(f"{tally.kills['all']} kills, {len(tally.faults)} faults", flush=True)
    print(tally)
    if tally.faults:
        print(f"all runs are in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.exit(main())
