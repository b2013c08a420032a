"""What the code of a page takes for granted: files in the working directory, and names."""

import shutil
from pathlib import Path
from typing import Any

import images
import keras
import numpy as np
import series
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


def table(path: str, target: str, **more: list[int]) -> None:
    """A table with two columns, and a target that follows from one of them."""
    draw = np.random.default_rng(1)
    age, home = draw.integers(20, 80, 120), draw.choice(["rent", "owner"], 120)
    known = {"price": age * 1.5 + draw.normal(size=120), "bought": age > 50}
    series.write(Path(path), {**more, "age": age, "home": home, target: known[target]})


def digits_table(path: str) -> None:
    """Rows of 64 pixels, as a run on digits predicts them."""
    series.write(Path(path), {f"pixel_{number}": [0, 8, 16] for number in range(64)})


def trained_on(path: str, out: str, target: str) -> None:
    trained(out, data={"source": {"csv": {"path": path}}, "target": target})


def readme() -> dict[str, Any]:
    trained("runs/mine")
    digits_table("new.csv")
    return {}


def data_from_python() -> dict[str, Any]:
    written_recipe("arrays.yaml", data={"source": "arrays"})
    written_recipe("frame.yaml", data={"source": "arrays", "target": "Status"})
    frame = {"Age": numbers(90).tolist(), "Status": ["good", "bad", "bad"] * 30}
    return {"x": numbers(90, 4), "y": classes(90), "frame": frame}


def export() -> dict[str, Any]:
    needs("tf2onnx", "onnx", "onnxruntime")
    trained("runs/digits")
    keras_recipes.export("runs/digits", "digits.onnx")
    digits_table("rows.csv")
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
    shutil.copytree("photos", "labelled_photos")
    shutil.copytree("photos/cats", "new_photos")
    return {"pixels": np.zeros((2, 96, 96, 3))}


def language() -> dict[str, Any]:
    for path in ("table.csv", "later.csv"):
        table(path, "bought")
    table("new.csv", "bought", id=list(range(120)))
    trained_on("table.csv", "runs/a", "bought")
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


def windows() -> dict[str, Any]:
    hours = {"hour": series.hours(200) * 2, "station": ["north"] * 200 + ["south"] * 200}
    demand = [*series.daily(200), *series.daily(200, seed=1)]
    series.write(Path("stations.csv"), {**hours, "demand": demand})
    window = {"inputs": 48, "horizon": 4, "time": "hour", "by": "station"}
    source = {"csv": {"path": "stations.csv"}}
    data = {"source": source, "target": "demand", "window": window}
    trained("runs/a", data=data, model={"layers": ["flatten", *DENSE["layers"]]})
    return {}


def start() -> dict[str, Any]:
    for path in ("table.csv", "new.csv"):
        table(path, "price")
    trained_on("table.csv", "runs/price", "price")
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
    "README.md": readme,
    "docs/data_from_python.md": data_from_python,
    "docs/export.md": export,
    "docs/graphs.md": graphs,
    "docs/images.md": pictures,
    "docs/recipe.md": language,
    "docs/reports.md": reports,
    "docs/resume.md": resume,
    "docs/series.md": windows,
    "docs/start.md": start,
    "docs/transfer.md": transfer,
}
