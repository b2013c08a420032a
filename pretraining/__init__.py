"""Restricted Boltzmann machines and deep belief networks that initialize any Keras model."""

from .ais import (
    LogProbability,
    bracket_log_partition,
    exact_log_partition,
    log_partition,
    log_probability,
)
from .conv_rbm import ConvRBM
from .dbn import DBN, Layer
from .estimators import (
    ContrastiveDivergence,
    Estimator,
    FastPersistentCD,
    ParallelTempering,
    PersistentCD,
)
from .hidden_units import BernoulliHidden, GaussianHidden, Rectified
from .initialize import WeightTransfer, initialize_from
from .momentum import MomentumSGD
from .partition import Bracket, LogPartition
from .rbm import RBM
from .regularization import Initialization, Regularization
from .rows import Diagnostics
from .sklearn import RBMTransformer
from .tempering import TrajectoryTempering
from .trajectory import Trajectory
from .units import Bernoulli, Gaussian, Softmax
from .unroll import Autoencoder, unroll, unroll_autoencoder, unroll_classifier, unroll_regressor
from .wake_sleep import WakeSleep, with_labels

# As a recipe names them.
ESTIMATORS: dict[str, type[Estimator]] = {
    "contrastive_divergence": ContrastiveDivergence,
    "persistent_cd": PersistentCD,
    "fast_persistent_cd": FastPersistentCD,
    "parallel_tempering": ParallelTempering,
    "trajectory_tempering": TrajectoryTempering,
}

__all__ = [
    "DBN",
    "RBM",
    "Autoencoder",
    "Bernoulli",
    "BernoulliHidden",
    "Bracket",
    "ContrastiveDivergence",
    "ConvRBM",
    "Diagnostics",
    "FastPersistentCD",
    "Gaussian",
    "GaussianHidden",
    "Initialization",
    "Layer",
    "LogPartition",
    "LogProbability",
    "MomentumSGD",
    "ParallelTempering",
    "PersistentCD",
    "RBMTransformer",
    "Rectified",
    "Regularization",
    "Softmax",
    "Trajectory",
    "TrajectoryTempering",
    "WakeSleep",
    "WeightTransfer",
    "bracket_log_partition",
    "exact_log_partition",
    "initialize_from",
    "log_partition",
    "log_probability",
    "unroll",
    "unroll_autoencoder",
    "unroll_classifier",
    "unroll_regressor",
    "with_labels",
]
