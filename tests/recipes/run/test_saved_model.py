"""Saved models from anybody: what is a model loads, and everything else is refused unopened."""

import io
import json
import os
import shutil
import zipfile

import h5py
import keras
import numpy as np
import pytest

from keras_recipes.models import GradientClipping, TrainingModel
from keras_recipes.recipes.build.saved_model import load_weights
from keras_recipes.recipes.record.model_file import ModelFileError, arrays_of
from keras_recipes.recipes.run.saved_model import open_model

CONFIG, WEIGHTS = "config.json", "model.weights.h5"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A small model as Keras saves it."""
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(path)
    return path


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def written(path, content, **options):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data, **options)
    return path


def with_layer(module, name, **config):
    """A config of a `Sequential` with one layer."""
    layer = {"module": module, "class_name": name, "config": {"name": "x", **config}}
    inner = {"name": "s", "layers": [layer]}
    return {"module": "keras", "class_name": "Sequential", "config": inner}


def hdf5(edit, base=None):
    """An HDF5 file, changed."""
    content = io.BytesIO(base or b"")
    with h5py.File(content, "a" if base else "w") as file:
        edit(file)
    return content.getvalue()


def external(file):
    del file["layers/dense/vars/0"]
    file["layers/dense/vars/0"] = h5py.ExternalLink("secret.h5", "/x")


def soft(file):
    file["layers/dense/other"] = h5py.SoftLink("/layers")


def stored_outside(file):
    del file["layers/dense/vars/0"]
    group = file["layers/dense/vars"]
    group.create_dataset("0", (3, 2), "f4", external=[("secret.bin", 0, 24)])


def virtual(file):
    layout = h5py.VirtualLayout((3, 2), "f4")
    layout[:] = h5py.VirtualSource("secret.h5", "x", (3, 2))
    del file["layers/dense/vars/0"]
    file["layers/dense/vars"].create_virtual_dataset("0", layout)


def bomb(file):
    del file["layers/dense/vars/0"]
    file["layers/dense/vars"].create_dataset("0", (10**9,), "f4", chunks=(10**6,))


def objects(file):
    file["words"] = ["a", "b"]


CONFIGS = {
    "another module": (with_layer("os", "system"), "not a part of a Keras model"),
    "a function": (
        with_layer(
            "keras.layers",
            "Activation",
            activation={"class_name": "function", "module": "os", "config": "system"},
        ),
        "not a part of a Keras model",
    ),
    "get_file": (
        with_layer(
            "keras.layers",
            "Activation",
            activation={"class_name": "function", "module": "keras.utils", "config": "get_file"},
        ),
        "not a part of a Keras model",
    ),
    "lambda": (with_layer("keras.layers", "Lambda", function={}), "runs code"),
    "lambda, inside": (with_layer("keras.src.layers.core.lambda_layer", "Lambda"), "runs code"),
    "saved model": (with_layer("keras.layers", "TFSMLayer", filepath="x"), "runs code"),
    "torch": (with_layer("keras.layers", "TorchModuleWrapper"), "runs code"),
    "a python lambda": (
        with_layer("keras.layers", "Activation", activation={"class_name": "__lambda__"}),
        "not a part of a Keras model",
    ),
    "vocabulary": (
        with_layer("keras.layers", "StringLookup", vocabulary="secret.txt"),
        "reads `vocabulary` from the file",
    ),
    "no such class": (with_layer("keras.layers", "Nonsense"), "cannot be loaded"),
    "a class of yours": (
        with_layer("mine", "Mine", registered_name="mine>Mine"),
        "`--plugin`",
    ),
    "huge": (
        {
            "module": "keras",
            "class_name": "Sequential",
            "config": {
                "name": "huge",
                "layers": [
                    {
                        "module": "keras.layers",
                        "class_name": "InputLayer",
                        "config": {"batch_shape": [None, 100000]},
                    },
                    {
                        "module": "keras.layers",
                        "class_name": "Dense",
                        "config": {"units": 10000},
                    },
                ],
            },
        },
        "more weights than the file holds",
    ),
    "a list": ([1], "names no class"),
    "names that are none": (with_layer(["os"], "system"), "where the name of a class belongs"),
    "wrong arguments": (with_layer("keras.layers", "Dense", unit=3), "cannot be loaded"),
}
WEIGHT_FILES = {
    "external link": (external, "is a link"),
    "soft link": (soft, "is a link"),
    "external storage": (stored_outside, "in another file"),
    "virtual": (virtual, "in another file"),
    "shape bomb": (bomb, "claims 4000000000 bytes"),
    "objects": (objects, "expected numbers"),
}


def test_a_model_is_as_it_was(saved):
    model = open_model(saved)
    assert [tuple(v.shape) for v in model.weights] == [(3, 2), (2,)]
    assert set(arrays_of(saved)) == {"layers/dense/vars/0", "layers/dense/vars/1"}


def test_a_compiled_model_of_this_package_loads_completely(tmp_path):
    inputs = keras.Input((3,))
    hidden = keras.layers.Dense(4, "relu", kernel_regularizer="l2")(inputs)
    outputs = keras.layers.Dense(1)(keras.layers.Dropout(0.1)(hidden) + 1.0)
    model = TrainingModel(inputs, outputs, gradient_clipping=GradientClipping(norm=1.0))
    rate = keras.optimizers.schedules.CosineDecay(0.1, 10)
    model.compile(keras.optimizers.Adam(rate), "mse", metrics=["mae"])
    model.fit(np.ones((4, 3)), np.ones((4, 1)), verbose=0)
    model.save(tmp_path / "m.keras")
    loaded = open_model(tmp_path / "m.keras", compiled=True)
    assert int(loaded.optimizer.iterations) == 1
    for one, other in zip(loaded.weights, model.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_layers_with_parts_and_with_vocabularies_load(tmp_path):
    layers = keras.layers
    inputs = keras.Input((6, 6, 2))
    x = layers.TimeDistributed(layers.Conv1D(3, 2, activation=keras.ops.tanh))(inputs)
    x = layers.BatchNormalization()(layers.Reshape((6, 15))(x))
    x = layers.Bidirectional(layers.LSTM(2, return_sequences=True))(x)
    x = layers.MultiHeadAttention(2, 2)(x, x)
    x = layers.Concatenate()([x, keras.ops.relu(x)])
    keras.Model(inputs, layers.GlobalAveragePooling1D()(x)).save(tmp_path / "deep.keras")
    assert open_model(tmp_path / "deep.keras").count_params() > 0
    words = layers.TextVectorization(vocabulary=["a", "b"])
    learned = layers.StringLookup()
    learned.adapt(["c", "d"])
    text = keras.Input((1,), dtype="string")
    keras.Model(text, [words(text), learned(text)]).save(tmp_path / "words.keras")
    assert open_model(tmp_path / "words.keras").outputs[1].shape == (None, 1)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_that_names_more_than_a_model_is_refused(saved, tmp_path, name):
    config, message = CONFIGS[name]
    path = written(tmp_path / "m.keras", {**members(saved), CONFIG: json.dumps(config)})
    with pytest.raises(ModelFileError, match=message) as error:
        open_model(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", WEIGHT_FILES)
def test_weights_that_lead_out_of_the_file_are_refused(saved, tmp_path, monkeypatch, name):
    edit, message = WEIGHT_FILES[name]
    monkeypatch.chdir(tmp_path)
    with h5py.File("secret.h5", "w") as file:
        file["x"] = np.full((3, 2), 7.0, "f4")
    (tmp_path / "secret.bin").write_bytes(np.full(6, 7.0, "f4").tobytes())
    content = members(saved)
    content[WEIGHTS] = hdf5(edit, content[WEIGHTS])
    path = written(tmp_path / "m.keras", content)
    for read in (open_model, arrays_of):
        with pytest.raises(ModelFileError, match=message):
            read(path)
    (tmp_path / "m.weights.h5").write_bytes(content[WEIGHTS])
    with pytest.raises(ModelFileError, match=message):
        load_weights(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]), "m.weights.h5")


def test_an_archive_of_anything_else_is_refused(saved, tmp_path):
    content, path = members(saved), tmp_path / "m.keras"
    cases = [
        ({**content, "../out.txt": b""}, {}, "not a part of a saved model"),
        ({**content, "assets/../../out.txt": b""}, {}, "not a part of a saved model"),
        ({**content, "model.weights.npz": b""}, {}, "not a part of a saved model"),
        ({**content, "assets/zeros": bytes(10**7)}, {"compress_type": zipfile.ZIP_BZIP2}, "packed"),
        ({CONFIG: content[CONFIG]}, {}, "it has no model.weights.h5"),
        ({**content, CONFIG: b"[" * 10**6}, {}, "cannot be loaded"),
        ({**content, WEIGHTS: b"\x89HDF\r\n\x1a\n" + bytes(100)}, {}, "cannot be read"),
        ({**content, WEIGHTS: hdf5(lambda file: None)}, {}, "more weights than the file|cannot be"),
    ]
    for parts, options, message in cases:
        written(path, parts, **options)
        with pytest.raises(ModelFileError, match=message):
            open_model(path)
    path.write_bytes(b"PK")
    with pytest.raises(ModelFileError, match="cannot be loaded: File is not a zip file"):
        open_model(path)


def test_a_size_that_an_archive_only_claims_is_refused(saved, tmp_path):
    path = written(tmp_path / "m.keras", members(saved), compress_type=zipfile.ZIP_DEFLATED)
    content = bytearray(path.read_bytes())
    place = content.rindex(WEIGHTS.encode()) - 46 + 24  # uncompressed size, in the directory
    content[place : place + 4] = (2**31).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="claims 2147483648 bytes"):
        open_model(path)


def test_what_is_no_file_is_refused(saved, tmp_path):
    os.mkfifo(tmp_path / "pipe.keras")
    (tmp_path / "folder.keras").mkdir()
    for name, message in (("pipe", "a pipe"), ("folder", "a folder"), ("absent", "no such file")):
        with pytest.raises(ModelFileError, match=message):
            open_model(tmp_path / f"{name}.keras")
    shutil.copy(saved, tmp_path / "model.h5")
    with pytest.raises(ModelFileError, match=r"expected a `\.keras` file"):
        open_model(tmp_path / "model.h5")
