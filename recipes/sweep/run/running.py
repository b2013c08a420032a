"""A sweep that runs: its chief, its workers, its display and its end."""

import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from types import FrameType
from typing import Unpack

from ....disk import when_there_is_space
from ...errors import TrainingFailed
from ...inputs import Arrays
from ...record.directory import RunDirectory
from ...spec.tracking import TrackerName
from ..engine.oracle_state import MEND, STATE, OracleState
from ..engine.search import Search, make_oracle
from ..engine.trial import TrialOutcome, check_settings
from ..spec.records import Sweep
from ..stored import damaged
from .access import LOOPBACK, Address, make_token, reachable
from .answer import SweepAnswer, answer_of
from .chief import Chief, Event
from .display import SweepDisplay
from .folder import ORACLE, RESULT, fingerprint, flush_events, keep_attempt, record_event
from .forks import remove_beginnings, steps_of
from .leases import Leases
from .planned import list_trials
from .pool import Pool
from .process import Job
from .result import Status, SweepResult, asked
from .server import serve
from .space import OutOfSpace
from .tables import TrialTable, write_tensorboard
from .tls import Identity
from .tracked import TrackedSweep
from .trial import Trainer
from .winner import ranked
from .worker import ChiefGone, LocalClient, Worker

# Seconds between two checks of the workers.
LOOK = 0.1
# Seconds that a chief still answers at the end; several times a worker's pause between calls.
FAREWELL = 2.0
# Seconds between two pictures of the table on a terminal.
REDRAW = 0.5
# TensorFlow may keep something of a model that it has trained, and a plugin anything.
TRIALS_A_PROCESS = 100
# The address for workers of this machine alone: any free port.
ANY_PORT = Address(LOOPBACK, 0)


