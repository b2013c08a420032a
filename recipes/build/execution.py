"""How the training step runs: compiled by XLA or not, and how often in a row."""

import math

import keras
import tensorflow as tf

from ...models.training_step import TrainingStep
from ...models.transforms import GradientNoise

# Returning to Python costs some 0.2 ms; more than this many steps at once gain nothing more.
MOST_STEPS = 128
# Ctrl-C, callbacks and the progress bar wait for an execution to end: about this long at most.
SECONDS = 0.25
# Operations a second of one or two cores; only the order of magnitude matters.
FLOPS = 5e10
# Layers between whose matrix products XLA has element-wise work to fuse: on CPUs it made the step
# of such a network 10 to 15 % faster; with dropout, normalization or convolutions the step was
# slower.
FUSED = frozenset({"Activation", "Add", "Dense", "Flatten", "InputLayer", "Rescaling", "Reshape"})
# XLA takes about a second to compile, more than a smaller network saves.
LEAST_WEIGHTS = 50_000
# Layers whose steps are faster as a loop of one XLA program (benchmarks/row_loop.py): 1.2 to 2.4
# times on CPUs. With two-dimensional convolutions the loop was 13 times slower.
LOOPED = FUSED | {
    "BatchNormalization",
    "Concatenate",
    "Dropout",
    "GRU",
    "LayerNormalization",
    "LSTM",
    "Multiply",
    "Normalization",
    "SimpleRNN",
}
# The loop saves half a millisecond a step or more, and takes a second or two to compile: with this
# many steps an epoch it pays off after some ten epochs.
LEAST_STEPS = 250


def jit_compile(
    asked: bool | str,
    model: keras.Model,
    *,
    looped: bool = False,
    steps_per_epoch: int = 0,
    shared: bool = False,
) -> bool:
    """What was asked for, or whether XLA makes this network's training faster.

    It depends on the recipe and the number of rows alone, but not on the number of epochs, so that
    a longer run computes what a short one does. A step that several devices share is not compiled
    by XLA.

    Args:
        asked: true, false, or `auto`.
        model: a functional model.
        looped: whether its rows are held in memory, so that steps can be a loop.
        steps_per_epoch: steps of an epoch.
        shared: whether several devices or processes share a step.
    """
    if isinstance(asked, bool):
        return asked
    if shared or tf.distribute.has_strategy() or _draws(model):
        return False
    if _consists_of(model, FUSED) and model.count_params() >= LEAST_WEIGHTS:
        return True
    return looped and steps_per_epoch >= LEAST_STEPS and can_loop(model)


def can_loop(model: keras.Model) -> bool:
    """Whether the steps of this network are faster as a loop of one XLA program."""
    return _consists_of(model, LOOPED)


def _consists_of(model: keras.Model, kinds: frozenset[str]) -> bool:
    return all(type(layer).__name__ in kinds for layer in model.layers)


def _draws(model: keras.Model) -> bool:
    """Whether a step draws a random number for each activation or weight.

    XLA draws them slowly in some programs (benchmarks/row_loop.py): on CPUs a step with one layer
    of dropout took 7 times as long as TensorFlow's, with two 0.7 to 0.9 times, and with noise on
    the gradients 6 times.
    """
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    transforms = model.training_parts.gradient_transforms if isinstance(model, TrainingStep) else ()
    return any(layer.rate for layer in layers) or any(
        isinstance(transform, GradientNoise) for transform in transforms
    )


def steps_per_execution(
    asked: int | str,
    steps_per_epoch: int,
    model: keras.Model,
    batch: int,
    *,
    processes: int = 1,
    single: bool = False,
) -> int:
    """The number that was asked for, or as many steps as an execution has time for.

    Args:
        asked: a number of steps, or `auto`.
        steps_per_epoch: steps of an epoch; an execution is never longer.
        model: a functional model.
        batch: rows a step.
        processes: that share a step.
        single: whether `auto` means one step, for a checkpoint that may be resumed on other
            devices.

    Raises:
        ValueError: more than one is asked for under a strategy of `tf.distribute`, or with several
            processes.
    """
    if processes > 1:
        # TensorFlow's operations between processes fail inside of a loop.
        if asked not in ("auto", 1):
            raise ValueError("with several workers an execution is one step: use 1 or `auto`.")
        return 1
    if single and asked == "auto":
        return 1
    if tf.distribute.has_strategy():
        # Keras 3.15 cannot: "You must feed a value for placeholder tensor", for any model.
        if asked not in ("auto", 1):
            raise ValueError(
                "several steps an execution do not work under a `tf.distribute` strategy: use "
                "`steps_per_execution: 1` or `auto`."
            )
        return 1
    if isinstance(asked, int):
        return asked
    fitting = int(SECONDS / max(step_seconds(model, batch), SECONDS / MOST_STEPS))
    return max(1, min(fitting, steps_per_epoch))


def step_seconds(model: keras.Model, batch: int) -> float:
    """A guess at the time of a step."""
    return step_flops(model, batch) / FLOPS


def step_flops(model: keras.Model, batch: int) -> float:
    """Operations of a step: six for each weight, row and position that it is used at.

    Two of them go forward and four back (Kaplan et al. 2020, section 2.1). Only weights that are
    trained count.
    """
    work = 0.0
    for layer in model.layers:
        weights = sum(math.prod(weight.shape) for weight in layer.trainable_weights)
        if weights:
            # A layer of a subclassed model may have no symbolic input.
            ends = getattr(layer, "input", []), getattr(layer, "output", [])
            work += weights * max(map(_positions, ends))
    return 6 * batch * work


def _positions(tensors: object) -> int:
    """Places of a tensor at which a layer applies its kernel: pixels, or steps of a sequence."""
    found = tf.nest.flatten(tensors)
    sizes = (math.prod(size or 1 for size in tensor.shape[1:-1]) for tensor in found)
    return max(sizes, default=1)
