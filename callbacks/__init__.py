"""Callbacks for any `model.fit`, and by name in a recipe."""

from .activation_monitor import ActivationMonitor
from .base import StatefulCallback
from .best_checkpoint import BestCheckpoint
from .divergence_guard import DivergenceError, DivergenceGuard
from .early_stopping import EarlyStopping
from .findings import Finding
from .fit_diagnosis import FitDiagnosis
from .gradient_monitor import GradientMonitor
from .learning_rate_finder import LearningRateFinder
from .metrics_log import MetricsLog
from .periodic_checkpoint import PeriodicCheckpoint
from .phase import Phase, PhaseError
from .phases import Phases
from .plateau import ReduceOnPlateau
from .prechelt import Prechelt
from .progress_bar import ProgressBar
from .tensorboard_log import TensorBoardLog
from .top_checkpoints import TopCheckpoints

__all__ = [
    "CALLBACKS",
    "ActivationMonitor",
    "BestCheckpoint",
    "DivergenceError",
    "DivergenceGuard",
    "EarlyStopping",
    "Finding",
    "FitDiagnosis",
    "GradientMonitor",
    "LearningRateFinder",
    "MetricsLog",
    "PeriodicCheckpoint",
    "Phase",
    "PhaseError",
    "Phases",
    "Prechelt",
    "ProgressBar",
    "ReduceOnPlateau",
    "StatefulCallback",
    "TensorBoardLog",
    "TopCheckpoints",
]

# Name in a recipe -> class.
CALLBACKS = {
    "activation_monitor": ActivationMonitor,
    "best_checkpoint": BestCheckpoint,
    "divergence_guard": DivergenceGuard,
    "early_stopping": EarlyStopping,
    "fit_diagnosis": FitDiagnosis,
    "gradient_monitor": GradientMonitor,
    "periodic_checkpoint": PeriodicCheckpoint,
    "reduce_on_plateau": ReduceOnPlateau,
    "tensorboard_log": TensorBoardLog,
    "top_checkpoints": TopCheckpoints,
}
