"""Compiled models of trainings that have ended, for others of the same shape in this process.

TensorFlow traces a training step for a model object, which takes most of the time of a short
training. A training that differs from an earlier one only in its learning rate, or in the schedule
of it, has the same program: the rate is a variable in it. Its model is built as usual, and the
values of all variables are put into the earlier model, whose functions are traced.
"""

import json
import math
from collections import OrderedDict
from dataclasses import replace

import keras

from ...callbacks.run_state.rng_state import keep_functions
from ...callbacks.variables import Variable, schedule_variables, variable_groups
from ...models.training_step import TrainingStep
from ..build.experiment import Experiment
from ..spec import Choice, Recipe
from ..spec.dump import to_plain
from ..spec.plugins import plugins_of

# The most models that are kept with their programs, such as one for each batch size of a search.
MOST = 8
# Larger ones train so long that tracing does not matter, and would fill the memory.
MOST_BYTES = 1 << 25
# Keys that do not change what is computed, and the one whose values are variables.
FREE = ("name", "description", "checkpoints", "tracking", "learning_rate")
# What changes a model, or its step, while it trains, beside the values of variables.
CHANGING = ("phases", "pretraining", "weight_averaging", "initialize", "ensemble")


class Programs:
    """The compiled models of a process, those that were used last."""

    def __init__(self) -> None:
        self._models: OrderedDict[str, TrainingStep] = OrderedDict()

    def take(self, recipe: Recipe, built: Experiment) -> Experiment:
        """The experiment with a model that was compiled before, if one has the same program."""
        if not is_plain(recipe):
            return built
        keep_functions(built.model)
        model = self._models.pop(shape_of(recipe, built), None)
        if model is None:
            return built
        pairs = matched(built.model, model)
        if pairs is None:
            return built
        for new, old in pairs:
            old.assign(new)
        use_schedule_of(built.model, model)
        return replace(built, model=model)

    def keep(self, recipe: Recipe, built: Experiment) -> None:
        """Keep the model of a training that is completed."""
        if is_plain(recipe) and bytes_of(built) <= MOST_BYTES:
            self._models[shape_of(recipe, built)] = built.model
            while len(self._models) > MOST:
                self._models.popitem(last=False)


def is_plain(recipe: Recipe) -> bool:
    """Whether a training changes only the values of its model's variables."""
    return (
        not any(getattr(recipe, name) for name in CHANGING)
        and recipe.precision != "auto"
        and not isinstance(recipe.data.batch_size, dict)
        and not isinstance(recipe.model.backbone, Choice)
        and not recipe.model.outputs
        and not plugins_of(recipe)
    )


def bytes_of(built: Experiment) -> int:
    """Approximate bytes of a model's variables, and of the rows that it may hold."""
    groups = variable_groups(built.model).values()
    weights = sum(
        4 * math.prod(axis or 1 for axis in variable.shape)
        for group in groups
        for variable in group
    )
    return weights + sum(
        getattr(part, "nbytes", 0) for part in keras.tree.flatten(built.data.train.x)
    )


def shape_of(recipe: Recipe, built: Experiment) -> str:
    """What two trainings must have in common to have the same program."""
    plain = {key: value for key, value in to_plain(recipe).items() if key not in FREE}
    fed = built.model.rate_feed is not None
    parts = [plain, fed, built.data.fingerprint, built.precision.name]
    return json.dumps(parts, sort_keys=True, default=str)


def use_schedule_of(new: TrainingStep, old: TrainingStep) -> None:
    """Let the optimizer of a model follow the schedule of another one, if that has one."""
    if new.rate_feed is not None and old.rate_feed is not None:
        rate = new.rate_feed.schedule
        old.rate_feed.use(rate, list(schedule_variables(rate)))


def matched(new: keras.Model, old: keras.Model) -> list[tuple[Variable, Variable]] | None:
    """Each variable of a model with that of another one; None where they are not alike."""
    pairs: list[tuple[Variable, Variable]] = []
    first, second = variable_groups(new), variable_groups(old)
    for name, group in first.items():
        if [_form(v) for v in group] != [_form(v) for v in second[name]]:
            return None
        pairs += zip(group, second[name], strict=True)
    return pairs


def _form(variable: Variable) -> tuple[tuple[int | None, ...], str]:
    return tuple(variable.shape), str(variable.dtype)
