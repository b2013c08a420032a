"""Small trainings that can be interrupted and taken up, and what is left of each."""

import keras
import numpy as np
import pytest

from keras_recipes import callbacks, models, schedules
from keras_recipes.callbacks.run_state import RunState, TrainingInterrupted

X = np.random.default_rng(0).normal(size=(22, 4)).astype("float32")
Y = (X[:, :1] * X[:, 1:2] > 0).astype("float32")


def network(kind=keras.Model, **parts):
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(6, "relu")(inputs)
    hidden = keras.layers.BatchNormalization()(hidden)
    hidden = keras.layers.Dropout(0.3)(hidden)
    return kind(inputs, keras.layers.Dense(1, "sigmoid")(hidden), **parts)


def plain():
    """Keras's own model and callbacks."""
    model = network()
    model.compile(keras.optimizers.Adam(0.05), "binary_crossentropy", metrics=["accuracy"])
    watchers = [
        keras.callbacks.EarlyStopping("val_loss", patience=2, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1),
        keras.callbacks.CSVLogger("log.csv"),
        keras.callbacks.ModelCheckpoint("best.keras", "loss", save_best_only=True),
    ]
    return model, watchers


def averaged():
    """A moving average of the weights, and clipping by the norms of the past."""
    model = network(
        models.TrainingModel,
        gradient_clipping=models.GradientClipping(percentile={"percentile": 50, "history": 4}),
        weight_averaging=models.WeightAveraging(0.8),
        weight_decay=models.WeightDecay(1e-2),
    )
    rate = schedules.Plateau(schedules.Cosine(0.1, 20))
    model.compile(keras.optimizers.SGD(rate, momentum=0.9), "binary_crossentropy")
    watchers = [
        callbacks.MetricsLog("metrics.jsonl"),
        callbacks.BestCheckpoint("best.keras"),
        callbacks.ReduceOnPlateau("loss", factor=0.5, patience=1),
        callbacks.EarlyStopping("val_loss", patience=3),
        callbacks.GradientMonitor(path="gradients.jsonl", verbose=False),
        callbacks.FitDiagnosis(verbose=False),
        callbacks.DivergenceGuard("loss", limit=0.85, verbose=False, max_rollbacks=9),
    ]
    return model, watchers


def accumulated():
    """Gradients that are added up over the ends of epochs, with noise and a saved top few."""
    model = network(
        models.TrainingModel,
        gradient_accumulation=2,
        gradient_transforms=[models.GradientNoise(0.01, seed=3)],
    )
    model.compile(keras.optimizers.RMSprop(0.01), "binary_crossentropy", metrics=["accuracy"])
    watchers = [
        callbacks.MetricsLog("metrics.jsonl"),
        callbacks.TopCheckpoints("top", k=2),
        callbacks.PeriodicCheckpoint("every", steps=2, keep=2),
        callbacks.ActivationMonitor(X, path="activations.jsonl", verbose=False),
    ]
    return model, watchers


def phased():
    """Three phases, the first of which ends early, with a fresh optimizer in the third."""
    parts = {"weight_averaging": models.WeightAveraging(0.8), "gradient_accumulation": 2}
    model = network(models.TrainingModel, **parts)
    rate = schedules.Phased(0.05, [None, schedules.Linear(0.1, 6, 0.01), 0.02], [0, 3, 6])
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy")
    names = [layer.name for layer in model.layers if layer.weights]
    early = callbacks.EarlyStopping("val_loss", patience=1, min_delta=0.5)
    phases = callbacks.Phases(
        [
            callbacks.Phase(3, freeze=f"^{names[0]}$"),
            callbacks.Phase(1, freeze=f"^{names[2]}$"),
            callbacks.Phase(2, freeze=True, gradual=1, optimizer="fresh"),
        ],
        early,
        verbose=False,
    )
    return model, [phases, callbacks.MetricsLog("metrics.jsonl"), early]


KINDS = {"plain": plain, "averaged": averaged, "accumulated": accumulated, "phased": phased}


class Training:
    """One kind of training, from a new model each time, as in a new process."""

    def __init__(self, kind="plain", *, steps_per_execution=1, epochs=4, data=None, eager=True):
        self.kind, self.data, self.eager = KINDS[kind], data, eager
        self.epochs = 6 if kind == "phased" else epochs
        self.steps_per_execution = steps_per_execution

    def run(self, folder, stop=None, **state):
        """What is left of a training; the place, in words, where it was interrupted."""
        keras.backend.clear_session(free_memory=False)  # names begin anew, as in a new process
        keras.utils.set_random_seed(7)
        model, watchers = self.kind()
        model.run_eagerly = self.eager
        model.steps_per_execution = self.steps_per_execution
        options = {"every": "1000 epochs", "verbose": False, **state}
        kept = RunState(folder, stop=stop, **options)
        data, arguments = (X, Y), {"batch_size": 8}
        if self.data is not None:
            data, arguments = self.data(X, Y)
        watchers.insert(1, kept)
        try:
            history = model.fit(
                *data,
                epochs=self.epochs,
                validation_data=(X[:8], Y[:8]),
                callbacks=watchers,
                verbose=0,
                **arguments,
            )
        except TrainingInterrupted as interrupted:
            return str(interrupted)
        return self.left(model, watchers, history)

    def left(self, model, watchers, history):
        """Everything that must not depend on interruptions."""
        memory = getattr(model, "step_variables", [])
        variables = [*model.variables, *memory, *model.optimizer.variables]
        states = [
            {name: value for name, value in watcher.get_state().items() if name != "elapsed"}
            for watcher in watchers
            if hasattr(watcher, "get_state")
        ]
        return {
            "variables": [np.asarray(variable).tobytes() for variable in variables],
            "history": history.history,
            "epochs": history.epoch,
            "states": states,
        }


@pytest.fixture
def training():
    return Training


@pytest.fixture
def rows():
    """The rows of all trainings, and their targets."""
    return X, Y
