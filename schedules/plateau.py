"""A factor on any schedule, cut when the training stops getting better."""

from __future__ import annotations

import keras

from ..arguments import check_number
from .arguments import Schedule
from .base import Curve, as_schedule, exact, phases_of
from .tensors import Config, Tensor, ops


@keras.saving.register_keras_serializable(package="keras_recipes")
class Plateau(Curve):
    """A schedule times a factor that a callback reduces.

    rate(t) = factor * schedule(t)

    `keras_recipes.callbacks.ReduceOnPlateau` monitors a value and reduces the factor, so that a
    schedule and a plateau rule can be combined; Keras's `ReduceLROnPlateau` raises a TypeError at
    the first plateau of an optimizer with a schedule.

    Args:
        schedule: a schedule or a number.
        factor: the present factor, >= 0; 1 at first. It is saved with the model.

    Attributes:
        factor: a `keras.Variable`, which the compiled step reads in every update.

    >>> schedule = Plateau(0.5)
    >>> schedule.factor.assign(0.5)  # doctest: +SKIP
    >>> float(schedule(0))
    0.5
    """

    def __init__(self, schedule: Schedule | float, factor: float = 1.0):
        self.schedule = as_schedule("schedule", schedule)
        self.factor = keras.Variable(
            check_number("factor", factor, ge=0),
            dtype="float32",
            trainable=False,
            name="plateau_factor",
        )

    def phases(self) -> list[tuple[int, str]]:
        """Those of the schedule."""
        return phases_of(self.schedule)

    def rate(self, step: Tensor) -> Tensor:
        return exact(self.schedule, step) * ops.cast(self.factor, "float64")

    def get_config(self) -> Config:
        """The schedule and the factor as it is now."""
        return {
            "schedule": keras.saving.serialize_keras_object(self.schedule),
            "factor": float(ops.convert_to_numpy(self.factor)),
        }

    def __reduce__(self) -> tuple[type, tuple[Schedule, float]]:
        # For copies and pickles: a variable cannot be pickled, its value can.
        return type(self), (self.schedule, float(ops.convert_to_numpy(self.factor)))
