"""A run directory in which a name leads elsewhere is refused, whatever the name is."""

import os
import socket

import pytest

from keras_recipes import disk
from keras_recipes.recipes import RequestError
from keras_recipes.recipes.record.directory import check_run_files, open_run
from keras_recipes.recipes.record.reserve import reserve


@pytest.fixture
def run(tmp_path):
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    (tmp_path / "run" / "result.json").write_text("{}")
    (tmp_path / "keep.txt").write_text("kept")
    (tmp_path / "folder").mkdir()
    return tmp_path / "run"


def test_links_inside_of_it_are_no_matter(run):
    (run / "latest").symlink_to("checkpoints")
    (run / "checkpoints" / "again.json").symlink_to("../result.json")
    (run.parent / "name").symlink_to(run)
    check_run_files(run)
    check_run_files(run.parent / "name")
    check_run_files(run.parent / "absent")


def link(path, target):
    return lambda run: (run / path).symlink_to(target)


CASES = {
    "a file": link("run.lock", "../keep.txt"),
    "a folder": link("checkpoints/top", "../../folder"),
    "nothing": link("metrics.jsonl", "../absent.txt"),
    "absolute": link("model.keras", "/etc/passwd"),
    "a circle": lambda run: [link("a", "b")(run), link("b", "../a")(run)],
    "a pipe": lambda run: os.mkfifo(run / "metrics.jsonl"),
    "a device": link("data.json", "/dev/zero"),
}


def begin(run):
    with reserve(run, "a", again=True):
        pass


@pytest.mark.parametrize("name", CASES)
def test_every_way_in_refuses_what_leads_out(run, name):
    CASES[name](run)
    for attempt in (check_run_files, open_run, begin):
        with pytest.raises(RequestError, match="leads out of the run directory, a device or a"):
            attempt(run)
    assert (run.parent / "keep.txt").read_text() == "kept"


def test_a_socket_is_no_file(run, monkeypatch):
    monkeypatch.chdir(run)  # names of sockets must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")
        assert disk.foreign_entry(run) == run / "s"


def test_what_a_link_leads_to_is_not_cut(run):
    (run / "metrics.jsonl").symlink_to("../keep.txt")
    with pytest.raises(OSError, match="symbolic links"):
        disk.cut(run / "metrics.jsonl", 0)
    assert (run.parent / "keep.txt").read_text() == "kept"
