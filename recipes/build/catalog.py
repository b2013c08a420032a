"""Writes `recipes/spec/keras_api.json`: run it after a change of Keras or of our own tables.

python -m keras_recipes.recipes.build.catalog

It reads the Keras that is installed and keeps what the file says of other versions; `make generate`
runs it with each version of `MINORS`.
"""

import inspect
import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import keras

from ...callbacks import CALLBACKS
from ...models import ordinal, sequence_layers
from ...models.losses import LOSSES
from ...models.training_parts import part_classes
from ...models.transforms import GRADIENT_TRANSFORMS
from ...pretraining import ESTIMATORS
from ...pretraining.hidden_units import HIDDEN
from ...pretraining.regularization import Regularization
from ...pretraining.units import VISIBLE
from ...schedules import SCHEDULES
from ..data.features import FEATURES
from ..data.sources import SOURCES
from ..spec.catalog import EVERY_LAYER, describe
from ..spec.catalog_rows import ArgumentRows
from ..spec.choices import REFUSED
from ..spec.keras_version import minor_of

Rows = dict[str, Any]
Minors = tuple[str, ...]

# The versions of Keras that recipes can use and the tests have passed on, oldest first.
MINORS: Minors = ("3.13", "3.14", "3.15")
TARGET = Path(__file__).parent.parent / "spec" / "keras_api.json"
MODULES = {
    "layers": (keras.layers, keras.layers.Layer),
    "optimizers": (keras.optimizers, keras.optimizers.Optimizer),
    "losses": (keras.losses, keras.losses.Loss),
    "metrics": (keras.metrics, keras.metrics.Metric),
    "initializers": (keras.initializers, keras.initializers.Initializer),
    "regularizers": (keras.regularizers, keras.regularizers.Regularizer),
    "constraints": (keras.constraints, keras.constraints.Constraint),
    "callbacks": (keras.callbacks, keras.callbacks.Callback),
}
# Names whose usual spelling does not follow from that of the class.
SPELLED = {
    "RMSprop": "rmsprop",
    "AdamW": "adamw",
    "AdaMax": "adamax",
    "ReLU": "relu",
    "PReLU": "prelu",
    "LeakyReLU": "leaky_relu",
    "ConvLSTM1D": "conv_lstm1d",
    "ConvLSTM2D": "conv_lstm2d",
    "ConvLSTM3D": "conv_lstm3d",
    "CategoricalCrossentropy": "categorical_crossentropy",
    "LossScaleOptimizer": "",
}
# Abstract classes, and callbacks that Keras adds itself.
LEFT_OUT = frozenset(
    {
        "Layer", "Wrapper", "Optimizer", "Loss", "Metric", "MeanMetricWrapper", "Initializer",
        "Regularizer", "Constraint", "Callback", "CallbackList", "History", "ProgbarLogger",
        "LossScaleOptimizer", "RNN", "InputSpec", "StackedRNNCells", "Pipeline",
        "OrbaxCheckpoint",
    }
)  # fmt: skip
# Arguments that hold Python objects or functions, which YAML cannot.
NOT_IN_YAML = frozenset(
    {"kwargs", "args", "fn", "function", "loss_fn", "activity_regularizer_fn", "data"}
)


def tables() -> dict[str, Rows]:
    """Kind -> name -> class and arguments."""
    made = {kind: keras_rows(kind, *module) for kind, module in MODULES.items()}
    made["losses"].update(own_rows(LOSSES))
    made["layers"].update(own_rows({**ordinal.LAYERS, **sequence_layers.LAYERS}, EVERY_LAYER))
    made["metrics"].update(own_rows(ordinal.METRICS))
    made["callbacks"].update(own_rows(CALLBACKS))
    made["schedules"] = own_rows(SCHEDULES)
    made["gradient_transforms"] = own_rows(GRADIENT_TRANSFORMS)
    for name, cls in part_classes().items():
        if name != "momentum":  # a schedule in the arguments of the optimizer
            made[name] = own_rows({name: cls})
    made["visible_units"] = own_rows(VISIBLE)
    made["hidden_units"] = own_rows(HIDDEN)
    made["estimators"] = own_rows(ESTIMATORS)
    made["regularization"] = own_rows({"regularization": Regularization})
    made["sources"] = {**own_rows(SOURCES), "arrays": {"class": ""}}
    made["features"] = own_rows(FEATURES)
    made["activations"] = activations()
    return {kind: dict(sorted(rows.items())) for kind, rows in made.items()}


def keras_rows(kind: str, module: ModuleType, base: type) -> Rows:
    """Every public class of a Keras module that a recipe may name."""
    rows: Rows = {}
    for cls in public_classes(module, base):
        name = snake_case(cls.__name__)
        if cls.__name__ in LEFT_OUT or name in REFUSED:
            continue
        arguments = {key: row for key, row in describe(cls).items() if key not in NOT_IN_YAML}
        for row in arguments.values():
            row.pop("type", None)
        # Some versions give the class's own name for a default, others None: the same to a recipe.
        arguments.get("name", {}).pop("default", None)
        if kind == "layers":
            arguments = {
                **arguments,
                **{k: v for k, v in EVERY_LAYER.items() if k not in arguments},
            }
        rows[name] = {"class": f"keras.{kind}.{cls.__name__}", "arguments": arguments}
    return rows


