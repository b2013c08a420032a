"""The one variable that an optimizer's learning rate can be cut by."""

from __future__ import annotations

from typing import Any

import keras

from .plateau import factors as factors_of


def rate_variable(optimizer: Any, who: str) -> Any:
    """The learning rate where it is a number; under a schedule, the factor of its plateau.

    Raises:
        ValueError: a schedule that holds no variable `factor`, so that nothing can cut its rate.

    >>> rate_variable(keras.optimizers.SGD(0.5), "me").name
    'learning_rate'
    """
    own = getattr(optimizer, "inner_optimizer", optimizer)
    rate = getattr(own, "_learning_rate", None)
    if not isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        return rate
    found = next(factors_of(rate), None)
    if found is None:
        raise ValueError(
            f"`{who}` cannot cut the rate of the schedule `{type(rate).__name__}`. Put it into a "
            "`keras_recipes.schedules.Plateau(schedule)`; in a recipe, "
            "`learning_rate: {plateau: {schedule: ...}}`."
        )
    return found


def velocities(optimizer: Any) -> list[Any]:
    """The moments that have the learning rate in them, as steps and not as gradients.

    Keras's SGD and RMSprop keep v <- momentum v - rate g: a rate that is cut leaves the old steps
    in v, and the weights go on at the old speed for some 1 / (1 - momentum) updates.

    >>> velocities(keras.optimizers.Adam())
    []
    """
    own = getattr(optimizer, "inner_optimizer", optimizer)
    if isinstance(own, keras.optimizers.SGD):
        return list(getattr(own, "momentums", []))
    if isinstance(own, keras.optimizers.RMSprop):
        return list(getattr(own, "_momentums", []))
    return []
