"""What each algorithm does, worked out by hand."""

import itertools
import math
import statistics

import pytest
from keras_tuner.engine.trial import TrialStatus

from keras_recipes.recipes.sweep.engine.coarse_to_fine import narrowed, remaining, within
from keras_recipes.recipes.sweep.engine.searches import rungs
from keras_recipes.recipes.sweep.engine.trial import Decision
from keras_recipes.recipes.sweep.spec.ranges import LogUniform

RATE = {"learning_rate": {"log_uniform": {"min": 1e-4, "max": 1.0}}}


def test_a_grid_has_every_combination_once_and_in_order(made, play):
    sweep = made(
        {"grid": {"points": 3}},
        space={
            "optimizer": {"choice": ["sgd", "adam"]},
            "optimizer.sgd.momentum": {
                "choice": [0.0, 0.9],
                "when": {"optimizer": "sgd"},
            },
            "learning_rate": {"log_uniform": {"min": 1e-3, "max": 0.1}},
            "epochs": {"fixed": 5},
        },
    )
    found = [
        (row["optimizer"], row.get("optimizer.sgd.momentum"), row["learning_rate"])
        for row in play(sweep).values
    ]
    rates = (1e-3, 1e-2, 1e-1)
    by_hand = [("sgd", momentum, rate) for momentum in (0.0, 0.9) for rate in rates]
    assert found == by_hand + [("adam", None, rate) for rate in rates]


def test_a_grid_leaves_out_what_breaks_a_constraint(made, play):
    space = {
        "model.layers[0].dense.units": {"choice": [16, 32, 64]},
        "model.layers[3].dense.units": {"choice": [16, 32, 64]},
    }
    first, second = space
    found = play(made("grid", space=space, constraints=[f"{first} >= {second}"]),
                 lambda values, epoch: 1.0).values  # fmt: skip
    pairs = [(row[first], row[second]) for row in found]
    assert pairs == [(a, b) for a, b in itertools.product((16, 32, 64), repeat=2) if a >= b]


def test_random_search_stops_when_every_setting_was_tried(made, play):
    space = {"data.batch_size": {"choice": [8, 16, 32, 64]}}
    found = play(made(space=space), lambda values, epoch: 1.0).values
    assert sorted(row["data.batch_size"] for row in found) == [8, 16, 32, 64]


def test_random_search_is_uniform_in_the_logarithm(made, play):
    found = play(made(space=RATE, budget={"trials": 200}), epochs=1).values
    below = sum(row["learning_rate"] < 1e-2 for row in found) / 200
    assert math.isclose(below, 0.5, abs_tol=0.1)


def test_bayesian_search_comes_closer_than_its_random_beginning(made, play):
    sweep = made({"bayesian": {"initial_points": 5}}, space=RATE, budget={"trials": 12})
    distances = [abs(math.log10(row["learning_rate"]) + 2) for row in play(sweep).values]
    assert min(distances[5:]) < 0.05
    assert min(distances[5:]) < min(distances[:5])


def test_hyperband_continues_from_the_best_of_a_round(made, play):
    rows = play(made({"hyperband": {"max_epochs": 9, "factor": 3}})).rows
    # Bracket 2 of Hyperband with 9 epochs and factor 3: 9 trials of 1 epoch, 3 of 3, 1 of 9.
    reported = [reported for _, reported, _ in rows if reported["bracket"] == 2]
    assert [row["epochs"] for row in reported] == [1] * 9 + [3] * 3 + [9]
    best = sorted(range(9), key=lambda i: abs(math.log10(rows[i][0]["learning_rate"]) + 2))[:3]
    assert [int(row["trial_id"]) for row in reported[9:12]] == best
    assert [row["initial_epoch"] for row in reported[9:]] == [1, 1, 1, 3]
    for values, row, _ in rows[9:12]:
        assert values == rows[int(row["trial_id"])][0]


def test_rungs():
    assert rungs(1, 81, 3) == [1, 3, 9, 27, 81]
    assert rungs(2, 50, 4) == [2, 8, 32, 50]
    assert rungs(10, 10, 3) == [10]


