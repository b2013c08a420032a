"""The Python code of each page runs, from its first block to its last, beside files of its kind."""

import inspect
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from extras import needs
from small_runs import SMALL, train_small, without_reports, write_recipe

import keras_recipes

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
PAGES = sorted(
    path
    for path in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"))
    if BLOCK.search(path.read_text(encoding="utf-8"))
)
# What makes them short; a shipped recipe trains for one epoch.
SHORTER = (
    (r"epochs=100\b", "epochs=2"),
    (r'"epochs": 20\b', '"epochs": 1'),
    (r'load\("digits_mlp"\)', 'load("digits_mlp", {"epochs": 1})'),
)
RNG = np.random.default_rng(0)
TABLE = {
    "age": RNG.integers(20, 60, 90).tolist(),
    "home": ["rent", "owner", "other"] * 30,
    "Status": ["good", "good", "bad"] * 30,
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Runs and recipes that the pages take from somewhere."""
    folder = tmp_path_factory.mktemp("files")
    tf.config.run_functions_eagerly(True)
    with pytest.MonkeyPatch.context() as patch:
        without_reports(patch)
        digits = {"source": "digits", "scale": "minmax", "batch_size": 256}
        train_small(folder / "runs/digits", data=digits, epochs=1)
        table = {"source": "arrays", "target": "Status", "batch_size": "all"}
        keras_recipes.load({**SMALL, "data": table}).train(
            TABLE, out=folder / "runs/a", progress=False
        )
    tf.config.run_functions_eagerly(False)
    shutil.copytree(folder / "runs/a", folder / "runs/b")
    lines = zip(*TABLE.values(), strict=True)
    (folder / "later.csv").write_text(
        "".join(",".join(map(str, line)) + "\n" for line in (TABLE, *lines))
    )
    write_recipe(folder / "my_recipe.yaml")
    write_recipe(folder / "frame.yaml", data=table)
    write_recipe(folder / "arrays.yaml", data={"source": "arrays", "batch_size": "all"})
    return folder


def classifier():
    """A compiled network, and rows for it."""
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model, RNG.random((60, 4), "float32"), np.arange(60) % 3


def of_start(folder):
    model, x, y = classifier()
    return {"model": model, "x": x, "y": y, "x2": x, "y2": y}


def of_arrays(folder):
    _, x, y = classifier()
    return {"x": x, "y": y, "frame": TABLE}


def of_graphs(folder):
    a, b = keras.Input((2,), name="a"), keras.Input((3,), name="b")
    joined = keras.layers.Concatenate()([a, b])
    price = keras.layers.Dense(1, name="price")(joined)
    cut = keras.layers.Dense(2, activation="softmax", name="cut")(joined)
    write_recipe(folder / "recipe.yaml", data={"source": "arrays", "batch_size": "all"})
    return {
        "model": keras.Model({"a": a, "b": b}, {"price": price, "cut": cut}),
        "a": RNG.random((60, 2)),
        "b": RNG.random((60, 3)),
        "price": RNG.random((60, 1)),
        "cut": np.arange(60) % 2,
    }


def of_images(folder):
    pixels = keras.Input((96, 96, 3), name="image")
    model = keras.Model({"image": pixels}, keras.layers.GlobalAveragePooling2D()(pixels))
    (folder / "run").mkdir()
    model.save(folder / "run/model.keras")
    return {"pixels": np.zeros((2, 96, 96, 3))}


def of_transfer(folder):
    layers = [keras.layers.Dense(2, name="block_1_a"), keras.layers.Dense(2, name="block_a")]
    backbone = keras.Sequential([keras.Input((4,)), *layers], name="backbone")
    model = keras.Sequential([keras.Input((4,)), backbone, keras.layers.Dense(1)])
    return {"model": model, "x": RNG.random((64, 4)), "y": RNG.random((64, 1))}


# What a page says is the reader's own.
GIVEN = {
    "start": of_start,
    "resume": lambda folder: {"make": classifier},
    "data_from_python": of_arrays,
    "graphs": of_graphs,
    "images": of_images,
    "transfer": of_transfer,
}


def sweep_of(source, *given, **named):
    """In the place of a sweep, which its own tests run: its arguments are such as it takes."""
    inspect.signature(SWEEP).bind(source, *given, **named)
    return SimpleNamespace(best={"score": 0.5}, recipe="best.yaml")


SWEEP = keras_recipes.sweep


@pytest.fixture
def registered():
    """What a page registers with Keras is gone after it."""
    before = dict(keras.saving.get_custom_objects())
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
    keras.saving.get_custom_objects().clear()
    keras.saving.get_custom_objects().update(before)


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_the_code_of_a_page_runs(page, files, tmp_path, monkeypatch):
    if page.stem == "export":
        needs("tf2onnx", "onnxruntime")
    without_reports(monkeypatch)
    monkeypatch.setattr(keras_recipes, "sweep", sweep_of)
    folder = tmp_path / "place"
    shutil.copytree(files, folder)
    monkeypatch.chdir(folder)
    names = {"__name__": "page", **GIVEN.get(page.stem, lambda folder: {})(folder)}
    for number, block in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")), start=1):
        for pattern, shorter in SHORTER:
            block = re.sub(pattern, shorter, block)
        exec(compile(block, f"{page.name}, block {number}", "exec"), names)


def test_every_page_with_code_is_run():
    assert len(PAGES) > 10
