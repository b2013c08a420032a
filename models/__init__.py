"""Models that clip gradients and decay weights, the network builder, and losses."""

from .clipping import GradientClipping
from .decay import WeightDecay
from .losses import RootMeanSquaredError, SumOfSquares
from .network import LayerError, Residual, build_network
from .training_model import (
    GradientClippingModel,
    TrainingModel,
    TrainingStep,
    WeightDecayModel,
    wrap,
)

__all__ = [
    "GradientClipping",
    "GradientClippingModel",
    "LayerError",
    "Residual",
    "RootMeanSquaredError",
    "SumOfSquares",
    "TrainingModel",
    "TrainingStep",
    "WeightDecay",
    "WeightDecayModel",
    "build_network",
    "wrap",
]
