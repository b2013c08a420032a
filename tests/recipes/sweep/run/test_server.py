"""keras-tuner's protocol between a chief and its workers, over a real connection."""

import threading
import time

import pytest

from keras_recipes import RequestError
from keras_recipes.recipes.sweep.engine.trial import Decision, TrialOutcome
from keras_recipes.recipes.sweep.run.access import Address, parse_address
from keras_recipes.recipes.sweep.run.chief import LeaseLost
from keras_recipes.recipes.sweep.run.client import RemoteClient
from keras_recipes.recipes.sweep.run.server import serve
from keras_recipes.recipes.sweep.run.worker import ChiefGone

ANY = Address("127.0.0.1", 0)
TOKEN = bytes(range(32))


@pytest.fixture
def served(make_chief):
    chief = make_chief()
    port, stop = serve(chief, ANY, "print", TOKEN)
    yield chief, f"127.0.0.1:{port}"
    stop()


def client(address, worker="a", fingerprint="print", patience=5.0, token=TOKEN):
    return RemoteClient(
        address,
        worker,
        objective="val_loss",
        fingerprint=fingerprint,
        token=token,
        patience=patience,
    )


def test_a_trial_goes_over_the_wire_and_back_exactly(served):
    chief, address = served
    worker = client(address)
    trial = worker.next_trial()
    # A rate that lost a bit on its way would train to another score.
    assert trial.settings == chief.search.trial(trial.trial_id).settings
    value = 0.1 + 1e-12
    assert worker.report(trial.trial_id, 1, value) is Decision.CONTINUE
    assert set(worker.heartbeat(trial.trial_id).reported) == {1}
    worker.end(trial.trial_id, TrialOutcome.STOPPED, "stopped: ü")
    own = chief.search.trial(trial.trial_id)
    assert (own.score, own.message, own.outcome) == (value, "stopped: ü", TrialOutcome.STOPPED)


def test_a_worker_is_known_by_its_name(served):
    _, address = served
    trial = client(address, "a").next_trial()
    assert client(address, "b").next_trial().trial_id != trial.trial_id
    client(address, "a").heartbeat(trial.trial_id)
    with pytest.raises(LeaseLost):
        client(address, "b").heartbeat(trial.trial_id)


def test_a_worker_of_another_sweep_is_refused(served):
    _, address = served
    with pytest.raises(RequestError, match="another sweep"):
        client(address, fingerprint="other").next_trial()


def test_a_chief_that_is_not_there_is_not_waited_for_without_end():
    with pytest.raises(ChiefGone, match="has not answered"):
        client("127.0.0.1:9", patience=0.5).next_trial()


def test_a_chief_that_comes_back_is_found_again(make_chief):
    port, stop = serve(make_chief(), ANY, "print", TOKEN)
    worker = client(f"127.0.0.1:{port}", patience=30.0)
    trial = worker.next_trial()
    stop()

    def come_back():
        time.sleep(1.0)
        again.append(serve(make_chief(), Address("127.0.0.1", port), "print", TOKEN)[1])

    again = []
    thread = threading.Thread(target=come_back)
    thread.start()
    worker.report(trial.trial_id, 1, 1.0)
    thread.join()
    again[0]()


def test_two_chiefs_cannot_share_an_address(served, make_chief):
    _, address = served
    with pytest.raises(RequestError, match="cannot listen there"):
        serve(make_chief(), parse_address(address, "--chief"), "print", TOKEN)


def test_an_oracle_that_breaks_is_reported_to_the_workers(served, monkeypatch):
    chief, address = served
    monkeypatch.setattr(chief.search.oracle, "populate_space", lambda trial_id: 1 / 0)
    with pytest.raises(ChiefGone, match="ZeroDivisionError"):
        client(address).next_trial()
