"""Fine-tuning of a generative network with the wake-sleep (up-down) algorithm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike
from tensorflow import Tensor

from ..optimizers import updating
from ..schedules.arguments import check_steps
from .dbn import DBN
from .hidden_units import BernoulliHidden
from .rbm import RBM
from .rows import as_rows
from .sampling import Key
from .saving import GenerativeModel, StepMeans
from .units import Bernoulli, Softmax

# A layer's weights of both directions, by name.
Weights: TypeAlias = Mapping[str, keras.Variable]
Batch: TypeAlias = tuple[Tensor, ...]


@keras.saving.register_keras_serializable(package="keras_recipes")
class WakeSleep(GenerativeModel):
    """The up-down algorithm for a network with a label layer (Hinton, Osindero & Teh 2006).

    The topmost RBM is an undirected associative memory of the layer below it and the label; the
    layers below have recognition weights for the upward pass and generative ones for the downward
    pass, which both start as the RBMs' weights. An update does, for a batch:

    - wake: draw an upward pass; each layer's generative weights learn to predict the layer below,
      dW = (v - p(v | h)) h';
    - the associative memory takes `k` Gibbs steps and learns by contrastive divergence;
    - sleep: draw a downward pass from there; the recognition weights of each layer learn to predict
      what was above, dR = v' (h - q(h | v)).

    `fit(x, y)` trains, with y integers; the log has `generation_error` (mean squared error of
    the lowest layer's prediction) and `accuracy` (of the labels that the free energy of the memory
    prefers, on the batch).

    Args:
        dbn: a network of Bernoulli units, trained but for its top: the topmost RBM has
            `Softmax(categories, binary=units of the RBM below)` as visible units.
        k: Gibbs steps of the memory, >= 1.
        seed: of the draws.
        name: of the model.

    Raises:
        ValueError: other units, or a single RBM.

    >>> rows = (np.arange(32).reshape(8, 4) % 3 == 0).astype("float32")
    >>> dbn = DBN([RBM(3), RBM(5, visible=Softmax(2, binary=3))])
    >>> dbn.rbms[0].build((None, 4))
    >>> model = WakeSleep(dbn)
    >>> model.compile(keras.optimizers.SGD(0.1))
    >>> history = model.fit(rows, np.arange(8) % 2, epochs=1, verbose=0)
    >>> model.generate([0, 1], sweeps=2).shape
    (2, 4)
    """

    def __init__(self, dbn: DBN, k: int = 3, *, seed: int = 0, name: str | None = None):
        super().__init__(name=name)
        label = _check(dbn)
        self.categories, self.below_top = label.categories, label.binary
        self.dbn, self.k, self.seed = dbn, check_steps("k", k), check_steps("seed", seed, ge=0)
        self.step_means = StepMeans(("generation_error", "accuracy"))
        for rbm in dbn.rbms[:-1]:
            if not rbm.built:
                raise ValueError(f"`{rbm.name}` has no weights yet: train it first.")
        self._build_weights()

    @property
    def top(self) -> RBM:
        """The associative memory."""
        return self.dbn.rbms[-1]

    def call(self, inputs: Tensor) -> Tensor:
        """Probability of each label: softmax of minus the memory's free energy."""
        for layer in self.layer_weights:
            inputs = _up(inputs, layer)
        return self._label_probabilities(inputs)

    def train_step(self, data: Batch) -> dict[str, Tensor]:
        """One up-down update."""
        x, y = _pair(data)
        x = tf.cast(x, tf.float32)
        labels = tf.one_hot(tf.cast(tf.reshape(y, [-1]), tf.int32), self.categories)
        key = Key(self.seed + 5, self.optimizer.iterations.value)
        states = self._upward_pass(x, key)
        wake, error = self._wake(states)
        memory, below = self._memory(tf.concat([states[-1], labels], -1), key)
        sleep = self._sleep(below, key)
        correct = tf.argmax(self._label_probabilities(states[-1]), -1) == tf.argmax(labels, -1)
        with updating(self.optimizer):
            self.optimizer.apply([*wake, *memory, *sleep], self.updated_variables)
        accuracy = tf.reduce_mean(tf.cast(correct, tf.float32))
        self.step_means.update_state({"generation_error": error, "accuracy": accuracy})
        return self.get_metrics_result()

    def test_step(self, data: Batch) -> dict[str, Tensor]:
        """Accuracy of a batch, by means, and the lowest layer's error."""
        x, y = _pair(data)
        x = tf.cast(x, tf.float32)
        chosen = tf.argmax(self(x), -1, tf.int64)
        accuracy = tf.reduce_mean(
            tf.cast(chosen == tf.cast(tf.reshape(y, [-1]), tf.int64), tf.float32)
        )
        lowest = self.layer_weights[0]
        error = tf.reduce_mean(tf.square(x - _down(_up(x, lowest), lowest)))
        self.step_means.update_state({"generation_error": error, "accuracy": accuracy})
        return self.get_metrics_result()

    def generate(self, labels: ArrayLike, *, sweeps: int = 200, seed: int = 0) -> np.ndarray:
        """Draw rows given labels.

        Args:
            labels: integers, one a row.
            sweeps: Gibbs steps of the memory with the label clamped, >= 1.
            seed: of the draws.

        Returns:
            Means of the visible units.
        """
        chosen = np.asarray(labels)
        if chosen.ndim != 1 or chosen.dtype.kind not in "iu":
            raise ValueError(f"Argument `labels` must be integers. Received: {labels!r}")
        one_hot = np.eye(self.categories, dtype="float32")[chosen]
        key = Key(self.seed + 6, check_steps("seed", seed, ge=0))
        width = self.below_top
        start = np.asarray(tf.cast(key.uniform([len(chosen), width], 0) < 0.5, tf.float32))
        clamped = np.arange(width + self.categories) >= width
        drawn = self.top.sample(
            start=np.concatenate([start, one_hot], 1), clamped=clamped, sweeps=sweeps, seed=seed
        )
        h = tf.constant(drawn[:, :width])
        for index, layer in self._from_the_top():
            mean = _down(h, layer)
            h = key.bernoulli(mean, index + 1) if index else mean
        return h.numpy()

    @property
    def updated_variables(self) -> list[keras.Variable]:
        """Generative weights, the memory's, and recognition weights."""
        down = [layer[name] for layer in self.layer_weights for name in ("down", "down_bias")]
        up = [layer[name] for _, layer in self._from_the_top() for name in ("up", "up_bias")]
        top = self.top
        return [*down, top.kernel, top.visible_bias, top.hidden_bias, *up]

    def _build_weights(self) -> None:
        """Two sets of weights for each layer below the memory, both the RBM's at first."""
        below = self.dbn.rbms[:-1]
        if not self.top.built:
            self.top.build((None, below[-1].units + self.categories))
        self.layer_weights: list[Weights] = []
        for index, rbm in enumerate(below):
            initial = {
                "up": rbm.kernel,
                "up_bias": rbm.hidden_bias,
                "down": rbm.kernel,
                "down_bias": rbm.visible_bias,
            }
            weights = {}
            for name, value in initial.items():
                weights[name] = self.add_weight(tuple(value.shape), name=f"{name}_{index}")
                weights[name].assign(value)
            self.layer_weights.append(weights)
        self.built = True

    def _from_the_top(self) -> list[tuple[int, Weights]]:
        return list(enumerate(self.layer_weights))[::-1]

    def _upward_pass(self, x: Tensor, key: Key) -> list[Tensor]:
        """Data, and a draw of every layer above up to the memory."""
        states = [x]
        for index, layer in enumerate(self.layer_weights):
            states.append(key.bernoulli(_up(states[-1], layer), index))
        return states

    def _wake(self, states: list[Tensor]) -> tuple[list[Tensor], Tensor]:
        """Gradients of the generative weights, and the lowest layer's error."""
        gradients, errors = [], []
        for layer, v, h in zip(self.layer_weights, states, states[1:], strict=False):
            difference = _down(h, layer) - v
            gradients += [_mean_product(difference, h), tf.reduce_mean(difference, 0)]
            errors.append(tf.reduce_mean(tf.square(difference)))
        return gradients, errors[0]

    def _memory(self, v: Tensor, key: Key) -> tuple[list[Tensor], Tensor]:
        """Gradients of the memory by CD-k, and the states of the layer below it afterwards."""
        p = self.top.distribution()
        mean, h = p.sample_hidden(v, key, 100)
        model_v, model_mean = v, mean
        for step in range(self.k):
            model_v = p.sample_visible(h, key, 101 + 2 * step)
            model_mean, h = p.sample_hidden(model_v, key, 102 + 2 * step)
        gradients = [
            _mean_product(model_v, model_mean) - _mean_product(v, mean),
            tf.reduce_mean(model_v, 0) - tf.reduce_mean(v, 0),
            tf.reduce_mean(model_mean, 0) - tf.reduce_mean(mean, 0),
        ]
        return gradients, model_v[:, : self.below_top]

    def _sleep(self, h: Tensor, key: Key) -> list[Tensor]:
        """Gradients of the recognition weights on a draw of the downward pass."""
        gradients = []
        for index, layer in self._from_the_top():
            mean = _down(h, layer)
            # Data are intensities, so the lowest layer is not drawn.
            v = mean if index == 0 else key.bernoulli(mean, 50 + index)
            difference = _up(v, layer) - h
            gradients += [_mean_product(v, difference), tf.reduce_mean(difference, 0)]
            h = v
        return gradients

    def _label_probabilities(self, h: Tensor) -> Tensor:
        """p(label | h), exactly: the free energy of the memory with each label in turn."""
        top, binary = self.top.distribution(), self.below_top
        inputs = tf.matmul(h, top.weights[:binary]) + top.hidden_bias
        with_label = inputs[:, tf.newaxis] + top.weights[binary:]
        gain = tf.reduce_sum(tf.math.softplus(with_label), -1) + top.visible_bias[binary:]
        return tf.nn.softmax(gain)


