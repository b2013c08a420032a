"""A saved model in two parts, which together compute what it computes."""

import keras
import numpy as np

from keras_recipes.recipes.build.preprocessing import Preprocessing
from keras_recipes.recipes.data.fitted import FittedCategory, FittedNumeric
from keras_recipes.recipes.export.cut import cut, input_names, predicted
from keras_recipes.recipes.run.several import averaged

FEATURES = [
    FittedNumeric("n", 2.0, True, 1.5, 3.0),
    FittedCategory("c", ("blue", "red"), True, "one_hot"),
    FittedCategory("e", ("blue", "red"), True, "embedding", 2),
]
ROWS = {
    "n": np.array([[1.0], [np.nan]], "float32"),
    "c": np.array([["red"], [""]], dtype=object),
    "e": np.array([["green"], ["blue"]], dtype=object),
}


def saved(name):
    """A model as a run saves it: columns, preprocessing, network."""
    front = Preprocessing(FEATURES).model
    given = {n: keras.Input(t.shape[1:], name=n, dtype=t.dtype) for n, t in front.output.items()}
    looked_up = keras.layers.Flatten()(keras.layers.Embedding(3, 2)(given["categories"]))
    both = keras.layers.Concatenate()([given["matrix"], looked_up])
    network = keras.Model(given, keras.layers.Dense(2)(both), name="network")
    return keras.Model(front.input, network(front(front.input)), name=name)


def rejoined(division):
    """What the two parts make of rows, one after the other."""
    assert division.front is not None
    numbers = predicted(division.front, ROWS)
    return predicted(division.network, {n: numbers[n] for n in input_names(division.network)})


def test_a_model_of_a_table_is_its_front_and_its_network():
    model = saved("one")
    np.testing.assert_array_equal(
        rejoined(cut(model, table=True))["output"], predicted(model, ROWS)["output"]
    )


def test_an_ensemble_of_tables_is_one_front_and_the_mean_of_the_networks():
    model = averaged([saved("one"), saved("two")], "both")
    np.testing.assert_allclose(
        rejoined(cut(model, table=True))["output"], predicted(model, ROWS)["output"], rtol=1e-6
    )
    assert not cut(model, table=True, same=False).divided


def test_a_model_of_arrays_is_its_own_network():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    assert cut(model, table=False).network is model
