"""A schedule for each phase of a training, which may end earlier than planned."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from ..arguments import check_steps
from .arguments import Schedule, Steps
from .base import Curve, as_schedule, exact, phases_of
from .tensors import Config, Tensor, ops


@keras.saving.register_keras_serializable(package="keras_recipes")
class Phased(Curve):
    """One schedule for a training, and others for some of its phases.

    rate(t) = schedules[i](u - starts[i]) in a phase i with a schedule of its own, which begins at
    its step 0, and schedule(u) in any other, with u = t + before.

    `keras_recipes.callbacks.Phases` calls `begin` at each edge, so that a phase that ends early
    lets the next begin early. Until then `starts` are the planned ones.

    Args:
        schedule: a schedule or a number: the rate where a phase has none.
        schedules: for each phase a schedule, a number, or None.
        starts: first step of each phase; that of the first is 0.
        before: steps before the optimizer's count last restarted at 0; 0 at first.

    Attributes:
        starts: a `keras.Variable`, which the compiled step reads in every update.
        before: another one.

    >>> schedule = Phased(0.1, [1.0, None], starts=[0, 10])
    >>> [round(float(schedule(step)), 6) for step in (9, 10)]
    [1.0, 0.1]
    """

    def __init__(
        self,
        schedule: Schedule | float,
        schedules: Sequence[Schedule | float | None],
        starts: Sequence[Steps],
        before: Steps = 0,
    ):
        self.schedule = as_schedule("schedule", schedule)
        self.schedules = [
            None if item is None else as_schedule(f"schedules[{index}]", item)
            for index, item in enumerate(schedules)
        ]
        first = [check_steps(f"starts[{index}]", start) for index, start in enumerate(starts)]
        if len(first) != len(self.schedules) or first[:1] != [0] or first != sorted(first):
            raise ValueError(
                "Argument `starts` must be a step for each of the schedules, from 0 and not "
                f"falling. Received: {len(self.schedules)} schedules, starts={first}"
            )
        self.starts = _count(first, "phase_starts")
        self.before = _count(check_steps("before", before), "phase_updates_before")

    def begin(self, phase: int, step: int, *, restarted: bool = False) -> None:
        """Let a phase begin at an update of the optimizer.

        Args:
            phase: its index.
            step: updates that the optimizer counts now.
            restarted: whether the optimizer's count is about to restart at 0.
        """
        now = int(ops.convert_to_numpy(self.before)) + step
        starts = ops.convert_to_numpy(self.starts).copy()
        starts[phase] = now
        # Where a phase has begun late, those after it cannot have begun before it.
        starts[phase:] = starts[phase:].clip(min=now)
        self.starts.assign(starts)
        if restarted:
            self.before.assign(now)

    def phases(self) -> list[tuple[int, str]]:
        """The starts, and the phases of each schedule that lie within its stretch."""
        begins = [int(start) for start in ops.convert_to_numpy(self.starts)]
        found = []
        for index, (begin, end) in enumerate(zip(begins, [*begins[1:], None], strict=True)):
            own = self.schedules[index]
            inner = phases_of(self.schedule) if own is None else phases_of(own, begin)
            found += [(begin, f"phase {index + 1}")] if index else []
            found += [row for row in inner if row[0] >= begin and (end is None or row[0] < end)]
        return found

    def rate(self, step: Tensor) -> Tensor:
        now = step + ops.cast(self.before, "int64")
        rate = common = exact(self.schedule, now)
        for index, schedule in enumerate(self.schedules):
            start = ops.cast(self.starts[index], "int64")
            own = common if schedule is None else exact(schedule, ops.maximum(now - start, 0))
            rate = ops.where(now >= start, own, rate)
        return rate

    def get_config(self) -> Config:
        """The schedules, and the counts as they are now."""
        saved = keras.saving.serialize_keras_object
        return {
            "schedule": saved(self.schedule),
            "schedules": [None if item is None else saved(item) for item in self.schedules],
            **self._counts(),
        }

    def _counts(self) -> dict[str, int | list[int]]:
        return {
            "starts": [int(start) for start in ops.convert_to_numpy(self.starts)],
            "before": int(ops.convert_to_numpy(self.before)),
        }

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        # For copies and pickles: a variable cannot be pickled, its value can.
        return type(self), (self.schedule, self.schedules, *self._counts().values())


def _count(value: int | list[int], name: str) -> keras.Variable:
    return keras.Variable(value, dtype="int64", trainable=False, name=name)
