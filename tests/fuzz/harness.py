"""One hostile case at a time: how long it may take, how much memory, and how it may end."""

import contextlib
import faulthandler
import io
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

# A message is for a person: no line is longer than this, whatever the input was.
LONGEST_LINE = 2500
# Python looks at a signal between two of its own instructions; C code that never returns to it is
# ended from outside after so many seconds more.
GRACE = 60
# A case may wait for its turn on a machine that does much else.
PATIENCE = 20


class Hang(BaseException):
    """A case took longer than it may. No `except Exception` on the way swallows it."""


@dataclass
class Tally:
    """How many cases ended in which way, and the first few that ended badly."""

    outcomes: Counter = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")
    largest: tuple[int, str] = (0, "")

    def count(self, outcome: str) -> None:
        self.outcomes[outcome] += 1

    def fail(self, what: str, case: str) -> None:
        self.outcomes["FAILED"] += 1
        self.failures.append(f"{case}: {what}")
        print(f"FAILED {case}: {what}", flush=True)

    def cost(self, case: str, seconds: float, kilobytes: int) -> None:
        self.slowest = max(self.slowest, (seconds, case))
        self.largest = max(self.largest, (kilobytes, case))

    def table(self) -> str:
        """The counts, most frequent first, and the two dearest cases."""
        rows = [f"{count:>7}  {outcome}" for outcome, count in self.outcomes.most_common()]
        rows.append(f"slowest {self.slowest[0]:.2f} s ({self.slowest[1]})")
        rows.append(f"largest {self.largest[0] / 1024:.0f} MiB more ({self.largest[1]})")
        return "\n".join(rows)


@contextlib.contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Raise `Hang` in a block that computes for longer, or waits for many times as long."""

    def ring(number: int, frame: object) -> None:
        what = "computed" if number == signal.SIGPROF else "waited"
        raise Hang(f"{what} for longer than it may: {seconds} s")

    kinds = (signal.SIGPROF, signal.SIGALRM)
    before = [signal.signal(kind, ring) for kind in kinds]
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.alarm(seconds * PATIENCE)
    faulthandler.dump_traceback_later(seconds * PATIENCE + GRACE, exit=True, file=sys.__stderr__)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
        faulthandler.cancel_dump_traceback_later()
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)


def forget_peak() -> int:
    """Begin to measure the peak of resident memory anew; what is resident now, in KiB."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def peak() -> int:
    """The most that was resident since `forget_peak`, in KiB."""
    return _status("VmHWM")


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise RuntimeError(f"/proc/self/status has no {name}; the fuzzers need Linux")


@dataclass(frozen=True)
class Ended:
    """What a command did: its exit status and what it said."""

    status: int
    out: str
    error: str


def command(main: Callable[[list[str]], int], words: list[str]) -> Ended:
    """Run the command line's own entry function and catch what it prints."""
    out, error = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
        try:
            status = main(words)
        except SystemExit as stop:  # argparse
            status = stop.code if isinstance(stop.code, int) else 1
    return Ended(status, out.getvalue(), error.getvalue())


def complaint(ended: Ended) -> str | None:
    """What is wrong with the way a command ended; None where it ended well."""
    if ended.status not in (0, 2):
        return f"exit status {ended.status}: {story(ended.error)}"
    if "Traceback" in ended.error:
        return f"a traceback: {ended.error[-500:]}"
    if ended.status == 2 and not ended.error.strip():
        return "refused without a message"
    for line in ended.error.splitlines():
        if len(line) > LONGEST_LINE:
            return f"a message of {len(line)} characters: {line[:80]!r}..."
        if any(not char.isprintable() for char in line):
            return f"a message with control characters: {line[:200]!r}"
    return None


def story(error: str) -> str:
    """The last lines of the traceback that the command line left in a file."""
    path = Path(error.strip().rsplit(" ", 1)[-1])
    if not error.startswith("keras-recipes: internal error") or not path.is_file():
        return error[-500:]
    text = path.read_text(encoding="utf-8")
    path.unlink()
    return " | ".join(text.strip().splitlines()[-7:])
