"""Trials are handed out once, come back, and survive the death of everybody."""

import json

import pytest

from keras_recipes import RequestError
from keras_recipes.recipes.sweep.engine.trial import NoTrial, Trial, TrialOutcome
from keras_recipes.recipes.sweep.run.chief import LeaseLost

COMPLETED, FAILED, CRASHED = TrialOutcome.COMPLETED, TrialOutcome.FAILED, TrialOutcome.CRASHED


def end(chief, trial, worker="a", value=1.0, outcome=COMPLETED, message=""):
    if outcome is COMPLETED:
        chief.report(trial.trial_id, 1, value, worker=worker)
    chief.end(trial.trial_id, outcome, message, worker=worker)


def values(trial):
    return trial.settings


def search(chief, worker="a"):
    """All trials to their ends; their values in order."""
    found = []
    while isinstance(trial := chief.next_trial(worker), Trial):
        found.append(values(trial))
        end(chief, trial, worker)
    assert trial is NoTrial.DONE
    return found


def test_every_trial_is_handed_out_once(make_chief):
    chief = make_chief()
    found = search(chief)
    assert len(found) == 4
    assert chief.finished
    assert chief.search.oracle.end_order == chief.search.oracle.start_order


def test_two_workers_get_different_trials_and_one_its_own_again(make_chief):
    chief = make_chief()
    one, other = chief.next_trial("a"), chief.next_trial("b")
    assert one.trial_id != other.trial_id
    # A worker whose first call was answered, but not heard, asks once more.
    assert chief.next_trial("a").trial_id == one.trial_id


def test_a_chief_that_was_killed_anywhere_gives_the_same_trials(make_chief, tmp_path):
    expected = search(make_chief())
    (tmp_path / "oracle" / "state.json").unlink()
    found = {}
    for _ in range(20):
        # Every chief dies after it has handed out one trial, every other one before it is ended.
        for finishes in (False, True):
            chief = make_chief()
            trial = chief.next_trial("a")
            if trial is NoTrial.DONE:
                break
            found.setdefault(trial.trial_id, []).append(values(trial))
            if finishes:
                end(chief, trial)
    assert [found[name][0] for name in sorted(found)] == expected
    assert all(row == rows[0] for rows in found.values() for row in rows)
    assert len(make_chief().search.oracle.end_order) == 4


def test_a_silent_worker_loses_its_trial_to_another(make_chief, clock):
    chief = make_chief()
    trial = chief.next_trial("a")
    clock.now = 31.0
    again = chief.next_trial("b")
    assert again.trial_id == trial.trial_id
    assert values(again) == values(trial)
    with pytest.raises(LeaseLost):
        chief.report(trial.trial_id, 1, 1.0, worker="a")
    with pytest.raises(LeaseLost):
        chief.end(trial.trial_id, COMPLETED, worker="a")
    end(chief, again, "b")


def test_silent_workers_are_named_once(make_chief, clock):
    chief = make_chief()
    chief.next_trial("a")
    assert chief.silent() == []
    clock.now = 31.0
    chief.next_trial("b")
    assert chief.silent() == ["a"]
    assert chief.silent() == []


def test_signs_of_life_keep_a_trial(make_chief, clock):
    chief = make_chief()
    trial = chief.next_trial("a")
    for _ in range(5):
        clock.now += 20.0
        chief.heartbeat(trial.trial_id, worker="a")
    assert chief.next_trial("b").trial_id != trial.trial_id


def test_a_worker_that_outlived_its_chief_keeps_its_trial(make_chief):
    trial = make_chief().next_trial("a")
    chief = make_chief()
    chief.heartbeat(trial.trial_id, worker="a")
    assert chief.next_trial("b").trial_id != trial.trial_id
    end(chief, trial)


def test_a_known_death_puts_the_trial_back_at_once(make_chief):
    chief = make_chief()
    trial = chief.next_trial("a")
    chief.lost("a")
    assert chief.next_trial("b").trial_id == trial.trial_id


def test_a_trial_that_kills_its_workers_fails(make_chief):
    chief = make_chief()
    for worker in "abcde":
        trial = chief.next_trial(worker)
        assert trial.trial_id == "0"
        chief.lost(worker)
    kept = chief.search.trial("0")
    assert kept.outcome is FAILED
    assert "died 5 times" in kept.message


def test_an_end_that_is_reported_twice_counts_once(make_chief):
    chief = make_chief()
    trial = chief.next_trial("a")
    end(chief, trial)
    chief.end(trial.trial_id, COMPLETED, worker="a")
    assert chief.search.oracle.end_order == ["0"]


