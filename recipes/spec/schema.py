"""The sections of a recipe and what each key means."""

import hashlib
import re
from typing import Annotated, Any, Literal, Self

from pydantic import Field as Key
from pydantic import PrivateAttr
from pydantic_core import InitErrorDetails

from ..errors import Problem
from .arguments import choice, section, validated
from .choices import Choice, Residual
from .dump import dump
from .durations import MOST_EPOCHS
from .fields import Field, Mismatch, failure, one_of, plain_name, shown
from .nodes import Node, Path, Place, is_dict, is_list, node_of
from .pretraining import PretrainingSection
from .resuming import CheckpointsSection, InitializeSection
from .strict import MOST, MOST_SEED, Count, Seed, Strict, details, invalid

__all__ = ["MOST_SEED", "DataSection", "ModelSection", "Recipe"]


def _part(*words: str) -> Field:
    """Part of the rows: a percentage, a fraction, a count, another source, or none."""
    expected = (
        "expected a part of the rows: `15%`, a fraction such as 0.15, a number of rows, "
        "a source such as `csv: {...}`, or null."
    )

    def check(value: Any) -> Any:
        if value is None or (value in words and isinstance(value, str)):
            return value
        if isinstance(value, (dict, Choice)):
            return validated("sources", value)
        part = _fraction(value)
        if part is None:
            raise Mismatch(expected)
        return part

    number = {"type": "number", "exclusiveMinimum": 0}
    percent = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]*)?\s*%$"}
    options: list[dict[str, Any]] = [number, percent, {"type": "null"}, {"x-choice": "sources"}]
    if words:
        options.append({"enum": list(words)})
    return Field(check, expected, {"anyOf": options})


def _fraction(value: Any) -> float | int | None:
    """A fraction below 1, a count from 1, or None where the value is neither."""
    if isinstance(value, str):
        found = re.fullmatch(r"([0-9]+(?:\.[0-9]*)?)\s*%", value.strip())
        value = float(found[1]) / 100 if found else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, int):
        return value if value >= 1 else None
    return value if 0 < value < 1 else None


def _count_or(word: str) -> Field:
    """A whole number from 1, or a word."""
    expected = f"expected a whole number from 1, or `{word}`."

    def check(value: Any) -> Any:
        if value == word:
            return value
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 2**31:
            raise Mismatch(expected)
        return value

    schema = {"anyOf": [{"type": "integer", "minimum": 1}, {"const": word}]}
    return Field(check, expected, schema)


def _layer(value: Any) -> Choice | Residual:
    """A layer choice, or a residual block."""
    if isinstance(value, Residual):
        return value
    if not is_dict(value) or set(value) != {"residual"}:
        return validated("layers", value)
    given, inner = value["residual"], ("residual",)
    if is_dict(given):
        try:
            block = _ResidualSection.model_validate(given)
        except ValueError as error:
            raise invalid(details(inner, error)) from None
        return Residual(tuple(block.layers), block.shortcut, (*inner, "layers"))
    if not is_list(given) or not given:
        message = f"expected a list of at least one layer. Received {shown(given)}."
        raise invalid(details(inner, failure("value", message)))
    layers: list[Choice | Residual] = []
    errors: list[InitErrorDetails] = []
    for index, item in enumerate(given):
        try:
            layers.append(_layer(item))
        except ValueError as error:
            errors.extend(details((*inner, index), error))
    if errors:
        raise invalid(errors)
    return Residual(tuple(layers))


Layer = Annotated[
    Choice | Residual, Field(_layer, "expected a layer.", {"x-choice": "layer_items"})
]
Section = Choice | None


class _ResidualSection(Strict):
    layers: list[Layer] = Key(min_length=1)
    shortcut: Literal["identity", "projection"] = "identity"


class DataSection(Strict):
    """Where the rows come from and how they are split, scaled and batched."""

    source: Annotated[Choice, choice("sources")] = Key(
        description="a bundled set, a Keras set, a file, or `arrays` given from Python"
    )
    task: Literal["auto", "classification", "regression", "multilabel"] = Key(
        "auto", description="what the targets are; `auto` tells by their values"
    )
    target_scale: Literal["auto", "standardize", "none"] = Key(
        "auto",
        description="learn standardized targets; predictions and metrics keep the targets' unit",
    )
    validation: Annotated[float | Choice | None, _part()] = Key(
        0.15, description="rows to validate on after each epoch: part of the rows, or a source"
    )
    test: Annotated[float | str | Choice | None, _part("auto")] = Key(
        "auto",
        description="rows for the one evaluation at the end; `auto` is the source's own, else 15%",
    )
    scale: Literal["minmax", "standardize", "none"] = Key(
        "none",
        description="scaling to [0, 1] or to mean 0 and deviation 1, fitted on the training rows",
    )
    batch_size: Annotated[int | Literal["all"], _count_or("all")] = Key(
        32, description="rows an update: `all` is batch, 1 is stochastic gradient descent"
    )
    drop_remainder: bool = Key(False, description="leave out the short last batch of an epoch")
    seed: Seed | None = Key(
        None, description="decides the splits; by default the recipe's own seed"
    )
    bootstrap_seed: Seed | None = Key(
        None,
        description="draw the training rows with replacement (a bootstrap sample), by this seed",
    )
    limit: Count | None = Key(
        None, description="use at most this number of rows of the source, for a short run"
    )
    num_labeled: Count | None = Key(
        None, description="training rows whose targets are used; pretraining sees all rows"
    )
    targets: Literal["dataset", "inputs"] = Key(
        "dataset",
        description="what is learned: the dataset's, or the scaled inputs (an autoencoder)",
    )


