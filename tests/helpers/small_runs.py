"""A recipe that trains in a moment, and its run at each stage of its life."""

import shutil

import keras_recipes
from keras_recipes.recipes.spec import dump

SMALL = {
    "name": "small",
    "data": {"source": "iris", "scale": "standardize", "batch_size": 64},
    "model": {"layers": [{"dense": {"units": 3}}]},
    "learning_rate": 0.01,
    "epochs": 2,
    "steps_per_execution": 1,
    "checkpoints": {"every": "1 epochs"},
}


def train_small(out, **changes):
    """Train the small recipe with some keys changed."""
    return keras_recipes.load({**SMALL, **changes}).train(out=out, progress=False)


def write_recipe(path, **changes):
    """Write the small recipe, with some keys changed, to a YAML file."""
    path.write_text(dump(keras_recipes.load({**SMALL, **changes})))
    return path


def copy_of(run, target):
    """A copy of a run directory that a test may change."""
    shutil.copytree(run, target)
    return target


def as_if_killed(run):
    """Make a completed run look like one that was killed before it saved its model."""
    for name in ("model.keras", "report.html"):
        (run / name).unlink()
    (run / "result.json").write_text('{"status": "running"}')


def without_reports(monkeypatch):
    """Let trainings write no pages, whose pictures take longer than the training of a small net."""
    monkeypatch.setattr("keras_recipes.recipes.trainable._report", lambda result: None)
