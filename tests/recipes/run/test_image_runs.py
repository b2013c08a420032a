"""Runs on pictures, from the recipe to the prediction for a file."""

import json

import keras
import numpy as np
import pytest
from images import bomb, hollow, pixels, png, write_folder

import keras_recipes
from keras_recipes.recipes.build import images
from keras_recipes.recipes.cli import main
from keras_recipes.recipes.errors import RequestError

CONVOLUTION = {"conv2d": {"filters": 4, "kernel_size": 3, "activation": "relu"}}
LAYERS = [CONVOLUTION, "flatten", {"dropout": {"rate": 0.2}}]


def recipe(folder, **changes):
    """A small convolutional network on a folder of pictures."""
    data = {"source": {"image_folder": {"path": str(folder)}}, "batch_size": 4}
    return keras_recipes.load(
        {
            "name": "pictures",
            "seed": 1,
            "data": {**data, **changes.pop("data", {})},
            "model": {"layers": changes.pop("layers", LAYERS)},
            "optimizer": "adam",
            "learning_rate": 0.01,
            "epochs": 2,
            "metrics": ["accuracy"],
            "steps_per_execution": 1,
            "checkpoints": {"every": "1 steps"},
            **changes,
        }
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder of pictures of different sizes, and a run on it."""
    where = tmp_path_factory.mktemp("pictures")
    folder = write_folder(where / "사진 🐱 f", size=None)
    # Wide and slow enough that with each of six seeds two thirds of the pictures were right.
    layers = [{"conv2d": {**CONVOLUTION["conv2d"], "filters": 8}}, *LAYERS[1:]]
    data = {"features": {"image": {"image": {"size": [9, 8]}}}}
    recipe(folder, epochs=16, learning_rate=0.003, layers=layers, data=data).train(
        out=where / "run", progress=False
    )
    return folder, where / "run"


def test_the_run_learns_and_describes_itself(trained):
    _, run = trained
    result = json.loads((run / "result.json").read_text())
    assert result["status"] == "completed"
    assert result["test"]["accuracy"] > 0.6
    (feature,) = json.loads((run / "data.json").read_text())["features"]
    assert (feature["kind"], feature["size"], feature["channels"]) == ("image", [9, 8], 3)


def test_predictions_name_their_files(trained, tmp_path):
    folder, run = trained
    assert main(["predict", str(run), str(folder), "--out", str(tmp_path / "p.csv")]) == 0
    lines = (tmp_path / "p.csv").read_text().splitlines()
    assert lines[0] == "file,prediction,output_cats,output_dogs"
    assert len(lines) == 25
    assert lines[1].startswith("cats/00.jpg,cats,")
    (one,) = keras_recipes.predict(run, folder / "dogs" / "01.png").table()[1]
    assert one[:2] == ["01.png", "dogs"]


def test_the_saved_model_alone_takes_pixels(trained):
    folder, run = trained
    model = keras.models.load_model(run / "model.keras")
    names = ["cats/00.jpg", "dogs/03.png"]
    contents = [keras.utils.load_img(folder / name) for name in names]
    small = [keras.ops.image.resize(np.array(c), (9, 8), antialias=True) for c in contents]
    alone = model.predict(np.round(np.stack(small)), verbose=0)
    ours = keras_recipes.predict(run, {"image": [str(folder / name) for name in names]}).outputs
    np.testing.assert_allclose(alone, ours, atol=0.01)  # JPEG of another decoder
    np.testing.assert_allclose(alone[1], ours[1], atol=1e-5)


def test_a_labelled_folder_is_evaluated(trained, tmp_path):
    folder, run = trained
    whole = keras_recipes.evaluate(run, folder)
    assert whole["accuracy"] > 0.6
    lines = ["image,label", *(f"{p.relative_to(folder)},{p.parent.name}" for p in files(folder))]
    (folder / "t.csv").write_text("\n".join(lines))
    assert keras_recipes.evaluate(run, folder / "t.csv") == whole
    assert keras_recipes.evaluate(run)["accuracy"] > 0.6


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.suffix in (".png", ".jpg"))


def test_broken_pictures_to_predict_are_refused_or_skipped(trained, tmp_path):
    _, run = trained
    for name, content in {"a": png(pixels(1)), "b": b"text", "c": hollow(), "d": bomb()}.items():
        (tmp_path / f"{name}.png").write_bytes(content)
    with pytest.raises(RequestError) as error:
        keras_recipes.predict(run, tmp_path)
    for name in ("b.png: is no PNG", "c.png: cannot be decoded", "d.png: claims 60,000"):
        assert name in str(error.value)
    found = keras_recipes.predict(run, tmp_path, on_error="skip")
    assert list(found.errors) == [1, 2, 3]
    assert found.values[0] in ("cats", "dogs")
    assert found.table()[1][1][:2] == ["b.png", ""]


def test_a_resumed_run_on_files_is_the_run_in_memory(tmp_path, monkeypatch, signalled):
    folder = write_folder(tmp_path / "f", size=None)
    assert recipe(folder).train(out=tmp_path / "memory", progress=False).status == "completed"
    monkeypatch.setattr(images, "HELD", 0)
    signalled(3)
    result = recipe(folder).train(out=tmp_path / "files", progress=False)
    assert result.status == "interrupted"
    signalled(0)
    result = keras_recipes.resume(tmp_path / "files", progress=False)
    assert result.status == "completed"
    one, other = (
        keras.models.load_model(tmp_path / name / "model.keras").get_weights()
        for name in ("memory", "files")
    )
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


def test_pictures_beside_numbers(tmp_path):
    lines = ["photo,age,kind,label"]
    for index in range(40):
        (tmp_path / f"{index}.png").write_bytes(png(pixels(index)))
        lines.append(f"{index}.png,{index % 7},{'xy'[index % 2]},{'ab'[index % 2]}")
    (tmp_path / "t.csv").write_text("\n".join(lines))
    data = {"source": {"csv": {"path": str(tmp_path / "t.csv")}}, "target": "label"}
    result = recipe("", data=data, layers=LAYERS[:2], epochs=12).train(
        out=tmp_path / "run", progress=False
    )
    assert result.test["accuracy"] > 0.8  # `kind` tells it
    model = keras.models.load_model(tmp_path / "run" / "model.keras")
    raw = {
        "photo": np.stack([pixels(3), pixels(4)]),
        "age": np.array([[3.0], [4.0]]),
        "kind": keras.ops.convert_to_tensor(np.array([["y"], ["x"]]), dtype="string"),
    }
    found = keras_recipes.predict(
        tmp_path / "run",
        {
            "photo": [str(tmp_path / "3.png"), str(tmp_path / "4.png")],
            "age": [3, 4],
            "kind": ["y", "x"],
        },
    )
    np.testing.assert_allclose(model.predict(raw, verbose=0), found.outputs, atol=1e-6)
    data["features"] = {"photo": "image", "age": "numeric", "kind": "category"}
    with pytest.raises(RequestError, match="Put `flatten`, or a global pooling layer"):
        recipe("", data=data, layers=[CONVOLUTION])
    with pytest.raises(RequestError, match="the model takes columns `age`, `kind` are too"):
        keras_recipes.predict(tmp_path / "run", tmp_path)


def test_skipped_pictures_are_counted(tmp_path, caplog):
    folder = write_folder(tmp_path / "f")
    (folder / "cats" / "x.png").write_bytes(hollow())
    (folder / "dogs" / "y.png").write_bytes(b"text")
    with pytest.raises(RequestError, match=r"1 picture cannot be read:\n  dogs/y.png"):
        recipe(folder).train(out=tmp_path / "no", progress=False)
    assert not (tmp_path / "no").exists()
    data = {"features": {"image": {"image": {"corrupt": "skip"}}}}
    result = recipe(folder, data=data, epochs=1).train(out=tmp_path / "run", progress=False)
    assert result.status == "completed"


def test_validate_decodes_where_it_is_asked_to(tmp_path, capsys):
    folder = write_folder(tmp_path / "f", count=6)
    (tmp_path / "r.yaml").write_text(
        "data: {source: {image_folder: {path: f}}}\nmodel: {layers: [flatten]}\nepochs: 1\n"
    )
    words = ["validate", str(tmp_path / "r.yaml")]
    assert main([*words, "--data"]) == 0
    (folder / "cats" / "x.png").write_bytes(hollow())
    assert main(words) == 0
    capsys.readouterr()
    assert main([*words, "--data"]) == 2
    assert "cats/x.png: cannot be decoded" in capsys.readouterr().err
