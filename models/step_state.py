"""State of the training step: the sums of an epoch's metrics, and variables that are saved."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

# Metrics of the training step alone; evaluation has no gradient.
NORM, CLIPPED_NORM, CLIPPED, NONFINITE, RATIO = STEP_METRICS = (
    "gradient_norm",
    "clipped_norm",
    "clipped_steps",
    "nonfinite_steps",
    "update_ratio",
)


class StepStatistics(keras.metrics.Metric):
    """Means over the updates of an epoch, all in one variable: three times as fast as one each.

    Args:
        clipping: whether gradients are clipped, and the effect is reported.
        size: number of trainable variables.
    """

    def __init__(self, clipping: bool, size: int):
        super().__init__(name="training_step", dtype="float32")
        self.clipping = clipping
        # Updates, those with a finite gradient; then the sum of each row of `report`.
        # In float32 whatever `keras.config.floatx` is, as norms are computed.
        self._sums = self.add_variable((5 + size,), "zeros", "float32", name="sums")
        self._ratio = self.add_variable((2,), "zeros", "float32", name="ratio")

    def update_state(  # type: ignore[override]
        self,
        norm: tf.Tensor,
        norms: tf.Tensor,
        clipped_norm: tf.Tensor | None = None,
        cut: tf.Tensor | None = None,
    ) -> None:
        """Add one update.

        Args:
            norm: global norm before clipping.
            norms: norm of each variable's gradient.
            clipped_norm: global norm after clipping; None without clipping.
            cut: whether clipping cut anything.
        """
        one = tf.constant(1.0)
        if cut is None or clipped_norm is None:
            row = tf.concat([tf.stack([one, one, norm, one, one]), norms], axis=0)
            self._sums.value.assign_add(row)
            return
        parts = [one, one, norm, clipped_norm, tf.cast(cut, tf.float32)]
        row = tf.concat([tf.stack(parts), norms], axis=0)
        # A NaN would hide the norms of the whole epoch: such an update is only counted.
        count_only = tf.one_hot(0, row.shape[0])
        self._sums.value.assign_add(tf.where(tf.math.is_finite(norm), row, count_only))

    def add_ratio(self, ratio: tf.Tensor) -> None:
        """Add the size of one update as a fraction of the weights."""
        self._ratio.value.assign_add(tf.stack([ratio, tf.constant(1.0)]))

    def result(self) -> dict[str, tf.Tensor]:
        """The means so far, by name."""
        updates, finite, *sums = tf.unstack(tf.convert_to_tensor(self._sums.value)[:5])
        means = tf.unstack(tf.math.divide_no_nan(tf.stack(sums), finite))
        ratio, measured = tf.unstack(tf.convert_to_tensor(self._ratio.value))
        found = {NORM: means[0], RATIO: tf.math.divide_no_nan(ratio, measured)}
        if not self.clipping:
            return found
        nonfinite = tf.math.divide_no_nan(updates - finite, updates)
        return {**found, CLIPPED_NORM: means[1], CLIPPED: means[2], NONFINITE: nonfinite}

    def updates(self) -> tf.Tensor:
        """How many updates there were in this epoch."""
        return tf.convert_to_tensor(self._sums.value)[0]

    def norms(self) -> np.ndarray:
        """Mean norm of each variable's gradient in this epoch."""
        sums = np.asarray(self._sums)
        return sums[5:] / max(sums[1], 1.0)


class StepMemory(keras.layers.Layer):
    """Variables of the training step that are saved with the model, by name.

    It is a layer so that Keras saves it, but it is not a layer of the model, whose weights are
    those of the network alone.
    """

    def __init__(self):
        super().__init__(name="training_memory", dtype="float32", trainable=False)
        self.built = True
        self._named: dict[str, keras.Variable] = {}

    def add(self, name: str, initial: npt.ArrayLike, dtype: str = "float32") -> None:
        """Make a variable with an initial value."""
        value = np.asarray(initial)
        self._named[name] = self.add_weight(
            shape=value.shape,
            initializer=lambda shape, dtype: tf.cast(value, dtype),
            dtype=dtype,
            trainable=False,
            aggregation="only_first_replica",
            name=name,
        )

    def add_like(
        self, prefix: str, variables: Sequence[keras.Variable], *, zeros: bool = False
    ) -> None:
        """Make `prefix_0`, `prefix_1`, ...: one a variable, with its value or zeros."""
        for index, variable in enumerate(variables):
            value = np.array(variable)
            initial = np.zeros_like(value) if zeros else value
            self.add(f"{prefix}_{index}", initial, variable.dtype)

    def __getitem__(self, name: str) -> keras.Variable:
        return self._named[name]

    def __contains__(self, name: str) -> bool:
        return name in self._named

    def group(self, prefix: str, count: int) -> list[keras.Variable]:
        """The variables `prefix_0` to `prefix_{count - 1}`."""
        return [self[f"{prefix}_{index}"] for index in range(count)]

    def save_own_variables(self, store: MutableMapping[str, np.ndarray]) -> None:
        """Write the variables by name."""
        for name, variable in self._named.items():
            store[name] = variable.numpy()

    def load_own_variables(self, store: Mapping[str, np.ndarray]) -> None:
        """Read the variables; a file of weights alone has none, and they keep their values."""
        if not store.keys():
            return
        different = set(self._named) ^ set(store.keys())
        if different:
            raise ValueError(
                "The saved training state is that of another training step. Only one of the two "
                f"has: {', '.join(sorted(different))}"
            )
        for name, variable in self._named.items():
            variable.assign(store[name])
