"""Recipes that train Keras models.

`load`, `train`, `evaluate`, `predict` and `sweep` are the front door; `keras_recipes.schedules`,
`.callbacks` and `.models` hold parts that work in any `model.compile` and `model.fit`. Importing
this package imports neither Keras nor TensorFlow: they come in with the first recipe that trains.
Where Keras is imported already, the classes of this package are registered with it, so that
`keras.models.load_model` finds them.
"""

import sys
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .recipes import (
        DataError,
        Recipe,
        RecipeError,
        RequestError,
        TrainingFailed,
        load,
        train,
    )
    from .recipes.export.predictor import load_predictor
    from .recipes.front import branch, evaluate, export, predict, resume, sweep
    from .recipes.runs import Run, compare, runs

__all__ = [
    "DataError",
    "Recipe",
    "RecipeError",
    "RequestError",
    "Run",
    "TrainingFailed",
    "branch",
    "compare",
    "evaluate",
    "export",
    "load",
    "load_predictor",
    "predict",
    "resume",
    "runs",
    "sweep",
    "train",
]

# What `recipes.front` has; `recipes.sweep` is the folder of that name.
FRONT = ("branch", "evaluate", "export", "predict", "resume", "sweep")
# What is read from run directories.
RUNS = ("Run", "compare", "runs")


def __getattr__(name: str) -> object:
    # Even the recipe language waits for its first use: `--help` should not pay for it.
    if name == "HyperModel":
        # Not in `__all__`: its class is made of keras-tuner's, which a star import would import.
        from .recipes.sweep.engine.hyper_model import HyperModel

        return HyperModel
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "load_predictor":
        # What serves a model imports no more than that.
        from .recipes.export.predictor import load_predictor

        return load_predictor
    if name in RUNS:
        from .recipes import runs

        return getattr(runs, name)
    from . import recipes
    from .recipes import front

    return getattr(front if name in FRONT else recipes, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


# Under another name, as pytest imports the folder of a checkout, the classes would be other ones.
if "keras" in sys.modules and __name__ == "keras_recipes":
    # Its cost is paid. What stands in saved models registers itself where it is imported.
    from . import models as _models
    from . import pretraining as _pretraining
    from . import schedules as _schedules

    del _models, _pretraining, _schedules
