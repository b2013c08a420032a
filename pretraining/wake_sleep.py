"""Fine-tuning of a generative network with the wake-sleep (up-down) algorithm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..schedules.arguments import steps
from .dbn import DBN
from .hidden_units import BernoulliHidden
from .machine import Machine
from .progress import StepMeans
from .rbm import RBM
from .rows import checked
from .sampling import Key, shape_of
from .saving import Saved
from .units import Bernoulli, Softmax


@keras.saving.register_keras_serializable(package="keras_recipes")
class WakeSleep(Saved, keras.Model):
    """The up-down algorithm for a network with a label layer (Hinton, Osindero & Teh 2006).

    The topmost machine is an undirected associative memory of the layer below it and the label;
    the layers below have recognition weights for the way up and generative ones for the way down,
    which start as the machines' weights and part ways. An update does, for a batch:

    - wake: draw the way up; the generative weights of each layer learn to predict what was below,
      dW = (v - p(v | h)) h';
    - the associative memory takes `k` Gibbs steps and learns by contrastive divergence;
    - sleep: draw the way down from there; the recognition weights of each layer learn to predict
      what was above, dR = v' (h - q(h | v)).

    `fit(x, y)` trains, with y whole numbers; the log has `generation_error` (mean squared error of
    the lowest layer's prediction) and `accuracy` (of the labels that the free energy of the memory
    prefers, on the batch).

    Args:
        dbn: a network of Bernoulli units, trained but for its top: the topmost machine has
            `Softmax(categories, binary=units of the machine below)` as visible units.
        k: Gibbs steps of the memory, >= 1.
        seed: of the draws.
        name: of the model.

    Raises:
        ValueError: other units, or a single machine.

    >>> rows = (np.arange(32).reshape(8, 4) % 3 == 0).astype("float32")
    >>> dbn = DBN([RBM(3), RBM(5, visible=Softmax(2, binary=3))])
    >>> dbn.machines[0].build((None, 4))
    >>> model = WakeSleep(dbn)
    >>> model.compile(keras.optimizers.SGD(0.1))
    >>> history = model.fit(rows, np.arange(8) % 2, epochs=1, verbose=0)
    >>> model.generate([0, 1], sweeps=2).shape
    (2, 4)
    """

    def __init__(self, dbn: DBN, k: int = 3, *, seed: int = 0, name: str | None = None):
        super().__init__(name=name)
        _check(dbn)
        self.dbn, self.k, self.seed = dbn, steps("k", k), steps("seed", seed, ge=0)
        self.step_means = StepMeans(("generation_error", "accuracy"))
        label: Any = dbn.machines[-1].visible
        self.categories: int = label.categories
        self.below_top: int = label.binary
        for machine in dbn.machines[:-1]:
            if not machine.built:
                raise ValueError(f"`{machine.name}` has no weights yet: train it first.")
        self._build_weights()

    @property
    def top(self) -> RBM:
        """The associative memory."""
        return self.dbn.machines[-1]

    @property
    def metrics(self) -> list[Any]:
        """The means of an epoch's updates."""
        return [self.step_means]

    def compile(
        self, optimizer: Any = "sgd", *, steps_per_execution: int = 50, run_eagerly: bool = False
    ) -> None:
        """Say how to train; there is no loss to choose."""
        self._given = {"steps_per_execution": steps_per_execution, "run_eagerly": run_eagerly}
        super().compile(optimizer=optimizer, jit_compile=False, **self._given)

    def call(self, inputs: Any) -> Any:
        """Probability of each label: softmax of minus the memory's free energy."""
        for layer in self.ways:
            inputs = tf.sigmoid(_input(inputs, layer["up"], layer["up_bias"]))
        return self._label_probabilities(inputs)

    def train_step(self, data: Any) -> dict[str, Any]:
        """One up-down update."""
        x, y = _pair(data)
        x = tf.cast(x, tf.float32)
        labels = tf.one_hot(tf.cast(tf.reshape(y, [-1]), tf.int32), self.categories)
        key = Key(self.seed + 5, self.optimizer.iterations.value)
        states = self._way_up(x, key)
        wake, error = self._wake(states)
        memory, below = self._memory(tf.concat([states[-1], labels], -1), key)
        sleep = self._sleep(below, key)
        correct = tf.argmax(self._label_probabilities(states[-1]), -1) == tf.argmax(labels, -1)
        self.optimizer.apply([*wake, *memory, *sleep], self.updated())
        accuracy = tf.reduce_mean(tf.cast(correct, tf.float32))
        self.step_means.update_state({"generation_error": error, "accuracy": accuracy})
        return self.get_metrics_result()

    def test_step(self, data: Any) -> dict[str, Any]:
        """Accuracy of a batch, by means, and the lowest layer's error."""
        x, y = _pair(data)
        x = tf.cast(x, tf.float32)
        chosen = tf.argmax(self(x), -1, tf.int64)
        accuracy = tf.reduce_mean(
            tf.cast(chosen == tf.cast(tf.reshape(y, [-1]), tf.int64), tf.float32)
        )
        way = self.ways[0]
        h = tf.sigmoid(_input(x, way["up"], way["up_bias"]))
        error = tf.reduce_mean(tf.square(x - _down(h, way)))
        self.step_means.update_state({"generation_error": error, "accuracy": accuracy})
        return self.get_metrics_result()

    def generate(self, labels: Any, *, sweeps: int = 200, seed: int = 0) -> np.ndarray:
        """Rows that the network makes up for labels.

        Args:
            labels: whole numbers, a row each.
            sweeps: Gibbs steps of the memory with the label held, >= 1.
            seed: of the draws.

        Returns:
            Means of the visible units.
        """
        chosen = np.asarray(labels)
        if chosen.ndim != 1 or chosen.dtype.kind not in "iu":
            raise ValueError(f"Argument `labels` must be whole numbers. Received: {labels!r}")
        one_hot = np.eye(self.categories, dtype="float32")[chosen]
        key = Key(self.seed + 6, steps("seed", seed, ge=0))
        width = self.below_top
        start = np.asarray(tf.cast(key.uniform([len(chosen), width], 0) < 0.5, tf.float32))
        clamped = np.arange(width + self.categories) >= width
        drawn = self.top.sample(
            start=np.concatenate([start, one_hot], 1), clamped=clamped, sweeps=sweeps, seed=seed
        )
        h: Any = tf.constant(drawn[:, :width])
        for index, way in reversed(list(enumerate(self.ways))):
            mean = _down(h, way)
            h = _drawn(mean, key, index + 1) if index else mean
        return h.numpy()

    def _build_weights(self) -> None:
        """Two sets of weights for each layer below the memory, both the machine's at first."""
        below = self.dbn.machines[:-1]
        if not self.top.built:
            self.top.build((None, below[-1].units + self.categories))
        self.ways: list[dict[str, Any]] = []
        for index, machine in enumerate(below):
            values = {
                "up": machine.kernel,
                "up_bias": machine.hidden_bias,
                "down": machine.kernel,
                "down_bias": machine.visible_bias,
            }
            way = {}
            for name, value in values.items():
                way[name] = self.add_weight(name=f"{name}_{index}", shape=tuple(value.shape))
                way[name].assign(value)
            self.ways.append(way)
        self.built = True

    def _way_up(self, x: Any, key: Key) -> list[Any]:
        """Data and a draw of every layer above, up to the memory."""
        states = [x]
        for index, way in enumerate(self.ways):
            mean = tf.sigmoid(_input(states[-1], way["up"], way["up_bias"]))
            states.append(_drawn(mean, key, index))
        return states

    def updated(self) -> list[Any]:
        """What an update changes: generative weights, the memory's, and recognition weights."""
        down = [way[name] for way in self.ways for name in ("down", "down_bias")]
        up = [way[name] for way in reversed(self.ways) for name in ("up", "up_bias")]
        top = self.top
        return [*down, top.kernel, top.visible_bias, top.hidden_bias, *up]

    def _wake(self, states: list[Any]) -> tuple[list[Any], Any]:
        """Gradients of the generative weights, and the lowest layer's error."""
        gradients, errors = [], []
        for way, v, h in zip(self.ways, states, states[1:], strict=False):
            wrong = _down(h, way) - v
            gradients += [_mean_product(wrong, h), tf.reduce_mean(wrong, 0)]
            errors.append(tf.reduce_mean(tf.square(wrong)))
        return gradients, errors[0]

    def _memory(self, v: Any, key: Key) -> tuple[list[Any], Any]:
        """Gradients of the memory by CD-k, and the states of the layer below it afterwards."""
        machine: Machine = self.top.machine()
        mean, h = machine.hidden_draw(v, key, 100)
        again: Any = v
        for step in range(self.k):
            again = machine.visible_draw(h, key, 101 + 2 * step)
            after, h = machine.hidden_draw(again, key, 102 + 2 * step)
        gradients = [
            _mean_product(again, after) - _mean_product(v, mean),
            tf.reduce_mean(again, 0) - tf.reduce_mean(v, 0),
            tf.reduce_mean(after, 0) - tf.reduce_mean(mean, 0),
        ]
        return gradients, again[:, : self.below_top]

    def _sleep(self, h: Any, key: Key) -> list[Any]:
        """Gradients of the recognition weights on a draw of the way down."""
        gradients = []
        for index, way in reversed(list(enumerate(self.ways))):
            mean = _down(h, way)
            # Data are intensities, so the lowest layer is dreamt as such.
            v = mean if index == 0 else _drawn(mean, key, 50 + index)
            wrong = tf.sigmoid(_input(v, way["up"], way["up_bias"])) - h
            gradients += [_mean_product(v, wrong), tf.reduce_mean(wrong, 0)]
            h = v
        return gradients

    def _label_probabilities(self, h: Any) -> Any:
        """p(label | h), exactly: the free energy of the memory with each label in turn."""
        top, binary = self.top.machine(), self.below_top
        inputs = tf.matmul(h, top.weights[:binary]) + top.hidden_bias
        with_label = inputs[:, tf.newaxis] + top.weights[binary:]
        gain = tf.reduce_sum(tf.math.softplus(with_label), -1) + top.visible_bias[binary:]
        return tf.nn.softmax(gain)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            "dbn": keras.saving.serialize_keras_object(self.dbn),
            "k": self.k,
            "seed": self.seed,
            "name": self.name,
        }


