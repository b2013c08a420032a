"""No verb removes or changes a file that no run wrote, wherever it lies."""

import json
import os
import shutil

import pytest
from small_runs import as_if_killed, copy_of, train_small, write_recipe

from keras_recipes.recipes.cli import main

pytestmark = pytest.mark.usefixtures("eager_module")
STRANGE = ("thesis.tex", ".writing-thesis", ".writing-7-thesis.tex", "state-00000001.txt", "index")


@pytest.fixture(scope="module")
def completed(tmp_path_factory):
    out = tmp_path_factory.mktemp("completed") / "run"
    train_small(out, epochs=1)
    return out


@pytest.fixture
def outside(tmp_path):
    """A folder that links lead to, with names that a run writes."""
    folder = tmp_path / "outside"
    (folder / "state-00000000").mkdir(parents=True)
    for name in ("thesis.tex", "model.keras", "arrays.npz", "state-00000000/state.json"):
        (folder / name).write_text("precious")
    return folder


def litter(folder):
    """Put strange files and folders, and links between them, into a folder and all below it."""
    for place in [folder, *(path for path in folder.rglob("*") if path.is_dir())]:
        for name in STRANGE:
            (place / name).write_text("precious")
        (place / "deep" / "er").mkdir(parents=True)
        (place / "deep" / "er" / "model.keras").write_text("precious")
        (place / "link.keras").symlink_to(place / "deep" / "er" / "model.keras")
        (place / ".writing-9-state-00000002").symlink_to(place / "deep")


def link_out(folder, outside):
    """Put links that lead out of a folder into it and all below it."""
    for place in [folder, *(path for path in folder.rglob("*") if path.is_dir())]:
        (place / "out.keras").symlink_to(outside / "model.keras")
        (place / ".writing-8-link.keras").symlink_to(outside / "model.keras")
        (place / "state-00000000").symlink_to(outside / "state-00000000")


def tree(*roots):
    """Every path below some folders, with what is there."""
    return {
        str(path): os.readlink(path)
        if path.is_symlink()
        else None
        if path.is_dir()
        else path.read_bytes()
        for root in roots
        for path in [root, *root.rglob("*")]
    }


@pytest.fixture
def recipe(tmp_path):
    return write_recipe(tmp_path / "small.yaml", epochs=1)


@pytest.fixture
def littered(completed, tmp_path):
    run = copy_of(completed, tmp_path / "run")
    litter(run)
    return run


def unfinished(run):
    """As a run that was killed while it saved its model."""
    as_if_killed(run)
    (run / ".writing-7-model.keras").write_text("ours")