def test_asha_by_hand(made, oracle):
    sweep = made({"asha": {"reduction_factor": 2, "min_epochs": 1, "max_epochs": 4}}, space=RATE)
    own = oracle(sweep)
    # Values of the trials in the order in which they begin, and what begins next by hand:
    # of n trials that came to a rung the best floor(n / 2) may go on, the highest rung first.
    scores = iter([5.0, 3.0, 2.5, 4.0, 1.0, 0.5, 0.9, 2.0, 0.2])
    reported = []
    for score in scores:
        trial = own.create_trial("w")
        values = trial.hyperparameters.values
        reported.append(
            (values["tuner/round"], values["tuner/epochs"], values.get("tuner/trial_id"))
        )
        for epoch in range(values["tuner/initial_epoch"] + 1, values["tuner/epochs"] + 1):
            own.report(trial.trial_id, epoch, score)
        trial.status = "COMPLETED"
        own.end_trial(trial)
    assert reported == [
        (0, 1, None),  # 0000: 5.0
        (0, 1, None),  # 0001: 3.0; of 2 the best 1 may go on
        (1, 2, "0001"),  # 0002: 2.5, the only one at its rung
        (0, 1, None),  # 0003: 4.0; of 3 the best 1 may go on, and has
        (0, 1, None),  # 0004: 1.0; of 4 the best 2 may: 0004 and 0001, which has
        (1, 2, "0004"),  # 0005: 0.5; of 2 at rung 1 the best 1 may go on
        (2, 4, "0005"),  # 0006: the end
        (0, 1, None),  # 0007: 2.0; of 5 the best 2 are 0004 and 0007
        (1, 2, "0007"),  # 0008
    ]


def test_asha_keeps_the_setting_of_the_trial_that_continues(made, play):
    played = play(made({"asha": {"max_epochs": 9}}))
    rows = dict(zip(played.oracle.start_order, played.rows, strict=True))
    for values, reported, last in rows.values():
        assert last == reported["epochs"]
        if "trial_id" in reported:
            parent, before, reached = rows[reported["trial_id"]]
            assert values == parent
            assert reported["initial_epoch"] == reached == before["epochs"]


def test_asha_begins_as_many_settings_as_asked_and_trains_one_to_the_end(made, play):
    for trials in (1, 2, 3, 7):
        played = play(made({"asha": {"max_epochs": 9}}, budget={"trials": trials}))
        started = [row for row in played.rows if row[1]["round"] == 0]
        assert len(started) == trials
        assert played.rows[-1][2] == 9 or any(last == 9 for _, _, last in played.rows)


def test_asha_spends_far_less_than_training_all_to_the_end(made, play):
    played = play(made({"asha": {"max_epochs": 27}}, budget={"trials": 40}))
    spent = sum(reported["epochs"] - reported["initial_epoch"] for _, reported, _ in played.rows)
    assert spent < 40 * 27 / 5
    best = min(abs(math.log10(row["learning_rate"]) + 2) for row in played.values)
    ends = [values for values, _, last in played.rows if last == 27]
    assert min(abs(math.log10(row["learning_rate"]) + 2) for row in ends) == best


def test_a_failed_trial_never_continues(made, play):
    failing = {"0000", "0003", "0006"}
    played = play(made({"asha": {"max_epochs": 9}}), fails=failing.__contains__)
    assert not failing & {reported.get("trial_id") for _, reported, _ in played.rows}


CURVES = [[5, 4, 3, 2], [6, 5, 5, 5], [4, 3, 2, 1], [9, 6, 4.4, 3], [1, 9, 9, 9]]


def test_median_by_hand(made, oracle):
    """Stopped where the best so far is worse than the median of the others' means so far."""
    own = oracle(made({"median": {"warmup": 1, "min_trials": 2}}, space=RATE))
    words = []
    for curve in CURVES:
        trial = own.create_trial("w")
        reported = []
        for epoch, value in enumerate(curve, start=1):
            reported.append(own.report(trial.trial_id, epoch, value))
            if reported[-1] is not Decision.CONTINUE:
                break
        trial.status = "COMPLETED"
        own.end_trial(trial)
        words.append(reported)
    go, stop = Decision.CONTINUE, Decision.STOP
    # Means up to epoch 2: 4.5, 5.5, 3.5; the median of three is 4.5, and 6 is worse.
    assert words == [[go] * 4, [go] * 4, [go] * 4, [go, stop], [go] * 4]
    assert statistics.median([4.5, 5.5, 3.5]) == 4.5


def test_median_decides_and_the_trial_still_runs(made, oracle):
    own = oracle(made({"median": {"warmup": 1, "min_trials": 1}}, space=RATE))
    for values in ([1.0, 1.0], [2.0, 2.0]):
        trial = own.create_trial("w")
        answers = [
            own.report(trial.trial_id, epoch, value) for epoch, value in enumerate(values, start=1)
        ]
        kept = own.trials[trial.trial_id]
        assert kept.status == TrialStatus.RUNNING
        own.end_trial(type(trial).from_state({**kept.get_state(), "status": "COMPLETED"}))
    assert answers == [Decision.CONTINUE, Decision.STOP]


