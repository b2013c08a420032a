"""A run of arrays and one of a table, trained once for all tests of exports."""

import numpy as np
import pytest
from extras import needs
from small_runs import train_small, without_reports
from tables import write_table

import keras_recipes


@pytest.fixture(scope="session")
def iris(tmp_path_factory):
    """A run of arrays with three classes."""
    with pytest.MonkeyPatch.context() as patch:
        without_reports(patch)
        out = tmp_path_factory.mktemp("iris") / "run"
        train_small(out)
    return out


@pytest.fixture(scope="session")
def titanic(tmp_path_factory):
    """A run of a table with categories and missing numbers."""
    folder = tmp_path_factory.mktemp("titanic")
    write_table("titanic", folder, rows=80)
    recipe = {
        "name": "titanic",
        "data": {
            "source": {"csv": {"path": str(folder / "titanic.csv")}},
            "target": "survived",
            "features": {
                "*": "auto",
                "pclass": {"category": {"output": "embedding"}},
                "sex": {"text": {"output": "embedding", "length": 3}},
            },
            "validation": "20%",
            "test": "20%",
        },
        "model": {"layers": [{"dense": {"units": 3}}]},
        "epochs": 1,
        "steps_per_execution": 1,
    }
    with pytest.MonkeyPatch.context() as patch:
        without_reports(patch)
        keras_recipes.load(recipe).train(out=folder / "run", progress=False)
    return folder / "run"


@pytest.fixture(scope="session")
def onnx(iris, tmp_path_factory):
    """The run of arrays as an ONNX file."""
    needs("tf2onnx", "onnx", "onnxruntime")
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    keras_recipes.export(iris, path)
    return path


@pytest.fixture(scope="session")
def litert(iris, tmp_path_factory):
    """The run of arrays as a LiteRT file."""
    needs("ai_edge_litert")
    path = tmp_path_factory.mktemp("litert") / "model.tflite"
    keras_recipes.export(iris, path)
    return path


@pytest.fixture
def rows():
    """Some rows of the run of arrays."""
    return np.array([[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]])
