"""Devices and workers train a recipe as one device does."""

import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile

import h5py
import numpy as np
import pytest
from trainings import LONGEST, train_all

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
        command("--out", out, *words), cwd=folder, capture_output=True, text=True, timeout=LONGEST
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


def assert_close(first, second, close=CLOSE):
    for ours, theirs in zip(history(first), history(second), strict=True):
        assert ours.keys() == theirs.keys()
        for name in ours:
            np.testing.assert_allclose(theirs[name], ours[name], **close, err_msg=name)
    others = weights(second)
    for name, value in weights(first).items():
        np.testing.assert_allclose(others[name], value, **close, err_msg=name)


def test_two_devices_train_as_one_does(folder):
    one, two = trained(folder, "one"), trained(folder, "two", "--devices", "2")
    assert_close(one, two)
    sharing = json.loads((two / "manifest.json").read_text())["sharing"]
    assert sharing == {"workers": 1, "devices": 2, "shards": 2, "exact": False}


DENSE = ["data.augment=[]", "model.layers=[{dense: {units: 8, activation: relu}}]"]
DROPOUT = [
    "model.layers=[{reshape: {target_shape: [8, 8, 1]}}, {conv2d: {filters: 2, kernel_size: 3}}, "
    "batch_normalization, {activation: {activation: tanh}}, {dropout: {rate: 0.3}}, flatten]"
]
# Name -> overrides, and how near one device comes; None where shards draw masks of their own.
CASES = {
    "convolutional": ([], CLOSE),
    "accumulating": (ACCUMULATING, CLOSE),
    "dense": (DENSE, CLOSE),
    "dropout": (DROPOUT, None),
    "bfloat16": ([*DENSE, "precision=mixed_bfloat16"], {"rtol": 0.05, "atol": 2e-3}),
    "float16": ([*DENSE, "precision=mixed_float16"], {"rtol": 0.02, "atol": 2e-3}),
    # Here a sum over the whole batch overflows once in float16, which one over a shard does not.
    "float16-accumulating": ([*DENSE, "precision=mixed_float16", *ACCUMULATING], None),
}
EXACT_CASES = {
    "convolutional": DROPOUT,
    "accumulating": [*DROPOUT, *ACCUMULATING, "data.drop_remainder=true"],
    "bfloat16": [*DENSE, "precision=mixed_bfloat16"],
    "float16": [*DENSE, "precision=mixed_float16"],
}


@pytest.fixture(scope="module")
def shared(folder):
    """Every case on one device, on two and by two workers; the directory of all runs."""
    devices = {}
    for name, (words, _) in CASES.items():
        devices |= {f"{name}-d2": (words, {"devices": 2}), f"{name}-one": (words, {})}
    train_all(folder, devices)
    train_all(folder, {f"{name}-w2": (words, {}) for name, (words, _) in CASES.items()}, 2)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_two_workers_are_two_devices(shared, name):
    devices = shared / f"{name}-d2"
    assert_same(devices, shared / f"{name}-w2")
    if CASES[name][1] is not None:
        assert_close(shared / f"{name}-one", devices, CASES[name][1])


@pytest.fixture(scope="module")
def four(folder):
    """Every case on four devices and by four workers; a process has one number of them."""
    train_all(folder, {f"{name}-d4": (words, {"devices": 4}) for name, (words, _) in CASES.items()})
    train_all(folder, {f"{name}-w4": (words, {}) for name, (words, _) in CASES.items()}, 4)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_four_workers_are_four_devices(shared, four, name):
    devices = four / f"{name}-d4"
    assert_same(devices, four / f"{name}-w4")
    if CASES[name][1] is not None:
        assert_close(shared / f"{name}-one", devices, CASES[name][1])


@pytest.fixture(scope="module")
def exact(folder):
    """Every case with four exact shards, however they are computed."""

    def of(kind, **options):
        given = {"exact_shards": 4, **options}
        return {f"exact-{name}-{kind}": (words, given) for name, words in EXACT_CASES.items()}

    train_all(folder, of("d2", devices=2) | of("one"))
    train_all(folder, of("w2"), 2)
    train_all(folder, of("w4"), 4)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["d2", "w2", "w4"])
@pytest.mark.parametrize("name", EXACT_CASES)
def test_exact_shards_are_the_same_bits_however_they_are_computed(exact, name, kind):
    assert_same(exact / f"exact-{name}-one", exact / f"exact-{name}-{kind}")


EXACT = [
    "--exact-shards",
    "4",
    "model.layers[2].batch_normalization.synchronized=false",
    "data.drop_remainder=true",
]


@pytest.mark.slow
def test_a_run_is_stopped_on_two_workers_and_resumed_on_one(folder):
    long = [*EXACT, "epochs=20", "checkpoints.every=2 steps"]
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
