"""Output streams that are closed or full while the program runs."""

import io
import os
import subprocess
import sys

import pytest

from keras_recipes.recipes.output import OutputError, guarded


def closed_pipe():
    """A text stream whose reader has gone."""
    reading, writing = os.pipe()
    os.close(reading)
    return open(writing, "w", buffering=1)


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_closed_pipe_drops_output_and_not_the_work(name, monkeypatch):
    monkeypatch.setattr(sys, name, closed_pipe())
    with guarded():
        for _ in range(3):
            print("a line", file=getattr(sys, name), flush=True)
        done = True
    assert done
    assert type(getattr(sys, name)) is io.TextIOWrapper
    getattr(sys, name).close()


def test_a_full_standard_output_is_an_error_and_a_full_standard_error_is_none(monkeypatch):
    with open("/dev/full", "w", buffering=1) as full:
        monkeypatch.setattr(sys, "stderr", full)
        with guarded():
            print("progress", file=sys.stderr)
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(OutputError, match="No space left"), guarded():
            print("a result")


def test_the_command_line_says_that_its_output_cannot_be_written():
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "keras_recipes", "list"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert done.stderr == (
        "keras-recipes: standard output cannot be written: No space left on device.\n"
    )
