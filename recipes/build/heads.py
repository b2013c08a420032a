"""The ends of a network: its one output, or several by name, each with a task of its own."""

from collections.abc import Mapping
from dataclasses import dataclass

import keras
import numpy as np

from ...models import LabelLoss, StandardizedLoss
from ...models.loss_weights import LossTerm, Term
from ..data import Data
from ..data.balance import Balance
from ..data.frame import plain
from ..data.heads import field_of
from ..errors import RecipeError
from ..record.contents import JSONObject
from ..spec import Choice, Recipe
from ..spec.heads import heads_of
from ..spec.parts import LEARNED
from ..spec.target_checks import no_threshold
from ..spec.targets import DEFAULT_THRESHOLD
from ..spec.tasks import BINARY_LOSSES, FOCAL_LOSSES
from .balance import balance_of, balance_of_each
from .metrics import metrics
from .objects import Builder
from .task import Form, Task, summary, task_of

EMPTY: Mapping[str, Term] = {}


@dataclass(frozen=True)
class End:
    """One of several outputs.

    Attributes:
        recipe: of this output alone; its problems stand at the lines of the output.
        task: form of its targets.
        loaded: the data with its targets alone; None for a model of the user's own.
    """

    recipe: Recipe
    task: Task
    loaded: Data | None = None

    @property
    def data(self) -> Data:
        """The data of an output of the recipe's own network, with the targets of that output."""
        assert self.loaded is not None
        return self.loaded


@dataclass(frozen=True)
class Ends:
    """Several outputs by name; what a `Task` is to one."""

    each: Mapping[str, End]

    def encode(self, y: np.ndarray) -> dict[str, np.ndarray]:
        """Targets by output, as its loss wants them.

        Args:
            y: records with a field for each output.
        """
        return {name: end.task.encode(field_of(y, name)) for name, end in self.all}

    @property
    def all(self) -> list[tuple[str, End]]:
        """Each output with its name."""
        return list(self.each.items())


def ends_of(recipe: Recipe, data: Data) -> Task | Ends:
    """The task of the one output, or of each of several.

    Raises:
        RecipeError: a loss cannot compare the targets, with its line.
    """
    heads = heads_of(recipe)
    if not heads:
        return task_of(recipe, data)
    own = {name: data.of(name) for name in heads}
    return Ends(
        {name: End(head, task_of(head, own[name]), own[name]) for name, head in heads.items()}
    )


def check_thresholds(recipe: Recipe, ends: Task | Ends, data: Data) -> None:
    """Raise where no threshold is possible, or none can be chosen."""
    if isinstance(ends, Task):
        _check_threshold(recipe, ends, data)
        return
    for _, end in ends.all:
        _check_threshold(end.recipe, end.task, end.data)


def _check_threshold(recipe: Recipe, task: Task, data: Data) -> None:
    """Raise a `RecipeError` where no threshold decides, or none can be chosen, with the line."""
    asked, place = recipe.data.threshold, ("data", "threshold")
    if asked == DEFAULT_THRESHOLD:
        return
    why = ""
    if task.kind == "regression":
        why = "the targets are numbers to predict"
    elif task.ordered or (task.kind == "classification" and task.classes != 2):
        why = f"there are {task.classes} {'ordered ' * task.ordered}classes"
    if why:
        raise RecipeError([recipe.problem(place, no_threshold(why))])
    if not isinstance(asked, dict):
        return
    if data.validation is None:
        why = "the threshold is chosen on validation rows, and there are none."
        raise RecipeError([recipe.problem(place, why)])
    columns = data.validation.y.reshape(len(data.validation.y), -1)
    constant = np.flatnonzero(columns.min(axis=0) == columns.max(axis=0)).tolist()
    if constant:
        several = task.kind == "multilabel"
        label = constant[0]
        name = plain(data.target[label]) if len(data.target) > 1 else str(label)
        where = f" for the label {name}" if several else ""
        raise RecipeError(
            [
                recipe.problem(
                    place,
                    f"all validation rows have the same target{where}, so that no threshold can "
                    "be chosen. Use more validation rows, or write the threshold as a number.",
                )
            ]
        )


def balance_for(recipe: Recipe, ends: Task | Ends, y: np.ndarray) -> Balance | None:
    """What makes up for rare classes in training, of each output by itself.

    Args:
        y: targets of the training rows.
    """
    if isinstance(ends, Task):
        return balance_of(recipe, ends, y)
    outputs = {name: (end.recipe, end.task) for name, end in ends.all}
    return balance_of_each(outputs, {name: field_of(y, name) for name in outputs})


