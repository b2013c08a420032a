"""Callbacks for any `model.fit`, and by name in a recipe."""

from .base import StatefulCallback
from .best_checkpoint import BestCheckpoint
from .early_stopping import EarlyStopping
from .learning_rate_finder import LearningRateFinder
from .metrics_log import MetricsLog
from .plateau import ReduceOnPlateau
from .progress_bar import ProgressBar
from .table import CALLBACKS

__all__ = [
    "CALLBACKS",
    "BestCheckpoint",
    "EarlyStopping",
    "LearningRateFinder",
    "MetricsLog",
    "ProgressBar",
    "ReduceOnPlateau",
    "StatefulCallback",
]
