"""Writes `recipes/spec/keras_api.json`: run it after a change of Keras or of a room's table.

python -m keras_recipes.recipes.build.catalog
"""

import inspect
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras

from ...callbacks.table import CALLBACKS
from ...models.table import GRADIENT_TRANSFORMS, LOSSES, TRAINING_PARTS
from ...pretraining.table import MACHINE_PARTS
from ...schedules.table import SCHEDULES
from ..spec.catalog import EVERY_LAYER, describe
from ..spec.choices import REFUSED
from .data.sources import SOURCES

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
# Names that no rule of spelling would give as people write them.
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


def tables() -> dict[str, dict[str, Any]]:
    """Kind -> name -> class and arguments."""
    made = {kind: keras_rows(kind, *module) for kind, module in MODULES.items()}
    made["losses"].update(own_rows(LOSSES))
    made["callbacks"].update(own_rows(CALLBACKS))
    made["schedules"] = own_rows(SCHEDULES)
    made["gradient_transforms"] = own_rows(GRADIENT_TRANSFORMS)
    for name, cls in TRAINING_PARTS.items():
        made[name] = own_rows({name: cls})
    for kind, table in MACHINE_PARTS.items():
        made[kind] = own_rows(table)
    made["sources"] = {**own_rows(SOURCES), "arrays": {"class": ""}}
    made["activations"] = activations()
    return {kind: dict(sorted(rows.items())) for kind, rows in made.items()}


def keras_rows(kind: str, module: Any, base: type) -> dict[str, Any]:
    """Every public class of a Keras module that a recipe may name."""
    rows: dict[str, Any] = {}
    for cls in public_classes(module, base):
        name = snake_case(cls.__name__)
        if cls.__name__ in LEFT_OUT or name in REFUSED:
            continue
        arguments = {key: row for key, row in describe(cls).items() if key not in NOT_IN_YAML}
        for row in arguments.values():
            row.pop("type", None)
        if kind == "layers":
            arguments = {
                **arguments,
                **{k: v for k, v in EVERY_LAYER.items() if k not in arguments},
            }
        rows[name] = {"class": f"keras.{kind}.{cls.__name__}", "arguments": arguments}
    return rows


def public_classes(module: Any, base: type) -> Iterable[type]:
    """Each class once, under its own name, aliases left out."""
    seen = set()
    for name in dir(module):
        cls = getattr(module, name)
        if inspect.isclass(cls) and issubclass(cls, base) and cls.__name__ == name:
            if cls not in seen:
                yield cls
            seen.add(cls)


def own_rows(table: dict[str, Any]) -> dict[str, Any]:
    """The rows of one of our own tables, with the annotations of its classes."""
    return {
        name: {
            "class": f"{target.__module__}.{target.__qualname__}",
            "arguments": {
                key: row for key, row in describe(target).items() if key not in NOT_IN_YAML
            },
        }
        for name, target in table.items()
    }


def activations() -> dict[str, Any]:
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


def render() -> str:
    """The file: one name a line, so that a change of Keras reads as a diff."""
    lines = ["{", f' "keras": {json.dumps(keras.__version__)},', ' "kinds": {']
    made = tables()
    for number, (kind, rows) in enumerate(made.items()):
        lines.append(f"  {json.dumps(kind)}: {{")
        body = [f"   {json.dumps(name)}: {json.dumps(row)}" for name, row in rows.items()]
        lines.append(",\n".join(body))
        lines.append("  }" + ("," if number < len(made) - 1 else ""))
    return "\n".join([*lines, " }", "}", ""])


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
    print(f"{TARGET}: {sum(len(rows) for rows in tables().values())} names")
