"""Exported files of a stranger who computes the digests anew: an error, no code, no write.

Each row of the table is one attack. The verbs that read what was changed are run over it under the
watch of `tests/helpers/hostile.py`.
"""

import contextlib
import json
import shutil
import struct
import tempfile
import zipfile

import h5py
import hostile
import keras
import numpy as np
import pytest
import tensorflow as tf
from extras import needs

import keras_recipes
from keras_recipes.recipes.cli import main
from keras_recipes.recipes.errors import RequestError
from keras_recipes.recipes.export import carriers, verify, wire
from keras_recipes.recipes.export.kinds import Format, format_of
from keras_recipes.recipes.export.proof import ProofPart

WATCH = hostile.Watch()
SUFFIXES = {Format.ONNX: ".onnx", Format.LITERT: ".tflite", Format.KERAS: ".keras",
            Format.WEIGHTS: ".weights.h5", Format.SAVED_MODEL: ""}  # fmt: skip


@pytest.fixture(scope="module")
def files(iris, onnx, litert, tmp_path_factory):
    """The same run in every format, and rows to predict."""
    folder = tmp_path_factory.mktemp("sound")
    np.save(folder / "rows.npy", np.ones((2, 4)))
    shutil.copyfile(onnx, folder / "model.onnx")
    shutil.copyfile(litert, folder / "model.tflite")
    for kind in (Format.KERAS, Format.WEIGHTS, Format.SAVED_MODEL):
        keras_recipes.export(iris, folder / f"model{SUFFIXES[kind]}")
    return folder


@pytest.fixture
def outside(tmp_path):
    return hostile.Outside(tmp_path / "outside")