class Running:
    """A sweep that runs, with its chief in this process.

    Args:
        sweep: the sweep.
        where: its directory.
        lease: seconds without a heartbeat after which a worker counts as dead.
        arrays: `(x, y)` for a recipe whose data source is `arrays`.
        progress: show the trials as they come.
        track: experiment trackers beside those of the recipe.
    """

    def __init__(
        self,
        sweep: Sweep,
        where: RunDirectory,
        *,
        lease: float,
        arrays: Arrays | None = None,
        progress: bool = True,
        track: Sequence[TrackerName] = (),
    ):
        self.sweep = sweep
        self.where = where
        self.lease = lease
        self.arrays = arrays
        self.chief = Chief(
            Search(make_oracle(sweep)),
            OracleState(where / ORACLE),
            leases=Leases(lease),
            most_failures=sweep.max_consecutive_failures,
            epochs=sweep.epochs,
            seconds=sweep.seconds,
            on_event=self.on_event,
        )
        try:
            check_settings(sweep, self.chief.search.trials())
        except ValueError as error:
            raise damaged(where / ORACLE / STATE, str(error), MEND) from None
        list_trials(sweep, where.path)
        self.table = TrialTable(sweep, where.path)
        self.tracked = TrackedSweep(sweep, where, track)
        self.display = SweepDisplay(sweep, quiet=not progress)
        self.signal: signal.Signals | None = None
        # Whether the trials train in this process, which then looks at them between epochs.
        self.here = False
        self.changed = True
        self.looked = 0.0

    # Searching in this process, or in others.

    def alone(self) -> SweepResult:
        """Train one trial after another, in this process."""
        self.here = True
        self.tracked.begin()
        trainer = Trainer(self.sweep, self.where.path, self.arrays)
        worker = Worker(self.sweep, LocalClient(self.chief), trainer, lease=self.lease)
        with self.display, self.listening():
            self.look()
            try:
                outcome = worker.work(more=lambda: self.signal is None)
            except KeyboardInterrupt:
                return self.interrupted()
            except ChiefGone as error:
                return self.end("failed", str(error))
        self.check_space(outcome)
        if trainer.signal is not None:
            # A training listens itself while it runs.
            self.signal = signal.Signals[trainer.signal]
        interrupted = outcome is TrialOutcome.INTERRUPTED or self.signal is not None
        return self.interrupted() if interrupted else self.finish()

    def with_workers(
        self, pool: Pool, address: Address | None, identity: Identity | None = None
    ) -> SweepResult:
        """Train several trials at once, each in a process of this machine or of another."""
        self.tracked.begin()
        token = make_token(self.where.path)
        with self.served(address, token, identity) as here:
            job = Job(
                self.sweep,
                self.where.path.resolve(),
                str(here),
                "",
                fingerprint=fingerprint(self.sweep),
                token=token,
                lease=self.lease,
                patience=self.lease,
                arrays=self.arrays,
                most=TRIALS_A_PROCESS,
            )
            return self.employing(pool, job)

    @contextmanager
    def served(
        self, address: Address | None, token: bytes, identity: Identity | None
    ) -> Iterator[Address]:
        """Answer the workers meanwhile; where those of this machine find the chief."""
        mark = fingerprint(self.sweep)
        with ExitStack() as stops:
            # A certificate names the machine for others: its own workers do not need it.
            place = ANY_PORT if address is None or identity is not None else address
            port, stop = serve(self.chief, place, mark, token)
            stops.callback(stop)
            if address is not None and identity is not None:
                stops.callback(serve(self.chief, address, mark, token, identity)[1])
            try:
                yield reachable(place, port)
            finally:
                if address is not None:
                    # An idle worker of another machine asks again, and learns that all is done.
                    time.sleep(FAREWELL)

    def employing(self, pool: Pool, job: Job) -> SweepResult:
        """Run the processes of a pool, and any that join, until all is done."""
        pool.employ(job)
        try:
            with self.display, self.listening():
                while not self.chief.finished and self.signal is None:
                    self.check_space()
                    pool.kill(self.chief.silent())
                    pool.watch(
                        self.chief.lost,
                        more=lambda: not self.chief.finished,
                        came=self.chief.workers.__contains__,
                    )
                    self.look_again()
                    time.sleep(LOOK)
                self.look()
            if self.signal is not None:
                pool.stop()
                return self.interrupted()
            self.check_space()
            return self.finish()
        except TrainingFailed as error:
            return self.end("failed", str(error))
        finally:
            pool.stop()

    def check_space(self, outcome: TrialOutcome | None = None) -> None:
        """End the sweep if the chief, or the last trial, has waited too long for disk space."""
        if self.chief.full or outcome is TrialOutcome.OUT_OF_SPACE:
            raise OutOfSpace(self.where.path)

    # Events of the search.

    def on_event(self, event: Event, trial_id: str) -> None:
        """Record what happens to a trial."""
        if event is not Event.EPOCH:
            record_event(self.where.path, event, trial_id)
            self.changed = True
        if event is Event.RETRY:
            keep_attempt(self.where.path, trial_id)
        if self.here:
            self.look_again()

    def look_again(self) -> None:
        """Show the state of the trials, if it has changed."""
        if self.changed or (self.display.live and time.monotonic() - self.looked > REDRAW):
            self.look()

    def look(self) -> None:
        """Show the state of the trials."""
        self.changed, self.looked = False, time.monotonic()
        # A trial that is just ending has its status, and no score yet.
        with self.chief.lock:
            rows = self.table.rows(self.chief.search.trials())
        self.display.update(rows)
        self.tracked.look(rows)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Remember a SIGINT or SIGTERM; a second one has its usual effect."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        numbers = (signal.SIGINT, signal.SIGTERM)

        def receive(number: int, frame: FrameType | None) -> None:
            self.signal = signal.Signals(number)
            restore()

        before = {number: signal.signal(number, receive) for number in numbers}

        def restore() -> None:
            for number, handler in before.items():
                signal.signal(number, handler)

        try:
            yield
        finally:
            restore()

    # The end of the search.

    def interrupted(self) -> SweepResult:
        """The result so far; the same command continues the trials that run."""
        self.chief.stop("interrupted")
        name = "a signal" if self.signal is None else self.signal.name
        return self.end("interrupted", f"{name} received; the same command continues")

    def finish(self) -> SweepResult:
        """The table, the winner and what was asked of it."""
        rows = self.table.write(self.chief.search.trials())
        best = ranked(rows, self.sweep.objective)
        if not best:
            return self.end("failed", self.chief.stopping or "no trial was completed")
        found = answer_of(self.sweep, self.where.path, best, self.arrays)
        found["rounds"] = [asdict(item) for item in self.chief.search.rounds() or []]
        write_tensorboard(self.where.path, rows)
        remove_beginnings(self.where.path)
        status = "failed" if self.chief.stopping else "completed"
        return self.end(status, self.chief.stopping or "the search is complete", **found)

    def end(self, status: Status, reason: str, **found: Unpack[SweepAnswer]) -> SweepResult:
        """Write the table and the result."""
        rows = self.table.write(self.chief.search.trials())
        self.tracked.look(rows)
        steps, shared = steps_of([self.where / name for row in rows for name in row.directories])
        result = SweepResult(
            status,
            str(self.where.path),
            reason,
            trials=sum(row.status != "running" for row in rows),
            failed=sum(row.status == "failed" for row in rows),
            epochs=sum(row.epochs for row in rows),
            steps=steps,
            shared_steps=shared,
            seconds=round(self.chief.spent, 3),
            signal=None if self.signal is None else self.signal.name,
            order=[row.trial for row in ranked(rows, self.sweep.objective)],
            asked=asked(self.sweep),
        )
        result = replace(result, **found)
        when_there_is_space(self.chief.save)
        when_there_is_space(lambda: self.where.write_json(RESULT, result.to_json()))
        # Events are for people; if the last of them are missing, the sweep has not failed.
        flush_events(self.where.path)
        return result
