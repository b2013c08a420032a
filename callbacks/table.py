"""The callbacks that a recipe can name beside Keras's, which they take the place of."""

from .best_checkpoint import BestCheckpoint
from .early_stopping import EarlyStopping

CALLBACKS = {
    "best_checkpoint": BestCheckpoint,
    "early_stopping": EarlyStopping,
}
