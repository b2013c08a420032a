"""Trains recipes that ship from several seeds, quickly: a whole training is one TensorFlow graph.

`keras_recipes.train` writes a run directory, watches gradients, keeps checkpoints, makes a report,
and traces its step anew. Here the network, order, step and optimizer of a recipe are one graph for
all trainings that differ in seed, initial weights and learning rate alone, and nothing is written.
What is computed is what `keras-recipes train` computes, but for rounding;
`tests/test_techniques.py` compares them.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

import keras_recipes
from keras_recipes.callbacks.variables import variable_groups
from keras_recipes.recipes.build.compiling import optimizer
from keras_recipes.recipes.build.experiment import Experiment, experiment
from keras_recipes.recipes.build.heads import ends_of
from keras_recipes.recipes.build.inputs import data_of
from keras_recipes.recipes.build.network import network
from keras_recipes.recipes.build.objects import Builder
from keras_recipes.recipes.build.pretraining import pretraining
from keras_recipes.recipes.data.order import batch_rows, order_of
from keras_recipes.recipes.run.pretrain import pretrain_without_run

SEEDS = (1, 2, 3, 4, 5)
# Rows are divided by one seed, so that runs differ by initial weights and order alone. The short
# last batch of an epoch would be a second program to compile.
COMMON = ("data.seed=1", "data.drop_remainder=true")
CURVES = ("loss", "val_loss", "val_accuracy", "gradient_norm")


@dataclass(frozen=True)
class Course:
    """One training.

    Attributes:
        curves: `loss` and `gradient_norm`, means over the updates of an epoch; `val_loss` and
            `val_accuracy` after it. Each has shape (epochs,).
        outputs: of the trained network for the test rows, (rows, outputs).
        targets: of the test rows.
    """

    curves: dict[str, np.ndarray]
    outputs: np.ndarray
    targets: np.ndarray

    def last(self, name: str) -> float:
        """A curve's value after the last epoch."""
        return float(self.curves[name][-1])

    @property
    def accuracy(self) -> float:
        """The fraction of test rows whose class has the largest output."""
        return accuracy_of(self.outputs, self.targets)

    def stopped(self, patience: int) -> int:
        """The epoch, from 1, whose weights early stopping on `val_loss` restores."""
        losses, best = self.curves["val_loss"], 0
        for epoch, value in enumerate(losses):
            if value < losses[best]:
                best = epoch
            elif epoch - best >= patience:
                break
        return best + 1


def accuracy_of(outputs: np.ndarray, targets: np.ndarray) -> float:
    """The fraction of rows whose class has the largest output."""
    return float(np.mean(outputs.argmax(-1) == targets))


def load(name: str, overrides: Sequence[str] = (), seed: int = 1) -> keras_recipes.Recipe:
    """A recipe that ships, with overrides as one types them after `keras-recipes train NAME`."""
    return keras_recipes.load(name, [*COMMON, *overrides, f"seed={seed}"])


def built_of(recipe: keras_recipes.Recipe) -> Experiment:
    """Data and compiled network of a recipe, with the variables of its optimizer."""
    built = experiment(recipe, data_of(recipe), Path("unused"))
    built.model.optimizer.build(built.model.trainable_variables)
    return built


