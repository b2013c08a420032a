"""Graphs of named parts as networks: compared with numpy, and with networks written by hand."""

import keras
import numpy as np
import pytest
from series import daily, hours, write
from tables import LABELS, write_table

import keras_recipes
from keras_recipes.recipes.build.encoding import encoded
from keras_recipes.recipes.build.inputs import data_of
from keras_recipes.recipes.build.network import network
from keras_recipes.recipes.build.objects import Builder
from keras_recipes.recipes.build.task import task_of
from keras_recipes.recipes.errors import RecipeError


def built(recipe):
    """The network of a recipe, and its training rows as it takes them."""
    recipe = keras_recipes.load({"name": "x", **recipe})
    keras.utils.set_random_seed(recipe.seed)
    data = data_of(recipe)
    task = task_of(recipe, data)
    data, prepared = encoded(data)
    return network(recipe, data, task, Builder(recipe, 1), prepared), data


def dense(units, **more):
    return {"dense": {"units": units, **more}}


def rows(parts, source="iris", **more):
    return {"data": {"source": source, "task": "classification"}, "model": {"parts": parts}, **more}


@pytest.fixture(scope="module")
def movies(tmp_path_factory):
    path = write_table("movies", tmp_path_factory.mktemp("movies"), 40)
    return {
        "source": {"csv": {"path": str(path)}},
        "target": list(LABELS),
        "features": {"*": "auto", "title": {"text": {"output": "int", "length": 6}}},
        "batch_size": 8,
    }


def test_branches_are_what_numpy_makes_of_them():
    model, data = built(rows({
        "a": {"from": "rows", "layers": [dense(3, activation="relu")]},
        "b": {"from": ["a", "rows"], "layers": [dense(4, name="mine")]},
        "c": {"from": ["b", "rows"], "merge": "multiply"},
    }))  # fmt: skip
    x = data.train.x.astype("float32")
    kernel, bias = (np.array(w) for w in model.get_layer("a_dense").weights)
    a = np.maximum(x @ kernel + bias, 0)
    kernel, bias = (np.array(w) for w in model.get_layer("mine").weights)
    c = (np.concatenate([a, x], 1) @ kernel + bias) * x
    kernel, bias = (np.array(w) for w in model.get_layer("output").weights)
    logits = c @ kernel + bias
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(model(x), expected, rtol=1e-4)


def test_twins_share_their_weights_and_residual_layers():
    inner = {"residual": {"layers": [dense(3)], "shortcut": "projection"}}
    model, data = built(rows({
        "a": {"from": "rows", "layers": [inner]},
        "b": {"from": "rows", "use": "a"},
        "c": {"from": ["a", "b"], "merge": "subtract"},
    }))  # fmt: skip
    assert {weight.path for weight in model.weights if not weight.path.startswith("output")} == {
        "a_dense/kernel", "a_dense/bias", "a_residual_0_projection/kernel",
    }  # fmt: skip
    # Their difference is 0, whatever the weights are.
    x = data.train.x.astype("float32")
    np.testing.assert_array_equal(
        keras.Model(model.input, model.get_layer("c_subtract").output)(x), 0
    )


def test_a_list_and_a_graph_of_one_part_compute_the_same():
    layers = [dense(5, activation="tanh"), {"dropout": {"rate": 0.5}}, dense(4)]
    data = {"source": "wine", "scale": "standardize"}
    one, found = built({"data": data, "model": {"layers": layers}})
    other, _ = built({"data": data, "model": {"parts": {"a": {"from": "rows", "layers": layers}}}})
    other.set_weights(one.get_weights())
    np.testing.assert_array_equal(one(found.train.x), other(found.train.x))


def test_columns_are_taken_by_name(movies):
    model, data = built({"data": movies, "model": {"parts": {
        "words": {"from": "title", "layers": [
            {"embedding": {"input_dim": 20, "output_dim": 2}}, {"gru": {"units": 2}}]},
        "some": {"from": ["rating", "year"], "layers": [dense(2)]},
        "rest": {"from": "*", "layers": [dense(2)]},
        "all": {"from": ["words", "some", "rest"]},
    }}})  # fmt: skip
    spans, column = {}, 0
    for feature in data.features:
        if feature.kind != "text":
            spans[feature.name] = slice(column, column + feature.width)
            column += feature.width
    matrix = data.train.x["matrix"]
    some = np.concatenate([matrix[:, spans["rating"]], matrix[:, spans["year"]]], 1)
    rest = np.concatenate(
        [matrix[:, span] for name, span in spans.items() if name not in ("rating", "year")], 1
    )
    for part, block in {"some": some, "rest": rest}.items():
        layer = model.get_layer(f"{part}_dense")
        found = keras.Model(model.input, layer.output)(data.train.x)
        kernel, bias = (np.array(w) for w in layer.weights)
        np.testing.assert_allclose(found, block @ kernel + bias, rtol=1e-4, atol=1e-5)


