"""Recipes and run directories of a stranger: no code runs, and nothing outside is touched.

Each row of the tables is one attack. A watch notes every path below a folder outside that Python
opens, moves or removes; what libraries do by themselves shows in that folder's content, and in a
secret that must be printed nowhere.
"""

import io
import json
import os
import shutil
import tempfile
import zipfile
from pathlib import Path

import h5py
import hostile
import numpy as np
import pytest

from keras_recipes.recipes.cli import main

pytestmark = pytest.mark.usefixtures("eager_module")
WATCH = hostile.Watch()
RECIPE = """\
data: {source: iris, scale: standardize}
model: {layers: [{dense: {units: 3}}]}
epochs: 2
checkpoints: {every: 1 epochs}
callbacks:
  - top_checkpoints: {k: 2}
  - periodic_checkpoint: {epochs: 1, keep: 1}
  - best_checkpoint
  - csv_logger: {filename: rows.csv}
  - tensorboard_log
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of two epochs whose recipe then wants two more."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "small.yaml").write_text(RECIPE)
    assert main(["train", str(folder / "small.yaml"), "--out", str(folder / "run"), "--quiet"]) == 0
    return folder / "run"


@pytest.fixture
def outside(tmp_path):
    return hostile.Outside(tmp_path / "outside")


@pytest.fixture
def work(tmp_path, monkeypatch, outside):
    """An empty folder to work in, and one for temporary files, both beside what is outside."""
    for name in ("work", "temporary"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setenv("KERAS_RECIPES_CACHE", str(tmp_path / "work" / "cache"))
    monkeypatch.chdir(tmp_path / "work")
    np.save(tmp_path / "rows.npy", np.ones((2, 4)))
    return tmp_path / "work"


@pytest.fixture
def attack(work, outside, capsys):
    """Run a verb: no internal error, and nothing outside is touched or printed."""

    def run(*words):
        with WATCH.over(outside.folder):
            status = main([str(word) for word in words])
        reported = capsys.readouterr()
        text = reported.out + reported.err
        assert "internal error" not in text, Path(text.split()[-1]).read_text()
        assert "Traceback" not in text
        assert not WATCH.seen
        outside.check(text, work, work.parent / "temporary")
        return status, text

    return run


def test_the_watch_sees(work, outside):
    with WATCH.over(outside.folder):
        (outside.folder / "keep.txt").read_text()
        os.rename(outside.folder / "keep.txt", outside.folder / "moved.txt")
    assert [line.split()[0] for line in WATCH.seen] == ["open", "os.rename", "os.rename"]


# --- Recipes: (YAML below `data`, `model` and `epochs`, part of the message, its line).
BODY = "data: {source: iris}\nepochs: 1\nmodel:\n  layers:\n"
LAYERS = {
    "words of a file": ("string_lookup: {vocabulary: OUT/secret.txt}", "name a file to read"),
    "numbers of a file": ("integer_lookup: {vocabulary: OUT/secret.txt}", "name a file to read"),
    "of a bucket": ("string_lookup: {vocabulary: 'gs://b/words.txt'}", "name a file to read"),
    "texts of a file": ("text_vectorization: {vocabulary: words.txt}", "name a file to read"),
    "inside of another": (
        "time_distributed: {layer: {string_lookup: {vocabulary: OUT/secret.txt}}}",
        "name a file to read",
    ),
    "inside of a block": (
        "residual: [{string_lookup: {vocabulary: OUT/secret.txt}}]",
        "name a file to read",
    ),
    "a config": ("time_distributed: {layer: {class_name: x, config: {}}}", "one of the layers"),
    "a lambda": ("lambda: {function: print}", "is refused"),
    "a saved model": ("tfsm_layer: {filepath: OUT/folder}", "is refused"),
    "torch": ("torch_module_wrapper: {module: x}", "is refused"),
    "custom objects": ("dense: {units: 3, custom_objects: {a: b}}", "no argument `custom_objects`"),
    "an activation": ("dense: {units: 3, activation: os.system}", "import path"),
}  # fmt: skip
CALLBACKS = {
    "above": ("csv_logger: {filename: ../../outside/keep.txt}", "inside the run directory"),
    "absolute": ("csv_logger: {filename: OUT/keep.txt}", "inside the run directory"),
    "a bucket": ("tensor_board: {log_dir: 'gs://bucket/logs'}", "inside the run directory"),
    "shown by TensorBoard": (
        "tensor_board: {embeddings_metadata: OUT/secret.txt}",
        "name a file to read",
    ),
    "fields that climb": (
        "model_checkpoint: {filepath: 'checkpoints/{epoch.__doc__[127]}{epoch.__doc__[127]}/x'}",
        "expected fields such as",
    ),
    "indexed": ("model_checkpoint: {filepath: '{epoch[0]}.keras'}", "expected fields such as"),
    "filled": ("model_checkpoint: {filepath: '{epoch:/>9}.keras'}", "expected fields such as"),
    "converted": ("model_checkpoint: {filepath: '{epoch!r}.keras'}", "expected fields such as"),
    "the result": ("csv_logger: {filename: result.json}", "a file of the run itself"),
    "the recipe": ("csv_logger: {filename: ./recipe.yaml}", "a file of the run itself"),
    "the metrics": ("gradient_monitor: {path: metrics.jsonl}", "a file of the run itself"),
    "the model": ("model_checkpoint: {filepath: model.keras}", "a file of the run itself"),
    "the state": ("top_checkpoints: {path: checkpoints/state}", "a file of the run itself"),
    "the lock": ("activation_monitor: {path: run.lock}", "a file of the run itself"),
    "the page": ("fit_diagnosis: {path: report.html}", "a file of the run itself"),
    "the network": ("remote_monitor: {root: 'http://localhost:9'}", "is refused"),
    "backups": ("backup_and_restore: {backup_dir: OUT/folder}", "is refused"),
    "orbax": ("orbax_checkpoint: {directory: OUT/folder}", "no `orbax_checkpoint`"),
}
RECIPES = {
    **{f"layer: {name}": (f"{BODY}    - {{{text}}}\n", *reported, 5)
       for name, (text, *reported) in LAYERS.items()},
    **{f"callback: {name}": (f"{BODY}    - flatten\ncallbacks:\n  - {{{text}}}\n", *reported, 7)
       for name, (text, *reported) in CALLBACKS.items()},
    "weights of a bucket": (
        f"{BODY}    - flatten\ninitialize: {{weights: 'gs://b/m.keras'}}\n", "on this machine", 6),
    "weights of a hub": (
        f"{BODY}    - flatten\ninitialize: {{weights: 'hf://a/b'}}\n", "on this machine", 6),
    "rows of a server": (
        BODY.replace("iris", "{csv: {path: 'http://h/a.csv', target: y}}") + "    - flatten\n",
        "on this machine", 1),
}  # fmt: skip
LOOKS = [["validate"], ["train", "--out", "run"]]
OTHER_LOOKS = [
    ["show"],
    ["train", "--dry-run"],
    ["train", "--resume", "--out", "run"],
    ["plot"],
    ["find-lr"],
    ["check-gradients"],
]


@pytest.mark.parametrize("looks", [LOOKS, pytest.param(OTHER_LOOKS, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", RECIPES)
def test_recipes(attack, work, outside, name, looks):
    """Every verb refuses each with its line, and writes nothing."""
    text, reported, line = RECIPES[name]
    (work / "bad.yaml").write_text(text.replace("OUT", str(outside.folder)))
    for verb, *options in looks:
        status, said = attack(verb, "bad.yaml", *options)
        assert status == 2, verb
        assert f"bad.yaml:{line}:" in said
        assert reported in said
    assert [path.name for path in work.iterdir()] == ["bad.yaml"]


def test_files_that_callbacks_write_by_default_are_in_the_run_directory(attack, work):
    text = RECIPE.replace("epochs: 2", "epochs: 1") + "  - tensor_board\n"
    text += "  - model_checkpoint: {filepath: 'kept/{epoch:02d}-{val_loss:.3f}.keras'}\n"
    (work / "good.yaml").write_text(text)
    status, said = attack("train", "good.yaml", "--out", "a{b}/run", "--quiet")
    assert status == 0, said
    assert {path.name for path in work.iterdir()} == {"good.yaml", "a{b}"}
    run = work / "a{b}" / "run"
    for name in ("checkpoints/best.keras", "checkpoints/top/index.json", "tensorboard/train",
                 "checkpoints/every/epoch-0001.keras", "rows.csv", "logs/train"):  # fmt: skip
        assert (run / name).exists(), name
    assert [path.name[:3] for path in (run / "kept").iterdir()] == ["01-"]


# --- Run directories: each row changes a run as a stranger could have.
def planted(name, index=0):
    """Make the checkpoint restore a file elsewhere."""

    def change(run, out):
        place = name.replace("OUT", str(out))

        def files(state):
            hostile.callback(state, "TopCheckpoints")["files"] = {place: index}

        hostile.change_state(run, files)

    return change


def state(path, value):
    """Put a value somewhere into the stored state; `OUT` in it is the folder outside."""

    def change(run, out):
        def put(whole):
            *above, last = path
            found = whole
            for key in above:
                found = hostile.callback(whole, key) if key in CLASSES else found[key]
            found[last] = json.loads(json.dumps(value).replace("OUT", str(out)))

        hostile.change_state(run, put)

    return change


CLASSES = ("TopCheckpoints", "PeriodicCheckpoint", "BestCheckpoint", "MetricsLog", "History")


def linked(name, target):
    """Put a link where the run has, or will have, a file or folder."""

    def change(run, out):
        path = run / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        path.symlink_to(out / target)

    return change


def kept_link(run, out):
    """The file that a checkpoint keeps is a link to a file that the attacker knows."""
    path = hostile.states(run)[-1] / "file-000000"
    path.unlink()
    path.symlink_to(out / "keep.txt")
    hostile.sign(hostile.states(run)[-1])


def arrays(content):
    return lambda run, out: hostile.change_arrays(run, content())


def pipe(run, out):
    (run / "metrics.jsonl").unlink()
    os.mkfifo(run / "metrics.jsonl")


def huge_header(content):
    """A header that declares far more than there is."""
    return content.replace(b"(3,)", b"(3000000000,)").replace(b" " * 9 + b"\n", b"\n")


ROW = {"__record__": "VariableGradient", "fields": {"path": 3}}
DEEP: list = []
for _ in range(200):
    DEEP = [DEEP]
KEPT = {"epoch": 1, "value": 9e9, "file": "../../../outside/keep.txt"}
TOP = ["TopCheckpoints"]
RUNS = {
    "restores above": planted("../../../../outside/planted.txt"),
    "restores elsewhere": planted("OUT/planted.txt"),
    "restores the result": planted("../../result.json"),
    "restores another name": planted("other.keras"),
    "restores no file": planted("index.json", 99),
    "removes above": state([*TOP, "state"], {"kept": [KEPT, KEPT]}),
    "removes elsewhere": state(
        ["PeriodicCheckpoint", "state"], {"step": 1, "files": ["OUT/keep.txt"]}
    ),
    "cuts a link": linked("metrics.jsonl", "keep.txt"),
    "locks a link": linked("run.lock", "keep.txt"),
    "remains that are links": linked(".writing-a", "folder"),
    "a folder of RBMs that is a link": linked("pretraining", "folder"),
    "adds to a link": linked("rows.csv", "keep.txt"),
    "writes through a link": linked("checkpoints/top", "folder"),
    "writes pictures through a link": linked("tensorboard", "folder"),
    "keeps a link": kept_link,
    "a pipe": pipe,
    "negative size": state(["MetricsLog", "size"], -5),
    "no position": state(["position"], None),
    "position of text": state(["position", "epoch"], "0"),
    "a negative position": state(["position", "epoch"], -1),
    "a position of NaN": state(["position", "total"], float("nan")),
    "an endless step": state(["position", "step"], 10**15),
    "callbacks of text": state(["callbacks"], ["a"]),
    "callbacks in a mapping": state(["callbacks"], {"a": 1}),
    "a callback without a class": state(["callbacks"], [{"state": None, "named": {}}]),
    "no variables": state(["variables"], None),
    "without an optimizer": state(["variables"], {"model": []}),
    "variables of text": state(["variables", "model"], ["a"]),
    "an array that is none": state(["variables", "model"], [{"path": "a", "value": 3}]),
    "a negative array": state(["logs"], {"__array__": -1}),
    "an array beyond": state(["logs"], {"__array__": 10**9}),
    "an array of text": state(["logs"], {"__array__": "0"}),
    "an array of objects": state(["logs"], {"__array__": 0, "dtype": "O", "shape": [1]}),
    "an array of anything": state(["logs"], {"__array__": 0, "dtype": "bfloat16", "shape": [-1]}),
    "a huge shape": state(["logs"], {"__array__": 0, "dtype": "bfloat16", "shape": [10**12]}),
    "a number that is none": state(["logs"], {"__number__": "__import__('os')"}),
    "a scalar of objects": state(["logs"], {"__scalar__": 1, "dtype": "object"}),
    "a scalar too large": state(["logs"], {"__scalar__": 10**40, "dtype": "int8"}),
    "pairs of three": state(["logs"], {"__pairs__": [[1, 2, 3]]}),
    "pairs with a list for a key": state(["logs"], {"__pairs__": [[[1], 2]]}),
    "an unknown record": state(["logs"], {"__record__": "Popen", "fields": {"args": "true"}}),
    "a record of wrong fields": state(["logs"], ROW),
    "nested": state(["logs"], DEEP),
    "the same again and again": state(["logs"], [{"__array__": 0}] * 10**6),
    "generators of text": state(["generators"], "a"),
    "a generator beyond its end": state(
        ["generators", "numpy"], {"__tuple__": ["MT19937", {"__array__": 0}, 10**9, 0, 0.0]}
    ),
    "time of text": state(["seconds"], "a"),
    "a state of another kind": state([*TOP, "state"], {"kept": 3}),
    "a state without its name": state([*TOP, "state"], {"other": 3}),
    "pickled arrays": arrays(lambda: hostile.npz([np.array([{"a": 1}], dtype=object)])),
    "packed arrays": arrays(lambda: hostile.npz([np.zeros(10**7)], zipfile.ZIP_DEFLATED)),
    "a huge header": arrays(lambda: hostile.npz([np.zeros(3)], edit=huge_header)),
    "no arrays": arrays(lambda: b"PK"),
}
# The others run with the long tests.
FAST = ("restores above", "removes above", "cuts a link", "locks a link", "a negative array")
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in RUNS if name not in FAST]


@pytest.fixture
def stranger(trained, work):
    """A copy of the run, to be resumed for two more epochs."""
    shutil.copytree(trained, work / "run")
    result = json.loads((work / "run" / "result.json").read_text())
    (work / "run" / "result.json").write_text(json.dumps({**result, "status": "interrupted"}))
    recipe = (work / "run" / "recipe.yaml").read_text()
    (work / "run" / "recipe.yaml").write_text(recipe.replace("epochs: 2", "epochs: 4"))
    hostile.relist(work / "run")
    return work / "run"


def test_an_honest_run_is_resumed(attack, stranger):
    status, said = attack("resume", "run", "--quiet")
    assert status == 0, said
    assert json.loads((stranger / "result.json").read_text())["epochs"] == 4
    kept = json.loads((stranger / "checkpoints" / "top" / "index.json").read_text())
    assert len(kept) == 2


@pytest.mark.parametrize("name", [*FAST, *SLOW])
def test_run_directories(attack, stranger, outside, name):
    """Each is refused by `resume` before anything is written."""
    RUNS[name](stranger, outside.folder)
    status, said = attack("resume", "run", "--quiet")
    assert status == 2, said


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNS)
def test_other_verbs_on_run_directories(attack, trained, stranger, outside, work, name):
    """Those that read no state may go on, as long as nothing outside is touched."""
    for file in ("result.json", "recipe.yaml"):  # a completed run again
        shutil.copy(trained / file, stranger / file)
    RUNS[name](stranger, outside.folder)
    if name == "a pipe":  # reading one never ends; `resume` refuses it
        (stranger / "metrics.jsonl").unlink()
    text = RECIPE.partition("callbacks")[0] + "initialize: {weights: run, reset_step: false}\n"
    (work / "warm.yaml").write_text(text)
    for words in (
        ["show", "run/recipe.yaml"],
        ["validate", "run/recipe.yaml"],
        ["evaluate", "run"],
        ["predict", "run", "../rows.npy"],
        ["report", "run"],
        ["report", "run", "--out", "page.html"],
        ["reproduce", "run", "--quiet"],
        ["train", "warm.yaml", "--out", "second", "--quiet"],
        ["train", "run/recipe.yaml", "--dry-run"],
        ["train", "run/recipe.yaml", "--resume", "--out", "run", "--quiet"],
    ):
        attack(*words)


def test_members_are_where_an_ensemble_has_them(attack, trained, work, outside):
    """The pages of members are written below the run, wherever its result says that they are."""
    shutil.copytree(trained, work / "run")
    shutil.copytree(trained, outside.folder / "other")
    (outside.folder / "other" / "report.html").unlink()
    outside.before = outside.now()
    member = {"directory": str(outside.folder / "other"), "test": {}, "validation": {}}
    result = json.loads((work / "run" / "result.json").read_text())
    (work / "run" / "result.json").write_text(json.dumps({**result, "members": [member]}))
    (work / "run" / "report.html").unlink()
    status, said = attack("resume", "run", "--quiet")
    assert status == 0
    # Its state tells what the run is; what the result claimed beside it is gone.
    assert "members/1: not a run directory" in said
    assert json.loads((work / "run" / "result.json").read_text())["members"] == []


# --- Saved models in a run directory, and as initial weights.
def weights_elsewhere(run, out):
    path = run / "model.keras"
    with zipfile.ZipFile(path) as archive:
        content = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(content, "a") as file:
        group = file["layers/dense/vars"]
        shape = group["0"].shape
        del group["0"]
        storage = [(str(out / "secret.txt"), 0, int(np.prod(shape)) * 4)]
        group.create_dataset("0", shape, "f4", external=storage)
    hostile.with_member(path, "model.weights.h5", content.getvalue())


def linked_elsewhere(run, out):
    path = run / "model.keras"
    with zipfile.ZipFile(path) as archive:
        content = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(content, "a") as file:
        del file["layers/dense/vars/0"]
        file["layers/dense/vars/0"] = h5py.ExternalLink(str(out / "keep.txt"), "/x")
    hostile.with_member(path, "model.weights.h5", content.getvalue())


def layer(change):
    """Change the config of the first dense layer."""

    def edit(run, out):
        path = run / "model.keras"
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
        dense = next(x for x in config["config"]["layers"] if x["class_name"] == "Dense")
        dense.update(json.loads(json.dumps(change).replace("OUT", str(out))))
        hostile.with_member(path, "config.json", json.dumps(config))

    return edit


MODELS = {
    "numbers of another file": weights_elsewhere,
    "a link to another file": linked_elsewhere,
    "a link": lambda run, out: linked("model.keras", "secret.txt")(run, out),
    "a module": layer({"module": "os", "class_name": "system", "registered_name": None}),
    "a function": layer({"class_name": "function", "module": "os", "config": "system"}),
    "a lambda": layer({"class_name": "Lambda", "registered_name": None}),
    "a vocabulary": layer(
        {"class_name": "StringLookup", "config": {"vocabulary": "OUT/secret.txt"}}
    ),
    "a huge layer": layer({"config": {"units": 10**12}}),
    "a path": lambda run, out: hostile.with_member(run / "model.keras", "assets/../../x", b"x"),
    "no archive": lambda run, out: (run / "model.keras").write_bytes(b"PK\x05\x06" + bytes(18)),
}


FAST_MODELS = ("numbers of another file", "a module")
SLOW_MODELS = [pytest.param(n, marks=pytest.mark.slow) for n in MODELS if n not in FAST_MODELS]


@pytest.mark.parametrize("name", [*FAST_MODELS, *SLOW_MODELS])
def test_models(attack, stranger, outside, work, name):
    """Every verb that loads the model refuses it in a sentence."""
    MODELS[name](stranger, outside.folder)
    (work / "warm.yaml").write_text(
        f"{RECIPE.partition('callbacks')[0]}initialize: {{weights: run}}\n"
    )
    for words in (
        ["evaluate", "run"],
        ["predict", "run", "../rows.npy"],
        ["train", "warm.yaml", "--out", "second", "--quiet"],
    ):
        status, said = attack(*words)
        assert status == 2, said
        assert "model.keras" in said
    attack("report", "run")
    assert not (work / "second").exists()