class Program:
    """Trainings of a recipe that differ in seed, initial weights and learning rate alone.

    Args:
        name: of a recipe that ships.
        overrides: changes to it.
        jit: compile with XLA, which takes some seconds and makes each training faster; for
            programs of many trainings or steps.
    """

    def __init__(self, name: str, overrides: Sequence[str] = (), *, jit: bool = False):
        self.name, self.overrides = name, list(overrides)
        recipe = load(name, [*overrides, "learning_rate=0.1", "pretraining=null"])
        self.epochs = recipe.epochs
        self.built = built_of(recipe)
        self.model: Any = self.built.model
        groups = variable_groups(self.model)
        others = [v for name in groups if name != "model" for v in groups[name]]
        self._others = [(variable, np.array(variable)) for variable in others]
        self._beginnings: dict[tuple, tuple[np.ndarray, list[np.ndarray]]] = {}
        self._run = _compiled(recipe, self.built, jit)
        self.steps = len(self.built.data.train.y) // batch_rows(
            len(self.built.data.train.y), recipe.data.batch_size
        )

    def courses(
        self, overrides: Sequence[str] = (), seeds: Sequence[int] = SEEDS, **options: Any
    ) -> list[Course]:
        """A training from each seed; the arguments are those of `train`."""
        return [self.train(overrides, seed, **options) for seed in seeds]

    def train(
        self,
        overrides: Sequence[str] = (),
        seed: int = 1,
        *,
        rate: float | None = None,
        change: Callable[[Any], None] = lambda model: None,
        epochs: int | None = None,
    ) -> Course:
        """Train once.

        Args:
            overrides: changes to the recipe that leave the program as it is: initial weights, the
                learning rate and its schedule.
            seed: of initial weights, order and dropout.
            rate: a learning rate in place of the recipe's.
            change: of the network before its first step.
            epochs: fewer of them than the recipe's.
        """
        rates = self.begin(overrides, seed)
        if rate is not None:
            rates = np.full_like(rates, rate)
        change(self.model)
        rows = len(self.built.data.train.y)
        orders = tf.stack([order_of(rows, seed, epoch) for epoch in range(self.epochs)])
        count = epochs or self.epochs
        found = self._run(orders, tf.constant(rates, tf.float32), tf.constant(count)).numpy()
        test = self.built.data.test
        assert test is not None
        outputs = self.model(np.asarray(test.x, "float32"), training=False).numpy()
        curves = {name: found[:count, place] for place, name in enumerate(CURVES)}
        return Course(curves, outputs, np.asarray(test.y))

    def begin(self, overrides: Sequence[str], seed: int) -> np.ndarray:
        """Put the recipe's initial weights into the network; return its rates (epochs, steps)."""
        key = (*overrides, seed)
        if key not in self._beginnings:
            recipe = load(self.name, [*self.overrides, *overrides], seed)
            self._beginnings[key] = self._beginning(recipe)
        rates, weights = self._beginnings[key]
        pairs = [
            *zip(self.model.variables, weights, strict=True),
            *((variable, value) for variable, value in self._others),
        ]
        for variable, value in pairs:
            variable.assign(value)
        return rates

    def _beginning(self, recipe: keras_recipes.Recipe) -> tuple[np.ndarray, list[np.ndarray]]:
        """The rates and initial weights of a recipe, as `experiment` makes them."""
        keras.utils.set_random_seed(recipe.seed)
        builder = Builder(recipe, self.steps, Path("unused"))
        task = ends_of(recipe, self.built.data)
        model = network(recipe, self.built.data, task, builder, None, "float32")
        pretrain_without_run(pretraining(recipe, self.built.data, model), model)
        rate = optimizer(recipe, builder)._learning_rate
        steps = np.arange(self.epochs * self.steps)
        rates = np.asarray(rate(steps)) if callable(rate) else np.full(len(steps), float(rate))
        return rates.reshape(self.epochs, self.steps), [np.array(v) for v in model.variables]


def _compiled(recipe: keras_recipes.Recipe, built: Experiment, jit: bool) -> Any:
    """A function from orders (epochs, rows), rates (epochs, steps) and epochs to curves."""
    model: Any = built.model
    assert built.training.held is not None
    assert built.validation is not None
    rows = len(built.data.train.y)
    x, y = built.training.held.gather(tf.range(rows))
    (x_val, y_val), *_ = list(built.validation)
    size = batch_rows(rows, recipe.data.batch_size)
    steps = rows // size
    model.train_step((x[:size], y[:size]))  # makes variables

    def update(step: Any, order: Any, rates: Any) -> Any:
        model.optimizer.learning_rate.assign(rates[step])
        chosen = tf.slice(order, [step * size], [size])
        model.train_step((tf.gather(x, chosen), tf.gather(y, chosen)))
        return step + 1, order, rates

    def epoch(number: Any, orders: Any, rates: Any, count: Any, curves: Any) -> Any:
        for metric in model.metrics:
            metric.reset_state()
        start = [tf.constant(0), orders[number], rates[number]]
        tf.while_loop(lambda step, *_: step < steps, update, start, parallel_iterations=1)
        logs = model.get_metrics_result()
        outputs = model(tf.cast(x_val, tf.float32), training=False)
        loss = model.compute_loss(y=y_val, y_pred=outputs, training=False)
        found = [logs["loss"], loss, _accuracy(y_val, outputs), logs["gradient_norm"]]
        row = tf.stack([tf.cast(value, tf.float32) for value in found])
        curves = tf.tensor_scatter_nd_update(curves, [[number]], row[None])
        return number + 1, orders, rates, count, curves

    @tf.function(jit_compile=jit, autograph=False)
    def run(orders: Any, rates: Any, count: Any) -> Any:
        start = [tf.constant(0), orders, rates, count, tf.zeros((recipe.epochs, len(CURVES)))]
        more: Any = lambda number, orders, rates, count, curves: number < count  # noqa: E731
        return tf.while_loop(more, epoch, start, parallel_iterations=1)[-1]

    return run


def _accuracy(y: Any, outputs: Any) -> Any:
    """The fraction of rows whose class has the largest output; of numbers it means nothing."""
    one_hot = len(y.shape) == 2 and y.shape[-1] > 1
    classes = tf.argmax(y, -1) if one_hot else tf.cast(tf.reshape(y, [-1]), tf.int64)
    right = tf.equal(classes, tf.argmax(outputs, -1))
    return tf.reduce_mean(tf.cast(right, tf.float32))


def free() -> None:
    """Forget the networks of a technique before those of the next."""
    keras.backend.clear_session()
