"""What the code of a page takes for granted: files in the working directory, and names."""

import csv
import random
import shutil
from pathlib import Path
from typing import Any

import images
import keras
import numpy as np
from extras import needs
from tables import write_table

import keras_recipes

DENSE = {"layers": [{"dense": {"units": 4, "activation": "relu"}}]}


def trained(out: str, **changes: Any) -> None:
    """A run of one epoch on digits."""
    recipe = {"name": Path(out).name, "data": {"source": "digits", "scale": "minmax"}}
    full = {**recipe, "model": DENSE, "epochs": 1, **changes}
    keras_recipes.load(full).train(out=out, progress=False)


def written_recipe(path: str, **changes: Any) -> None:
    full = {"name": Path(path).stem, "model": DENSE, "epochs": 1, **changes}
    Path(path).write_text(keras_recipes.recipes.spec.dump(keras_recipes.load(full)))


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def classes(rows: int) -> np.ndarray:
    return np.arange(rows) % 3


def classifier(inputs: int = 4) -> keras.Model:
    return keras.Sequential([keras.Input((inputs,)), keras.layers.Dense(3, activation="softmax")])


def table(path: str, rows: int = 120, target: str = "price") -> None:
    """A table with two columns and a target that follows from one of them."""
    draw = random.Random(1)
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["age", "home", target])
        for _ in range(rows):
            age, home = draw.randint(20, 80), draw.choice(["rent", "owner"])
            known = {"price": round(age * 1.5 + draw.random(), 3), "bought": age > 50}
            writer.writerow([age, home, known[target]])


def data_from_python() -> dict[str, Any]:
    written_recipe("arrays.yaml", data={"source": "arrays"})
    written_recipe("frame.yaml", data={"source": "arrays", "target": "Status"})
    frame = {"Age": numbers(90).tolist(), "Status": ["good", "bad", "bad"] * 30}
    return {"x": numbers(90, 4), "y": classes(90), "frame": frame}


def export() -> dict[str, Any]:
    needs("tf2onnx", "onnx", "onnxruntime")
    trained("runs/digits")
    keras_recipes.export("runs/digits", "digits.onnx")
    return {}


def graphs() -> dict[str, Any]:
    write_table("movies_graph", Path(), rows=600).rename("movies.csv")
    written_recipe("recipe.yaml", data={"source": "arrays"})
    a, b = keras.Input((3,), name="a"), keras.Input((2,), name="b")
    joined = keras.layers.concatenate([a, b])
    price = keras.layers.Dense(1, name="price")(joined)
    cut = keras.layers.Dense(3, activation="softmax", name="cut")(joined)
    return {
        "model": keras.Model({"a": a, "b": b}, {"price": price, "cut": cut}),
        "a": numbers(60, 3),
        "b": numbers(60, 2),
        "price": numbers(60),
        "cut": classes(60),
    }


def pictures() -> dict[str, Any]:
    images.write_folder("photos", count=30, size=(96, 96))
    keras_recipes.load("pets.yaml", {"epochs": 1}).train(out="run", progress=False)
    return {"pixels": np.zeros((2, 96, 96, 3))}


def language() -> dict[str, Any]:
    for path in ("table.csv", "later.csv"):
        table(path, target="bought")
    trained("runs/a", data={"source": {"csv": {"path": "table.csv"}}, "target": "bought"})
    return {}


def reports() -> dict[str, Any]:
    trained("runs/a")
    for name in ("b", "c", "credit"):
        shutil.copytree("runs/a", f"runs/{name}")
    changes = ["budget.trials=1", "overrides.epochs=1"]
    keras_recipes.sweep(
        "digits_learning_rate", changes, jobs=1, out="sweeps/digits_learning_rate", progress=False
    )
    return {}


def resume() -> dict[str, Any]:
    def make():
        model = classifier()
        model.compile("sgd", "sparse_categorical_crossentropy")
        return model, numbers(60, 4), classes(60)

    return {"make": make}


def start() -> dict[str, Any]:
    table("table.csv")
    written_recipe("my_recipe.yaml", data={"source": "digits"})
    trained("runs/digits")
    shutil.copytree("runs/digits", "runs/mine")
    x, y = numbers(60, 4), classes(60)
    return {"model": classifier(), "x": x, "y": y, "x2": x[:9], "y2": y[:9]}


def transfer() -> dict[str, Any]:
    blocks = [keras.layers.Dense(4, name=f"block_{number}_dense") for number in range(3)]
    backbone = keras.Sequential([keras.Input((4,)), *blocks], name="backbone")
    model = keras.Sequential([backbone, keras.layers.Dense(1)])
    x, y = numbers(60, 4), numbers(60)
    return {"model": model, "x": x, "y": y, "x2": x[:9], "y2": y[:9]}


CONTEXTS = {
    "docs/data_from_python.md": data_from_python,
    "docs/export.md": export,
    "docs/graphs.md": graphs,
    "docs/images.md": pictures,
    "docs/recipe.md": language,
    "docs/reports.md": reports,
    "docs/resume.md": resume,
    "docs/start.md": start,
    "docs/transfer.md": transfer,
}