def with_labels(rows: Any, labels: Any, categories: int) -> np.ndarray:
    """Rows with one-hot labels behind them, for the machine on top.

    >>> with_labels([[0.5]], [1], 3).tolist()
    [[0.5, 0.0, 1.0, 0.0]]
    """
    chosen = np.asarray(labels)
    if chosen.ndim != 1 or chosen.dtype.kind not in "iu" or chosen.min() < 0:
        raise ValueError("Argument `labels` must be whole numbers >= 0, one a row.")
    if chosen.max() >= categories:
        raise ValueError(
            f"Argument `labels` must be below {categories}. Received: {int(chosen.max())}"
        )
    made = checked(rows, Bernoulli(), None, "rows")
    return np.concatenate([made, np.eye(categories, dtype="float32")[chosen]], 1)


def _check(dbn: DBN) -> None:
    if not isinstance(dbn, DBN) or len(dbn.machines) < 2:
        raise ValueError("Wake-sleep needs a `DBN` of at least two machines.")
    *below, top = dbn.machines
    if not isinstance(top.visible, Softmax) or top.visible.binary != below[-1].units:
        raise ValueError(
            "The topmost machine must have `Softmax(categories, binary="
            f"{below[-1].units})` as visible units. Received: {type(top.visible).__name__}"
        )
    for machine in dbn.machines:
        if not isinstance(machine.hidden, BernoulliHidden):
            raise ValueError("Wake-sleep is for Bernoulli hidden units.")
    if any(not isinstance(machine.visible, Bernoulli) for machine in below):
        raise ValueError("Wake-sleep is for Bernoulli visible units.")


def _pair(data: Any) -> tuple[Any, Any]:
    """Rows and labels of a batch."""
    x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
    if y is None:
        raise ValueError("Wake-sleep needs labels: `fit(x, y)`.")
    return x, y


def _input(v: Any, weights: Any, bias: Any) -> Any:
    return tf.matmul(v, tf.convert_to_tensor(weights)) + bias


def _down(h: Any, way: Mapping[str, Any]) -> Any:
    """p(v | h) of a layer's generative weights."""
    product = tf.matmul(h, tf.convert_to_tensor(way["down"]), transpose_b=True)
    return tf.sigmoid(product + way["down_bias"])


def _drawn(mean: Any, key: Key, purpose: int) -> Any:
    return tf.cast(key.uniform(shape_of(mean), purpose) < mean, tf.float32)


def _mean_product(rows: Any, states: Any) -> Any:
    """Mean over a batch of the outer products."""
    return tf.matmul(rows, states, transpose_a=True) / tf.cast(tf.shape(rows)[0], tf.float32)
