"""What a list of layers cannot hold: reported with the line, before TensorFlow is imported."""

import numpy as np
import pytest

from keras_recipes.recipes.cli import main
from keras_recipes.recipes.errors import RecipeError
from keras_recipes.recipes.spec import load

# Source, layers, where and what is wrong.
WRONG = [
    ("digits", ["add"], "model.layers[0]: `add` takes several inputs"),
    ("digits", ["add"], "`residual: [...]` adds"),
    ("digits", [{"gru_cell": {"units": 2}}], "is one step of a recurrent layer. Use `gru`"),
    ("csv", ["string_lookup"], "takes text, and rows are numbers"),
    ("mnist", ["mix_up"], "Put it in `data.augment`"),
    ("npz", [{"lstm": {"units": 2, "return_state": True}}], "lstm.return_state: `return_state`"),
    ("npz", [{"gru": {"units": 2, "stateful": True}}], "gru.stateful: `stateful` needs"),
    ("npz", [{"residual": [{"time_distributed": {"layer": "add"}}]}],
     "model.layers[0].residual[0].time_distributed.layer: `add` takes"),
    ("npz", [{"bidirectional": {"layer": {"dense": {"units": 2}}}}],
     "bidirectional.layer: expected a recurrent layer"),
    ("iris", [{"dense": {"units": 2, "name": "größe"}}], "dense.name: expected a name of ASCII"),
    ("iris", [{"dense": {"units": 2, "name": "a/b"}}], "dense.name: expected a name of ASCII"),
    ("iris", [{"dense": {"units": 2, "name": "a"}}, {"relu": {"name": "a"}}],
     "model.layers[1]: another part of the network is called `a`"),
    ("iris", [{"dense": {"units": 2, "name": "dense_1"}}, {"dense": {"units": 3}}],
     "model.layers[1]: another part of the network is called `dense_1`"),
    ("iris", [{"dense": {"units": 2, "name": "output"}}], "is called `output`"),
    ("mnist", [{"conv2d": {"filters": 2, "kernel_size": 3}}],
     "model.layers[0]: `conv2d` does not take rows of shape (28, 28): it needs 3 axes (height, "
     "width, channels). Put `reshape: {target_shape: [28, 28, 1]}` before it."),
    ("digits", ["max_pooling2d"], "Put `reshape: {target_shape: [8, 8, 1]}` before it"),
    ("iris", [{"lstm": {"units": 2}}], "Put `reshape: {target_shape: [4, 1]}` before it"),
    ("cifar10", [{"gru": {"units": 2}}], "Put `reshape: {target_shape: [32, 96]}` before it"),
    ("cifar10", [{"repeat_vector": {"n": 2}}], "Put `flatten`"),
    ("csv", [{"conv1d": {"filters": 2, "kernel_size": 3}}], "Put a `reshape` to 2 axes before it"),
    ("digits", [{"reshape": {"target_shape": [8, 9]}}],
     "they have 64 values, and `target_shape` [8, 9] has 72"),
    ("digits", [{"reshape": {"target_shape": [-1, 7]}}], "[-1, 7] has a multiple of 7"),
    ("digits", [{"reshape": {"target_shape": [-1, -1]}}], "-1 at most once"),
    ("cifar10", [{"conv2d": {"filters": 2, "kernel_size": 33}}],
     "a window of 33 does not fit on an axis of 32. Use a smaller `kernel_size`, or `paddi"),
    ("cifar10", [{"max_pooling2d": {"pool_size": 40}}], "Use a smaller `pool_size`"),
    ("cifar10", [{"cropping2d": {"cropping": 16}}], "leaves nothing"),
    ("cifar10", [{"group_normalization": {"groups": 2}}], "3 channels cannot be divided into 2"),
    ("cifar10", [{"permute": {"dims": [1, 2]}}], "`dims` has each of the axes 1 to 3 once"),
    ("cifar10", [{"permute": {"dims": False}}], "permute.dims: expected a list"),
    ("cifar10", [{"residual": [{"conv2d": {"filters": 3, "kernel_size": 3}}]}],
     "model.layers[0]: a residual block adds its input of shape (32, 32, 3) to its output of "
     "shape (30, 30, 3). Make them equal, or use `shortcut: projection`"),
    ("digits", [{"residual": [{"dense": {"units": 8}}, {"lstm": {"units": 2}}]}],
     "model.layers[0].residual[1]: `lstm`"),
    ("mnist", [{"dense": {"units": 2}}], "model.layers: the network ends in rows of shape (28, 2)"),
]  # fmt: skip


