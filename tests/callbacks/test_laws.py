"""What holds for every callback: copies, state, no work in a step, and no silent argument."""

import copy
import inspect
import json
import math

import keras
import numpy as np
import pytest

import keras_recipes.callbacks as callbacks
from keras_recipes.callbacks import (
    CALLBACKS,
    ActivationMonitor,
    BestCheckpoint,
    DivergenceGuard,
    EarlyStopping,
    FitDiagnosis,
    GradientMonitor,
    LearningRateFinder,
    MetricsLog,
    PeriodicCheckpoint,
    Phase,
    Phases,
    Prechelt,
    ProgressBar,
    ReduceOnPlateau,
    StatefulCallback,
    TensorBoardLog,
    TopCheckpoints,
)

X = np.random.default_rng(0).normal(size=(16, 2)).astype("float32")
Y = X[:, :1]
nan, inf = math.nan, math.inf

CASES = {
    "ActivationMonitor": lambda: ActivationMonitor(X, path="a.jsonl"),
    "BestCheckpoint": lambda: BestCheckpoint("best.keras", seconds=1000.0),
    "DivergenceGuard": lambda: DivergenceGuard(limit=1e9),
    "EarlyStopping": lambda: EarlyStopping(
        ["val_loss", "loss"],
        patience=3,
        smoothing=0.5,
        max_seconds=1e6,
        prechelt={"gl": 90.0, "pq": 9.0, "up": 9},
    ),
    "FitDiagnosis": lambda: FitDiagnosis(path="f.jsonl"),
    "GradientMonitor": lambda: GradientMonitor((X, Y), path="g.jsonl"),
    "MetricsLog": lambda: MetricsLog("m.jsonl"),
    "PeriodicCheckpoint": lambda: PeriodicCheckpoint(epochs=1),
    "Phases": lambda: Phases([Phase(1, freeze=True), Phase(2)], verbose=False),
    "ProgressBar": lambda: ProgressBar(),
    "ReduceOnPlateau": lambda: ReduceOnPlateau(patience=1),
    "TensorBoardLog": lambda: TensorBoardLog(histograms=1, hyperparameters={"a": 1}),
    "TopCheckpoints": lambda: TopCheckpoints(k=1),
}
# Those that sweep over single steps.
IN_STEPS = {"LearningRateFinder"}
# Those that are not callbacks to train with.
OTHERS = {
    "CALLBACKS", "DivergenceError", "Finding", "Phase", "PhaseError", "Prechelt",
    "StatefulCallback",
}  # fmt: skip
BATCH_HOOKS = [
    f"on_{phase}batch_{when}"
    for phase in ("", "train_", "test_", "predict_")
    for when in ("begin", "end")
]


@pytest.fixture(params=CASES)
def make(request):
    return CASES[request.param]


