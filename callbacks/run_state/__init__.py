"""Whole-state checkpoints for any `model.fit`: killed anywhere, a training goes on exactly."""

from .run_state import RunState, TrainingInterrupted
from .state_check import check_state
from .store import Checkpoint, CheckpointStore, DamagedCheckpoint, Search

__all__ = [
    "Checkpoint",
    "CheckpointStore",
    "DamagedCheckpoint",
    "RunState",
    "Search",
    "TrainingInterrupted",
    "check_state",
]
