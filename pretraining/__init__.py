"""Restricted Boltzmann machines and deep belief networks that initialize any Keras model."""

from .ais import (
    LogPartition,
    LogProbability,
    exact_log_partition,
    log_partition,
    log_probability,
)
from .dbn import DBN, Layer
from .estimators import ContrastiveDivergence, FastPersistentCD, PersistentCD
from .hidden_units import BernoulliHidden, GaussianHidden, Rectified
from .initialize import Handed, initialize_from
from .momentum import MomentumSGD
from .penalties import Penalty
from .progress import Diagnostics
from .rbm import RBM
from .sklearn import RBMTransformer
from .tempering import ParallelTempering
from .units import Bernoulli, Gaussian, Softmax
from .unroll import Autoencoder, unroll, unroll_autoencoder, unroll_classifier, unroll_regressor
from .wake_sleep import WakeSleep, with_labels

__all__ = [
    "DBN",
    "RBM",
    "Autoencoder",
    "Bernoulli",
    "BernoulliHidden",
    "ContrastiveDivergence",
    "Diagnostics",
    "FastPersistentCD",
    "Gaussian",
    "GaussianHidden",
    "Handed",
    "Layer",
    "LogPartition",
    "LogProbability",
    "MomentumSGD",
    "ParallelTempering",
    "Penalty",
    "PersistentCD",
    "RBMTransformer",
    "Rectified",
    "Softmax",
    "WakeSleep",
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