class ModelSection(Strict):
    """The network between the scaled input and the targets."""

    layers: list[Layer] = Key(
        description="Keras layers in order; `residual: [...]` adds its layers' output to its input"
    )
    output: Annotated[Choice, choice("layers")] | None = Key(
        None, description="the last layer; by default a dense one that fits the task"
    )


class EnsembleSection(Strict):
    """Several trainings whose outputs are averaged."""

    members: int = Key(ge=2, le=MOST, description="how many networks are trained")
    vary: Literal["seed", "data"] = Key(
        "seed", description="what differs: initial weights and orders, or the rows drawn as well"
    )


class Recipe(Strict):
    """How to train one model."""

    name: Annotated[str, plain_name()] = Key(
        description="what runs are called; by default the file's name"
    )
    description: str = Key("", description="a sentence for people")
    seed: Seed = Key(
        0, description="decides initial weights, splits, the order of each epoch, dropout"
    )
    data: DataSection
    pretraining: PretrainingSection | None = Key(
        None, description="a network trained before the model, whose weights the model starts from"
    )
    model: ModelSection
    loss: Annotated[Choice, choice("losses")] | None = Key(
        None, description="by default cross-entropy for classes, squared error for numbers"
    )
    metrics: list[Annotated[Choice, choice("metrics")]] | None = Key(
        None, description="by default accuracy for classes, rmse and mae for numbers"
    )
    optimizer: Annotated[Choice, choice("optimizers")] = Key(
        Choice("optimizers", "adam"), description="a Keras optimizer"
    )
    learning_rate: Annotated[float | Choice, choice("schedules", numbers=True)] | None = Key(
        None, description="a number or a schedule; by default the optimizer's own rate"
    )
    gradient_clipping: Annotated[Section, section("gradient_clipping")] = Key(
        None, description="bounds on the gradient"
    )
    weight_decay: Annotated[Section, section("weight_decay")] = Key(
        None, description="shrinking of the kernels"
    )
    layer_rates: Annotated[Section, section("layer_rates")] = Key(
        None, description="learning rates of single layers, as multiples"
    )
    gradient_accumulation: Count = Key(
        1, description="batches whose mean gradient makes one update"
    )
    gradient_transforms: list[Annotated[Choice, choice("gradient_transforms")]] = Key(
        [], description="centralization and noise of the gradient, in order"
    )
    sam: Annotated[Section, section("sam")] = Key(
        None, description="sharpness-aware minimization: two passes an update"
    )
    weight_averaging: Annotated[Section, section("weight_averaging")] = Key(
        None, description="an average of the weights, which is evaluated and saved"
    )
    epochs: int = Key(10, gt=0, le=MOST_EPOCHS, description="passes over the training rows")
    steps_per_execution: Annotated[int | Literal["auto"], _count_or("auto")] = Key(
        "auto", description="updates between two returns to Python"
    )
    jit_compile: Annotated[bool | Literal["auto"], one_of("auto", True, False)] = Key(
        "auto", description="compile the step with XLA; `auto` does where that is faster"
    )
    ensemble: EnsembleSection | None = Key(
        None, description="train several networks and average their outputs"
    )
    checkpoints: CheckpointsSection = Key(
        CheckpointsSection.model_validate({}),
        description="how often the run is stored, to resume it from",
    )
    initialize: InitializeSection | None = Key(
        None, description="weights of another training to start from"
    )
    callbacks: list[Annotated[Choice, choice("callbacks")]] = Key(
        [], description="callbacks, in order"
    )

    _tree: Node = PrivateAttr(default=node_of({}, Place("recipe")))

    def read_from(self, tree: Node) -> Self:
        """Remember the lines that the recipe was read from, for problems found later."""
        self._tree = tree
        return self

    def problem(self, path: Path, message: str) -> Problem:
        """A problem found after loading, at the line that `path` was read from."""
        return self._tree.problem(path, message)

    def __eq__(self, other: object) -> bool:
        # What a recipe says counts, and not the lines it was read from.
        if not isinstance(other, Recipe):
            return NotImplemented
        return self.fingerprint() == other.fingerprint()

    def __hash__(self) -> int:
        return hash(self.fingerprint())

    def fingerprint(self) -> str:
        """SHA-256 of the resolved recipe: equal recipes have equal fingerprints."""
        return hashlib.sha256(dump(self).encode()).hexdigest()
