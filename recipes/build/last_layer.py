"""Whether the last layer of a network fits the task and its loss."""

import keras

from ..spec.tasks import CLASS_LOSSES
from .task import Task


def activation_problem(task: Task, activation: str | None) -> str:
    """Why an activation of the last layer and the loss do not fit; empty where they do.

    Args:
        activation: name of the activation, or None where it is not known.
    """
    if task.counts and activation == "linear":
        return (
            "counts have rates above 0, and the network ends in a linear layer. Give that the "
            "activation exponential or softplus."
        )
    if task.loss not in CLASS_LOSSES:
        return ""
    if not task.logits and activation == "linear":
        return (
            f"`{task.loss}` compares probabilities, and the network ends in a linear layer. Give "
            f"that the activation {task.activation_of_probabilities}, or say that it gives logits: "
            f"`loss: {{{task.loss}: {{from_logits: true}}}}`."
        )
    if task.logits and activation in ("softmax", "sigmoid"):
        return (
            f"`from_logits: true` makes probabilities of the outputs, and the network ends in "
            f"{activation}, which does so too. Leave one of them out."
        )
    if task.activation_of_probabilities == "sigmoid" and activation == "softmax":
        return (
            f"`{task.loss}` takes each output by itself, and softmax makes all of a row sum to "
            "1. Use sigmoid, or `categorical_crossentropy`."
        )
    return ""


def last_activation(layer: keras.layers.Layer) -> str | None:
    """Name of the activation that a layer ends in; None where that is not known."""
    if isinstance(layer, keras.layers.Softmax):
        return "softmax"
    return getattr(getattr(layer, "activation", None), "__name__", None)
