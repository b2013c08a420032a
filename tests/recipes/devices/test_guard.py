"""A process ends although nothing of it runs."""

import signal
import subprocess
import sys
import time

from keras_recipes.recipes.devices.guard import ends_within

# Holds the global interpreter lock while it sleeps, as TensorFlow does while it connects.
CODE = """
import ctypes
from keras_recipes.recipes.devices.guard import ends_within
with ends_within({seconds}, "it took too long"):
    ctypes.PyDLL(None).sleep({sleep})
print("done")
"""


def run(seconds, sleep):
    code = CODE.format(seconds=seconds, sleep=sleep)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)


def test_a_process_that_hangs_is_ended_with_a_reason():
    done = run(1, 90)
    assert done.returncode == -signal.SIGKILL
    assert "it took too long" in done.stderr
    assert not done.stdout


def test_one_in_time_continues():
    done = run(60, 1)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "done", "")


def test_nothing_is_left_to_wait_for():
    began = time.monotonic()
    with ends_within(60, "no"):
        pass
    assert time.monotonic() - began < 30
