"""The callbacks that a recipe can name beside Keras's, which they take the place of."""

from .activation_monitor import ActivationMonitor
from .best_checkpoint import BestCheckpoint
from .divergence_guard import DivergenceGuard
from .early_stopping import EarlyStopping
from .fit_diagnosis import FitDiagnosis
from .gradient_monitor import GradientMonitor
from .periodic_checkpoint import PeriodicCheckpoint
from .plateau import ReduceOnPlateau
from .tensorboard_log import TensorBoardLog
from .top_checkpoints import TopCheckpoints

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
