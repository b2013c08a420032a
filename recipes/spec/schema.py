"""The sections of a recipe and what each key means."""

import hashlib
import re
from typing import Annotated, Any

from pydantic import Field as Key
from pydantic import PlainValidator, PrivateAttr, WithJsonSchema

from ..errors import Problem
from .choices import Choice, Residual, arguments_of, choice, validated
from .durations import MOST_EPOCHS
from .fields import Field, Mismatch, boolean, failure, integer, one_of, plain_name, shown, text
from .nodes import Node, Path, Place, node_of
from .pretraining import MOST_SEED, PretrainingSection
from .resuming import CheckpointsSection, InitializeSection
from .strict import Strict, details, invalid


def _share(*words: str) -> Any:
    """Part of the rows: a percentage, a fraction, a count, a file of its own, or none."""
    expected = (
        "expected a part of the rows: `15%`, a fraction such as 0.15, a number of rows, "
        "a source of its own such as `csv: {...}`, or null."
    )

    def validate(value: Any) -> Any:
        if value is None or (value in words and isinstance(value, str)):
            return value
        if isinstance(value, (dict, Choice)):
            return validated("sources", value)
        part = _fraction(value)
        if part is None:
            raise failure("value", f"{expected} Received {shown(value)}.")
        return part

    number = {"type": "number", "exclusiveMinimum": 0}
    percent = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]*)?\s*%$"}
    options = [number, percent, {"type": "null"}, {"x-choice": "sources"}]
    if words:
        options.append({"enum": list(words)})
    return Annotated[Any, PlainValidator(validate), WithJsonSchema({"anyOf": options})]


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


def _count_or(word: str) -> Any:
    """A whole number from 1, or a word."""
    expected = f"expected a whole number from 1, or `{word}`."

    def check(value: Any) -> Any:
        if value == word:
            return value
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 2**31:
            raise Mismatch(expected)
        return value

    schema = {"anyOf": [{"type": "integer", "minimum": 1}, {"const": word}]}
    return Field(check, expected, schema).annotation


def _layer(value: Any) -> Any:
    """A layer choice, or a residual block."""
    if isinstance(value, Residual):
        return value
    if not isinstance(value, dict) or set(value) != {"residual"}:
        return validated("layers", value)
    given, inner = value["residual"], ("residual",)
    if isinstance(given, dict):
        try:
            block = _ResidualSection.model_validate(given)
        except ValueError as error:
            raise invalid(details(inner, error)) from None
        return Residual(tuple(block.layers), block.shortcut, (*inner, "layers"))
    if not isinstance(given, list) or not given:
        message = f"expected a list of at least one layer. Received {shown(given)}."
        raise invalid(details(inner, failure("value", message)))
    layers, errors = [], []
    for index, item in enumerate(given):
        try:
            layers.append(_layer(item))
        except ValueError as error:
            errors.extend(details((*inner, index), error))
    if errors:
        raise invalid(errors)
    return Residual(tuple(layers))


Layer = Annotated[Any, PlainValidator(_layer), WithJsonSchema({"x-choice": "layer_items"})]


class _ResidualSection(Strict):
    layers: list[Layer] = Key(min_length=1)
    shortcut: one_of("identity", "projection").annotation = "identity"  # type: ignore[valid-type]


def _section(kind: str) -> Any:
    """A section whose keys are the arguments of one class."""

    def validate(value: Any) -> Choice | None:
        if value is None or isinstance(value, Choice):
            return value
        return Choice(kind, kind, arguments_of(kind, kind, value, None))

    schema = {"anyOf": [{"type": "null"}, {"x-arguments": kind}]}
    return Annotated[Any, PlainValidator(validate), WithJsonSchema(schema)]