@pytest.fixture
def work(tmp_path, monkeypatch):
    """An empty folder to work in, and one for temporary files."""
    for name in ("work", "temporary"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setenv("KERAS_RECIPES_CACHE", str(tmp_path / "work" / "cache"))
    monkeypatch.chdir(tmp_path / "work")
    # In this process, where the watch sees what becomes of the file.
    monkeypatch.setattr(verify, "_apart", verify.rerun)
    return tmp_path / "work"


@pytest.fixture
def attacked(files, work, outside, capsys):
    """Run verbs over a file; their statuses and what they printed."""

    def run(path, verbs):
        found = {}
        for verb in verbs:
            options = {"predict": [str(files / "rows.npy")], "train": ["--quiet"]}.get(verb, [])
            with WATCH.over(outside.folder):
                status = main([verb, str(path), *options])
            captured = capsys.readouterr()
            text = captured.out + captured.err
            assert "internal error" not in text, text
            assert "Traceback" not in text
            assert "\x1b" not in text
            assert not WATCH.seen, verb
            outside.check(text, work, work.parent / "temporary")
            found[verb] = status, text
        return found

    return run


def sign(path, change=lambda parts: None):
    """Change the parts of the proof, and compute every digest of the file anew."""
    kind, carried = carriers.carried_by(path)
    parts = json.loads(carried.proof)["parts"]
    change(parts)
    if kind is Format.LITERT:  # the model as it was is behind the proof
        content = path.read_bytes()
        path.write_bytes(content[content.index(b"TFL3", 8) - 4 :])
    elif kind is Format.WEIGHTS:
        with h5py.File(path, "a") as root:
            del root["keras_recipes"]
    elif kind is Format.KERAS:
        with zipfile.ZipFile(path) as old:
            members = {name: old.read(name) for name in old.namelist()}
        del members["keras_recipes.json"]
        with zipfile.ZipFile(path, "w") as new:
            for name, data in members.items():
                new.writestr(name, data)
    carriers.attach(kind, path, {ProofPart(name): value for name, value in parts.items()})


def proof(change):
    """An attack by a part of the proof, in every format."""

    def attack(path, out):
        sign(path, lambda parts: change(parts, str(out)))

    return attack


def recipe(text):
    """An attack by the recipe that the file carries."""

    def change(parts, out):
        parts["recipe"] = text.replace("OUT", out)

    return proof(change)


def vectors(shape, data=""):
    def change(parts, out):
        for arrays in parts["vectors"].values():
            for array in arrays.values():
                array.update(shape=shape, base64=data)

    return proof(change)


def interface(**changes):
    def change(parts, out):
        for name, change in changes.items():
            parts["interface"][name] = change

    return proof(change)


BODY = "name: x\ndata: {source: iris}\nepochs: 1\nmodel:\n  layers:\n"
HUGE = [{"name": "rows", "port": "rows", "shape": [10**15], "dtype": "float32"}]
# Verbs that run the model, and those that read the recipe.
RUN, READ = ("verify", "predict"), ("show", "train")
# What is wrong with the proof -> how, the verbs to run, and those that must refuse it. The others
# may not need what is wrong.
PROOFS = {
    "vectors of no size": (vectors([10**12, 10**6]), RUN, ["verify"]),
    "vectors of negative size": (vectors([-1, -4]), RUN, ["verify"]),
    "vectors that are none": (
        proof(lambda parts, out: parts.update(vectors={"rows": [["deep"] * 9]})), RUN, ["verify"]),
    "a huge input": (interface(inputs=HUGE, columns=HUGE), RUN, ["verify", "predict"]),
    "ports that are paths": (
        interface(inputs=[{**HUGE[0], "port": "../../outside/keep.txt", "shape": [4]}]), RUN, []),
    "classes of nothing": (
        proof(lambda parts, out: parts["data"].update(classes=["a"])), RUN, ["predict"]),
    "columns by path": (
        proof(lambda parts, out: parts["data"].update(
            features=[{"name": "../../outside/keep.txt", "kind": "image"}])), RUN, []),
    "a dialect of words": (
        proof(lambda parts, out: parts["data"].update(features=["x"], dialect="x")),
        RUN, []),
    "a window of words": (
        proof(lambda parts, out: parts["data"].update(window="x")), RUN, ["predict"]),
    "an interface of words": (interface(inputs="x", outputs=3), RUN, ["verify", "predict"]),
    "a recipe that reads": (
        recipe(f"{BODY}    - {{string_lookup: {{vocabulary: OUT/secret.txt}}}}\n"),
        READ, ["train"]),
    "a recipe that writes": (
        recipe(f"{BODY}    - flatten\ncallbacks: [{{csv_logger: {{filename: OUT/keep.txt}}}}]\n"),
        READ, ["train"]),
    "a recipe by tag": (recipe("!!python/object/apply:os.system ['id']"), READ, ["train"]),
    "a recipe for the terminal": (recipe("name: \"\\e]0;x\\a\"\n# \x1b[2J"), READ, ["train"]),
    "a recipe as deep as a well": (recipe("[" * 100_000), READ, ["train"]),
}  # fmt: skip


@pytest.mark.parametrize("kind", SUFFIXES)
@pytest.mark.parametrize("name", PROOFS)
def test_a_hostile_proof(files, attacked, outside, work, name, kind):
    attack, verbs, refusing = PROOFS[name]
    path = _copy(files, kind, work)
    attack(path, outside.folder)
    found = attacked(path, verbs)
    if kind is Format.WEIGHTS and verbs is RUN:  # they have no vectors, and predict nothing alone
        return
    for verb in refusing:
        assert found[verb][0] != 0, found[verb]


def _copy(files, kind, work):
    name = f"model{SUFFIXES[kind]}"
    source = files / name
    if source.is_dir():
        return shutil.copytree(source, work / "bad")
    return shutil.copyfile(source, work / f"bad{SUFFIXES[kind]}")


# --- What is wrong with the model.
def tensor_elsewhere(path, out):
    """ONNX: weights that are read from another file."""
    entries = b"".join(
        wire.field(13, wire.field(1, key) + wire.field(2, value))
        for key, value in ((b"location", str(out / "secret.txt").encode()), (b"offset", b"0"))
    )
    tensor = b"\x08\x02" + b"\x10\x01" + entries + b"\x70\x01"
    path.write_bytes(path.read_bytes() + wire.field(7, wire.field(5, tensor)))


def four_terabytes(path, out):
    """ONNX: a network that asks for more memory than there is."""
    import onnx

    model = onnx.load(path)
    first, last = model.graph.input[0].name, model.graph.output[0]
    size = onnx.helper.make_tensor("size", onnx.TensorProto.INT64, [2], [10**6, 10**6])
    del model.graph.node[:], model.graph.initializer[:]
    model.graph.initializer.append(size)
    model.graph.node.extend(
        [
            onnx.helper.make_node("ConstantOfShape", ["size"], ["huge"]),
            onnx.helper.make_node("ReduceSum", ["huge"], ["sum"], keepdims=0),
            onnx.helper.make_node("Add", [first, "sum"], [last.name]),
        ]
    )
    onnx.save(model, path)
    sign(path)


class Writes(tf.Module):
    """A SavedModel whose program writes where the attacker wants."""

    def __init__(self, target):
        super().__init__()
        self.target = target

    @tf.function(input_signature=[tf.TensorSpec((None, 4), "float32", name="rows")])
    def serve(self, rows):
        tf.io.write_file(self.target, "taken")
        return {"output": rows[:, :3]}


def program(path, out):
    kept = (path / "assets.extra").rename(path.parent / "kept")
    shutil.rmtree(path)
    module = Writes(str(out / "keep.txt"))
    tf.saved_model.save(module, str(path), signatures={"serving_default": module.serve})
    kept.rename(path / "assets.extra")
    sign(path)


def folder_link(path, out):
    shutil.rmtree(path / "variables")
    (path / "variables").symlink_to(out)


def member(path, out):
    """Keras: a member that would be unpacked beside the model."""
    hostile.with_member(path, "assets/../../../outside/keep.txt", b"taken")


def lambda_layer(path, out):
    """Keras: a layer that holds code, marshalled as Keras does."""
    model = keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda x: x[:, :3])])
    model.save(path.parent / "lambda.keras")
    with zipfile.ZipFile(path) as old:
        kept = old.read("keras_recipes.json")
    shutil.move(path.parent / "lambda.keras", path)
    with zipfile.ZipFile(path, "a") as new:
        new.writestr("keras_recipes.json", kept)


