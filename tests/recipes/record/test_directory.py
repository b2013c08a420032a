"""The run directory: whole files or none, and nothing left of a request that was wrong."""

import json
import math

import pytest

from keras_recipes.recipes.errors import RequestError
from keras_recipes.recipes.record.directory import RunDirectory, open_run
from keras_recipes.recipes.record.reserve import reserve


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    run = RunDirectory(tmp_path)
    run.write_text("a.txt", "old")

    def breaks(path):
        path.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        run.write("a.txt", breaks)
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_json_is_strict(tmp_path):
    run = RunDirectory(tmp_path)
    run.write_json("a.json", {"loss": math.nan, "best": [math.inf, 1.5], "n": {"x": -math.inf}})
    text = (tmp_path / "a.json").read_text()
    assert json.loads(text, parse_constant=pytest.fail) == {
        "loss": None,
        "best": [None, 1.5],
        "n": {"x": None},
    }


def test_a_wrong_request_takes_its_directories_away_again(tmp_path):
    out = tmp_path / "deep" / "er" / "run"
    with pytest.raises(RequestError, match="no such column"), reserve(out, "x") as run:
        run.write_text("recipe.yaml", "")
        raise RequestError("no such column")
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_request_keeps_a_directory_that_was_there(tmp_path):
    out = tmp_path / "mine"
    out.mkdir()
    with pytest.raises(RequestError), reserve(out, "x"):
        raise RequestError("no")
    assert out.is_dir()


def test_a_broken_training_keeps_what_was_written(tmp_path):
    with pytest.raises(ZeroDivisionError), reserve(tmp_path / "run", "x") as run:
        run.write_json("result.json", {"status": "running"})
        raise ZeroDivisionError
    assert (tmp_path / "run" / "result.json").is_file()


@pytest.mark.parametrize("make", ["file", "full"])
def test_nothing_is_overwritten(tmp_path, make):
    out = tmp_path / "out"
    if make == "file":
        out.write_text("precious")
    else:
        out.mkdir()
        (out / "model.keras").write_text("precious")
    with pytest.raises(RequestError, match="--out"), reserve(out, "x"):
        pytest.fail("must not begin")
    assert "precious" in (out.read_text() if make == "file" else (out / "model.keras").read_text())


def test_a_directory_that_cannot_be_made_is_reported(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(RequestError, match="cannot be written"),
        reserve(tmp_path / "file" / "run", "x"),
    ):
        pytest.fail("must not begin")


def test_names_of_runs_never_collide(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = []
    for _ in range(3):
        with reserve(None, "same") as run:
            paths.append(run.path)
    assert len(set(paths)) == 3
    assert all(path.parent.name == "runs" for path in paths)


@pytest.mark.parametrize("content", [None, "{", '"\udcff'])
def test_a_folder_that_is_no_run_is_reported(tmp_path, content):
    if content is not None:
        (tmp_path / "result.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(RequestError, match=r"not a run directory|not valid JSON|not UTF-8"):
        open_run(tmp_path)
    with pytest.raises(RequestError, match="no such run directory"):
        open_run(tmp_path / "absent")


@pytest.fixture
def ended(tmp_path):
    """A directory that says that its run has ended, with the hashes of its files."""
    run = RunDirectory(tmp_path)
    run.write_text("recipe.yaml", "name: x\n")
    run.write_text("metrics.jsonl", '{"epoch": 1}\n{"epoch": 2}\n')
    run.write_json("data.json", {"classes": ["a"]})
    run.write_result({"status": "completed", "epochs": 2})
    return run


def test_an_ended_run_knows_its_files(ended):
    assert ended.read_text("recipe.yaml") == "name: x\n"
    assert ended.read_json("data.json", "classes") == {"classes": ["a"]}
    assert ended.read_lines("metrics.jsonl") == [{"epoch": 1}, {"epoch": 2}]
    assert ended.read_lines("gradients.jsonl") == []
    assert set(ended.listed_files()) == {"recipe.yaml", "metrics.jsonl", "data.json"}


@pytest.mark.parametrize("damage", ["gone", "empty", "cut", "flipped", "folder", "link"])
def test_every_damage_of_a_listed_file_is_reported(ended, tmp_path_factory, damage):
    path = ended / "metrics.jsonl"
    content = path.read_bytes()
    path.unlink()
    if damage == "folder":
        path.mkdir()
    elif damage == "link":
        other = tmp_path_factory.mktemp("other") / "metrics.jsonl"
        other.write_text("{}\n")
        path.symlink_to(other)
    elif damage != "gone":
        changed = {"empty": b"", "cut": content[:13], "flipped": b"[" + content[1:]}
        path.write_bytes(changed[damage])
    with pytest.raises(RequestError, match=r"metrics\.jsonl: is .*train the recipe again"):
        ended.read_lines("metrics.jsonl")
    # Files beside it are as they were.
    assert ended.verified("data.json").is_file()


def test_a_model_that_a_checkpoint_can_rebuild_says_so(ended):
    (ended / "checkpoints" / "state" / "state-00000001").mkdir(parents=True)
    with pytest.raises(RequestError, match=r"model\.keras: is missing\. `keras-recipes resume"):
        ended.verified("model.keras")


def test_a_run_that_continues_lists_nothing(ended):
    ended.reopen()
    result = json.loads((ended / "result.json").read_text())
    assert result["status"] == "running"
    assert "files" not in result
    ended.write_text("metrics.jsonl", '{"epoch": 1}\n{"ep')
    problems = []
    assert ended.read_lines("metrics.jsonl", problems) == [{"epoch": 1}]
    assert [problem.partition(". ")[0] for problem in problems] == [
        f"{ended.path}/metrics.jsonl:2: is incomplete"
    ]
    with pytest.raises(RequestError, match=r"metrics\.jsonl:2: is incomplete"):
        ended.read_lines("metrics.jsonl")


BAD_JSON = [b"[]", b"null", b"", b"{", b"\xff\xfe", b"1" * 5000, b"[" * 100_000, b'{"status": 7}']


@pytest.mark.parametrize("content", BAD_JSON, ids=lambda content: content[:8])
def test_no_json_breaks_a_reader(tmp_path, content):
    (tmp_path / "result.json").write_bytes(content)
    with pytest.raises(RequestError, match=r"result\.json: "):
        open_run(tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [("epochs", "7"), ("validation", {"loss": "x"}), ("members", [{}]), ("findings", "all")],
)
def test_values_of_a_result_have_their_types(tmp_path, key, value):
    (tmp_path / "result.json").write_text(json.dumps({"status": "completed", key: value}))
    with pytest.raises(RequestError, match=rf"result\.json: expected .* for `{key}`"):
        open_run(tmp_path)
