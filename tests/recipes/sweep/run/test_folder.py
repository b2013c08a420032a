"""The directory of a sweep may hold strange things: they stay, and no link is written through."""

import json

import pytest

from keras_recipes import RequestError
from keras_recipes.disk import replaced_files
from keras_recipes.recipes.sweep.run.folder import held, identity, keep_attempt


@pytest.fixture
def place(tmp_path):
    (tmp_path / "sweep" / "oracle").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    return tmp_path / "sweep"


NAMES = ["oracle", "trials", "tensorboard", "ensemble", "workers", "events.jsonl", "token"]


@pytest.mark.parametrize("name", NAMES)
def test_a_link_in_the_place_of_one_of_our_files_is_refused(tiny, place, name):
    if (place / name).is_dir():
        (place / name).rmdir()
    (place / name).symlink_to(place.parent / "elsewhere")
    with pytest.raises(RequestError, match=rf"{name}: is a link"), held(tiny(), place):
        pass
    assert list((place.parent / "elsewhere").iterdir()) == []


@pytest.mark.parametrize(
    "content", ["[]", "null", "3", "{", "{}", '{"identity": []}', '{"identity": null}', "\udcff"]
)
def test_a_damaged_manifest_is_refused_and_named(tiny, place, content):
    (place / "manifest.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(RequestError, match=r"manifest\.json: .*"), held(tiny(), place):
        pass


def test_strange_files_stay(tiny, place):
    sweep = tiny()
    (place / "manifest.json").write_text(json.dumps({"identity": identity(sweep)}))
    (place / "notes.txt").write_text("mine")
    with held(sweep, place):
        pass
    assert (place / "notes.txt").read_text() == "mine"


def test_only_files_of_a_pattern_are_replaced(tmp_path):
    folder = tmp_path / "runs" / "0000"
    folder.mkdir(parents=True)
    (folder / "events.1").write_text("old")
    (folder / "mine.txt").write_text("mine")
    with replaced_files(folder, "events.*") as beside:
        (beside / "events.2").write_text("new")
    assert {path.name for path in folder.iterdir()} == {"events.2", "mine.txt"}
    assert [path.name for path in folder.parent.iterdir()] == ["0000"]


def test_files_behind_a_link_are_not_replaced(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "events.1").write_text("theirs")
    (tmp_path / "runs").symlink_to(tmp_path / "elsewhere")
    with (
        pytest.raises(OSError, match="symbolic links"),
        replaced_files(tmp_path / "runs", "events.*"),
    ):
        pass
    assert (tmp_path / "elsewhere" / "events.1").read_text() == "theirs"


def test_a_failed_try_is_kept_beside_the_next_one(tmp_path):
    for number in (1, 2):
        folder = tmp_path / "trials" / "0007"
        folder.mkdir(parents=True)
        (folder / "number").write_text(str(number))
        keep_attempt(tmp_path, "7")
        kept = tmp_path / "trials" / f"0007.failed-{number}" / "number"
        assert (kept.read_text(), folder.exists()) == (str(number), False)
    keep_attempt(tmp_path, "7")
