"""`plot --data`: training pictures, and what augmentation makes of them."""

import json

import numpy as np
import pytest

import keras_recipes
from keras_recipes.recipes.build.inputs import data_of
from keras_recipes.recipes.build.task import Form, Task
from keras_recipes.recipes.cli import main
from keras_recipes.recipes.data import Split
from keras_recipes.recipes.data.loaded import Data
from keras_recipes.recipes.data.scale import Scaling
from keras_recipes.recipes.run.samples import described, samples

SHAPED = {"layers": [{"reshape": {"target_shape": [8, 8, 1]}}, "flatten"]}
RECIPE = {"name": "x", "data": {"source": "digits", "limit": 200}, "model": SHAPED}


def loaded(augment):
    return keras_recipes.load({**RECIPE, "data": {**RECIPE["data"], "augment": augment}})


def test_originals_beside_what_they_become():
    recipe = loaded([{"random_flip": {"mode": "horizontal"}}])
    data = data_of(recipe)
    found = samples(recipe, data)
    assert [len(line) for line in found["lines"]] == [6] * 8
    assert found["span"] == (0, 16)
    rows = data.train.x.reshape(-1, 8, 8, 1)
    for (image, words), *changed in found["lines"]:
        (row,) = np.flatnonzero((rows == image).all(axis=(1, 2, 3)))
        assert words == str(data.classes[data.train.y[row]])
        for epoch, (picture, said) in enumerate(changed):
            assert said == f"epoch {epoch + 1}: {words}"
            flipped = np.flip(image, axis=1)
            assert (picture == image).all() or (picture == flipped).all()


def test_without_augmentation_there_are_more_of_them():
    recipe = loaded([])
    found = samples(recipe, data_of(recipe))
    assert [len(line) for line in found["lines"]] == [6] * 8
    assert len({image.tobytes() for line in found["lines"] for image, _ in line}) > 40


@pytest.mark.parametrize(
    ("form", "target", "words"),
    [
        (Form.LABELS, np.int32(1), "b"),
        (Form.ONE_HOT, [0, 1, 0], "b"),
        (Form.ONE_HOT, [0.25, 0.0, 0.75], "c 75%, a 25%"),
        (Form.BINARY, [0.25], "a 75%, b 25%"),
        (Form.VALUES, [0.5, 20000], "0.5, 2e+04"),
    ],
)
def test_targets_in_words(form, target, words):
    split = Split(np.zeros((1, 1)), np.zeros(1))
    data = Data(split, None, None, "classification", ("a", "b", "c"), Scaling.none(), "", "x")
    assert described(np.asarray(target), Task(form, 3), data) == words


def test_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.yaml").write_text(json.dumps(RECIPE))
    assert main(["plot", "r.yaml", "--data", "data.augment=[mix_up]"]) == 0
    assert capsys.readouterr().out == "x-data.png\n"
    assert (tmp_path / "x-data.png").read_bytes().startswith(b"\x89PNG")
    assert main(["plot", "r.yaml", "digits_mlp", "--data"]) == 2
    assert "plot --data draws one recipe. Received 2." in capsys.readouterr().err
    assert main(["plot", "csv_example", "--data", "--out", "y.png"]) == 2
    assert "data.source: a row is" in capsys.readouterr().err
    assert not (tmp_path / "y.png").exists()
