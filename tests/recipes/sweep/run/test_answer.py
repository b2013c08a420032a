"""Which trial wins, what the table says, what is shown: with made-up trials."""

import csv
import io

import pytest

from keras_recipes.recipes.sweep.run import tables, winner
from keras_recipes.recipes.sweep.run.display import SweepDisplay, trials_of
from keras_recipes.recipes.sweep.run.result import SweepResult, TrialRow, shortened
from keras_recipes.recipes.sweep.run.winner import compare
from keras_recipes.recipes.sweep.spec import Objective

LEAST, MOST = Objective("val_loss", "min"), Objective("val_accuracy", "max")


def row(trial, score, **more):
    status = "failed" if score is None else "completed"
    seeds = [] if score is None else [score]
    known = {"whole": True, "seeds": seeds, "directories": [f"trials/{trial}"], **more}
    return TrialRow(trial, status, score, None, None, known.pop("values", {}), **known)


def names(rows):
    return [item.trial for item in rows]


def test_less_or_more_wins_as_asked_and_failed_trials_do_not_count():
    rows = [row("0", 0.5), row("1", 0.2), row("2", None), row("3", 0.9)]
    assert names(winner.ranked(rows, LEAST)) == ["1", "0", "3"]
    assert names(winner.ranked(rows, MOST)) == ["3", "0", "1"]


def test_of_equal_scores_the_earlier_trial_wins():
    rows = [row("0", 0.5), row("1", 0.2), row("2", 0.2)]
    assert names(winner.ranked(rows, LEAST)) == ["1", "2", "0"]


def test_what_was_trained_to_its_end_is_before_what_was_not():
    rows = [row("0", 0.1, whole=False), row("1", 0.5), row("2", 0.3)]
    assert names(winner.ranked(rows, LEAST)) == ["2", "1", "0"]


def test_a_trial_that_another_went_on_with_is_not_ranked_beside_it():
    rows = [row("0", 0.4, whole=False), row("1", 0.3, continues="0"), row("2", 0.5)]
    assert names(winner.ranked(rows, LEAST)) == ["1", "2"]


def test_a_lead_is_distinguished_from_noise_only_with_seeds():
    one, other = row("0", 0.2), row("1", 0.3)
    reported = winner.lead_sentence(one, other, compare(one.seeds, other.seeds), LEAST)
    assert reported.startswith("trial 0 is ahead of trial 1 by 0.1 in val_loss")
    assert "cannot be distinguished from noise" in reported


@pytest.mark.parametrize(
    ("seeds", "verdict"),
    [([0.30, 0.31, 0.29], "more than the noise"), ([0.2, 0.45, 0.01], "no more than the noise")],
)
def test_a_lead_beyond_the_noise_is_said_to_be_one(seeds, verdict):
    one = row("0", 0.2, seeds=[0.2, 0.21, 0.19])
    other = row("1", sum(seeds) / 3, seeds=seeds)
    reported = winner.lead_sentence(one, other, compare(one.seeds, other.seeds), LEAST)
    assert verdict in reported
    assert ("no more" in reported) == ("no more" in verdict)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("optimizer", {"adam": {"beta_1": 0.8}}, "adam"),
        ("model.layers[0]", {"dense": {"units": 8}}, "dense"),
        ("model.layers", [{"dense": {}}, "flatten"], "dense, flatten"),
        ("data", {"batch_size": 32}, '{"batch_size": 32}'),
        ("data", {"batch_size": 64, "scale": "minmax"}, '{"batch_size": 64, "scale": "minmax"}'),
        ("gradient_clipping", {"global_norm": 2.0}, '{"global_norm": 2.0}'),
        ("epochs", 3, "3"),
    ],
)
def test_the_line_of_the_best_names_a_choice_and_writes_out_a_part(name, value, words):
    best = {"trial": "0", "score": 0.5, "values": {name: value}}
    assert f"best: trial 0, 0.5; {name}={words}" in SweepResult("completed", "s", best=best).lines()


def test_the_table_gives_every_float_back_and_keeps_inactive_cells_empty():
    rate = 0.1 + 1e-17 + 2e-9
    rows = [
        row("0", 1 / 3, values={"rate": rate, "layers": [{"dense": {"units": 8}}]}),
        row("1", None, values={"rate": 1e-5}, reason="it diverged, twice"),
    ]
    read = list(csv.DictReader(io.StringIO(tables.as_csv(rows, ["rate", "layers"]))))
    assert float(read[0]["score"]) == 1 / 3
    assert float(read[0]["rate"]) == rate
    assert read[0]["layers"] == '[{"dense": {"units": 8}}]'
    assert (read[1]["score"], read[1]["layers"]) == ("", "")
    assert read[1]["reason"] == "it diverged, twice"


def test_names_are_shortened_no_further_than_they_differ():
    found = shortened(["a.sgd.momentum", "b.sgd.momentum", "epochs", "data.batch_size"])
    assert list(found.values()) == ["a.sgd.momentum", "b.sgd.momentum", "epochs", "batch_size"]


def test_a_log_has_one_plain_line_for_each_trial_that_ended(tiny, capsys):
    ended = [row("0", 0.25, values={"data.batch_size": 32}), row("1", None, reason="too large")]
    running = [TrialRow("2", "running", None, None, None, {})]
    with SweepDisplay(tiny()) as show:
        show.update([])
        show.update([ended[0], *running])
        show.update([*ended, *running])
        show.update([*ended, *running])
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(",")[0] for line in lines] == [
        "trial 0: val_loss 0.25; batch_size=32  (best 0.25: trial 0)",
        "trial 1: failed",
    ]
    assert "\x1b" not in "".join(lines)


def test_a_quiet_sweep_says_nothing(tiny, capsys):
    with SweepDisplay(tiny(), quiet=True) as show:
        show.update([])
        show.update([row("0", 0.25)])
    assert capsys.readouterr().err == ""


def test_trials_that_ended_before_an_interruption_are_not_reported_again(tiny, capsys):
    with SweepDisplay(tiny()) as show:
        show.update([row("0", 0.25)])
        show.update([row("0", 0.25), row("1", 0.5)])
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_time_left_is_reported_where_the_number_of_trials_is_known(tiny):
    assert trials_of(tiny()) == 3
    rounds = {"coarse_to_fine": {"rounds": 2, "trials": 5, "epochs": 1}}
    assert trials_of(tiny(algorithm=rounds, budget={})) == 10
    asha = {"asha": {"max_epochs": 2}}
    assert trials_of(tiny(algorithm=asha)) is None
