"""The kill tool in its short form, and proof that it notices what it looks for."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

HERE = Path(__file__).parent


def loaded(name):
    """A module beside this file; the folder is no package."""
    spec = importlib.util.spec_from_file_location(f"kill_{name}", HERE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


compare, lives = loaded("compare"), loaded("lives")


@pytest.mark.slow
def test_a_few_kills_change_nothing():
    command = [sys.executable, str(HERE / "kill.py"), "--kills", "5", "--seed", "1"]
    words = ["--recipes", "accumulation", "plateau"]
    done = subprocess.run([*command, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert done.stdout.count("identical") == 2


@pytest.mark.slow
def test_a_few_kills_of_branches_change_nothing():
    command = [sys.executable, str(HERE / "branch_kill.py"), "--kills", "6", "--seed", "1"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert done.stdout.count("identical") == 3


def made(folder, weight=1.0, epochs=(1, 2), seconds=3.0, state=5):
    """A run directory in miniature."""
    folder.mkdir(parents=True)
    (folder / "checkpoints/state/state-00000003").mkdir(parents=True)
    with zipfile.ZipFile(folder / "model.keras", "w") as archive:
        archive.writestr("config.json", json.dumps({"layers": 3}))
        with archive.open("model.weights.h5", "w") as stream, h5py.File("w.h5", "w") as file:
            file["layers/dense/vars/0"] = np.array([weight, 2.0], dtype="float32")
            file.flush()
            stream.write(Path("w.h5").read_bytes())
    lines = [json.dumps({"epoch": epoch, "loss": 0.5, "seconds": seconds}) for epoch in epochs]
    (folder / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    result = {"status": "completed", "seconds": seconds, "directory": str(folder), "best": None}
    (folder / "result.json").write_text(json.dumps(result))
    (folder / "report.html").write_text(str(seconds))
    checkpoint = folder / "checkpoints/state/state-00000003"
    np.savez(checkpoint / "arrays.npz", **{"000000": np.array([state])})
    (checkpoint / "state.json").write_text(json.dumps({"adam": {"value": {"__array__": 0}}}))
    return folder


def test_times_and_places_are_no_difference(tmp_path):
    one = made(tmp_path / "one")
    assert compare.differences(one, made(tmp_path / "two", seconds=9.0)) == []


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        (
            {"weight": np.nextafter(np.float32(1), np.float32(2))},
            "layers/dense/vars/0 differs in 1",
        ),
        ({"state": 6}, "newest state: /adam/value differs in 1 of 1"),
        ({"epochs": (1, 2, 2)}, "metrics.jsonl has the epochs [1, 2, 2]"),
        ({"epochs": (1, 3)}, "metrics.jsonl: [1]/epoch 2 and 3"),
    ],
)
def test_a_bit_is_a_difference(tmp_path, changes, found):
    differences = compare.differences(made(tmp_path / "one"), made(tmp_path / "two", **changes))
    assert any(found in line for line in differences), differences


def test_files_that_are_left_over_or_lost(tmp_path):
    one, two = made(tmp_path / "one"), made(tmp_path / "two")
    (two / ".writing-17-model.keras").touch()
    (two / "result.json").unlink()
    assert compare.differences(one, two) == [
        ".writing-17-model.keras: only in the killed run",
        "result.json: only in the run never killed",
    ]


def test_a_fold_is_compared_like_a_run(tmp_path):
    one, two = (made(tmp_path / name / "folds/1").parents[1] for name in ("one", "two"))
    (two / "folds/1/checkpoints/state/state-00000003").rename(
        two / "folds/1/checkpoints/state/state-00000004"
    )
    assert compare.differences(one, two) == []
    (two / "folds/1/metrics.jsonl").write_text('{"epoch": 1}\n{"epoch": 3}\n')
    assert any(
        "folds/1/metrics.jsonl has the epochs [1, 3]" in line
        for line in compare.differences(one, two)
    )


@pytest.mark.parametrize(
    ("stack", "place"),
    [
        ('File "/callbacks/run_state/store.py", line 1 in save\n  File "trainer.py", line 2 in fit',
         "checkpoint write"),
        ('File "/x/recipes/run/training_run.py", line 1 in metrics', "evaluation"),
        ('File "/k/trainer.py", line 1 in evaluate\n  File "/k/trainer.py", line 2 in fit',
         "validation"),
        ('File "/k/trainer.py", line 2 in fit', "step"),
        ('File "/x/recipes/build/task.py", line 2 in loss', "build"),
        ("", "build"),
    ],
)  # fmt: skip
def test_where_a_process_is(stack, place):
    assert lives.place(stack) == place


def sleeper(folder):
    """A life that says where it is when it is asked, and otherwise sleeps."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            stack = open(folder / "stack.txt", "a")  # noqa: SIM115
            lives.faulthandler.register(signal.SIGUSR1, file=stack)
            (folder / "ready").touch()
            time.sleep(60)
        finally:
            os._exit(7)
    while not (folder / "ready").exists():
        time.sleep(0.001)
    return lives.Life(pid, time.perf_counter(), folder / "stack.txt", folder / "log.txt")


def test_a_life_is_killed_at_its_moment(tmp_path, monkeypatch):
    # On a busy machine it answers late.
    monkeypatch.setattr(lives, "ANSWER", 30.0)
    life = sleeper(tmp_path)
    assert lives.killed(life, tmp_path, lives.at(0.05)) == "build"
    assert life.age >= 0.05
    assert life.status == -signal.SIGKILL
    assert "sleeper" in life.stack.read_text()


def test_a_life_is_killed_while_it_writes(tmp_path):
    life = sleeper(tmp_path)
    moment = lives.while_writing(lives.STATES, 2, 0)
    assert not moment(life, tmp_path)
    for number in (1, 2):
        (tmp_path / f"checkpoints/state/.writing-1-state-{number}").mkdir(parents=True)
        assert moment(life, tmp_path) == (number == 2)
    assert life.kill() == "build"
