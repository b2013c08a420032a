"""Pictures that repeat across splits are found, and others raise no alarm."""

import numpy as np
import tensorflow as tf
from images import hollow, jpeg, pixels, png, write_folder

from keras_recipes.recipes.build.image_check import near, picture_findings
from keras_recipes.recipes.data import Splits, load_data
from keras_recipes.recipes.data.check import check_data


def findings(folder):
    arguments = {"path": str(folder)}
    data = load_data("image_folder", arguments, splits=Splits(None), skip_pictures=True)
    return {
        finding.kind: finding
        for finding in [*check_data(data), *picture_findings(data)]
        if finding.kind != "rare class"
    }


def large(seed):
    draw = np.random.default_rng(seed)
    few = tf.image.resize(draw.uniform(0, 255, (6, 6, 3)), (40, 50), "bicubic")
    return np.clip(few.numpy(), 0, 255).astype("uint8")


def folder_of(path, **more):
    folder = write_folder(path, parts=("train", "test"), **more)
    for index, old in enumerate(sorted(folder.rglob("*.*"))):
        old.unlink()
        old.with_suffix(".png").write_bytes(png(large(index)))
    return folder


def test_sound_pictures_raise_no_alarm(tmp_path):
    assert findings(folder_of(tmp_path / "f")) == {}


def test_planted_faults_are_found(tmp_path):
    folder = folder_of(tmp_path / "f")
    (folder / "test/cats/a.png").write_bytes((folder / "train/dogs/03.png").read_bytes())
    smaller = tf.image.resize(large(29) * 0.9, (30, 36), antialias=True).numpy().astype("uint8")
    (folder / "test/cats/b.jpg").write_bytes(jpeg(smaller))
    (folder / "train/cats/c.png").write_bytes(b"text")
    (folder / "train/cats/d.png").write_bytes(hollow())
    found = findings(folder)
    assert set(found) == {"repeated images", "near-duplicate images", "unreadable image"}
    assert "test/cats/a.png, like train/dogs/03.png" in found["repeated images"].problem
    assert "1 of 26 pictures" in found["near-duplicate images"].problem
    assert "test/cats/b.jpg" in found["near-duplicate images"].problem
    assert found["unreadable image"].place == "train/cats/d.png"


def test_pictures_of_one_shade_are_like_no_other():
    flat = np.full((3, 16, 18), 7.0, "float32")
    assert near(flat, flat) == {}
    waves = np.stack([pixels(s, 16, 18, 1)[..., 0] for s in range(3)]).astype("float32")
    assert near(waves, waves) == {0: 0, 1: 1, 2: 2}
