"""Every rule that ends a training, alone, and what they do on odd values."""

import json
import math

import keras
import numpy as np
import pytest

import keras_recipes
from keras_recipes.callbacks import EarlyStopping, Prechelt
from keras_recipes.models import TrainingModel, WeightAveraging
from keras_recipes.recipes.build.objects import Builder

nan, inf = math.nan, math.inf


def losses(*values):
    return [{"val_loss": value, "loss": 1.0} for value in values]


def test_a_target_ends_it_and_patience_does_not_interfere(drive):
    stopper = EarlyStopping(target=0.5)
    assert drive(stopper, losses(3, 4, 5, 0.5, 0.1))[0] == 4
    assert stopper.stop_reason == "val_loss is 0.5 and has reached the target of 0.5"


def test_a_target_of_a_rising_value(drive):
    stopper = EarlyStopping("accuracy", target=0.9)
    assert drive(stopper, [{"accuracy": v} for v in (0.8, 0.95, 1.0)])[0] == 2


@pytest.mark.parametrize("bad", [11.0, nan, inf])
def test_a_value_beyond_the_threshold_ends_it(drive, bad):
    stopper = EarlyStopping(divergence_threshold=10.0)
    seen, model = drive(stopper, losses(1, 9, bad, 1))
    assert (seen, stopper.best_epoch, float(model.weights[0])) == (3, 0, 0.0)
    assert "the threshold of 10" in stopper.stop_reason


def test_an_infinite_value_is_never_the_best(drive):
    stopper = EarlyStopping(patience=9)
    drive(stopper, losses(inf, 3, -inf, nan))
    assert stopper.best == 3


def test_a_budget_of_time_counts_what_was_before(drive, monkeypatch):
    clock = iter([100.0, 104.0, 200.0, 205.0, 206.5])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    first = EarlyStopping(max_seconds=10)
    assert drive(first, losses(1))[0] == 1
    second = EarlyStopping(max_seconds=10)
    second.set_state(json.loads(json.dumps(first.get_state())))
    # Four seconds before, five and six and a half now.
    assert drive(second, losses(1, 1, 1), begin=1)[0] == 2
    assert second.stop_reason == "the time limit of 10 s is exceeded, after 10.5 s"


