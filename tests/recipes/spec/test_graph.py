"""Graphs of named parts: every mistake reported with its place, before TensorFlow is imported."""

import subprocess
import sys

import pytest

from keras_recipes.recipes.errors import RecipeError
from keras_recipes.recipes.spec import load
from keras_recipes.recipes.spec.dump import dump
from keras_recipes.recipes.spec.graph import in_order

DENSE = {"dense": {"units": 3}}
CONV = {"conv2d": {"filters": 2, "kernel_size": 3}}
TABLE = {
    "source": {"csv": {"path": "t.csv"}},
    "target": "y",
    "features": {"age": "numeric", "title": {"text": {"output": "int", "length": 5}}},
}
IMAGES = {"source": "cifar10"}
A = {"from": "rows", "layers": [DENSE]}


def recipe(parts, data="iris", **model):
    data = data if isinstance(data, dict) else {"source": data}
    return {"name": "x", "data": data, "model": {"parts": parts, **model}}


def part(source, *layers, **more):
    return {"from": source, "layers": list(layers), **more}


# Parts, data, and what is wrong, with its place.
WRONG = {
    "unknown": ({"a": part("row", DENSE)}, "iris",
        "model.parts.a.from[0]: no input and no part is called `row`; there are `a` or `rows`. "
        "Did you mean `rows`?"),
    "unknown column": ({"a": part(["age", "titel"], DENSE)}, TABLE,
        "model.parts.a.from[1]: no input and no part is called `titel`"),
    "cycle": ({"a": part(["rows", "c"], DENSE), "b": part("a", DENSE), "c": part("b", DENSE)},
        "iris", "model.parts: these parts take each other's output: a -> b -> c -> a"),
    "itself": ({"a": part(["rows", "a"], DENSE)}, "iris", "from: the part takes its own output"),
    "unused part": ({"a": A, "b": A}, "iris",
        "model.parts.a: the parts `a`, `b` are taken by no other, and a network has one output. "
        "Merge them in one more part: `joined: {from: [a, b]}`"),
    "unused input": ({"a": part("age", DENSE)}, TABLE,
        "model.parts: no part takes the input `title`"),
    "no others": ({"a": part("*", DENSE), "b": part(["a", "age"], DENSE), "c": part("title", DENSE),
        "d": part(["b", "c"])}, TABLE, "model.parts.a.from[0]: each input is named by a part"),
    "name of an input": ({"age": part("age", DENSE), "b": part("title", DENSE),
        "c": part(["age", "b"])}, TABLE, "model.parts.age: an input is called `age` too"),
    "no input": ({"a": {"layers": [DENSE]}}, "iris", "model.parts.a.from: is missing"),
    "no name": ({"A": A}, "iris", "model.parts.A: expected another name"),
    "does nothing": ({"a": part("rows")}, "iris", "model.parts.a: does nothing"),
    "twice": ({"a": part(["rows", "rows"])}, "iris", "model.parts.a.from: `rows` is there twice"),
    "no merge": ({"a": part("rows", merge="flatten")}, "iris",
        "model.parts.a.merge: `flatten` does not merge several inputs into one; expected `add`"),
    "merge of one": ({"a": part("rows", DENSE, merge="add")}, "iris",
        "model.parts.a.merge: `add` merges several inputs, and `from` names one"),
    "pair": ({"a": A, "b": A, "c": part(["a", "b", "rows"], merge="subtract")}, "iris",
        "model.parts.c.from: `subtract` takes 2 inputs. Received 3"),
    "shapes": ({"a": A, "b": part(["a", "rows"], merge="add")}, "iris",
        "model.parts.b.from: `add` does not merge rows of shapes (3,) and (4,): an axis has"),
    "ranks": ({"a": part("rows", "global_average_pooling2d"), "b": part(["a", "rows"])}, IMAGES,
        "`concatenate` does not merge rows of shapes (3,) and (32, 32, 3): they have different"),
    "axes": ({"a": part("rows", CONV), "b": part(["a", "rows"])}, IMAGES, "all axes but the one"),
    "attention": ({"a": part("rows", DENSE, {"reshape": {"target_shape": [3, 1]}}),
        "b": part(["a", "rows"], "flatten", merge="attention")}, "iris",
        "query, value and key have 2 axes each"),
    "layer": ({"a": part("rows", DENSE), "b": part("a", CONV)}, "iris",
        "model.parts.b.layers[0]: `conv2d` does not take rows of shape (3,)"),
    "layer of words": ({"a": part("title", CONV), "b": part(["a", "age"])}, TABLE,
        "model.parts.a.layers[0]: `conv2d` does not take rows of shape (5,)"),
    "words merged": ({"a": part(["age", "title"], DENSE)}, TABLE,
        "model.parts.a.from[1]: `title` is a sequence of word numbers"),
    "end": ({"a": part("rows", CONV)}, IMAGES, "model.parts.a: the network ends in rows of shape"),
    "in a list": ({"a": part("rows", "add")}, "iris", "model.parts.a.layers[0]: `add` takes"),
    "empty residual": ({"a": part("rows", {"residual": {"layers": []}})}, "iris",
        "model.parts.a.layers[0].residual"),
    "use of none": ({"a": A, "b": {"from": "rows", "use": "c"}, "d": part(["a", "b"])}, "iris",
        "model.parts.b.use: expected another part"),
    "use with layers": ({"a": A, "b": part("rows", DENSE, use="a"), "d": part(["a", "b"])}, "iris",
        "model.parts.b.layers: a part that uses the layers of another one has none of its own"),
    "use of another shape": ({"a": A, "b": {"from": "a", "use": "a"}, "d": part(["a", "b"])},
        "iris", "model.parts.b.use: the layers of `a` have weights for rows of shape (4,), and"),
    "names of layers": ({"a": A, "b": part("a", {"dense": {"units": 2, "name": "a_dense"}})},
        "iris", "model.parts.b.layers[0]: another part of the network is called `a_dense`"),
    "windows": ({"a": part("age", {"conv1d": {"filters": 2, "kernel_size": 5}}, "flatten")},
        {"source": TABLE["source"], "target": "y", "features": {"age": "numeric"},
         "window": {"inputs": 4, "horizon": 2}},
        "model.parts.a.layers[0]: `conv1d` does not take rows of shape (4, None)"),
}  # fmt: skip


