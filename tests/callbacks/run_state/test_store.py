"""Checkpoints are whole or absent, whatever the disk does."""

import errno
import json
import os
import signal
import time

import numpy as np
import pytest
from disk_faults import replace_os

from keras_recipes import disk
from keras_recipes.callbacks.run_state import CheckpointStore, DamagedCheckpoint
from keras_recipes.callbacks.run_state import store as store_module

CALLS = ("open", "write", "fsync", "close", "mkdir", "makedirs", "rename", "link")
CAUSES = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EINTR)
ARRAYS = [np.arange(6, dtype="float32").reshape(2, 3), np.array(True), np.zeros((0, 2), "int64")]


class Failing:
    """`os`, of which one call fails: the n-th of those that change the disk."""

    def __init__(self, at=None, cause=errno.EIO):
        self.at, self.cause, self.calls = at, cause, []

    def __getattr__(self, name):
        real = getattr(os, name)
        if name not in CALLS:
            return real

        def call(*arguments, **options):
            self.calls.append(name)
            if len(self.calls) - 1 == self.at:
                raise OSError(self.cause, os.strerror(self.cause))
            return real(*arguments, **options)

        return call


@pytest.fixture
def store(tmp_path):
    return CheckpointStore(tmp_path / "states", keep=2)


def files_of(path):
    return {file: file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()}


def test_what_was_saved_comes_back(store):
    path = store.save(ARRAYS, {"a": [1, None, "ü"], "x": 1.5e-300})
    found = store.search()
    assert found.damaged == []
    assert found.newest.path == path
    assert found.newest.state == {"a": [1, None, "ü"], "x": 1.5e-300}
    assert len(found.newest.arrays) == len(ARRAYS)
    for saved, array in zip(ARRAYS, found.newest.arrays, strict=True):
        assert saved.dtype == array.dtype
        np.testing.assert_array_equal(saved, array)


def test_the_last_few_stay(store):
    for step in range(5):
        store.save([], {"step": step})
    assert [path.name for path in store.paths()] == ["state-00000004", "state-00000005"]
    assert store.search().newest.state == {"step": 4}
    store.prune(1)
    assert len(store.paths()) == 1


def test_there_is_no_pickle_in_it(store, tmp_path):
    with pytest.raises(ValueError, match="Object arrays"):
        store.save([np.array([{}], dtype=object)], {})
    assert store.paths() == []
    assert list(store.folder.iterdir()) == []


@pytest.mark.parametrize("keep", [0, -1, 1.5, True, "3", None])
def test_a_bad_argument_is_reported(keep):
    with pytest.raises(ValueError, match="Argument `keep` must be"):
        CheckpointStore("x", keep=keep)


def test_a_folder_that_cannot_be_made_leaves_nothing(tmp_path, monkeypatch):
    store, failing = CheckpointStore(tmp_path / "states"), Failing(0)
    with monkeypatch.context() as patch:
        replace_os(patch, failing)
        with pytest.raises(OSError, match=os.strerror(errno.EIO)):
            store.save(ARRAYS, {"step": 1})
    assert failing.calls == ["makedirs"]
    assert list(tmp_path.iterdir()) == []
    store.save(ARRAYS, {"step": 2})
    assert store.search().newest.state["step"] == 2


def test_every_call_of_a_write_may_fail(tmp_path, monkeypatch):
    """The store is as it was, or has the new checkpoint whole; the next write succeeds."""
    best = tmp_path / "best.keras"
    best.write_bytes(b"model")
    counting = Failing()
    counted = CheckpointStore(tmp_path / "count")
    counted.save(ARRAYS, {"step": 0}, [best])
    replace_os(monkeypatch, counting)
    counted.save(ARRAYS, {"step": 0}, [best])
    total = len(counting.calls)
    # The folder of the checkpoints is there from the first one on.
    assert set(CALLS) - {"makedirs"} == set(counting.calls)
    for at in range(total):
        cause = CAUSES[at % len(CAUSES)]
        store = CheckpointStore(tmp_path / f"{at}-{cause}", keep=2)
        replace_os(monkeypatch, Failing())
        store.save(ARRAYS, {"step": 1}, [best])
        store.save(ARRAYS, {"step": 2}, [best])
        before = files_of(store.folder)
        failing, error = Failing(at, cause), None
        replace_os(monkeypatch, failing)
        try:
            store.save(ARRAYS, {"step": 3}, [best])
        except OSError as raised:
            error = raised
        # A link that cannot be made is a copy.
        assert (error is None) == (failing.calls[at] == "link")
        assert error is None or error.errno == cause
        replace_os(monkeypatch, Failing())
        search = store.search()
        assert search.damaged == []
        assert search.newest.state["step"] in (2, 3)
        after = files_of(store.folder)
        if search.newest.state["step"] == 2:
            assert {path: after[path] for path in before} == before
        store.save(ARRAYS, {"step": 4}, [best])
        assert store.search().newest.state == {"step": 4}
        assert not [e for e in store.folder.iterdir() if e.name.startswith(disk.TEMPORARY)]