def public_classes(module: ModuleType, base: type) -> Iterable[type]:
    """Each class once, under the name it is defined with, aliases left out."""
    seen = set()
    for name in dir(module):
        cls = getattr(module, name)
        if inspect.isclass(cls) and issubclass(cls, base) and cls.__name__ == name:
            if cls not in seen:
                yield cls
            seen.add(cls)


def own_rows(table: Mapping[str, Callable[..., object]], more: ArgumentRows | None = None) -> Rows:
    """The rows of one of our own tables, with the annotations of its classes.

    Args:
        more: arguments that each of them takes beside its own.
    """
    return {
        name: {
            "class": f"{target.__module__}.{target.__qualname__}",
            "arguments": {
                **{key: row for key, row in describe(target).items() if key not in NOT_IN_YAML},
                **(more or {}),
            },
        }
        for name, target in table.items()
    }


def activations() -> Rows:
    """Names of activation functions; they take no arguments in a recipe."""
    found = {}
    for name in dir(keras.activations):
        function = getattr(keras.activations, name)
        if inspect.isfunction(function) and name not in ("get", "serialize", "deserialize"):
            found[name] = {"class": f"keras.activations.{name}"}
    return found


def snake_case(name: str) -> str:
    """A class's name as recipes write it.

    >>> [snake_case(name) for name in ("Conv2D", "LSTM", "BatchNormalization", "HeNormal")]
    ['conv2d', 'lstm', 'batch_normalization', 'he_normal']
    """
    if name in SPELLED:
        return SPELLED[name]
    name = re.sub(r"([0-9])D\b", r"\1d", re.sub(r"([0-9])D(?=$|[A-Z])", r"\1d", name))
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name).lower()


def merged(before: Rows, now: Rows, minor: str) -> Rows:
    """The file's content: the tables of this version of Keras, and what is known of the others.

    Args:
        before: the content so far.
        now: kind -> name -> row, as `tables` gives them.
        minor: the version of Keras that `now` is of, such as "3.15".

    Raises:
        ValueError: that version is not supported.
    """
    if minor not in MINORS:
        raise ValueError(f"Keras {minor} is not among MINORS: {', '.join(MINORS)}.")
    old: Minors = tuple(before["keras"])
    minors = tuple(known for known in MINORS if known in old or known == minor)
    kinds = {}
    for kind, rows in now.items():
        ours = {name: row for name, row in rows.items() if not of_keras(row)}
        theirs = {
            name: row
            for name, row in before["kinds"].get(kind, {}).items()
            if of_keras(row) and name not in ours
        }
        found = {name: row for name, row in rows.items() if name not in ours}
        kept = merged_rows(theirs, found, minor, old, minors)
        kinds[kind] = dict(sorted({**kept, **ours}.items()))
    return {"keras": list(minors), "kinds": kinds}


def of_keras(row: Rows) -> bool:
    """Whether a row is of a class of Keras, rather than of this package."""
    return row["class"].startswith("keras.")


def merged_rows(before: Rows, now: Rows, minor: str, old: Minors, minors: Minors) -> Rows:
    """Names, or arguments of one name, of all versions: those that some lack say which have them.

    Args:
        before: the rows so far; one that is not marked is of all versions in `old`.
        now: the rows of version `minor`.
        minors: the versions of a row of the result that is not marked.

    Raises:
        ValueError: versions differ in whether an argument is required, which no mark says.
    """
    result: Rows = {}
    newest = minor == MINORS[-1]
    for name in [*now, *before] if newest else [*before, *now]:
        was, found = before.get(name), now.get(name)
        had: Minors = () if was is None else tuple(was.get("keras", old))
        has = tuple(
            known for known in MINORS if (found is not None if known == minor else known in had)
        )
        if name in result or not has:
            continue
        # Defaults are those of the newest version.
        row = dict((found if has[-1] == minor else was) or {})
        check_required(name, was, found, row if has != minors else {})
        row.pop("keras", None)
        arguments = row.pop("arguments", None)
        if has != minors:
            row["keras"] = list(has)
        if arguments is not None:
            then, there = [(part or {}).get("arguments", {}) for part in (was, found)]
            row["arguments"] = merged_rows(then, there, minor, had, has)
        result[name] = row
    return result


def check_required(name: str, was: Rows | None, found: Rows | None, marked: Rows) -> None:
    """Refuse an argument that some versions require and others do not, or lack."""
    differ = was and found and was.get("required") != found.get("required")
    if differ or marked.get("required"):
        raise ValueError(f"`{name}` is required in some versions of Keras and not in others.")


def render(minor: str, before: Rows | None = None) -> str:
    """The file's text: one name a line, so that a change of Keras reads as a diff.

    Args:
        minor: the version of Keras that is installed.
        before: the content so far, by default that of the file.
    """
    known: Rows = before or json.loads(TARGET.read_text(encoding="utf-8"))
    made = merged(known, tables(), minor)
    lines = ["{", f' "keras": {json.dumps(made["keras"])},', ' "kinds": {']
    for number, (kind, rows) in enumerate(made["kinds"].items()):
        lines.append(f"  {json.dumps(kind)}: {{")
        body = [f"   {json.dumps(name)}: {json.dumps(row)}" for name, row in rows.items()]
        lines.append(",\n".join(body))
        lines.append("  }" + ("," if number < len(made["kinds"]) - 1 else ""))
    return "\n".join([*lines, " }", "}", ""])


if __name__ == "__main__":
    minor = minor_of(keras.__version__)
    TARGET.write_text(render(minor), encoding="utf-8")
    print(f"{TARGET}: with Keras {minor}")
