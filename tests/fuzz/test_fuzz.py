"""The fuzzers in their short form, and proof that they notice what they look for."""

import contextlib
import importlib.util
import mmap
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def loaded(name):
    """A module beside this file; the folder is no package."""
    spec = importlib.util.spec_from_file_location(f"fuzz_{name}", HERE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


harness = loaded("harness")


def fuzzed(script, *words):
    command = [sys.executable, str(HERE / script), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=600)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("recipes.py", ["--count", "40", "--seed", "1", "--builds", "0"]),
        ("data_files.py", ["--count", "150", "--seed", "1"]),
    ],
)
def test_nothing_breaks_on_what_is_wrong(script, words):
    done = fuzzed(script, *words)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert ", 0 failed" in done.stdout
    assert "refused" in done.stdout


def test_nothing_breaks_on_exported_files_that_are_wrong():
    pytest.importorskip("onnxruntime", reason="needs the extra `export`", exc_type=ImportError)
    done = fuzzed("exported.py", "--count", "100", "--forged", "4", "--seed", "1")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "104 files, 0 failed" in done.stdout


@pytest.mark.slow
def test_ten_thousand_recipes():
    done = subprocess.run(
        [sys.executable, str(HERE / "recipes.py"), "--count", "10000", "--seed", "1"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.slow
def test_a_thousand_data_files():
    assert fuzzed("data_files.py", "--count", "1000", "--seed", "1").returncode == 0


@pytest.mark.parametrize(
    ("status", "error", "wrong"),
    [
        (0, "", None),
        (2, "recipe.yaml:1:1 seed: expected a whole number.\n", None),
        (1, "keras-recipes: internal error", "exit status 1"),
        (2, "", "refused without a message"),
        (2, "Traceback (most recent call last):\n", "a traceback"),
        (2, "a\x1b[31m", "control characters"),
        (2, "x" * 3000, "a message of 3000 characters"),
    ],
)
def test_what_counts_as_a_bad_end(status, error, wrong):
    found = harness.complaint(harness.Ended(status, "", error))
    assert found is None if wrong is None else wrong in found


def test_a_hang_is_noticed_even_where_every_error_is_swallowed():
    def swallows():
        while True:
            with contextlib.suppress(Exception):
                raise ValueError

    with pytest.raises(harness.Hang), harness.limited(1):
        swallows()


def test_memory_that_is_given_back_is_still_counted():
    resident = harness.forget_peak()
    # Pages of its own: an ordinary allocation may find some that are free in this process.
    with mmap.mmap(-1, 96 << 20) as block:
        for place in range(0, len(block), mmap.PAGESIZE):
            block[place] = 1
    assert harness.peak() - resident > 80 * 1024
    resident = harness.forget_peak()
    assert harness.peak() - resident < 80 * 1024