def test_words_behind_the_end_of_a_text_change_nothing(movies):
    """The embedding masks them, and the recurrent layer keeps its state."""
    model, data = built({"data": movies, "model": {"parts": {
        "words": {"from": "title", "layers": [
            {"embedding": {"input_dim": 20, "output_dim": 3, "mask_zero": True}},
            {"gru": {"units": 4}}]},
        "all": {"from": ["words", "*"]},
    }}})  # fmt: skip
    gru = model.get_layer("words_gru")
    after = keras.Model(model.input, gru.output)(data.train.x).numpy()
    words = data.train.x["text_0"]
    embedded = np.array(model.get_layer("words_embedding").embeddings)[words]
    for row, length in enumerate((words > 0).sum(1)):
        if length:
            alone = gru(embedded[row : row + 1, :length])
            np.testing.assert_allclose(after[row], alone[0], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("parts", "wrong"),
    [
        ({"a": {"from": ["year", "yer"], "layers": ["flatten"]}}, "parts.a.from[1]: no input"),
        ({"a": {"from": "year", "layers": [dense(2)]}}, "model.parts: no part takes the input"),
        ({"a": {"from": "title", "layers": [
            {"embedding": {"input_dim": 9, "output_dim": 2}}, "flatten"]},
          "b": {"from": ["a", "*"]}}, "parts.a.layers[0].embedding.input_dim: `title` has the"),
    ],
    ids=["unknown", "unused", "small embedding"],
)  # fmt: skip
def test_columns_that_the_data_decides_are_checked_with_it(movies, parts, wrong):
    recipe = keras_recipes.load({"name": "x", "data": movies, "model": {"parts": parts}})
    with pytest.raises(RecipeError) as found:
        data_of(recipe)
    assert wrong in str(found.value)


def test_shapes_that_only_building_shows_are_reported_with_their_place(movies):
    with pytest.raises(RecipeError) as found:
        built({"data": {**movies, "features": "auto"}, "model": {"parts": {
            "a": {"from": "title", "layers": [dense(2)]},
            "b": {"from": "*", "layers": [dense(3)]},
            "c": {"from": ["a", "b"], "merge": "add"},
        }}})  # fmt: skip
    assert "model.parts.c.from: `Add` does not merge inputs of shapes" in str(found.value)


def test_a_word_alone_enters_a_list_of_layers(movies):
    model, data = built({
        "data": {**movies, "features": {"title": {"text": {"output": "int", "length": 6}}}},
        "model": {"layers": [{"embedding": {"input_dim": 20, "output_dim": 3}}, "flatten"]},
    })  # fmt: skip
    assert model(data.train.x).shape == (len(data.train.y), 7)
    with pytest.raises(keras_recipes.recipes.DataError, match="a part of its own"):
        built({"data": movies, "model": {"layers": [dense(2)]}})


def test_a_saved_graph_takes_raw_columns_and_a_run_resumes(movies, tmp_path):
    recipe = {"name": "x", "data": movies, "epochs": 2, "model": {"parts": {
        "words": {"from": "title", "layers": [
            {"embedding": {"input_dim": 20, "output_dim": 2}}, "global_average_pooling1d"]},
        "rest": {"from": "*", "layers": [dense(3), {"dropout": {"rate": 0.5}}]},
        "all": {"from": ["words", "rest"], "layers": [dense(3)]},
    }}, "layer_rates": {"rules": [{"match": "words_", "multiplier": 0.0}]}}  # fmt: skip
    whole = keras_recipes.load(recipe)
    result = whole.train(out=tmp_path / "whole", progress=False)
    assert result.status == "completed"
    assert keras_recipes.evaluate(tmp_path / "whole") == result.test
    keras_recipes.load(recipe, ["epochs=1"]).train(out=tmp_path / "parts", progress=False)
    whole.train(out=tmp_path / "parts", resume=True, allow_change=["epochs"], progress=False)
    one, other = (
        keras.models.load_model(tmp_path / run / "model.keras") for run in ("whole", "parts")
    )
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def windows(tmp_path, model, **window):
    """A network over windows of 6 rows, and its training windows."""
    rows = 80
    columns = {
        "t": hours(rows),
        "y": daily(rows),
        "kind": [f"k{row % 3}" for row in range(rows)],
        "work": [int(row % 24 in range(8, 17)) for row in range(rows)],
    }
    options = {"inputs": 6, "horizon": 3, "time": "t", **window}
    data = {
        "source": {"csv": {"path": str(write(tmp_path / "t.csv", columns))}},
        "target": "y",
        "features": {"y": "numeric", "kind": "category", "work": "numeric"},
        "window": options,
        "batch_size": 8,
    }
    return built({"data": data, "model": model})


def test_windows_through_a_graph_of_one_part_are_as_through_a_list(tmp_path):
    layers = ["flatten", dense(3, activation="tanh", name="mine")]
    (graph, data), (plain, _) = (
        windows(tmp_path, model)
        for model in ({"parts": {"a": {"from": "*", "layers": layers}}}, {"layers": layers})
    )
    x = data.train.x[:5]
    assert x.shape[1:] == (6, 5)
    plain.set_weights(graph.get_weights())
    np.testing.assert_array_equal(graph(x), plain(x))


def test_a_column_known_ahead_enters_a_part_with_its_horizon(tmp_path):
    parts = {
        "past": {"from": ["y", "kind"], "layers": ["flatten", dense(2)]},
        "ahead": {"from": "work", "layers": [{"flatten": {"name": "known"}}]},
        "both": {"from": ["past", "ahead"]},
    }
    model, data = windows(tmp_path, {"parts": parts}, known=["work"])
    x = data.train.x[:5]
    found = keras.Model(model.input, model.get_layer("known").output)(x)
    # The matrix has the column among the others, and at its end as it is 3 rows later.
    names = [feature.name for feature in data.features for _ in range(feature.width)]
    expected = x[..., [names.index("work"), -1]].reshape(5, -1)
    np.testing.assert_array_equal(found, expected)
    later = expected.reshape(5, 6, 2)
    np.testing.assert_array_equal(later[:, :3, 1], later[:, 3:, 0])
