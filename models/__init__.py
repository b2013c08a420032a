"""Models that clip gradients and decay weights, the network builder, layers and losses."""

# Registers the layers of saved models that begin with texts.
from . import token_layers as token_layers
from .adversarial import AdversarialTraining
from .bounds import AdaptiveClipping, PercentileClipping, ZScoreClipping
from .clipping import GradientClipping, NonFiniteGradientError
from .decay import Rule, WeightDecay
from .encoded_metric import EncodedMetric
from .feature_layers import DateParts, FillMissing, IsMissing, SignedLog
from .gradient_check import GradientCheck, gradient_check
from .layer_rates import LayerRate, LayerRates
from .losses import LabelLoss, RootMeanSquaredError, StandardizedLoss, SumOfSquares
from .network import LayerError, Residual, build_network
from .ordinal import CumulativeLink, RankAccuracy, RankError
from .sequence_layers import (
    MaskedAveragePooling1D,
    PositionalEmbedding,
    StochasticDepth,
    TransformerBlock,
)
from .training_model import GradientClippingModel, TrainingModel, WeightDecayModel, wrap
from .training_parts import SharpnessAware, TrainingParts, WeightAveraging
from .training_step import TrainingStep
from .transforms import GradientCentralization, GradientNoise, GradientTransform, TrustRatio

__all__ = [
    "AdaptiveClipping",
    "AdversarialTraining",
    "CumulativeLink",
    "DateParts",
    "EncodedMetric",
    "FillMissing",
    "GradientCentralization",
    "GradientCheck",
    "GradientClipping",
    "GradientClippingModel",
    "GradientNoise",
    "GradientTransform",
    "IsMissing",
    "LabelLoss",
    "LayerError",
    "LayerRate",
    "LayerRates",
    "MaskedAveragePooling1D",
    "NonFiniteGradientError",
    "PercentileClipping",
    "PositionalEmbedding",
    "RankAccuracy",
    "RankError",
    "Residual",
    "RootMeanSquaredError",
    "Rule",
    "SharpnessAware",
    "SignedLog",
    "StandardizedLoss",
    "StochasticDepth",
    "SumOfSquares",
    "TrainingModel",
    "TrainingParts",
    "TrainingStep",
    "TransformerBlock",
    "TrustRatio",
    "WeightAveraging",
    "WeightDecay",
    "WeightDecayModel",
    "ZScoreClipping",
    "build_network",
    "gradient_check",
    "wrap",
]
