"""Columns in front of an ONNX network: what NumPy makes of them is the oracle."""

import importlib

import numpy as np
import pytest
from extras import needs

from keras_recipes.recipes.data.fitted import FITTED, FittedCategory, FittedNumeric, FittedText
from keras_recipes.recipes.export.encode import encoded
from keras_recipes.recipes.export.interface import Port
from keras_recipes.recipes.export.onnx_columns import can_hold, put_in_front

NUMBERS = np.array([1.5, np.nan, -3.0, 1e4, 0.0])
WORDS = np.array(["red", "blue", "", "green", "red"], dtype=object)
FEATURES = [
    FittedNumeric("n/m", 2.0, True, 1.5, 3.0),
    FittedNumeric("l", 0.0, False, 0.5, 2.0, log=True),
    FittedNumeric("q", 1.0, True, boundaries=(0.0, 1.5, 2.5)),
    FittedNumeric("d", 2.0, False, 1e3, 3.0, double=True),
    FittedCategory("c", ("blue", "red"), True, "one_hot"),
    FittedCategory("k", ("", "blue", "green"), False, "one_hot"),
    FittedCategory("e", ("blue", "red"), True, "embedding", 2),
]
PLAIN = FITTED.dump_python(tuple(FEATURES), mode="json")


def plain(*features):
    return FITTED.dump_python(features, mode="json")


def identity(onnx, ends):
    """A network that gives what it is given."""
    value = onnx.helper.make_tensor_value_info
    kinds = {end.port: onnx.helper.np_dtype_to_tensor_dtype(np.dtype(end.dtype)) for end in ends}
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", [e.port], [f"{e.port}_out"]) for e in ends],
        "network",
        [value(e.port, kinds[e.port], [None, *e.shape]) for e in ends],
        [value(f"{e.port}_out", kinds[e.port], [None, *e.shape]) for e in ends],
    )
    imports = [onnx.helper.make_opsetid("", 18)]
    return onnx.helper.make_model(graph, opset_imports=imports, ir_version=9)


def test_numbers_and_categories_are_encoded_as_in_numpy(tmp_path):
    needs("onnx", "onnxruntime")
    onnx, onnxruntime = map(importlib.import_module, ("onnx", "onnxruntime"))
    cells = {f["name"].replace("/", "|"): WORDS if f["kind"] == "category" else NUMBERS
             for f in PLAIN}  # fmt: skip
    wanted = encoded(PLAIN, cells)
    ends = [
        Port("matrix", "numbers", wanted["matrix"].shape[1:], "float64"),
        Port("categories", "categories", wanted["categories"].shape[1:], "int32"),
    ]
    columns = [
        Port(name, f"in_{index}", (1,), "string" if array.dtype == object else "float32")
        for index, (name, array) in enumerate(sorted(cells.items()))
    ]
    columns = [Port(p.name, p.port, p.shape, "float64" if p.name == "d" else p.dtype)
               for p in columns]  # fmt: skip
    path = tmp_path / "m.onnx"
    onnx.save(identity(onnx, ends), str(path))
    put_in_front(path, PLAIN, columns, ends)
    session = onnxruntime.InferenceSession(path.read_bytes())
    given = {
        p.port: cells[p.name][:, None].astype(object if p.dtype == "string" else p.dtype)
        for p in columns
    }
    matrix, categories = session.run(["numbers_out", "categories_out"], given)
    np.testing.assert_allclose(matrix, wanted["matrix"], rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(categories, wanted["categories"])


@pytest.mark.parametrize(
    ("described", "held"),
    [
        ({"features": PLAIN}, True),
        ({"features": PLAIN, "window": {"inputs": 3}}, False),
        ({"features": plain(FittedText("t", ("a",), "int", 3))}, False),
        ({"features": plain(FittedCategory("h", (), True, "hashing", 8))}, False),
    ],
    ids=["numbers and words", "windows", "text", "hashed"],
)
def test_what_onnx_lacks_is_known_before(described, held):
    assert can_hold(described) is held