def test_a_failure_leaves_nothing_half(store, monkeypatch):
    store.save(ARRAYS, {})
    replace_os(monkeypatch, Failing(5, errno.ENOSPC))
    with pytest.raises(OSError, match="No space left"):
        store.save(ARRAYS, {})
    assert [entry.name for entry in store.folder.iterdir()] == ["state-00000001"]


def test_nothing_is_pruned_before_the_new_one_verifies(store, monkeypatch):
    for step in range(2):
        store.save(ARRAYS, {"step": step})
    real = store_module.disk.write_new

    def spoilt(path, save):
        written = real(path, save)
        if path.name == "arrays.npz":
            path.write_bytes(path.read_bytes()[:-1])
        return written

    monkeypatch.setattr(store_module.disk, "write_new", spoilt)
    with pytest.raises(DamagedCheckpoint, match=r"arrays\.npz has \d+ bytes of \d+"):
        store.save(ARRAYS, {"step": 2})
    monkeypatch.undo()
    assert store.search().newest.state == {"step": 1}
    assert len(store.paths()) == 3


@pytest.mark.parametrize("name", ["arrays.npz", "state.json", "files.json", "file-000000"])
def test_every_damage_is_seen_and_named(tmp_path, name):
    """Cut at any length, any bit turned, any file gone: the one before is taken."""
    best = tmp_path / "best.keras"
    store = CheckpointStore(tmp_path / "states")
    best.write_bytes(b"the first model")
    store.save([np.arange(3.0)], {"step": 1}, [best])
    best.unlink()
    best.write_bytes(b"the second model")
    file = store.save([np.arange(4.0)], {"step": 2}, [best]) / name
    whole = file.read_bytes()
    random = np.random.default_rng(0)

    def damaged(content):
        if content is None:
            file.unlink()
        else:
            file.write_bytes(content)
        search = store.search()
        if search.newest.state == {"step": 2}:
            # A bit that changes nothing of what it says, as in white space.
            assert name == "files.json"
            assert json.loads(content) == json.loads(whole)
            return
        assert search.newest.state == {"step": 1}
        assert len(search.damaged) == 1
        assert "state-00000002" in search.damaged[0]

    for length in {0, 1, len(whole) // 2, len(whole) - 1}:
        damaged(whole[:length])
    if name != "files.json":
        damaged(whole + b"x")
    for bit in random.integers(0, 8 * len(whole), 300 if name == "files.json" else 60):
        content = bytearray(whole)
        content[bit // 8] ^= 1 << (bit % 8)
        damaged(bytes(content))
    damaged(None)


def test_when_none_is_sound_all_are_named(store):
    for _ in range(2):
        (store.save([], {}) / "state.json").unlink()
    search = store.search()
    assert search.newest is None
    assert ["state.json is missing" in problem for problem in search.damaged] == [True, True]


def test_files_that_others_replace_stay_as_they_were(store, tmp_path):
    best = tmp_path / "best.keras"
    best.write_bytes(b"old")
    store.save([], {}, [best])
    new = tmp_path / "new"
    new.write_bytes(b"new")
    os.replace(new, best)
    (kept,) = store.search().newest.files
    assert kept.path.read_bytes() == b"old"
    assert kept.restore(best) is None
    assert best.read_bytes() == b"old"
    assert not os.path.samefile(best, kept.path)


def test_a_copy_is_shared_between_checkpoints_but_not_with_the_file(store, tmp_path):
    best = tmp_path / "best.keras"
    best.write_bytes(b"old")
    first, second = store.save([], {}, [best]), store.save([], {}, [best])
    assert os.path.samefile(first / "file-000000", second / "file-000000")
    assert not os.path.samefile(first / "file-000000", best)
    best.write_bytes(b"another")
    third = store.save([], {}, [best])
    assert (third / "file-000000").read_bytes() == b"another"
    # A copy that was damaged is not handed on.
    (third / "file-000000").write_bytes(b"damaged")
    assert (store.save([], {}, [best]) / "file-000000").read_bytes() == b"another"


@pytest.mark.parametrize("damage", ["file", "copy"])
def test_one_damaged_file_costs_no_checkpoint(store, tmp_path, damage):
    """The file that was stored is in two places, and each mends the other."""
    best = tmp_path / "best.keras"
    best.write_bytes(b"the model")
    for step in range(3):
        path = store.save([np.arange(step)], {"step": step}, [best])
    (best if damage == "file" else path / "file-000000").write_bytes(b"the Model")
    search = store.search()
    assert search.newest.state == {"step": 2}
    assert search.newest.files[0].restore(best) is None
    assert best.read_bytes() == b"the model"


def test_a_damaged_copy_is_reported_where_the_file_is_another(store, tmp_path):
    best = tmp_path / "best.keras"
    best.write_bytes(b"the model")
    path = store.save([], {}, [best])
    best.write_bytes(b"a later model")
    (path / "file-000000").write_bytes(b"the Model")
    (kept,) = store.search().newest.files
    assert "state-00000001: file-000000 is not what was written" in kept.restore(best)
    assert best.read_bytes() == b"a later model"


def test_only_files_of_a_checkpoint_are_removed(store, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "arrays.npz").write_text("precious")
    path = store.save([], {})
    (path / "thesis.tex").write_text("precious")
    (path / "deep").mkdir()
    (store.folder / "state-00000000").symlink_to(outside)
    (store.folder / ".writing-mine").mkdir()
    (store.folder / ".writing-7-thesis").mkdir()
    (store.folder / ".writing-7-state-00000009").mkdir()
    (store.folder / ".writing-7-state-00000009" / "thesis.tex").write_text("precious")
    for _ in range(4):
        store.save([], {})
    store.clear()
    found = {str(entry.relative_to(tmp_path)) for entry in tmp_path.rglob("*")}
    assert found == {
        "outside",
        "outside/arrays.npz",
        "states",
        "states/state-00000000",
        "states/state-00000001",
        "states/state-00000001/thesis.tex",
        "states/state-00000001/deep",
        "states/.writing-mine",
        "states/.writing-7-thesis",
        "states/.writing-7-state-00000009",
        "states/.writing-7-state-00000009/thesis.tex",
    }


def test_a_file_system_without_links_gets_copies(store, tmp_path, monkeypatch):
    best = tmp_path / "best.keras"
    best.write_bytes(b"old")
    store.save([], {}, [best])

    def refuse(*paths):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    path = store.save([], {}, [best])
    assert (path / "file-000000").read_bytes() == b"old"
    assert store.search().damaged == []


def save_for_ever(folder, reported):
    """Checkpoint after checkpoint, each reported when it is written."""
    store, step = CheckpointStore(folder, keep=2), 0
    while True:
        step += 1
        store.save([np.full(20000, step)], {"step": step})
        os.write(reported, f"{step}\n".encode())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that can be forked")
def test_a_writer_that_is_killed_loses_nothing_that_it_has_reported(store):
    for pause in np.linspace(0, 0.02, 8):
        reading, writing = os.pipe()
        process = os.fork()
        if process == 0:
            save_for_ever(store.folder, writing)
        os.close(writing)
        with open(reading) as file:
            first = file.readline()
            time.sleep(pause)
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
            reported = [first, *file.readlines()]
        search = store.search()
        assert search.damaged == []
        assert search.newest.state["step"] >= int(reported[-1])
        assert (search.newest.arrays[0] == search.newest.state["step"]).all()
        store.save([], {})
        assert not [e for e in store.folder.iterdir() if e.name.startswith(disk.TEMPORARY)]
        store.clear()
