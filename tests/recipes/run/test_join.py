"""What becomes of a process of a training before the first step."""

import threading

import pytest
from small_runs import SMALL

import keras_recipes
from keras_recipes.recipes.devices.cluster import Cluster
from keras_recipes.recipes.devices.launch import free_ports
from keras_recipes.recipes.devices.request import DeviceRequest
from keras_recipes.recipes.errors import RequestError, TrainingFailed
from keras_recipes.recipes.run.join import joined, led
from keras_recipes.recipes.run.prepare import prepare_run


@pytest.fixture
def pair():
    """The requests of two processes."""
    *ports, control = free_ports(3)
    addresses = tuple(f"127.0.0.1:{port}" for port in ports)
    clusters = [Cluster(addresses, index, ("127.0.0.1", control)) for index in range(2)]
    return [DeviceRequest(cluster=cluster, timeout=20.0) for cluster in clusters]


def test_the_end_of_one_is_a_failed_training_of_the_other(pair, tmp_path):
    """No internal error: the message says who has ended, and how to continue."""
    recipe = keras_recipes.load(SMALL)
    found = {}

    def other():
        try:
            with joined(recipe, found["data"], pair[1]) as peers:
                peers.received("directory")
                peers.barrier()
        except TrainingFailed as error:
            found["error"] = str(error)

    with prepare_run(recipe, out=tmp_path / "run") as prepared:
        found["data"] = prepared.data
        thread = threading.Thread(target=other)
        thread.start()
        with pytest.raises(RequestError, match="no memory"), led(recipe, prepared, pair[0]):
            raise RequestError("no memory")
        thread.join(60)
    assert found["error"].startswith("the chief has ended: no memory. ")
    assert "`--resume` continues" in found["error"]


def test_a_lost_worker_is_a_failed_training_of_the_chief(pair, tmp_path):
    recipe = keras_recipes.load(SMALL)

    def other(data):
        with pytest.raises(RequestError), joined(recipe, data, pair[1]) as peers:
            peers.received("directory")
            raise RequestError("its disk is gone")

    with pytest.raises(TrainingFailed, match=r"worker 1 .* has ended: its disk is gone"):  # noqa: SIM117
        with prepare_run(recipe, out=tmp_path / "run") as prepared:
            thread = threading.Thread(target=other, args=(prepared.data,))
            thread.start()
            with led(recipe, prepared, pair[0]) as peers:
                assert peers is not None
                peers.barrier()
    thread.join(60)
    assert not (tmp_path / "run").exists()
