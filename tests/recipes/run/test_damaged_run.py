"""A run directory of which any file is damaged: a clear error, or the run as it was."""

import json
import os
import shutil

import numpy as np
import pytest
from small_runs import as_if_killed, copy_of, train_small, write_recipe

from keras_recipes.recipes.cli import main
from keras_recipes.recipes.record.directory import RunDirectory
from keras_recipes.recipes.run.reproduce import compare_runs

VERBS = ("evaluate", "predict", "report", "resume", "reproduce", "initialize")
# Files, and the verbs that must refuse a run in which one of them is another run's.
FILES = {
    "recipe.yaml": {"evaluate", "report", "resume", "reproduce"},
    "manifest.json": {"evaluate", "report", "reproduce"},
    "data.json": {"predict"},
    "metrics.jsonl": {"report", "resume", "reproduce"},
    "gradients.jsonl": {"resume", "reproduce"},
    "model.keras": {"evaluate", "predict", "reproduce", "initialize"},
    "checkpoints/best.keras": {"reproduce"},
    "result.json": set(),
    "report.html": set(),
    "checkpoints/state/STATE/arrays.npz": set(),
    "checkpoints/state/STATE/state.json": set(),
    "checkpoints/state/STATE/files.json": set(),
    "checkpoints/state/STATE/file-000000": set(),
}
DAMAGES = (
    "missing",
    "empty",
    "cut",
    "flipped",
    "[]",
    "null",
    "not UTF-8",
    "folder",
    "link",
    "other",
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A completed run, another one, and rows to predict; not to be changed."""
    root = tmp_path_factory.mktemp("runs")
    train_small(root / "run")
    train_small(root / "other", seed=7)
    rows = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    np.save(root / "rows.npy", rows)
    return root


@pytest.fixture
def run(runs, tmp_path):
    return copy_of(runs / "run", tmp_path / "run")


def path_of(run, name):
    states = sorted((run / "checkpoints" / "state").iterdir())
    return run / name.replace("STATE", states[-1].name)


def damage(run, other, name, how):
    path, content = path_of(run, name), path_of(run, name).read_bytes()
    path.unlink()
    texts = {"[]": b"[]", "null": b"null", "not UTF-8": b"\xff\xfe{", "empty": b""}
    half = len(content) // 2
    if how in texts:
        path.write_bytes(texts[how])
    elif how == "cut":
        path.write_bytes(content[:half])
    elif how == "flipped":
        path.write_bytes(content[:half] + bytes([content[half] ^ 1]) + content[half + 1 :])
    elif how == "folder":
        path.mkdir()
    elif how == "link":
        path.symlink_to(path_of(other, name))
    elif how == "other":
        shutil.copyfile(path_of(other, name), path)


def call(verb, run, rows):
    if verb == "initialize":
        warm = write_recipe(run.parent / "warm.yaml", epochs=1, initialize={"weights": str(run)})
        return main(["train", str(warm), "--quiet", "--out", f"{run}-warm"])
    words = {"predict": [str(rows)], "resume": ["--quiet"], "reproduce": ["--quiet"]}
    return main([verb, str(run), *words.get(verb, [])])


def check(runs, run, capsys, name, how, verb):
    damage(run, runs / "other", name, how)
    capsys.readouterr()
    status = call(verb, run, runs / "rows.npy")
    errors = capsys.readouterr().err
    assert "internal error" not in errors
    assert "Traceback" not in errors
    assert status in (0, 2) or (verb == "reproduce" and status == 1), errors
    if how == "other" and verb in FILES[name]:
        assert status == 2, errors
        assert name.rpartition("/")[2] in errors
    if verb == "resume" and status == 0:
        found = compare_runs(RunDirectory(runs / "run"), RunDirectory(run))
        # A run that is completed does not need its last checkpoint.
        spared = "state: only one" if "STATE" in name else f"{name} line"
        assert [line for line in found if not line.startswith(spared)] == []


SAMPLE = [
    ("model.keras", "other", "evaluate"),
    ("model.keras", "cut", "predict"),
    ("model.keras", "missing", "resume"),
    ("model.keras", "flipped", "resume"),
    ("model.keras", "other", "initialize"),
    ("model.keras", "folder", "reproduce"),
    ("checkpoints/best.keras", "flipped", "resume"),
    ("checkpoints/state/STATE/file-000000", "flipped", "resume"),
    ("metrics.jsonl", "cut", "report"),
    ("metrics.jsonl", "cut", "resume"),
    ("manifest.json", "[]", "resume"),
    ("manifest.json", "null", "evaluate"),
    ("data.json", "not UTF-8", "predict"),
    ("recipe.yaml", "flipped", "evaluate"),
    ("recipe.yaml", "other", "resume"),
    ("result.json", "null", "report"),
    ("result.json", "cut", "resume"),
    ("metrics.jsonl", "link", "resume"),
]


@pytest.mark.parametrize(("name", "how", "verb"), SAMPLE)
def test_some_damages(runs, run, capsys, name, how, verb):
    check(runs, run, capsys, name, how, verb)


@pytest.mark.slow
@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("name", FILES)
def test_every_damage(runs, run, capsys, name, how, verb):
    check(runs, run, capsys, name, how, verb)


def predictions(run, runs, capsys):
    capsys.readouterr()
    assert main(["predict", str(run), str(runs / "rows.npy")]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("how", ["missing", "cut", "other"])
def test_a_model_that_was_lost_is_rebuilt(runs, run, capsys, how):
    before = predictions(run, runs, capsys)
    result = json.loads((run / "result.json").read_text())
    damage(run, runs / "other", "model.keras", how)
    assert main(["resume", str(run), "--quiet"]) == 0
    assert predictions(run, runs, capsys) == before
    after = json.loads((run / "result.json").read_text())
    own = ("files", "process", "directory", "seconds")
    assert {k: v for k, v in after.items() if k not in own} == {
        k: v for k, v in result.items() if k not in own
    }
    assert main(["resume", str(run)]) == 0
    assert "there is nothing to resume" in capsys.readouterr().err


def test_a_model_that_nothing_can_rebuild_is_reported(run, capsys):
    shutil.rmtree(run / "checkpoints")
    (run / "model.keras").write_bytes(b"")
    assert main(["resume", str(run), "--quiet"]) == 2
    assert "model.keras: is not what this run wrote" in capsys.readouterr().err
    assert (run / "model.keras").read_bytes() == b""
    (run / "result.json").unlink()
    assert main(["resume", str(run), "--quiet"]) == 2
    assert "has no checkpoint to continue from" in capsys.readouterr().err
    assert (run / "model.keras").exists()


def test_the_manifest_of_a_run_that_continues_is_written_anew(runs, run, capsys):
    result = json.loads((run / "result.json").read_text())
    (run / "result.json").write_text(json.dumps({"status": "running", "epochs": result["epochs"]}))
    (run / "manifest.json").unlink()
    assert main(["resume", str(run), "--quiet"]) == 0
    assert "manifest.json is missing or damaged" in capsys.readouterr().err
    assert compare_runs(RunDirectory(runs / "run"), RunDirectory(run)) == []


@pytest.fixture(scope="module")
def interrupted(runs, tmp_path_factory):
    """A run that was killed in its last epoch."""
    out = copy_of(runs / "run", tmp_path_factory.mktemp("killed") / "run")
    as_if_killed(out)
    # As it was when the first epoch had been stored.
    train_small(out.parent / "one", epochs=1)
    shutil.rmtree(out / "checkpoints")
    shutil.copytree(out.parent / "one" / "checkpoints", out / "checkpoints")
    for name in ("metrics.jsonl", "gradients.jsonl"):
        shutil.copyfile(out.parent / "one" / name, out / name)
    return out


def every_file(root):
    return sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file())


def flip(path, at):
    content = bytearray(path.read_bytes())
    content[int(at * (len(content) - 1))] ^= 4
    path.write_bytes(bytes(content))


def reseal(run):
    """Let the result list the files as they are now."""
    directory = RunDirectory(run)
    result = json.loads((run / "result.json").read_text())
    directory.write_result({**result, "files": directory.contents()})


@pytest.mark.slow
@pytest.mark.parametrize("at", [0.0, 0.3, 0.7, 1.0])
def test_a_flipped_bit_of_any_file_of_a_killed_run(runs, interrupted, tmp_path, capsys, at):
    for name in every_file(interrupted):
        run = copy_of(interrupted, tmp_path / name.replace("/", "-"))
        flip(run / name, at)
        status = main(["resume", str(run), "--quiet"])
        errors = capsys.readouterr().err
        assert status in (0, 2), (name, errors)
        assert "internal error" not in errors, name
        if status == 2:
            # Nothing sound remains of what this file alone has, and it is named.
            assert os.path.basename(name) in errors or "data has changed" in errors, name
            assert "best.keras" not in name
            assert "file-0" not in name
            continue
        if f"{name} " in errors and name.endswith(".jsonl"):
            # A damaged line is lost or kept as it is, with a message; all else is compared.
            (run / name).unlink()
            shutil.copyfile(runs / "run" / name, run / name)
            reseal(run)
        lines = ["result.json: findings"]
        found = compare_runs(RunDirectory(runs / "run"), RunDirectory(run))
        assert [line for line in found if not line.startswith(tuple(lines))] == [], name
