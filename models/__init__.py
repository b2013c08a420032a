"""Models that clip gradients and decay weights, the network builder, and losses."""

from .averaging import WeightAveraging
from .bounds import AdaptiveClipping
from .clipping import GradientClipping
from .decay import WeightDecay
from .decay_rules import Rule
from .encoded_metric import EncodedMetric
from .gradient_check import GradientCheck, gradient_check
from .layer_rates import LayerRate, LayerRates
from .losses import RootMeanSquaredError, StandardizedLoss, SumOfSquares
from .network import LayerError, Residual, build_network
from .nonfinite import NonFiniteGradientError
from .norm_history import PercentileClipping, ZScoreClipping
from .sharpness import SharpnessAware
from .training_model import GradientClippingModel, TrainingModel, WeightDecayModel
from .training_step import TrainingStep
from .transforms import GradientCentralization, GradientNoise
from .wrapping import wrap

__all__ = [
    "AdaptiveClipping",
    "EncodedMetric",
    "GradientCentralization",
    "GradientCheck",
    "GradientClipping",
    "GradientClippingModel",
    "GradientNoise",
    "LayerError",
    "LayerRate",
    "LayerRates",
    "NonFiniteGradientError",
    "PercentileClipping",
    "Residual",
    "RootMeanSquaredError",
    "Rule",
    "SharpnessAware",
    "StandardizedLoss",
    "SumOfSquares",
    "TrainingModel",
    "TrainingStep",
    "WeightAveraging",
    "WeightDecay",
    "WeightDecayModel",
    "ZScoreClipping",
    "build_network",
    "gradient_check",
    "wrap",
]