def external_link(path, out):
    """Weights: an array that is in another file."""
    with h5py.File(path, "a") as root:
        root["taken"] = h5py.ExternalLink(str(out / "keep.txt"), "/x")


def external_storage(path, out):
    """Weights: an array whose bytes are those of another file."""
    with h5py.File(path, "a") as root:
        root.create_dataset("taken", (4,), "u1", external=[(str(out / "secret.txt"), 0, 4)])


MODELS = {
    "onnx: a tensor elsewhere": (Format.ONNX, tensor_elsewhere),
    "onnx: four terabytes": (Format.ONNX, four_terabytes),
    "saved_model: a program that writes": (Format.SAVED_MODEL, program),
    "saved_model: a link": (Format.SAVED_MODEL, folder_link),
    "keras: a member above": (Format.KERAS, member),
    "keras: code": (Format.KERAS, lambda_layer),
    "weights: a link": (Format.WEIGHTS, external_link),
    "weights: bytes elsewhere": (Format.WEIGHTS, external_storage),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_hostile_model(files, attacked, outside, work, name):
    kind, attack = MODELS[name]
    path = _copy(files, kind, work)
    attack(path, outside.folder)
    found = attacked(path, RUN)
    for verb in RUN:
        assert found[verb][0] != 0, found[verb]


@pytest.mark.parametrize("seed", range(20))
def test_damage_to_a_litert_model_ends_no_process_but_its_own(files, tmp_path, capsys, seed):
    """The digests are right, and the runtime gets what it does not expect."""
    needs("ai_edge_litert")
    path = shutil.copyfile(files / "model.tflite", tmp_path / "bad.tflite")
    content = bytearray(path.read_bytes())
    rng = np.random.default_rng(seed)
    first = content.index(b"TFL3", 8) + 4
    for place in rng.integers(first, len(content), 30):
        content[place] = rng.integers(256)
    path.write_bytes(content)
    # Where the file cannot be read any more, there is nothing to sign.
    with contextlib.suppress(RequestError, ValueError, struct.error):
        sign(path)
    assert main(["verify", str(path)]) in (0, 1, 2)
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("kind", SUFFIXES)
def test_the_sound_files_pass(files, attacked, kind, work):
    """What refuses the others is not that their digests were computed anew."""
    needs("onnxruntime")
    path = _copy(files, kind, work)
    sign(path)
    assert format_of(path) is kind
    found = attacked(path, [*RUN, *READ])
    refused = {verb for verb, (status, _) in found.items() if status != 0}
    assert refused == ({"predict"} if kind is Format.WEIGHTS else set())