def test_the_budget_holds_in_epochs_that_are_left_out(drive, monkeypatch):
    clock = iter([0.0, 99.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    assert drive(EarlyStopping(max_seconds=10, start_from_epoch=5), losses(1, 1))[0] == 1


class TestSeveralNames:
    # The loss is best in epoch 2, the accuracy in epoch 4.
    rows = [  # noqa: RUF012
        {"val_loss": loss, "val_accuracy": accuracy}
        for loss, accuracy in [(3, 0.1), (1, 0.2), (2, 0.3), (2, 0.4), (2, 0.3), (2, 0.3), (2, 0.3)]
    ]
    names = ("val_loss", "val_accuracy")

    def test_all_waits_for_the_last(self, drive):
        stopper = EarlyStopping(self.names, patience=2)
        assert drive(stopper, self.rows)[0] == 6
        assert stopper.stop_reason == (
            "val_loss has not improved on 1 (epoch 2) for 4 epochs and "
            "val_accuracy has not improved on 0.4 (epoch 4) for 2 epochs"
        )

    def test_any_stops_at_the_first(self, drive):
        stopper = EarlyStopping(self.names, patience=2, stop_when="any")
        assert drive(stopper, self.rows)[0] == 4
        assert stopper.stop_reason == "val_loss has not improved on 1 (epoch 2) for 2 epochs"

    def test_weights_are_those_of_the_first_name(self, drive):
        stopper = EarlyStopping(("val_accuracy", "val_loss"), patience=2)
        _, model = drive(stopper, self.rows)
        assert (stopper.best, stopper.best_epoch, float(model.weights[0])) == (0.4, 3, 3.0)

    @pytest.mark.parametrize(("when", "epochs"), [("any", 2), ("all", 4)])
    def test_targets(self, drive, when, epochs):
        stopper = EarlyStopping(self.names, target=(1.0, 0.4), stop_when=when)
        rows = [{**row, "val_loss": min(row["val_loss"], 1.0 + (i < 1))} for i, row in
                enumerate(self.rows)]  # fmt: skip
        assert drive(stopper, rows)[0] == epochs

    def test_a_target_of_one_of_them(self, drive):
        stopper = EarlyStopping(self.names, target=(None, 0.3))
        assert drive(stopper, self.rows)[0] == 3

    def test_modes_one_each(self, drive):
        stopper = EarlyStopping(("a", "b"), mode=("max", "min"), patience=1)
        drive(stopper, [{"a": 1.0, "b": 1.0}, {"a": 2.0, "b": 2.0}])
        assert [metric.best for metric in stopper.metrics] == [2.0, 1.0]


class TestSmoothing:
    def test_the_average_by_hand(self, drive):
        stopper = EarlyStopping(smoothing=0.5, patience=9)
        drive(stopper, losses(4.0))
        assert stopper.best == 4.0
        drive(stopper, losses(4.0, 1.0))
        # (0.5 (0.5 * 4) + 0.5 * 1) / (1 - 0.5^2)
        assert stopper.best == pytest.approx(1.5 / 0.75, rel=1e-12)

    def test_equals_a_weighted_mean(self, drive):
        values = np.random.default_rng(1).normal(5, 1, 12)
        stopper = EarlyStopping(smoothing=0.8, patience=99)
        drive(stopper, losses(*values))
        shares = 0.8 ** np.arange(12)[::-1]
        assert stopper.metrics[0].value == pytest.approx(np.average(values, weights=shares))

    def test_one_lucky_epoch_is_not_the_best(self, drive):
        values = [3.0, 2.5, 2.0, 0.1, 2.0, 1.5, 1.2, 1.0, 0.9, 0.8]
        assert drive(EarlyStopping(patience=3), losses(*values))[0] == 7
        smooth = EarlyStopping(patience=3, smoothing=0.7)
        assert drive(smooth, losses(*values))[0] == 10
        assert smooth.best_epoch > 3

    def test_nan_does_not_stay_in_the_average(self, drive):
        stopper = EarlyStopping(smoothing=0.9, patience=9)
        drive(stopper, losses(nan, 2.0, nan, inf, 1.0))
        assert math.isfinite(stopper.best)
        assert stopper.best_epoch == 4


def test_verbose_logs_why_it_stopped(drive, capsys):
    for verbose in (0, 1):
        drive(EarlyStopping(patience=1, verbose=verbose), losses(1, 2))
    assert capsys.readouterr().err == (
        "EarlyStopping: stopped after epoch 2: val_loss has not improved on 1 (epoch 1) for 1 "
        "epochs.\n"
    )


class TestPrechelt:
    def test_a_recipe_nests_it(self):
        early = "{early_stopping: {patience: 5, prechelt: {pq: 0.75, strip: 4}}}"
        recipe = keras_recipes.load("digits_mlp", overrides=[f"callbacks=[{early}]"])
        made = Builder(recipe, 10).make("callbacks", recipe.callbacks[0], ("callbacks", 0))
        assert (made.patience, made.prechelt.pq, made.prechelt.strip) == (5, 0.75, 4)
        with pytest.raises(keras_recipes.RecipeError, match=r"early_stopping\.prechelt\.pq: "):
            keras_recipes.load(
                "digits_mlp", overrides=[f"callbacks=[{early}]".replace("0.75", "0")]
            )

    def test_an_object_and_its_arguments_are_the_same(self):
        rule = Prechelt(pq=0.5, strip=3, training_monitor="mse")
        copied = EarlyStopping(prechelt=rule).prechelt
        named = EarlyStopping(prechelt={"pq": 0.5, "strip": 3, "training_monitor": "mse"}).prechelt
        assert copied is not rule
        assert copied.get_config() == named.get_config() == rule.get_config()

    def test_serializes(self):
        rule = Prechelt(gl=5.0, up=2)
        config = keras.saving.serialize_keras_object(rule)
        again = keras.saving.deserialize_keras_object(json.loads(json.dumps(config)))
        assert type(again) is Prechelt
        assert again.get_config() == rule.get_config()

    def test_gl_by_hand(self, drive):
        # 6.25 % above 1 is 1.0625, which is not more.
        stopper = EarlyStopping(prechelt=Prechelt(gl=6.25))
        assert drive(stopper, losses(2.0, 1.0, 1.0625, 1.04, 1.063, 1.0))[0] == 5
        assert stopper.stop_reason.startswith("the generalization loss GL is 6.30 > 6.25")

    def test_pq_by_hand(self, drive):
        # Strip 1: training 4, 3, 2: P = 500; GL = 20: quotient 0.04.
        # Strip 2: training 1.1, 1, 0.9: P = 1000 (1 / 0.9 - 1) = 111.1; GL = 60: quotient 0.54.
        training = [4, 3, 2, 1.1, 1.0, 0.9]
        validation = [1.25, 1.4, 1.5, 1.6, 1.8, 2.0]
        rows = [{"loss": t, "val_loss": v} for t, v in zip(training, validation, strict=True)]
        assert drive(EarlyStopping(prechelt=Prechelt(pq=0.03, strip=3)), rows)[0] == 3
        assert drive(EarlyStopping(prechelt=Prechelt(pq=0.05, strip=3)), rows)[0] == 6
        stopper = EarlyStopping(prechelt=Prechelt(pq=0.55, strip=3))
        assert drive(stopper, rows)[0] == 6
        assert stopper.stop_reason is None

    def test_up_by_hand(self, drive):
        # Ends of strips of 2: 3, 4, 2, 3, 4, 5: two rises in a row at the tenth epoch.
        values = [0, 3, 0, 4, 0, 2, 0, 3, 0, 4, 0, 5]
        rows = losses(*[v + 0.5 for v in values])
        assert drive(EarlyStopping(prechelt=Prechelt(up=1, strip=2)), rows)[0] == 4
        assert drive(EarlyStopping(prechelt=Prechelt(up=2, strip=2)), rows)[0] == 10
        assert drive(EarlyStopping(prechelt=Prechelt(up=3, strip=2)), rows)[0] == 12
        assert drive(EarlyStopping(prechelt=Prechelt(up=4, strip=2)), rows)[0] == 12

    def test_restores_the_lowest(self, drive):
        _, model = drive(EarlyStopping(prechelt=Prechelt(gl=5.0)), losses(2.0, 1.0, 1.04, 1.5))
        assert float(model.weights[0]) == 1.0

    def test_an_error_of_zero(self, drive):
        assert drive(EarlyStopping(prechelt=Prechelt(gl=5.0)), losses(1.0, 0.0, 0.0, 0.0))[0] == 4
        assert drive(EarlyStopping(prechelt=Prechelt(gl=5.0)), losses(1.0, 0.0, 1e-9, 0.0))[0] == 3

    def test_a_negative_error_is_refused(self, drive):
        with pytest.raises(ValueError, match=r"must be >= 0. Received: -1.0. Use `patience`"):
            drive(EarlyStopping(prechelt=Prechelt(gl=5.0)), losses(-1.0))

    def test_training_that_stands_still_is_no_progress(self, drive):
        rows = [{"loss": 1.0, "val_loss": v} for v in (1.0, 1.0, 1.0, 1.001)]
        # P is 0: no loss is no reason, any loss is.
        assert drive(EarlyStopping(prechelt=Prechelt(pq=100.0, strip=2)), rows)[0] == 4
        stopper = EarlyStopping(prechelt=Prechelt(pq=100.0, strip=2))
        drive(stopper, rows[:3])
        assert stopper.stop_reason is None

    def test_nan_is_left_out(self, drive):
        stopper = EarlyStopping(prechelt=Prechelt(gl=5.0, up=1, strip=1))
        assert drive(stopper, losses(nan, 1.0, nan, inf, 0.9, nan, 0.8))[0] == 7
        assert stopper.stop_reason is None

    def test_nan_in_training_leaves_the_strip_out(self, drive):
        rows = [{"loss": t, "val_loss": v} for t, v in [(1, 1), (nan, 9), (1, 1), (1, 9)]]
        assert drive(EarlyStopping(prechelt=Prechelt(pq=1.0, strip=2)), rows)[0] == 4

    def test_continues_inside_a_strip(self, drive):
        rng = np.random.default_rng(3)
        for _ in range(4):
            rows = [
                {"loss": t, "val_loss": v}
                for t, v in zip(rng.uniform(0.5, 1, 40), rng.uniform(1, 3, 40), strict=True)
            ]
            arguments = {"pq": 0.6, "up": 3, "strip": 5}
            whole = EarlyStopping(prechelt=arguments)
            seen = drive(whole, rows)[0]
            for cut in range(1, seen, 4):
                first, second = EarlyStopping(prechelt=arguments), EarlyStopping(prechelt=arguments)
                drive(first, rows[:cut])
                second.set_state(json.loads(json.dumps(first.get_state(), allow_nan=False)))
                assert cut + drive(second, rows[cut:], begin=cut)[0] == seen
                assert second.stop_reason == whole.stop_reason


class TestValidationEveryFewEpochs:
    def rows(self, values):
        return [
            {"loss": 1.0, **({"val_loss": values[e // 2]} if e % 2 else {})}
            for e in range(2 * len(values))
        ]

    def test_patience_counts_values(self, drive):
        stopper = EarlyStopping(patience=2, validation_freq=2)
        assert drive(stopper, self.rows([3, 1, 2, 2, 2]))[0] == 8
        assert stopper.stop_reason == "val_loss has not improved on 1 (epoch 4) for 2 values"

    def test_strips_count_epochs(self, drive):
        stopper = EarlyStopping(prechelt=Prechelt(up=1, strip=4), validation_freq=2)
        assert drive(stopper, self.rows([1, 2, 1, 3]))[0] == 8

    def test_fit_validates_then(self):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        x = np.ones((4, 1))
        stopper = EarlyStopping(patience=9, validation_freq=3)
        model.fit(x, x, epochs=6, validation_data=(x, x), validation_freq=3,
                  callbacks=[stopper], verbose=0)  # fmt: skip
        assert stopper.best_epoch in (2, 5)


def test_averaged_weights_are_restored_with_the_average_of_their_epoch(products):
    x, y = products
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8,))
    model = TrainingModel(
        inputs, keras.layers.Dense(1)(inputs), weight_averaging=WeightAveraging(decay=0.5)
    )
    model.compile(keras.optimizers.SGD(1.0), "mse")
    stopper = EarlyStopping("loss", mode="max", patience=99)
    averages = []

    def keep_average(epoch, logs):
        found = {variable.name: variable.numpy() for variable in model.step_variables}
        averages.append(found["average_0"])

    keep = keras.callbacks.LambdaCallback(on_epoch_end=keep_average)
    model.fit(x, y, epochs=3, shuffle=False, callbacks=[keep, stopper], verbose=0)
    expected = averages[stopper.best_epoch]
    np.testing.assert_array_equal(model.get_weights()[0], expected)


def test_weights_go_through_json_bit_for_bit(drive):
    stopper = EarlyStopping()
    stopper.best_weights = [
        np.array([0.1, np.nan, -np.inf], "float32"),
        np.array(3, "int64"),
        np.zeros((0, 2)),
        np.asarray(keras.ops.cast([1.5, 3.0], "bfloat16")),
        np.array([True, False]),
    ]
    again = EarlyStopping()
    again.set_state(json.loads(json.dumps(stopper.get_state(), allow_nan=False)))
    for got, expected in zip(again.best_weights, stopper.best_weights, strict=True):
        assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
        assert got.tobytes() == expected.tobytes()
