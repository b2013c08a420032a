"""The callbacks that a recipe can name beside Keras's, which they take the place of."""

from .best_checkpoint import BestCheckpoint
from .early_stopping import EarlyStopping
from .plateau import ReduceOnPlateau

CALLBACKS = {
    "best_checkpoint": BestCheckpoint,
    "early_stopping": EarlyStopping,
    "reduce_on_plateau": ReduceOnPlateau,
}