@pytest.mark.parametrize(("parts", "data", "wrong"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_reported_with_its_place(parts, data, wrong):
    with pytest.raises(RecipeError) as found:
        load(recipe(parts, data))
    assert wrong in str(found.value)


RIGHT = {
    "squeeze and excitation": ({"f": part("rows", {"conv2d": {"filters": 4, "kernel_size": 3}}),
        "s": part("f", "global_average_pooling2d", {"dense": {"units": 4}},
            {"reshape": {"target_shape": [1, 1, 4]}}),
        "e": part(["f", "s"], "global_average_pooling2d", merge="multiply")}, IMAGES),
    "self-attention": ({"a": part("rows", "flatten",
        merge={"multi_head_attention": {"num_heads": 1, "key_dim": 2}})}, "mnist"),
    "twins": ({"a": A, "b": {"from": "rows", "use": "a"}, "c": part(["a", "b"], merge="subtract")},
        "iris"),
    "backwards": ({"b": part("a", DENSE), "a": A}, "iris"),
    "table": ({"w": part("title", {"embedding": {"input_dim": 2002, "output_dim": 4}},
        {"gru": {"units": 3}}), "j": part(["w", "age"], DENSE)}, TABLE),
    "others": ({"w": part("title", {"embedding": {"input_dim": 2002, "output_dim": 4}}, "flatten"),
        "j": part(["w", "*"], DENSE)}, TABLE),
}  # fmt: skip


@pytest.mark.parametrize(("parts", "data"), RIGHT.values(), ids=RIGHT)
def test_a_sound_graph_is_read_and_written_back(parts, data):
    found = load(recipe(parts, data))
    assert list(found.model.parts) == list(parts)
    import yaml

    assert load(yaml.safe_load(dump(found))) == found


def test_parts_and_layers_exclude_each_other():
    with pytest.raises(RecipeError, match="`layers` or `parts`, not both"):
        load(recipe({"a": A}, layers=[DENSE]))
    with pytest.raises(RecipeError, match=r"model\.layers: is missing"):
        load({"name": "x", "data": {"source": "iris"}, "model": {"output": DENSE}})


def test_order_is_that_of_the_file_but_after_what_is_taken():
    parts = load(recipe({"d": part(["c", "a"]), "c": part("a", DENSE), "a": A})).model.parts
    assert in_order(parts) == ["a", "c", "d"]


def test_the_line_is_reported_without_tensorflow(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text(
        "data: {source: iris}\nmodel:\n  parts:\n    a: {from: b, layers: [flatten]}\n"
        "    b: {from: a, layers: [flatten]}\n"
    )
    code = (
        "import sys\nfrom keras_recipes.recipes.cli import main\n"
        f"status = main(['validate', {str(path)!r}])\n"
        "sys.exit(9 if 'tensorflow' in sys.modules else status)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2
    assert f"{path}:4:5 model.parts: these parts take each other's output" in done.stderr
