"""Exports of trained runs: checked, written whole, verified, tampered with, used again."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile

import h5py
import keras
import numpy as np
import pytest
from extras import needs
from small_runs import SMALL, train_small, without_reports

import keras_recipes
from keras_recipes.recipes.cli import main
from keras_recipes.recipes.errors import RequestError
from keras_recipes.recipes.export import carriers
from keras_recipes.recipes.export.kinds import Format, WeightPrecision, asked_format, format_of
from keras_recipes.recipes.export.served import port_names
from keras_recipes.recipes.export.verify import verify

FORMATS = [Format.SAVED_MODEL, Format.KERAS, Format.WEIGHTS, Format.ONNX, Format.LITERT]


def rewrite(path, kind, change):
    """Change the proof of a file as someone does who knows nothing of digests."""
    _, carried, _ = carriers.read_proof(path)
    document = json.loads(carried.proof)
    change(document["parts"])
    compact = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    content = compact.ljust(len(carried.proof))
    assert len(content) == len(carried.proof)
    if kind in (Format.ONNX, Format.LITERT):
        path.write_bytes(path.read_bytes().replace(carried.proof, content))
    elif kind is Format.SAVED_MODEL:
        (path / "assets.extra" / "keras_recipes.json").write_bytes(content)
    elif kind is Format.WEIGHTS:
        with h5py.File(path, "a") as root:
            root["keras_recipes"][...] = np.frombuffer(content, "uint8")
    else:
        with zipfile.ZipFile(path) as old:
            members = {name: old.read(name) for name in old.namelist()}
        with zipfile.ZipFile(path, "w") as new:
            for name, data in {**members, "keras_recipes.json": content}.items():
                new.writestr(name, data)


def metric(parts):
    parts["metrics"]["test"]["loss"] = 0.1


def recipe(parts):
    parts["recipe"] = parts["recipe"].replace("0.01", "0.02")


def vector(parts):
    first = next(iter(parts["vectors"]["outputs"].values()))
    first["base64"] = "AAAA" + first["base64"][4:]


@pytest.fixture(scope="session")
def exported(iris, onnx, litert, tmp_path_factory):
    """The same run in every format."""
    folder = tmp_path_factory.mktemp("formats")
    found = {Format.ONNX: onnx, Format.LITERT: litert}
    for kind, name in ((Format.SAVED_MODEL, "m"), (Format.KERAS, "m.keras"),
                       (Format.WEIGHTS, "m.weights.h5")):  # fmt: skip
        keras_recipes.export(iris, folder / name)
        found[kind] = folder / name
    return found


def copy_of(path, tmp_path):
    copy = tmp_path / path.name
    (shutil.copytree if path.is_dir() else shutil.copyfile)(path, copy)
    return copy


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_is_verified(exported, kind):
    found = verify(exported[kind])
    assert found.ok, found.lines()
    assert found.recipe == "small"
    if kind is not Format.WEIGHTS:
        assert found.rows == 4
        assert found.from_keras < 1e-5


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("change", [metric, recipe, vector])
def test_a_changed_part_of_the_proof_is_found(exported, kind, change, tmp_path):
    path = copy_of(exported[kind], tmp_path)
    rewrite(path, kind, change)
    found = verify(path)
    assert not found.ok
    assert found.changed == ({metric: "metrics", recipe: "recipe", vector: "vectors"}[change],)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_changed_weight_is_found(iris, exported, kind, tmp_path):
    path = copy_of(exported[kind], tmp_path)
    kernel = keras.models.load_model(iris / "model.keras").layers[-1].kernel.numpy()
    if kind is Format.KERAS:
        model = keras.models.load_model(path)
        model.layers[-1].kernel.assign(kernel + 1)
        model.save(tmp_path / "other.keras")
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "other.keras", "a") as new:
            new.writestr("keras_recipes.json", old.read("keras_recipes.json"))
        path = tmp_path / "other.keras"
    elif kind is Format.WEIGHTS:
        with h5py.File(path, "a") as root:
            found = []
            root.visititems(lambda name, item: found.append(name) if "vars" in name else None)
            array = root[next(name for name in found if name.endswith("/0"))]
            array[...] = np.asarray(array) + 1
    else:
        file = path
        if path.is_dir():
            file = path / "variables" / "variables.data-00000-of-00001"
        content = file.read_bytes()
        place = content.find(kernel.tobytes()[:8])
        if place < 0:
            place = content.find(np.ascontiguousarray(kernel.T).tobytes()[:8])
        assert place >= 0
        file.write_bytes(content[:place] + b"\0" + content[place + 1 :])
    found = verify(path)
    assert not found.ok
    assert "model" in found.changed
    with pytest.raises(RequestError, match=r"was changed since it was exported: .*model"):
        keras_recipes.load_predictor(path)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_is_verified_without_messages_of_tensorflow(exported, kind):
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    env.pop("TF_CPP_MIN_LOG_LEVEL", None)
    code = "import sys; from keras_recipes.recipes.cli import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, "verify", str(exported[kind])],
        capture_output=True, text=True, env=env, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    # What its C++ writes before its log is set up, and what it says of the processor.
    assert not re.search("absl|oneDNN|rebuild TensorFlow", done.stderr)


@pytest.mark.parametrize("kind", [k for k in FORMATS if k is not Format.WEIGHTS])
def test_a_file_predicts_what_the_run_predicts(iris, exported, kind, rows):
    wanted = keras_recipes.predict(iris, rows)
    found = keras_recipes.load_predictor(exported[kind])(rows)
    np.testing.assert_allclose(found.outputs, wanted.outputs, rtol=1e-5, atol=1e-6)
    assert found.values.tolist() == wanted.values.tolist()
    assert found.classes == wanted.classes


@pytest.mark.parametrize("name", ["m.onnx", "m.tflite", "folder"])
def test_columns_become_numbers_beside_or_inside(titanic, name, tmp_path):
    needs("tf2onnx", "onnxruntime", "ai_edge_litert")
    path = tmp_path / name
    done = keras_recipes.export(titanic, path)
    assert done.interface.preprocessing == ("inside" if name == "folder" else "beside")
    assert verify(path).ok
    row = {"pclass": "3rd", "sex": "male", "age": None, "sibsp": 1, "parch": 0}
    table = {key: [value, value] for key, value in row.items()}
    wanted = keras_recipes.predict(titanic, table)
    predictor = keras_recipes.load_predictor(path)
    np.testing.assert_allclose(predictor(table).outputs, wanted.outputs, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(predictor(row).outputs, wanted.outputs[:1], rtol=1e-5, atol=1e-6)
    source = keras_recipes.load(path).data.source.arguments["path"]
    by_run, by_file = (keras_recipes.predict(each, source) for each in (titanic, path))
    np.testing.assert_allclose(by_file.outputs, by_run.outputs, rtol=1e-5, atol=1e-6)
    with pytest.raises(keras_recipes.DataError, match="takes a column `age`"):
        predictor({"pclass": ["3rd"]})


@pytest.mark.parametrize("precision", [WeightPrecision.FLOAT16, WeightPrecision.INT8])
@pytest.mark.parametrize("name", ["m.onnx", "m.tflite"])
def test_smaller_weights_are_a_little_off(iris, precision, name, tmp_path):
    needs("tf2onnx", "onnxruntime", "ai_edge_litert")
    done = keras_recipes.export(iris, tmp_path / name, precision=precision, batch=2)
    assert 0 < done.check.difference < 0.2
    assert verify(tmp_path / name).ok
    predictor = keras_recipes.load_predictor(tmp_path / name)
    assert len(predictor(np.zeros((5, 4), "float32"))) == 5


def test_a_file_over_the_bound_is_not_written(iris, tmp_path):
    needs("ai_edge_litert")
    path = tmp_path / "m.tflite"
    with pytest.raises(RequestError, match="differ from those of Keras"):
        keras_recipes.export(iris, path, precision="int8", bound=1e-9)
    assert list(tmp_path.iterdir()) == []
    keras_recipes.export(iris, path, precision="int8", bound=1e-9, allow_difference=True)
    assert verify(path).ok
    with pytest.raises(RequestError, match="already exists"):
        keras_recipes.export(iris, path)


@pytest.mark.parametrize(
    "out", [["a/m.keras"], ["a/b/m.keras"], ["a/m"], ["a/c.md", "--card"], ["no/c.md", "--card"]]
)
def test_a_file_that_cannot_be_written_is_refused(iris, out, tmp_path, capsys):
    (tmp_path / "a").write_text("")
    path = tmp_path / out[0]
    assert main(["export", str(iris), "-o", str(path), *out[1:]]) == 2
    assert f"{path}: cannot be written: " in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == ["a"]


def of_series(layer):
    """A model of series whose layer takes them, and rows for it."""
    rows = keras.Input((5, 3))
    ends = keras.layers.Dense(2)(layer(rows))
    return keras.Model(rows, ends), np.random.default_rng(0).normal(size=(4, 5, 3)).astype("f4")


@pytest.mark.parametrize("layer", [keras.layers.GRU, keras.layers.LSTM])
def test_litert_holds_a_recurrent_layer_in_both_directions(layer, tmp_path):
    needs("ai_edge_litert")
    model, samples = of_series(keras.layers.Bidirectional(layer(4)))
    found = keras_recipes.export(model, tmp_path / "m.tflite", samples=samples)
    assert found.check.difference < 1e-5


def test_litert_says_what_it_cannot_hold_and_what_mends_it(tmp_path):
    needs("ai_edge_litert")
    cells = keras.layers.StackedRNNCells([keras.layers.LSTMCell(4), keras.layers.GRUCell(4)])
    model, samples = of_series(keras.layers.RNN(cells))
    path = tmp_path / "m.tflite"
    with pytest.raises(RequestError) as found:
        keras_recipes.export(model, path, samples=samples)
    assert str(found.value) == (
        f"{path}: LiteRT cannot hold this model: 'tf.TensorListReserve' op requires element_shape "
        "to be static during TF Lite transformation pass. With a fixed number of rows it is: "
        "`--batch 1`."
    )
    assert keras_recipes.export(model, path, samples=samples, batch=1).check.difference < 1e-5


def test_a_plain_model_is_exported(tmp_path):
    needs("tf2onnx", "onnxruntime")
    left, right = keras.Input((3,), name="left side"), keras.Input((2,), name="right")
    both = keras.layers.Concatenate()([left, right])
    model = keras.Model([left, right], [keras.layers.Dense(2)(both), keras.layers.Dense(1)(both)])
    samples = [np.ones((5, 3), "float32"), np.arange(10, dtype="float32").reshape(5, 2)]
    path = tmp_path / "m.onnx"
    done = keras_recipes.export(model, path, samples=samples)
    assert done.check.passed
    assert verify(path).ok
    found = keras_recipes.load_predictor(path).outputs(
        {"left side": samples[0], "right": samples[1]}
    )
    for array, wanted in zip(found.values(), model(samples), strict=True):
        np.testing.assert_allclose(array, wanted, rtol=1e-5, atol=1e-6)
    with pytest.raises(RequestError, match="without a recipe"):
        keras_recipes.load(path)


def test_a_sequential_model_is_exported(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    samples = np.arange(6, dtype="float32").reshape(2, 3)
    keras_recipes.export(model, tmp_path / "m.keras", samples=samples)
    assert verify(tmp_path / "m.keras").ok
    found = keras_recipes.load_predictor(tmp_path / "m.keras")(samples)
    np.testing.assert_allclose(found.outputs, model(samples), rtol=1e-6)


def weights_of(run):
    """Kernels and biases of the two layers of the small network."""
    return keras.models.load_model(run / "model.keras").get_weights()[-4:]


def computed(rows, run, weights):
    """What the small network predicts with these weights, in NumPy."""
    scaling = json.loads((run / "data.json").read_text())["scaling"]
    first, shift, last, bias = weights
    hidden = (rows - scaling["offset"]) / scaling["divisor"] @ first + shift
    exponentials = np.exp(hidden @ last + bias)
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def test_averaged_weights_are_exported(iris, tmp_path, rows, monkeypatch):
    """Averaging does not change the training, whose last weights are those of the plain run."""
    needs("tf2onnx", "onnxruntime")
    without_reports(monkeypatch)
    train_small(tmp_path / "run", weight_averaging={"decay": 0.9})
    keras_recipes.export(tmp_path / "run", tmp_path / "m.onnx")
    found = keras_recipes.load_predictor(tmp_path / "m.onnx")(rows).outputs
    averaged, last = (computed(rows, iris, weights_of(run)) for run in (tmp_path / "run", iris))
    np.testing.assert_allclose(found, averaged, rtol=1e-5, atol=1e-6)
    assert np.abs(averaged - last).max() > 1e-3


def test_adapters_are_exported_within_their_weights(iris, tmp_path, rows, monkeypatch):
    needs("tf2onnx", "onnxruntime")
    without_reports(monkeypatch)
    run = tmp_path / "run"
    model = {**SMALL["model"], "lora": {"rank": 2, "layers": "^dense"}}
    train_small(run, model=model, initialize={"weights": str(iris)})
    keras_recipes.export(run, tmp_path / "m.onnx")
    found = keras_recipes.load_predictor(tmp_path / "m.onnx")(rows).outputs
    base, shift, *_ = weights_of(iris)
    *_, last, bias = weights_of(run)
    with np.load(run / "adapter.npz") as file:
        added = file["dense/lora_kernel_a"] @ file["dense/lora_kernel_b"]
    wanted, without = (
        computed(rows, run, (kernel, shift, last, bias)) for kernel in (base + added, base)
    )
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
    assert np.abs(wanted - without).max() > 1e-4


@pytest.mark.parametrize("precision", list(WeightPrecision))
def test_gelu_is_exported_to_onnx(tmp_path, precision):
    """TensorFlow computes it by an operation that ONNX does not have."""
    needs("tf2onnx", "onnxruntime")
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, activation="gelu")])
    samples = np.random.default_rng(0).normal(0, 3, (64, 3)).astype("float32")
    path = tmp_path / "m.onnx"
    keras_recipes.export(model, path, samples=samples, precision=precision)
    found = keras_recipes.load_predictor(path)(samples)
    bound = {
        WeightPrecision.FLOAT32: 1e-6,
        WeightPrecision.FLOAT16: 1e-2,
        WeightPrecision.INT8: 0.2,
    }[precision]
    np.testing.assert_allclose(found.outputs, model(samples), atol=bound)


def test_the_recipe_comes_back(iris, exported):
    run = keras_recipes.load(iris / "recipe.yaml")
    for kind in FORMATS:
        assert keras_recipes.load(exported[kind]).fingerprint() == run.fingerprint()


def test_training_a_file_repeats_its_run(iris, onnx, tmp_path, monkeypatch):
    without_reports(monkeypatch)
    keras_recipes.train(onnx, out=tmp_path / "again", progress=False)
    again, first = (
        keras.models.load_model(run / "model.keras") for run in (tmp_path / "again", iris)
    )
    for found, wanted in zip(again.get_weights(), first.get_weights(), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_the_command_line(iris, onnx, rows, tmp_path, capsys):
    np.savez(tmp_path / "rows.npz", x=rows)
    assert main(["predict", str(onnx), str(tmp_path / "rows.npz")]) == 0
    by_file = capsys.readouterr().out
    assert main(["predict", str(iris), str(tmp_path / "rows.npz")]) == 0
    by_run = capsys.readouterr().out
    assert by_file.splitlines()[0] == by_run.splitlines()[0]
    assert main(["verify", str(onnx)]) == 0
    assert "ok: these predictions, the recipe `small`" in capsys.readouterr().out
    assert main(["verify", "--json", str(onnx)]) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True
    assert main(["show", str(onnx)]) == 0
    assert "name: small" in capsys.readouterr().out
    assert main(["export", str(iris), "--format", "keras", "-o", str(tmp_path / "m.onnx")]) == 2
    assert "is the name of a onnx file" in capsys.readouterr().err
    assert main(["verify", str(tmp_path / "none.onnx")]) == 2
    assert "no such file" in capsys.readouterr().err
    assert main(["export", str(iris), "--card", "-o", str(tmp_path / "CARD.md")]) == 0
    text = (tmp_path / "CARD.md").read_text()
    assert all(part in text for part in ("# small", "| loss |", "keras-recipes reproduce"))


def test_a_light_process_imports_neither_keras_nor_tensorflow(onnx, litert, tmp_path):
    for path in (onnx, litert):
        code = (
            "import sys, keras_recipes\n"
            f"found = keras_recipes.load_predictor({str(path)!r})([[5.1, 3.5, 1.4, 0.2]])\n"
            "heavy = ('tensorflow', 'keras', 'pandas', 'sklearn', 'pydantic', 'pyarrow', 'h5py')\n"
            "print(len(found), [name for name in heavy if name in sys.modules])\n"
        )
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True
        )
        assert done.stdout.strip() == "1 []"


def test_ports_have_names_that_every_format_takes():
    assert port_names(["a b", "a_b", "A_B", "", "1"]) == ["a_b", "a_b_2", "A_B_3", "x", "x1"]


def test_the_format_follows_from_the_name(tmp_path):
    assert asked_format("a.onnx") is Format.ONNX
    assert asked_format("folder") is Format.SAVED_MODEL
    assert asked_format("a.weights.h5") is Format.WEIGHTS
    with pytest.raises(RequestError, match="a name that says the format"):
        asked_format("a.bin")
    (tmp_path / "a.onnx").mkdir()
    for path in (tmp_path / "a.onnx", tmp_path, tmp_path / "b.tflite"):
        with pytest.raises(RequestError):
            format_of(path)


def test_a_file_without_a_proof_is_said_to_have_none(tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.save(tmp_path / "m.keras")
    with pytest.raises(RequestError, match="carries no proof"):
        keras_recipes.load_predictor(tmp_path / "m.keras")