def fitted(*watchers, epochs=2):
    """A plain Keras model, trained."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3), keras.layers.Dense(1)])
    optimizer = keras.optimizers.SGD(0.01, momentum=0.5)
    model.compile(optimizer, "mse", run_eagerly=True)
    model.fit(X, Y, epochs=epochs, validation_data=(X, Y), verbose=0, callbacks=list(watchers))
    return model


def test_every_public_class_has_a_case():
    assert set(callbacks.__all__) - OTHERS - IN_STEPS == set(CASES)
    assert set(CALLBACKS.values()) <= {getattr(callbacks, name) for name in CASES}


def test_works_in_a_plain_fit_and_copies_as_a_search_does(make, capsys):
    """A search deep-copies callbacks for every trial, used ones too, and no file may be open."""
    first = copy.deepcopy(make())
    fitted(first)
    again = copy.deepcopy(first)
    fitted(again, epochs=1)


class Kept(keras.callbacks.Callback):
    """The state of another callback after each epoch, as strict JSON."""

    def __init__(self, other):
        super().__init__()
        self.other = other
        self.states = []

    def on_epoch_end(self, epoch, logs=None):
        self.states.append(json.dumps(self.other.get_state(), allow_nan=False))


def test_state_goes_through_json(make, capsys):
    callback = make()
    if not isinstance(callback, StatefulCallback):
        pytest.skip("it has no state")
    kept = Kept(callback)
    fitted(callback, kept)
    assert len(kept.states) == 2
    for text in kept.states:
        other = make()
        other.set_state(json.loads(text))
        assert json.dumps(other.get_state(), allow_nan=False) == text
    other.set_state(json.loads(text))
    fitted(other, epochs=1)


def test_nothing_happens_in_a_step(make):
    callback = make()
    for hook in BATCH_HOOKS:
        assert getattr(getattr(callback, hook), "_is_default", False), hook


def test_a_step_is_watched_only_where_an_option_asks_for_it():
    for callback in (
        DivergenceGuard(every=1),
        PeriodicCheckpoint(steps=1),
        PeriodicCheckpoint(minutes=1),
    ):
        assert not getattr(callback.on_train_batch_end, "_is_default", False)
        again = copy.deepcopy(callback)
        assert again.on_train_batch_end.__self__ is again


def test_no_unknown_keyword_is_swallowed():
    for name in [*CASES, *IN_STEPS]:
        cls = getattr(callbacks, name)
        with pytest.raises(TypeError, match="patiense"):
            cls(patiense=3)
        kinds = {parameter.kind for parameter in inspect.signature(cls).parameters.values()}
        assert not kinds & {inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL}


def test_state_of_another_class_is_refused(make):
    callback = make()
    if isinstance(callback, StatefulCallback):
        with pytest.raises(ValueError, match=f"State of `{type(callback).__name__}` must have"):
            callback.set_state({"something": 1})


@pytest.mark.parametrize(
    ("cls", "arguments", "message"),
    [
        (EarlyStopping, {"patience": -1}, "`patience` must be >= 0"),
        (EarlyStopping, {"patience": 1.5}, "`patience` must be a whole number"),
        (EarlyStopping, {"patience": True}, "`patience` must be a whole number"),
        (EarlyStopping, {"min_delta": -0.1}, "`min_delta` must be >= 0"),
        (EarlyStopping, {"min_delta": nan}, "`min_delta` must be finite"),
        (EarlyStopping, {"mode": "lowest"}, "`mode` must be one of"),
        (EarlyStopping, {"start_from_epoch": -1}, "`start_from_epoch` must be >= 0"),
        (EarlyStopping, {"baseline": "low"}, "`baseline` must be a number"),
        (EarlyStopping, {"restore_best_weights": 1}, "must be True or False"),
        (EarlyStopping, {"monitor": []}, "`monitor` must be names, each once"),
        (EarlyStopping, {"monitor": ["a", "a"]}, "`monitor` must be names, each once"),
        (EarlyStopping, {"monitor": ["a", 3]}, "`monitor` must be a non-empty string"),
        (EarlyStopping, {"monitor": ["a", "b"], "target": 1.0}, "`target` must have one value for"),
        (EarlyStopping, {"monitor": ["a", "b"], "mode": ["min"]}, "`mode` must have one value for"),
        (EarlyStopping, {"target": inf}, "`target` must be finite"),
        (EarlyStopping, {"divergence_threshold": True}, "`divergence_threshold` must be a number"),
        (EarlyStopping, {"stop_when": "some"}, "`stop_when` must be one of all, any"),
        (EarlyStopping, {"smoothing": 1.0}, "`smoothing` must be < 1"),
        (EarlyStopping, {"smoothing": -0.1}, "`smoothing` must be >= 0"),
        (EarlyStopping, {"max_seconds": 0}, "`max_seconds` must be > 0"),
        (EarlyStopping, {"prechelt": {"gl": 0.0}}, "`gl` must be > 0"),
        (EarlyStopping, {"prechelt": {"pq": "1"}}, "`pq` must be a number"),
        (EarlyStopping, {"prechelt": {"up": 0}}, "`up` must be >= 1"),
        (EarlyStopping, {"prechelt": {"up": 2, "strip": 0}}, "`strip` must be >= 1"),
        (EarlyStopping, {"prechelt": {"gl": 5.0}, "monitor": "accuracy"}, "criteria for an error"),
        (EarlyStopping, {"prechelt": {"up": 2, "strip": 5}, "validation_freq": 2}, "a multiple of"),
        (EarlyStopping, {"validation_freq": 0}, "`validation_freq` must be >= 1"),
        (EarlyStopping, {"verbose": 2}, "`verbose` must be one of 0, 1"),
        (EarlyStopping, {"prechelt": 5.0}, "`prechelt` must be a `Prechelt`"),
        (EarlyStopping, {"prechelt": {"glue": 5.0}}, "`Prechelt` has no argument `glue`"),
        (Prechelt, {}, "at least one of the arguments"),
        (Prechelt, {"gl": 1.0, "training_monitor": ""}, "`training_monitor` must be a non-empty"),
        (BestCheckpoint, {"path": "best.h5"}, "must end in `.keras`"),
        (BestCheckpoint, {"mode": "max_"}, "`mode` must be one of"),
        (BestCheckpoint, {"seconds": -1}, "`seconds` must be >= 0"),
        (TopCheckpoints, {"k": 0}, "`k` must be >= 1"),
        (TopCheckpoints, {"k": 2.0}, "`k` must be a whole number"),
        (TopCheckpoints, {"path": ""}, "`path` must be a non-empty string"),
        (TopCheckpoints, {"mode": None}, "`mode` must be one of"),
        (TopCheckpoints, {"monitor": 3}, "`monitor` must be a non-empty string"),
        (PeriodicCheckpoint, {}, "Give one of the arguments"),
        (PeriodicCheckpoint, {"epochs": 1, "steps": 1}, "Give one of the arguments"),
        (PeriodicCheckpoint, {"epochs": 0}, "`epochs` must be >= 1"),
        (PeriodicCheckpoint, {"steps": 1.5}, "`steps` must be a whole number"),
        (PeriodicCheckpoint, {"minutes": 0}, "`minutes` must be > 0"),
        (PeriodicCheckpoint, {"minutes": inf}, "`minutes` must be finite"),
        (PeriodicCheckpoint, {"epochs": 1, "keep": 0}, "`keep` must be >= 1"),
        (DivergenceGuard, {"factor": 1.0}, "`factor` must be between 0 and 1"),
        (DivergenceGuard, {"factor": 0}, "`factor` must be between 0 and 1"),
        (DivergenceGuard, {"max_rollbacks": -1}, "`max_rollbacks` must be >= 0"),
        (DivergenceGuard, {"explosion": 1.0}, "`explosion` must be > 1"),
        (DivergenceGuard, {"limit": nan}, "`limit` must be finite"),
        (DivergenceGuard, {"every": 0}, "`every` must be >= 1"),
        (DivergenceGuard, {"verbose": 2}, "`verbose` must be True or False"),
        (DivergenceGuard, {"monitor": None}, "`monitor` must be a non-empty string"),
        (FitDiagnosis, {"baseline": 0.0}, "`baseline` must be > 0"),
        (FitDiagnosis, {"learned": 1.5}, "`learned` must be <= 1"),
        (FitDiagnosis, {"gap": 0}, "`gap` must be > 0"),
        (FitDiagnosis, {"rise": -1}, "`rise` must be > 0"),
        (FitDiagnosis, {"explosion": 1}, "`explosion` must be > 1"),
        (FitDiagnosis, {"path": ""}, "`path` must be a non-empty string"),
        (GradientMonitor, {"data": X}, "`data` must be one batch"),
        (GradientMonitor, {"data": (X,)}, "`data` must be one batch"),
        (GradientMonitor, {"every": 0}, "`every` must be >= 1"),
        (GradientMonitor, {"vanishing": 1.0}, "`vanishing` must be between 0 and 1"),
        (GradientMonitor, {"exploding": 0}, "`exploding` must be > 0"),
        (GradientMonitor, {"verbose": "yes"}, "`verbose` must be True or False"),
        (ActivationMonitor, {"epochs": 3}, "`epochs` must be a list"),
        (ActivationMonitor, {"epochs": ()}, "`epochs` must be a list"),
        (ActivationMonitor, {"epochs": [-1]}, "`epochs` must be >= 0"),
        (ActivationMonitor, {"saturated": 2}, "`saturated` must be <= 1"),
        (ActivationMonitor, {"dead": -1}, "`dead` must be >= 0"),
        (ActivationMonitor, {"constant": nan}, "`constant` must be finite"),
        (ActivationMonitor, {"margin": 2}, "`margin` must be <= 1"),
        (ActivationMonitor, {"bins": 0}, "`bins` must be >= 1"),
        (TensorBoardLog, {"path": 3}, "`path` must be a non-empty string"),
        (TensorBoardLog, {"histograms": 0}, "`histograms` must be >= 1"),
        (TensorBoardLog, {"hyperparameters": [1]}, "`hyperparameters` must be a mapping"),
        (TensorBoardLog, {"hyperparameters": {"a": object()}}, "must be numbers, strings"),
        (TensorBoardLog, {"hyperparameters": {1: 2}}, "must be strings"),
        (ProgressBar, {"every": 0}, "`every` must be >= 1"),
        (ProgressBar, {"every": True}, "`every` must be a whole number"),
        (LearningRateFinder, {"min_lr": 1.0, "max_lr": 0.1}, "must be > 0 and rise"),
        (ReduceOnPlateau, {"factor": 1.0}, "`factor` must be between 0 and 1"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else None,
)
def test_bad_arguments_raise_when_it_is_made(cls, arguments, message):
    with pytest.raises(ValueError, match=message):
        cls(**arguments)


@pytest.mark.parametrize(
    "make",
    [
        lambda: EarlyStopping("x"),
        lambda: TopCheckpoints(monitor="x"),
        lambda: DivergenceGuard("x"),
        lambda: FitDiagnosis("x"),
        lambda: EarlyStopping(prechelt={"pq": 1.0, "training_monitor": "x"}),
    ],
)
def test_what_is_monitored_must_be_logged(make):
    with pytest.raises(ValueError, match=r"monitors `x`, which is not logged\. Logged are: loss"):
        fitted(make(), epochs=1)
