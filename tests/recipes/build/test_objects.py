"""Names of a recipe meet the Keras that runs, which may be another than the tables were made of."""

import warnings

import keras
import pytest

from keras_recipes.recipes.build.objects import Builder
from keras_recipes.recipes.errors import RecipeError
from keras_recipes.recipes.run.backend import warn_of_untested_keras
from keras_recipes.recipes.spec import catalog, load

RECIPE = {"name": "x", "data": {"source": "iris"}, "model": {"layers": [{"gelu_gate": {"n": 2}}]}}


def built(monkeypatch, entry):
    """The first layer of the recipe, where the tables say that Keras has `entry`."""
    monkeypatch.setitem(catalog.tables()["layers"], "gelu_gate", entry)
    recipe = load(RECIPE)
    return Builder(recipe, 1).make("layers", recipe.model.layers[0], ("model", "layers", 0))


def test_a_name_that_keras_lacks_is_refused_where_it_stands(monkeypatch):
    entry = catalog.Entry(
        "layers", "gelu_gate", "keras.layers.GeluGate", {"n": catalog.Argument(required=True)}
    )
    with pytest.raises(RecipeError) as caught:
        built(monkeypatch, entry)
    assert str(caught.value).endswith(
        f"model.layers[0].gelu_gate: Keras {keras.__version__}, which is installed, has no "
        f"`keras.layers.GeluGate`; install {catalog.minors()[0]} to {catalog.minors()[-1]}."
    )


def test_an_argument_that_keras_lacks_is_refused_where_it_stands(monkeypatch):
    arguments = {"n": catalog.Argument(required=True)}
    entry = catalog.Entry("layers", "gelu_gate", "keras.layers.Flatten", arguments)
    with pytest.raises(RecipeError) as caught:
        built(monkeypatch, entry)
    message = f"Keras {keras.__version__}, which is installed, has no argument `n` in"
    assert f"model.layers[0].gelu_gate.n: {message} `keras.layers.Flatten`" in str(caught.value)


def test_a_layer_takes_the_arguments_of_every_layer():
    layer = {"flatten": {"name": "flat", "dtype": "float64"}}
    recipe = load({**RECIPE, "model": {"layers": [layer]}})
    made = Builder(recipe, 1).make("layers", recipe.model.layers[0], ("model", "layers", 0))
    assert (made.name, made.compute_dtype) == ("flat", "float64")


def test_a_version_that_was_not_tested_is_warned_of_once():
    with pytest.warns(UserWarning, match=r"Keras 3\.99\.0 is installed; .* tested with Keras 3"):
        warn_of_untested_keras("3.99.0")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_untested_keras("3.99.0")
        for minor in catalog.minors():
            warn_of_untested_keras(f"{minor}.7")