def test_workers_wait_while_a_trial_may_come_back(make_chief):
    chief = make_chief()
    held = [chief.next_trial(worker) for worker in "abcd"]
    assert chief.next_trial("e") is NoTrial.WAIT
    for worker, trial in zip("abcd", held, strict=True):
        end(chief, trial, worker)
    assert chief.next_trial("e") is NoTrial.DONE


def test_a_failed_trial_is_tried_again_as_often_as_asked(make_chief, tiny):
    reported = []
    chief = make_chief(tiny(retries=1), on_event=lambda event, trial_id: reported.append(event))
    first = chief.next_trial("a")
    end(chief, first, outcome=CRASHED, message="out of memory")
    again = chief.next_trial("a")
    assert again.trial_id == first.trial_id
    end(chief, again, outcome=CRASHED, message="out of memory")
    assert chief.search.trial(first.trial_id).outcome is FAILED
    assert reported == ["started", "retry", "continued", "failed"]
    assert chief.next_trial("a").trial_id != first.trial_id


def test_failures_in_a_row_stop_the_search(make_chief):
    chief = make_chief(most_failures=2)
    end(chief, chief.next_trial("a"), outcome=FAILED, message="it diverged")
    end(chief, chief.next_trial("a"))
    for _ in range(2):
        end(chief, chief.next_trial("a"), outcome=FAILED, message="it diverged")
    assert chief.next_trial("a") is NoTrial.DONE
    assert chief.stopping == "2 trials in a row failed, the last because it diverged"


def test_no_trial_begins_beyond_the_budget_of_epochs(make_chief):
    chief = make_chief(epochs=2)
    assert len(search(chief)) == 2


def test_no_trial_begins_beyond_the_budget_of_time(make_chief):
    assert search(make_chief(seconds=1e-9)) == []


def test_an_oracle_that_breaks_ends_the_search(make_chief, monkeypatch):
    chief = make_chief()
    monkeypatch.setattr(chief.search.oracle, "populate_space", lambda trial_id: 1 / 0)
    with pytest.raises(RuntimeError, match="the oracle broke: ZeroDivisionError"):
        chief.next_trial("a")
    assert chief.next_trial("b") is NoTrial.DONE


def test_a_damaged_state_is_refused_and_named(make_chief, tmp_path):
    search(make_chief())
    state = tmp_path / "oracle" / "state.json"
    good = state.read_bytes()
    for content in (good[:-20], b"", b"[]", b"null", b"{}", b"\xff" + good, b"[" * 10**5):
        state.write_bytes(content)
        with pytest.raises(RequestError, match=r"state\.json: is not .*remove it: the search"):
            make_chief()
    state.write_bytes(good)
    assert len(make_chief().search.oracle.end_order) == 4


@pytest.mark.parametrize(
    "damage",
    [
        lambda state: state.pop("seconds"),
        lambda state: state.update(seconds="long"),
        lambda state: state.update(trials={}),
        lambda state: state["oracle"].pop("seed_state"),
        lambda state: state["oracle"].update(start_order=["1"]),
        lambda state: state["oracle"].update(retry_queue=["7"]),
        lambda state: state["oracle"].update(end_order="0"),
        lambda state: state.update(stopped=["7"]),
        lambda state: state["trials"][0].update(trial_id="../../x"),
        lambda state: state["trials"][0].update(trial_id=0),
        lambda state: state["trials"][0].update(status="ALMOST"),
        lambda state: state["trials"][0].update(score="good"),
        lambda state: state["trials"][0].update(values=[1]),
        lambda state: state["trials"][0].update(metrics=None),
        lambda state: state["trials"][0].update(message=["x"]),
        lambda state: state["trials"][0]["values"].update({"tuner/trial_id": "../../x"}),
        lambda state: state["trials"][0]["values"].update({"tuner/epochs": -3}),
        lambda state: state["trials"][0]["values"].update({"tuner/initial_epoch": "x"}),
    ],
)
def test_a_state_that_no_search_has_is_refused(make_chief, tmp_path, damage):
    end_one = make_chief()
    end(end_one, end_one.next_trial("a"))
    path = tmp_path / "oracle" / "state.json"
    state = json.loads(path.read_text())
    damage(state)
    path.write_text(json.dumps(state))
    with pytest.raises(RequestError, match=r"state\.json: is not the state of a search"):
        make_chief()


def test_the_state_is_plain_json(make_chief, tmp_path):
    search(make_chief())
    state = json.loads((tmp_path / "oracle" / "state.json").read_text())
    assert [trial["status"] for trial in state["trials"]] == ["COMPLETED"] * 4
    assert [trial["score"] for trial in state["trials"]] == [1.0] * 4


def test_a_worker_cannot_change_the_oracles_trial(make_chief):
    chief = make_chief()
    trial = chief.next_trial("a")
    trial.settings.clear()
    assert values(chief.search.trial(trial.trial_id))