def test_narrowing_by_hand():
    whole = ((0.0, 1.0),)
    assert narrowed(whole, 0.4, 0.5, 0.5) == ((pytest.approx(0.2), pytest.approx(0.7)),)
    assert narrowed(whole, 0.1, 0.9, 0.5) == ((pytest.approx(0.1), pytest.approx(0.9)),)
    assert narrowed(whole, 0.9, 0.95, 0.5) == ((0.5, 1.0),)  # moved back inside
    assert narrowed(((0.2, 0.6),), 0.2, 0.2, 0.25) == ((0.2, pytest.approx(0.3)),)
    assert narrowed(whole, 0.3, 0.4, 1.0) == whole


def test_remaining_values_of_a_choice_by_hand():
    a, b, c, d = [(index / 4, (index + 1) / 4) for index in range(4)]
    assert remaining(((0.0, 1.0),), [b], [b, d, a, c], 0.5) == (b, d)
    assert remaining((b, d), [d], [d, b], 0.5) == (d,)
    assert remaining(((0.0, 1.0),), [a, b, c], [a, b, c, d], 0.25) == (a, b, c)
    assert [within((b, d), share) for share in (0.0, 0.5, 0.75, 1.0)] == [0.25, 0.5, 0.875, 1.0]


def test_coarse_to_fine_narrows_around_the_best(made, play):
    sweep = made(
        {"coarse_to_fine": {"rounds": 3, "trials": 12, "epochs": [1, 2, 4], "keep": "25%"}},
        space={**RATE, "optimizer": {"choice": ["sgd", "adam", "adamw", "rmsprop"]}},
    )

    def score(values, epoch):
        lost = {"sgd": 0.0, "adam": 0.3, "adamw": 2.0, "rmsprop": 2.0}[values["optimizer"]]
        return abs(math.log10(values["learning_rate"]) + 2) + lost

    played = play(sweep, score)
    rounds = played.oracle.rounds()
    assert [row.epochs for row in rounds] == [1, 2, 4]
    assert [len(row.trials) for row in rounds] == [12, 12, 12]
    assert rounds[0].ranges["learning_rate"] == (1e-4, 1.0)
    by_name = dict(zip(played.oracle.start_order, played.rows, strict=True))
    for before, after in itertools.pairwise(rounds):
        low, high = after.ranges["learning_rate"]
        decades = math.log10(before.ranges["learning_rate"][1] / before.ranges["learning_rate"][0])
        kept = [by_name[name][0]["learning_rate"] for name in before.kept]
        assert len(kept) == 3
        # All that was kept lies inside, and the range is half as wide, or as wide as the hull.
        assert low <= min(kept) * 1.001
        assert max(kept) <= high * 1.001
        hull = math.log10(max(kept) / min(kept))
        assert math.log10(high / low) == pytest.approx(max(hull, decades / 2), abs=1e-4)
        for name in after.trials:
            assert low <= by_name[name][0]["learning_rate"] <= high
            assert by_name[name][0]["optimizer"] in after.ranges["optimizer"]
    assert "rmsprop" not in rounds[2].ranges["optimizer"]
    assert rounds[2].kept


def test_coarse_to_fine_waits_for_a_round_to_end(made, oracle):
    own = oracle(made({"coarse_to_fine": {"rounds": 2, "trials": 2}}, space=RATE))
    first, second = own.create_trial("a"), own.create_trial("b")
    assert own.create_trial("c").status == TrialStatus.IDLE
    for trial, value in ((second, 1.0), (first, 2.0)):
        own.report(trial.trial_id, 1, value)
        trial.status = "COMPLETED"
        own.end_trial(trial)
    third = own.create_trial("a")
    assert third.status == TrialStatus.RUNNING
    assert "tuner/epochs" not in third.hyperparameters.values
    assert own.rounds()[0].kept == (second.trial_id,)
    rate = second.hyperparameters.values["learning_rate"]
    low, high = own.rounds()[1].ranges["learning_rate"]
    assert math.log10(high / low) == pytest.approx(2.0, abs=1e-4)
    assert low <= rate <= high
    assert math.sqrt(low * high) == pytest.approx(
        min(max(rate, 1e-3), 1e-1), rel=1e-4
    )  # centred on the best, as far as the range allows
    assert LogUniform(1e-4, 1.0).from_unit(0.5) == 1e-2


def test_a_setting_may_come_again_in_a_later_round_with_more_epochs(made, play):
    space = {"data.batch_size": {"choice": {"values": [8, 16, 32, 64], "ordered": True}}}
    algorithm = {"coarse_to_fine": {"rounds": 2, "trials": [4, 2], "epochs": [1, 3]}}
    found = play(made(algorithm, space=space), lambda values, epoch: values["data.batch_size"])
    assert [row["data.batch_size"] for row in found.values[4:]] in ([8, 16], [16, 8])
