"""A sweep's recipe in somebody's own keras-tuner script."""

import keras_tuner
import pytest

from keras_recipes.recipes.sweep.engine.hyper_model import HyperModel

RATE = "learning_rate.warmup.then.polynomial.initial_learning_rate"
TINY = {
    "name": "tiny",
    "recipe": "digits_mlp",
    "overrides": {
        "epochs": 1,
        "data.limit": 200,
        "model.layers": [{"dense": {"units": 4}}],
        "callbacks": [],
    },
    "budget": {"trials": 2},
    "space": {
        RATE: {"log_uniform": {"min": 1e-3, "max": 1.0}},
        "model.layers[0].dense.units": {"int": {"min": 2, "max": 6}},
    },
}


@pytest.fixture
def hyper_model(tmp_path):
    return HyperModel(TINY, directory=tmp_path)


def test_build_declares_the_space_and_follows_the_values(hyper_model):
    space = keras_tuner.HyperParameters()
    hyper_model.build(space)
    assert [hp.name for hp in space.space] == [RATE, "model.layers[0].dense.units"]
    space.values["model.layers[0].dense.units"] = 3
    model = hyper_model.build(space)
    assert model.layers[-2].units == 3


def test_fit_trains_in_the_recipes_way_and_obeys_the_tuner(hyper_model):
    space = keras_tuner.HyperParameters()
    model = hyper_model.build(space)
    history = hyper_model.fit(space, model)
    assert len(history.history["val_loss"]) == 1
    history = hyper_model.fit(space, model, epochs=3, initial_epoch=1)
    assert len(history.history["val_loss"]) == 2


def test_another_model_is_refused(hyper_model):
    space = keras_tuner.HyperParameters()
    first = hyper_model.build(space)
    hyper_model.build(space)
    with pytest.raises(ValueError, match="that `build` returned last"):
        hyper_model.fit(space, first)


@pytest.mark.slow
def test_keras_tuners_own_tuners_search_with_it(tmp_path):
    pytest.importorskip("tensorboard")
    tuner = keras_tuner.RandomSearch(
        HyperModel(TINY, directory=tmp_path), "val_loss", 2, directory=tmp_path, seed=1
    )
    tuner.search(verbose=0)
    assert len(tuner.oracle.get_best_trials(5)) == 2
