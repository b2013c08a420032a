"""What goes wrong with reading and writing checkpoints, told once and remembered."""

from __future__ import annotations

from ...messages import logger
from .position import Position
from .store import CheckpointStore


class Troubles:
    """Sentences on stderr; a disk that stays full is told of once, and once it is not any more.

    Attributes:
        story: all that was told.
    """

    def __init__(self):
        self.story: list[str] = []
        self._cause: str | None = None

    def begin(self) -> None:
        """Training begins: what went wrong in one before is told again where it lasts."""
        self._cause = None

    def tell(self, problem: str) -> None:
        """Say a sentence."""
        self.story.append(f"RunState: {problem}.")
        logger.warning(self.story[-1])

    def not_written(self, position: Position, error: Exception, store: CheckpointStore) -> None:
        """A checkpoint could not be written."""
        cause = getattr(error, "strerror", None) or str(error)
        if cause == self._cause:
            return
        self._cause = cause
        paths = store.paths_or_none()
        last = paths[-1].name if paths else "none"
        self.tell(
            f"the checkpoint {position} could not be written: {cause}. Training goes on; what is "
            f"killed now goes on from the last checkpoint, {last} in {store.folder}"
        )

    def written(self) -> None:
        """A checkpoint was written."""
        if self._cause is not None:
            self.tell("checkpoints are written again")
        self._cause = None