class DataSection(Strict):
    """Where the rows come from and how they are split, scaled and batched."""

    source: choice("sources") = Key(  # type: ignore[valid-type]
        description="a bundled set, a Keras set, a file, or `arrays` given from Python"
    )
    task: one_of("auto", "classification", "regression", "multilabel").annotation = Key(  # type: ignore[valid-type]
        "auto", description="what the targets are; `auto` tells by their values"
    )
    target_scale: one_of("auto", "standardize", "none").annotation = Key(  # type: ignore[valid-type]
        "auto",
        description="learn standardized targets; predictions and metrics keep the targets' unit",
    )
    validation: _share() = Key(  # type: ignore[valid-type]
        0.15, description="rows to validate on after each epoch: part of the rows, or a source"
    )
    test: _share("auto") = Key(  # type: ignore[valid-type]
        "auto",
        description="rows for the one evaluation at the end; `auto` is the source's own, else 15%",
    )
    scale: one_of("unit", "standardize", "none").annotation = Key(  # type: ignore[valid-type]
        "none",
        description="scaling to [0, 1] or to mean 0 and deviation 1, fitted on the training rows",
    )
    batch_size: _count_or("all") = Key(  # type: ignore[valid-type]
        32, description="rows an update: `all` is batch, 1 is stochastic gradient descent"
    )
    drop_remainder: boolean().annotation = Key(  # type: ignore[valid-type]
        False, description="leave out the short last batch of an epoch"
    )
    seed: integer(ge=0, le=MOST_SEED).annotation | None = Key(  # type: ignore[valid-type]
        None, description="decides the splits; by default the recipe's own seed"
    )
    bootstrap: integer(ge=0, le=MOST_SEED).annotation | None = Key(  # type: ignore[valid-type]
        None, description="draw as many training rows with replacement, by this seed"
    )
    limit: integer(gt=0).annotation | None = Key(  # type: ignore[valid-type]
        None, description="use only so many rows of the source, for a short run"
    )
    labels: integer(gt=0).annotation | None = Key(  # type: ignore[valid-type]
        None, description="train on so many of the training rows; pretraining sees them all"
    )
    targets: one_of("own", "rows").annotation = Key(  # type: ignore[valid-type]
        "own", description="what is predicted: the targets, or the scaled rows (an autoencoder)"
    )


class ModelSection(Strict):
    """The network between the scaled input and the targets."""

    layers: list[Layer] = Key(
        description="Keras layers in order; `residual: [...]` adds its layers' output to its input"
    )
    output: choice("layers") | None = Key(  # type: ignore[valid-type]
        None, description="the last layer; by default a dense one that fits the task"
    )


class EnsembleSection(Strict):
    """Several trainings whose outputs are averaged."""

    members: integer(ge=2).annotation = Key(  # type: ignore[valid-type]
        description="how many networks are trained"
    )
    by: one_of("seed", "data").annotation = Key(  # type: ignore[valid-type]
        "seed", description="what differs: initial weights and orders, or the rows drawn as well"
    )


class Recipe(Strict):
    """How to train one model."""

    name: plain_name().annotation = Key(  # type: ignore[valid-type]
        description="what runs are called; by default the file's name"
    )
    description: text().annotation = Key("", description="a sentence for people")  # type: ignore[valid-type]
    seed: integer(ge=0, le=MOST_SEED).annotation = Key(  # type: ignore[valid-type]
        0, description="decides initial weights, splits, the order of each epoch, dropout"
    )
    data: DataSection
    pretraining: PretrainingSection | None = Key(
        None, description="a network trained before the model, whose weights the model starts from"
    )
    model: ModelSection
    loss: choice("losses") | None = Key(  # type: ignore[valid-type]
        None, description="by default cross-entropy for classes, squared error for numbers"
    )
    metrics: list[choice("metrics")] | None = Key(  # type: ignore[valid-type]
        None, description="by default accuracy for classes, rmse and mae for numbers"
    )
    optimizer: choice("optimizers") = Key(  # type: ignore[valid-type]
        Choice("optimizers", "adam"), description="a Keras optimizer"
    )
    learning_rate: choice("schedules", numbers=True) | None = Key(  # type: ignore[valid-type]
        None, description="a number or a schedule; by default the optimizer's own rate"
    )
    gradient_clipping: _section("gradient_clipping") = Key(  # type: ignore[valid-type]
        None, description="bounds on the gradient"
    )
    weight_decay: _section("weight_decay") = Key(  # type: ignore[valid-type]
        None, description="shrinking of the kernels"
    )
    layer_rates: _section("layer_rates") = Key(  # type: ignore[valid-type]
        None, description="learning rates of single layers, as multiples"
    )
    gradient_accumulation: integer(gt=0).annotation = Key(  # type: ignore[valid-type]
        1, description="batches whose mean gradient makes one update"
    )
    gradient_transforms: list[choice("gradient_transforms")] = Key(  # type: ignore[valid-type]
        [], description="centralization and noise of the gradient, in order"
    )
    sam: _section("sam") = Key(  # type: ignore[valid-type]
        None, description="sharpness-aware minimization: two passes an update"
    )
    weight_averaging: _section("weight_averaging") = Key(  # type: ignore[valid-type]
        None, description="an average of the weights, which is evaluated and saved"
    )
    epochs: integer(gt=0, le=MOST_EPOCHS).annotation = Key(  # type: ignore[valid-type]
        10, description="passes over the training rows"
    )
    steps_per_execution: _count_or("auto") = Key(  # type: ignore[valid-type]
        "auto", description="updates between two returns to Python"
    )
    jit_compile: one_of("auto", True, False).annotation = Key(  # type: ignore[valid-type]
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
    callbacks: list[choice("callbacks")] = Key([], description="callbacks, in order")  # type: ignore[valid-type]

    _tree: Node = PrivateAttr(default=node_of({}, Place("recipe")))

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
        from .dump import dump

        return hashlib.sha256(dump(self).encode()).hexdigest()