def losses_of(
    recipe: Recipe, ends: Task | Ends, builder: Builder, terms: Mapping[str, Term] = EMPTY
) -> keras.Loss | dict[str, keras.Loss]:
    """The loss of the one output, or of each by name.

    Args:
        terms: how a loss enters the sum where its weight is a schedule or learned.
    """
    if isinstance(ends, Task):
        return _loss_of(recipe, ends, builder)
    losses = {name: _loss_of(end.recipe, end.task, builder) for name, end in ends.all}
    return {
        name: LossTerm(loss, terms[name]) if name in terms else loss
        for name, loss in losses.items()
    }


def _loss_of(recipe: Recipe, task: Task, builder: Builder) -> keras.losses.Loss:
    """The recipe's loss, or the one that fits the task; of standardized values, where asked."""
    found = builder.make("losses", _loss_choice(recipe, task), ("loss",))
    if task.form is Form.MULTILABEL and recipe.data.balance != "none":
        return LabelLoss(found, name=found.name)
    if task.scaling is None:
        return found
    offset, divisor = task.scaling.offset.tolist(), task.scaling.divisor.tolist()
    return StandardizedLoss(found, offset, divisor, name=found.name)


def _loss_choice(recipe: Recipe, task: Task) -> Choice:
    """The loss with the weights of a focal one, unless the recipe gives them."""
    choice = recipe.loss or Choice("losses", task.loss)
    if task.alpha is None or choice.name not in FOCAL_LOSSES:
        return choice
    weights: dict[str, object] = {"alpha": _as_argument(task.alpha)}
    if choice.name in BINARY_LOSSES:
        weights["apply_class_balancing"] = True  # without it Keras leaves alpha out
    return choice.with_arguments(**{**weights, **choice.arguments})


def _as_argument(alpha: float | tuple[float, ...]) -> float | list[float]:
    return list(alpha) if isinstance(alpha, tuple) else alpha


def loss_weights(recipe: Recipe) -> dict[str, float] | None:
    """The weights that are numbers, 1 for the others; None for one output."""
    outputs = recipe.model.outputs
    weights = {name: output.weight for name, output in outputs.items()}
    numbers = {name: w if isinstance(w, float) else 1.0 for name, w in weights.items()}
    return numbers or None


def terms_of(
    recipe: Recipe, builder: Builder, model: keras.Model, optimizer: keras.Optimizer
) -> dict[str, Term]:
    """How each loss whose weight is a schedule or learned enters the sum.

    Args:
        model: the network, which has a `LossWeight` for each that is learned.
    """
    found: dict[str, Term] = {}
    for name, output in recipe.model.outputs.items():
        if isinstance(output.weight, Choice):
            place = ("model", "outputs", name, "weight")
            schedule = builder.make("schedules", output.weight, place)
            found[name] = Term.scheduled(schedule, optimizer.iterations)
        elif output.weight == LEARNED:
            found[name] = Term.learned(model.get_layer(weight_name(name)))
    return found


def reached_terms(recipe: Recipe, described: JSONObject) -> dict[str, Term]:
    """The terms at the end of a run, from its `data.json`."""
    heads = described.get("heads", {})
    return {
        name: Term.constant(*heads[name].get("term", (1.0, 0.0)))
        for name, output in recipe.model.outputs.items()
        if not isinstance(output.weight, float)
    }


def weight_name(output: str) -> str:
    """Name of the layer that has the learned weight of a loss."""
    return f"{output}_loss_weight"


def metrics_of(
    recipe: Recipe, ends: Task | Ends, builder: Builder
) -> list[keras.Metric] | dict[str, list[keras.Metric]]:
    """The metrics of the one output, or of each by name."""
    if isinstance(ends, Task):
        return metrics(recipe, ends, builder)
    return {name: metrics(end.recipe, end.task, builder) for name, end in ends.all}


def output_words(recipe: Recipe, task: Task) -> str:
    """An output layer, in words."""
    choice = recipe.model.output
    if choice is None and task.ordered:
        return f"cumulative link, {task.units} classes"
    if choice is None:
        return f"dense, {task.units} x {task.activation}"
    given = ", ".join(f"{name}={value}" for name, value in choice.arguments.items())
    return f"{choice.name} ({given})" if given else choice.name


def summary_of(recipe: Recipe, ends: Task | Ends, data: Data) -> str:
    """A line about the task of each output."""
    if isinstance(ends, Task):
        return summary(ends, data, output_words(recipe, ends))
    return "\n".join(
        f"output {name}: {summary(end.task, end.data, output_words(end.recipe, end.task))}"
        for name, end in ends.all
    )
