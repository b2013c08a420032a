"""Set-up that every test shares: quiet TensorFlow, and no picture or run outside of tmp_path."""

import gc
import os
import signal

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

if "PYTEST_XDIST_WORKER" in os.environ:
    # Several processes at once: each keeps to a core.
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")

from importlib.util import find_spec

import pytest

if find_spec("torchvision"):
    # An optional oracle's dependency, some builds of which crash when TensorFlow is loaded first.
    import torchvision  # noqa: F401


def pytest_collection_finish():
    """Exclude what exists before the first test, all that is imported, from garbage collection.

    A test that clears Keras's session collects garbage, which takes 0.3 s each time, most of it to
    look at the objects of TensorFlow.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    """Nothing that a test forgets to place lands in the checkout."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_RECIPES_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def signalled(monkeypatch):
    """SIGTERM at the n-th place where a training obeys one, from now on; none for 0."""
    from keras_recipes.recipes.run.stop import StopRequest

    def at(place):
        asks = [0]

        def asked(self):
            asks[0] += 1
            if asks[0] == place:
                self.receive(signal.SIGTERM)
            return self.signal is not None

        monkeypatch.setattr(StopRequest, "asked", asked)

    return at
