"""Whole-state checkpoints for any `model.fit`: killed anywhere, a training goes on exactly."""

from .run_state import RunState, TrainingInterrupted
from .store import Checkpoint, CheckpointStore, DamagedCheckpoint, Search

__all__ = [
    "Checkpoint",
    "CheckpointStore",
    "DamagedCheckpoint",
    "RunState",
    "Search",
    "TrainingInterrupted",
]
