"""Checkpoints of a whole training for any `model.fit`: killed anywhere, it resumes exactly."""

from .run_state import RunState, TrainingInterrupted
from .store import Checkpoint, CheckpointStore, DamagedCheckpoint, Search
from .training_state import check_state

__all__ = [
    "Checkpoint",
    "CheckpointStore",
    "DamagedCheckpoint",
    "RunState",
    "Search",
    "TrainingInterrupted",
    "check_state",
]
