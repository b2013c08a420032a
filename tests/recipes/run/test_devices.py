"""Devices and workers train a recipe as one device does."""

import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from itertools import pairwise

import h5py
import numpy as np
import pytest

RECIPE = """\
name: shared
data:
  source: digits
  limit: 130
  validation: 21
  test: 20
  batch_size: 10
  augment: [{random_translation: {height_factor: 0.1, width_factor: 0.1}}]
model:
  layers:
    - {reshape: {target_shape: [8, 8, 1]}}
    - {conv2d: {filters: 2, kernel_size: 3}}
    - {batch_normalization: {synchronized: true}}
    - {activation: {activation: tanh}}
    - flatten
optimizer: {sgd: {momentum: 0.9}}
learning_rate: 0.05
gradient_clipping: {global_norm: 1.0}
weight_averaging: {decay: 0.5}
epochs: 2
"""
ACCUMULATING = ["gradient_accumulation=3", "gradient_clipping.global_norm=0.3"]
# Several devices also divide the sums over a batch, which are rounded otherwise.
CLOSE = {"rtol": 2e-3, "atol": 1e-5}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("devices")
    (found / "recipe.yaml").write_text(RECIPE)
    return found


def command(*words):
    return [sys.executable, "-m", "keras_recipes", "train", "recipe.yaml", "--quiet", *words]


def trained(folder, out, *words):
    done = subprocess.run(
        command("--out", out, *words), cwd=folder, capture_output=True, text=True, timeout=580
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return folder / out


def weights(run):
    with zipfile.ZipFile(run / "model.keras") as archive:
        file = h5py.File(io.BytesIO(archive.read("model.weights.h5")))
    found = {}

    def keep(name, item):
        if isinstance(item, h5py.Dataset):
            found[name] = np.array(item)

    file.visititems(keep)
    return found


def history(run):
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in lines]


def assert_same(first, second):
    assert history(first) == history(second)
    for name, value in weights(first).items():
        np.testing.assert_array_equal(weights(second)[name], value, err_msg=name)


def assert_close(first, second):
    for ours, theirs in zip(history(first), history(second), strict=True):
        assert ours.keys() == theirs.keys()
        for name in ours:
            np.testing.assert_allclose(theirs[name], ours[name], **CLOSE, err_msg=name)


def test_two_devices_train_as_one_does(folder):
    one, two = trained(folder, "one"), trained(folder, "two", "--devices", "2")
    assert_close(one, two)
    sharing = json.loads((two / "manifest.json").read_text())["sharing"]
    assert sharing == {"workers": 1, "devices": 2, "shards": 2, "exact": False}


@pytest.mark.slow
@pytest.mark.parametrize("words", [[], ACCUMULATING], ids=["plain", "accumulating"])
def test_two_workers_are_two_devices(folder, words):
    name = "-".join(["w", *map(str, map(len, words))])
    devices = trained(folder, f"{name}d", "--devices", "2", *words)
    workers = trained(folder, f"{name}w", "--workers", "2", *words)
    assert_same(devices, workers)
    assert_close(trained(folder, f"{name}o", *words), devices)


EXACT = [
    "--exact-shards",
    "4",
    "model.layers[2].batch_normalization.synchronized=false",
    "data.drop_remainder=true",
]


@pytest.mark.slow
def test_exact_shards_are_the_same_bits_however_they_are_computed(folder):
    where = {"e1": [], "e2": ["--workers", "2"], "e4": ["--workers", "4"], "ed": ["--devices", "2"]}
    runs = [trained(folder, name, *EXACT, *words) for name, words in where.items()]
    for first, second in pairwise(runs):
        assert_same(first, second)


@pytest.mark.slow
def test_a_run_is_stopped_on_two_workers_and_resumed_on_one(folder):
    long = [*EXACT, "epochs=60", "checkpoints.every=1 steps"]
    expected = trained(folder, "whole", *long)
    process = subprocess.Popen(
        command("--out", "part", *long, "--workers", "2"), cwd=folder, stderr=subprocess.DEVNULL
    )
    state = folder / "part/checkpoints/state"
    while process.poll() is None and not (state.is_dir() and any(state.iterdir())):
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(300) in (0, 143)
    assert_same(expected, trained(folder, "part", "--resume", *long))


def test_a_batch_that_devices_cannot_share_is_refused(folder):
    done = subprocess.run(
        command("--out", "refused", "--devices", "4", "data.batch_size=2"),
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "cannot be divided among 4 devices or shards" in done.stderr
    assert not (folder / "refused").exists()