def recipe(source, layers):
    given = {"csv": {"csv": {"path": "t.csv"}}, "npz": {"npz": {"path": "a.npz"}}}
    data = {"source": given.get(source, source), **({"target": "y"} if source == "csv" else {})}
    return {"name": "x", "data": data, "model": {"layers": layers}}


@pytest.mark.parametrize(("source", "layers", "message"), WRONG)
def test_what_cannot_follow_is_reported_with_its_place(source, layers, message):
    with pytest.raises(RecipeError) as caught:
        load(recipe(source, layers))
    assert message in str(caught.value)
    assert len(caught.value.problems) == 1


RIGHT = [
    ("mnist", [{"reshape": {"target_shape": [28, 28, 1]}}, {"conv2d": {"filters": 2,
     "kernel_size": 3}}, {"residual": {"layers": [{"conv2d": {"filters": 4, "kernel_size": 3,
     "strides": 2, "padding": "same"}}], "shortcut": "projection"}}, "global_average_pooling2d"]),
    ("mnist", [{"bidirectional": {"layer": {"lstm": {"units": 2}}}}]),
    ("cifar10", ["random_flip", {"time_distributed": {"layer": {"gru": {"units": 2}}}}, "flatten"]),
    ("iris", []),
]  # fmt: skip


@pytest.mark.parametrize(("source", "layers"), RIGHT)
def test_what_can_follow_is_taken(source, layers):
    load(recipe(source, layers))


def test_validate_says_where_shapes_are_not_known(tmp_path, capsys):
    text = "data: {source: %s}\nmodel: {layers: [%s]}\n"
    for name, source, layer in (
        ("a", "{npz: {path: a.npz}}", "flatten"),
        ("b", "iris", "{einsum_dense: {equation: 'ab,bc->ac', output_shape: 3}}"),
        ("c", "{csv: {path: t.csv}}, target: y", "{dense: {units: 3}}"),
    ):
        (tmp_path / f"{name}.yaml").write_text(text % (source, layer))
    np.savez(tmp_path / "a.npz", x=np.zeros((4, 2)), y=np.arange(4) % 2)
    (tmp_path / "t.csv").write_text("x,y\n1,a\n2,b\n")
    assert main(["validate", "a.yaml", "b.yaml", "c.yaml"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "a.yaml: ok (shapes not checked: the shape of a row is known when the data is read)",
        "b.yaml: ok (shapes not checked: what model.layers[0], `einsum_dense`, gives is known when "
        "it is built)",
        "c.yaml: ok",
    ]


CONV2D = {"conv2d": {"filters": 2, "kernel_size": 5}}
FOLDER = {"source": {"image_folder": {"path": "f"}}}
TABLE = {"source": {"csv": {"path": "t.csv"}}, "target": "y"}
SMALL = {"p": {"image": {"size": [4, 6], "channels": 1}}}


@pytest.mark.parametrize(
    ("data", "layers", "message"),
    [
        (FOLDER, [CONV2D, "flatten"], ""),
        (FOLDER, [{"lstm": {"units": 2}}], "`lstm` does not take rows of shape (None, None, None)"),
        # Columns that are inferred may be pictures.
        (TABLE, [CONV2D, "flatten"], ""),
        (TABLE, [{"dense": {"units": 2}}], ""),
        ({**TABLE, "features": {"x": "numeric"}}, [CONV2D, "flatten"], "`conv2d` does not take"),
        ({**TABLE, "features": SMALL}, [CONV2D, "flatten"], "a window of 5 does not fit"),
        ({**TABLE, "features": {**SMALL, "x": "numeric"}}, [CONV2D, "flatten"], ""),
    ],
)
def test_layers_on_pictures(data, layers, message):
    given = {"name": "x", "data": data, "model": {"layers": layers}}
    if not message:
        load(given)
        return
    with pytest.raises(RecipeError) as caught:
        load(given)
    assert message in str(caught.value)