def with_labels(rows: ArrayLike, labels: ArrayLike, categories: int) -> np.ndarray:
    """Rows with one-hot labels appended, for the topmost RBM.

    >>> with_labels([[0.5]], [1], 3).tolist()
    [[0.5, 0.0, 1.0, 0.0]]
    """
    chosen = np.asarray(labels)
    if chosen.ndim != 1 or chosen.dtype.kind not in "iu" or chosen.min() < 0:
        raise ValueError("Argument `labels` must be integers >= 0, one a row.")
    if chosen.max() >= categories:
        raise ValueError(
            f"Argument `labels` must be below {categories}. Received: {int(chosen.max())}"
        )
    matrix = as_rows(rows, Bernoulli(), None, "rows")
    return np.concatenate([matrix, np.eye(categories, dtype="float32")[chosen]], 1)


def _check(dbn: DBN) -> Softmax:
    """The visible units of the topmost RBM."""
    if not isinstance(dbn, DBN) or len(dbn.rbms) < 2:
        raise ValueError("Wake-sleep needs a `DBN` of at least two RBMs.")
    *below, top = dbn.rbms
    if not isinstance(top.visible, Softmax) or top.visible.binary != below[-1].units:
        raise ValueError(
            "The topmost RBM must have `Softmax(categories, binary="
            f"{below[-1].units})` as visible units. Received: {type(top.visible).__name__}"
        )
    if any(not isinstance(rbm.hidden, BernoulliHidden) for rbm in dbn.rbms):
        raise ValueError("Wake-sleep is for Bernoulli hidden units.")
    if any(not isinstance(rbm.visible, Bernoulli) for rbm in below):
        raise ValueError("Wake-sleep is for Bernoulli visible units.")
    return top.visible


def _pair(data: Batch) -> tuple[Tensor, Tensor]:
    """Rows and labels of a batch."""
    x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
    if y is None:
        raise ValueError("Wake-sleep needs labels: `fit(x, y)`.")
    return x, y


def _up(v: Tensor, weights: Weights) -> Tensor:
    """q(h | v) of a layer's recognition weights."""
    return tf.sigmoid(tf.matmul(v, tf.convert_to_tensor(weights["up"])) + weights["up_bias"])


def _down(h: Tensor, weights: Weights) -> Tensor:
    """p(v | h) of a layer's generative weights."""
    product = tf.matmul(h, tf.convert_to_tensor(weights["down"]), transpose_b=True)
    return tf.sigmoid(product + weights["down_bias"])


def _mean_product(rows: Tensor, states: Tensor) -> Tensor:
    """Mean over a batch of the outer products."""
    return tf.matmul(rows, states, transpose_a=True) / tf.cast(tf.shape(rows)[0], tf.float32)
