"""keras-tuner's protocol between a chief and its workers, over a real connection."""

import threading
import time

import pytest
from keras_tuner.engine.trial import TrialStatus

from keras_recipes import RequestError
from keras_recipes.recipes.sweep.run.address import Address, parse_address
from keras_recipes.recipes.sweep.run.chief import NotYours
from keras_recipes.recipes.sweep.run.client import ChiefGone, RemoteClient
from keras_recipes.recipes.sweep.run.server import serve

ANY = Address("127.0.0.1", 0)
TOKEN = bytes(range(32))


@pytest.fixture
def served(make_chief):
    chief = make_chief()
    port, stop = serve(chief, ANY, "print", TOKEN)
    yield chief, f"127.0.0.1:{port}"
    stop()


def client(address, worker="a", fingerprint="print", patience=5.0, token=TOKEN):
    return RemoteClient(address, worker, fingerprint=fingerprint, token=token, patience=patience)


def test_a_trial_goes_over_the_wire_and_back_exactly(served):
    chief, address = served
    worker = client(address)
    trial = worker.create_trial()
    own = chief.oracle.trials[trial.trial_id]
    # A rate that lost a bit on its way would train to another score.
    assert trial.hyperparameters.values == own.hyperparameters.values
    value = 0.1 + 1e-12
    assert worker.update_trial(trial.trial_id, {"val_loss": value}, 1).status == "RUNNING"
    trial.status, trial.message = TrialStatus.COMPLETED, "stopped: ü"
    worker.end_trial(trial)
    assert (own.score, own.message, own.status) == (value, "stopped: ü", "COMPLETED")


def test_a_worker_is_known_by_its_name(served):
    _, address = served
    trial = client(address, "a").create_trial()
    assert client(address, "b").create_trial().trial_id != trial.trial_id
    client(address, "a").alive(trial.trial_id)
    with pytest.raises(NotYours):
        client(address, "b").alive(trial.trial_id)


def test_a_worker_of_another_sweep_is_refused(served):
    _, address = served
    with pytest.raises(RequestError, match="another sweep"):
        client(address, fingerprint="other").create_trial()


def test_a_chief_that_is_not_there_is_not_waited_for_without_end():
    with pytest.raises(ChiefGone, match="has not answered"):
        client("127.0.0.1:9", patience=0.5).create_trial()


def test_a_chief_that_comes_back_is_found_again(make_chief):
    port, stop = serve(make_chief(), ANY, "print", TOKEN)
    worker = client(f"127.0.0.1:{port}", patience=30.0)
    trial = worker.create_trial()
    stop()

    def come_back():
        time.sleep(1.0)
        again.append(serve(make_chief(), Address("127.0.0.1", port), "print", TOKEN)[1])

    again = []
    thread = threading.Thread(target=come_back)
    thread.start()
    worker.update_trial(trial.trial_id, {"val_loss": 1.0}, 1)
    thread.join()
    again[0]()


def test_two_chiefs_cannot_share_an_address(served, make_chief):
    _, address = served
    with pytest.raises(RequestError, match="cannot listen there"):
        serve(make_chief(), parse_address(address, "--chief"), "print", TOKEN)


def test_an_oracle_that_breaks_is_told_to_the_workers(served, monkeypatch):
    chief, address = served
    monkeypatch.setattr(chief.oracle, "populate_space", lambda trial_id: 1 / 0)
    with pytest.raises(ChiefGone, match="ZeroDivisionError"):
        client(address).create_trial()
