"""A batch that does not fit into memory is computed in parts, and the updates stay the same."""

import json
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_recipes
from keras_recipes import RecipeError
from keras_recipes.recipes.build import capacity
from keras_recipes.recipes.build.inputs import data_of
from keras_recipes.recipes.run import batch_parts
from keras_recipes.recipes.run.batch_parts import fitting, in_parts
from keras_recipes.recipes.run.reproduce import reproduce

# 96 rows are trained on: whole batches of 16, 8 and 4.
SMALL = {
    "name": "small",
    "data": {"source": "iris", "batch_size": {"auto": 16}, "validation": 24, "test": 30},
    "model": {"layers": [{"dense": {"units": 3, "activation": "tanh"}}]},
    "optimizer": {"sgd": {"momentum": 0.9}},
    "learning_rate": {"linear": {"initial_learning_rate": 0.1, "decay_steps": "2 epochs"}},
    "epochs": 2,
}


@contextmanager
def memory_for(rows, monkeypatch):
    """A device that has memory for a batch of some rows."""
    whole = batch_parts.experiment

    def experiment(recipe, *arguments, **options):
        built = whole(recipe, *arguments, **options)

        def train_on_batch(x, *more):
            if len(x) > rows:
                raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

        monkeypatch.setattr(built.model, "train_on_batch", train_on_batch)
        return built

    with monkeypatch.context() as patch:
        patch.setattr(batch_parts, "experiment", experiment)
        yield


@pytest.mark.parametrize(("rows", "part", "count"), [(1000, 16, 1), (15, 8, 2), (4, 4, 4)])
def test_the_largest_part_that_fits_is_taken(rows, part, count, monkeypatch):
    recipe = keras_recipes.load({**SMALL, "gradient_accumulation": 3})
    with memory_for(rows, monkeypatch):
        found = fitting(recipe, data_of(recipe))
    assert (found.rows, found.count) == (part, count)
    assert found.recipe.data.batch_size == part
    assert found.recipe.gradient_accumulation == 3 * count


def test_what_a_processor_has_no_room_for_is_not_tried(monkeypatch):
    recipe = keras_recipes.load(SMALL)
    data = data_of(recipe)
    # For each of 8 rows its 4 numbers and two layers of 3, there and back; for each of 27 weights
    # itself, its gradient, the momentum and the accumulated gradient.
    enough = 2 * 4 * 8 * 10 + 4 * 27 * 4
    monkeypatch.setattr(batch_parts, "available", lambda: enough)
    assert fitting(recipe, data).rows == 8


def test_an_output_that_exceeds_memory_is_divided_too(monkeypatch):
    layers = [{"repeat_vector": {"n": 500}}, "global_average_pooling1d"]
    recipe = keras_recipes.load({**SMALL, "model": {"layers": layers}})
    # The network itself refuses an output of 16 rows: 4 bytes for each of 500 times 4 numbers.
    monkeypatch.setattr(capacity, "available", lambda: 4 * 16 * 2000 - 1.0)
    data = data_of(recipe)
    with pytest.raises(RecipeError, match="outputs"):
        batch_parts.experiment(in_parts(recipe, 16).recipe, data, Path("unused"))
    assert fitting(recipe, data).rows == 8


def test_where_nothing_fits_the_line_is_named(monkeypatch):
    recipe = keras_recipes.load(SMALL)
    with memory_for(0, monkeypatch), pytest.raises(RecipeError, match=r"batch_size.*out of memory"):
        fitting(recipe, data_of(recipe))


def test_a_size_that_is_a_number_is_not_divided():
    recipe = keras_recipes.load({**SMALL, "data": {**SMALL["data"], "batch_size": 16}})
    assert fitting(recipe, data_of(recipe)).recipe is recipe
    assert in_parts(recipe, 8).recipe is recipe


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The same training with whole batches and with batches in quarters."""
    folder, patch = tmp_path_factory.mktemp("runs"), pytest.MonkeyPatch()
    whole = keras_recipes.load({**SMALL, "data": {**SMALL["data"], "batch_size": 16}})
    whole.train(out=folder / "whole", progress=False)
    with memory_for(4, patch):
        keras_recipes.load(SMALL).train(out=folder / "parts", progress=False)
    return folder


def test_the_updates_are_those_of_the_whole_batch(runs):
    models = [keras.models.load_model(runs / name / "model.keras") for name in ("whole", "parts")]
    for one, other in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-6)


def test_the_decision_is_kept_with_the_run(runs):
    assert json.loads((runs / "parts" / "manifest.json").read_text())["settings"]["batch_rows"] == 4
    assert "auto: 16" in (runs / "parts" / "recipe.yaml").read_text()
    # With all the memory there is, the run is reproduced as it was trained.
    assert not reproduce(runs / "parts").differences


@pytest.mark.parametrize("given", [{"auto": 0}, {"auto": "all"}, {"max": 4}, 0, "some"], ids=str)
def test_what_is_no_batch_size_is_refused(given):
    with pytest.raises(RecipeError, match=r"batch_size.*expected a whole number from 1"):
        keras_recipes.load({**SMALL, "data": {**SMALL["data"], "batch_size": given}})