def before_a_checkpoint(run):
    unfinished(run)
    for path in (run / "checkpoints" / "state").glob("state-*"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def without_model(run):
    (run / "model.keras").unlink()


AFTER = {"as it is": lambda run: None, "killed": unfinished, "rebuilt": without_model}
AFTER["begins again"] = before_a_checkpoint
VERBS = {
    "show": ["show", "RUN/recipe.yaml"],
    "validate": ["validate", "RUN/recipe.yaml"],
    "copy": ["copy", "digits_mlp", "RUN"],
    "plot": ["plot", "RUN/recipe.yaml", "--out", "picture.png"],
    "evaluate": ["evaluate", "RUN"],
    "report": ["report", "RUN"],
    "train": ["train", "RECIPE", "--out", "RUN", "--quiet"],
    "train --resume": ["train", "RECIPE", "--out", "RUN", "--resume", "--quiet"],
    "resume": ["resume", "RUN", "--quiet"],
    "resume longer": ["resume", "RUN", "epochs=2", "--allow-change", "epochs", "--quiet"],
    "reproduce": ["reproduce", "RUN", "--out", "RUN/deep", "--quiet"],
}
CASES = [
    *((verb, "as it is") for verb in VERBS if verb != "train --resume"),
    ("train --resume", "killed"),
    ("resume", "rebuilt"),
    ("resume", "begins again"),
]


@pytest.mark.parametrize(("verb", "state"), CASES)
def test_what_is_strange_stays(littered, outside, recipe, capsys, verb, state):
    AFTER[state](littered)
    strange = {path: what for path, what in tree(littered, outside).items() if _is_strange(path)}
    words = {"RUN": str(littered), "RECIPE": str(recipe)}
    command = [words.get(word, word.replace("RUN", str(littered))) for word in VERBS[verb]]
    status = main(command)
    errors = capsys.readouterr().err
    assert "internal error" not in errors
    assert status == (2 if verb in ("train", "reproduce") else 0), errors
    found = tree(littered, outside)
    assert {path: found.get(path) for path in strange} == strange
    assert not (littered / ".writing-7-model.keras").exists()


@pytest.mark.parametrize("verb", [verb for verb in VERBS if "RUN" in VERBS[verb]])
def test_nothing_is_touched_through_links(completed, outside, recipe, tmp_path, capsys, verb):
    """A run directory from which a link leads out is used by no verb."""
    run = copy_of(completed, tmp_path / "run")
    link_out(run, outside)
    before = tree(run, outside)
    words = {"RUN": str(run), "RECIPE": str(recipe)}
    status = main([words.get(word, word) for word in VERBS[verb]])
    assert "internal error" not in capsys.readouterr().err
    if verb == "copy":
        (run / "digits_mlp.yaml").unlink()
    assert status == (0 if verb == "copy" else 2)
    assert tree(run, outside) == before


def _is_strange(path):
    names = (*STRANGE, "deep", "er", "link.keras", "outside", ".writing-9-state-00000002")
    return any(part in names for part in path.split(os.sep))


MANIFESTS = {
    "none": None,
    "of an app": '{"name": "app", "versions": {}, "fingerprints": {}}',
    "no object": "[]",
    "no JSON": "{",
}


@pytest.mark.parametrize("manifest", MANIFESTS)
@pytest.mark.parametrize("verb", ["train --resume", "resume"])
def test_a_folder_that_is_no_run_stays_as_it_is(outside, recipe, tmp_path, capsys, verb, manifest):
    project = tmp_path / "project"
    (project / "chapters").mkdir(parents=True)
    shutil.copyfile(recipe, project / "recipe.yaml")
    if MANIFESTS[manifest] is not None:
        (project / "manifest.json").write_text(MANIFESTS[manifest])
    litter(project)
    before = tree(project, outside)
    words = {"RUN": str(project), "RECIPE": str(project / "recipe.yaml")}
    assert main([words.get(word, word) for word in VERBS[verb]]) == 2
    assert "is not a run directory, and not empty" in capsys.readouterr().err
    assert tree(project, outside) == before


def test_a_recipe_alone_makes_no_run_directory(recipe, tmp_path, capsys):
    """Its comments would be lost."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "recipe.yaml").write_text(f"# precious\n{recipe.read_text()}")
    before = tree(project)
    assert main(["resume", str(project), "--quiet"]) == 2
    assert tree(project) == before


def test_a_completed_run_without_its_manifest_keeps_its_model(completed, tmp_path, capsys):
    run = copy_of(completed, tmp_path / "run")
    (run / "manifest.json").unlink()
    shutil.rmtree(run / "checkpoints")
    before = tree(run)
    assert main(["resume", str(run), "--quiet"]) == 2
    assert tree(run) == before


def test_a_file_that_has_the_name_of_the_lock_stays(recipe, tmp_path, capsys):
    project = tmp_path / "project"
    project.mkdir()
    for content in ("precious", "{}", json.dumps({"process": 1})):
        (project / "run.lock").write_text(content)
        words = ["train", str(recipe), "--out", str(project), "--resume", "--quiet"]
        assert main(words) == 2
        assert "is not a lock that keras-recipes wrote" in capsys.readouterr().err
        assert (project / "run.lock").read_text() == content
    (project / "run.lock").unlink()
    (tmp_path / "mine").write_text("")
    (project / "run.lock").symlink_to(tmp_path / "mine")
    assert main(words) == 2
    assert (tmp_path / "mine").read_text() == ""


@pytest.mark.parametrize("name", ["metrics.jsonl", "checkpoints", "checkpoints/state"])
def test_a_link_out_of_a_run_is_refused(completed, tmp_path, capsys, name):
    run, moved = copy_of(completed, tmp_path / "run"), tmp_path / "moved"
    unfinished(run)
    shutil.move(run / name, moved)
    (run / name).symlink_to(moved)
    before = tree(tmp_path)
    assert main(["resume", str(run), "--quiet"]) == 2
    assert "leads out of" in capsys.readouterr().err
    assert tree(tmp_path) == before
