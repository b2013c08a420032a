"""Up to which batch the trainings of a sweep compute the same, by what their recipes say.

Two trainings share a beginning where nothing differs but what is known to act later: schedules,
which are compared update by update as the float32 numbers that they give, and the number of epochs
where nothing else is counted by it. Any other difference, and they share nothing.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from keras.optimizers.schedules import LearningRateSchedule

from ....callbacks.variables import schedule_variables
from ...build.compiling import optimizer
from ...build.objects import Builder
from ...build.parts import momentum, part, scheduled
from ...errors import RecipeError
from ...spec import Choice, Recipe
from ...spec.dump import to_plain
from ...spec.plugins import plugins_of

# Values of schedules that are compared at most, of all trainings together: 400 MB.
MOST_VALUES = 100_000_000
# Values outside of schedules that depend on the length of a run: percentages and formulas.
BY_LENGTH = re.compile(r'[0-9.]+ *%"|"expression"')
# Keys that do not change what is computed.
FREE = ("name", "description", "checkpoints", "tracking")
SCHEDULED = {"is": "a schedule"}
# Keys that may differ between trainings that share a beginning.
SHAREABLE = ("learning_rate", "epochs", "optimizer", "weight_decay", "phases")


@dataclass(frozen=True)
class RateCurve:
    """The part of a training in which another one with the same beginning may differ.

    Attributes:
        values: of its schedules at each update, as bytes that compare in the order of the updates.
        width: bytes an update.
        state: values of the schedules' variables at the beginning, which a checkpoint restores.
        updates: optimizer updates of the run.
        batches: batches of the run.
        accumulation: batches an update.
    """

    values: bytes
    width: int
    state: bytes
    updates: int
    batches: int
    accumulation: int

    def common(self, updates: int) -> int:
        """The batches of this many updates, at most all of the run."""
        return self.batches if updates >= self.updates else updates * self.accumulation


def rest(recipe: Recipe) -> str:
    """All of a recipe that must be the same where two trainings share a beginning."""
    plain = {key: value for key, value in to_plain(recipe).items() if key not in FREE}
    stopped_early = any("early_stopping" in choice.name for choice in recipe.callbacks)
    if isinstance(recipe.learning_rate, Choice):
        plain["learning_rate"] = SCHEDULED
    for name in scheduled(recipe):
        plain["optimizer"][recipe.optimizer.name][name] = SCHEDULED
    if recipe.weight_decay is not None and isinstance(_rate(recipe.weight_decay), Choice):
        plain["weight_decay"]["rate"] = SCHEDULED
    # A phase that ends early lets the next begin, at an update that no schedule says.
    if recipe.phases and not stopped_early:
        for phase in plain["phases"]:
            if phase.get("learning_rate") is not None:
                phase["learning_rate"] = SCHEDULED
    epochs = plain.pop("epochs", None)
    own = {key: value for key, value in plain.items() if key != "data"}
    if BY_LENGTH.search(json.dumps(own, default=str)):
        plain["epochs"] = epochs
    return json.dumps(plain, sort_keys=True, default=str)


def _rate(decay: Choice) -> object:
    return decay.arguments.get("rate")


def may_share(recipe: Recipe) -> bool:
    """Whether a training could share its beginning.

    A class of the user's own may depend on anything, and what is measured may come out otherwise
    each time.
    """
    measured = recipe.precision == "auto" or isinstance(recipe.data.batch_size, dict)
    return not plugins_of(recipe) and not measured


def groups(recipes: Sequence[Recipe]) -> list[list[int]]:
    """Groups of at least two recipes, by index, that differ only in what may act later."""
    found: dict[str, list[int]] = defaultdict(list)
    for index, recipe in enumerate(recipes):
        if may_share(recipe):
            found[rest(recipe)].append(index)
    return [indices for indices in found.values() if len(indices) > 1]


def curve(recipe: Recipe, steps_per_epoch: int) -> RateCurve:
    """The values of a recipe's schedules over its run."""
    builder = Builder(recipe, steps_per_epoch)
    decay = part(recipe, builder, "weight_decay")
    given = (
        optimizer(recipe, builder)._learning_rate,
        momentum(recipe, builder),
        getattr(decay, "rate", None),
    )
    schedules = [each for each in given if isinstance(each, LearningRateSchedule)]
    updates = np.arange(builder.updates, dtype="int64")
    rows = [np.asarray(schedule(updates), "float32") for schedule in schedules]
    # Big-endian, so that only whole values are compared, wherever they differ.
    table = np.stack(rows, axis=1).astype(">f4") if rows else np.zeros((len(updates), 0), ">f4")
    state = [np.asarray(v) for schedule in schedules for v in schedule_variables(schedule)]
    return RateCurve(
        table.tobytes(),
        4 * len(rows),
        repr([(v.shape, v.tobytes()) for v in state]).encode(),
        builder.updates,
        steps_per_epoch * recipe.epochs,
        recipe.gradient_accumulation,
    )


def first_difference(first: RateCurve, second: RateCurve) -> int:
    """Updates before the first in which two curves differ, bit for bit, or one of them ends."""
    most = min(first.updates, second.updates)
    if first.state != second.state or first.width != second.width:
        return 0
    size = most * first.width
    one, other = (np.frombuffer(each.values[:size], "uint8") for each in (first, second))
    differ = np.flatnonzero(one != other)
    return int(differ[0]) // first.width if len(differ) else most


def common_batches(
    recipes: Sequence[Recipe], steps_per_epoch: Callable[[Recipe], int]
) -> dict[tuple[int, int], int]:
    """Up to which batch each two trainings compute the same; pairs that share nothing are left out.

    Args:
        recipes: of the trainings.
        steps_per_epoch: the batches an epoch of a recipe's training rows.
    """
    found: dict[tuple[int, int], int] = {}
    for indices in groups(recipes):
        steps = steps_per_epoch(recipes[indices[0]])
        if sum(recipes[index].epochs * steps for index in indices) > MOST_VALUES:
            continue
        curves: dict[int, RateCurve] = {}
        for index in indices:
            # A recipe that cannot be trained raises its error when its trial is trained.
            with suppress(RecipeError):
                curves[index] = curve(recipes[index], steps)
        # Neighbours in this order share the most; two others, the least of those between them.
        order = sorted(curves, key=lambda index: _order(curves[index]))
        shared = [first_difference(curves[a], curves[b]) for a, b in pairwise(order)]
        for start, first in enumerate(order):
            least = None
            for second, updates in zip(order[start + 1 :], shared[start:], strict=True):
                least = updates if least is None else min(least, updates)
                batches = min(curves[i].common(least) for i in (first, second))
                if batches:
                    found[min(first, second), max(first, second)] = batches
    return found


def _order(given: RateCurve) -> tuple[bytes, bytes, int]:
    return given.state, given.values, given.updates
