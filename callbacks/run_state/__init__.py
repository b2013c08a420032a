"""Checkpoints of a whole training for any `model.fit`: killed anywhere, it resumes exactly."""

from .checkpoint import Checkpoint, DamagedCheckpoint
from .checks import check_state
from .run_state import RunState, TrainingInterrupted
from .store import CheckpointSearch, CheckpointStore
from .training_state import restorable

__all__ = [
    "Checkpoint",
    "CheckpointSearch",
    "CheckpointStore",
    "DamagedCheckpoint",
    "RunState",
    "TrainingInterrupted",
    "check_state",
    "restorable",
]
