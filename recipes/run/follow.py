"""A worker that is not the chief: it trains with the chief, and writes nothing."""

import tempfile
from pathlib import Path

from ...callbacks.run_state import RunState
from ..build.experiment import experiment
from ..data import Data
from ..devices.member import MemberPeers
from ..devices.team import Team
from ..errors import RequestError
from ..record.directory import RunDirectory
from ..record.result import Result
from ..spec import Recipe
from .training_run import TrainingRun


class ReadState(RunState):
    """Restores the checkpoints of the chief, and writes none."""

    def _write(self, *, wait: bool = False, background: bool = False) -> None:
        pass


class Follower(TrainingRun):
    """A training whose run directory is another process's."""

    def finish(self) -> None:
        """The chief alone saves and evaluates the model."""

    def pretrained(self) -> bool:
        """The chief alone pretrains; all processes begin with its weights."""
        return True


def follow(recipe: Recipe, data: Data, directory: Path, peers: MemberPeers, team: Team) -> Result:
    """Train with the chief until it ends.

    Args:
        data: of the recipe.
        directory: the run directory, which the chief alone writes.
        peers: the chief.

    Returns:
        How the training ended here.

    Raises:
        RequestError: the chief's checkpoint cannot be read here.
        WorkerLost: the chief has ended.
    """
    with tempfile.TemporaryDirectory(prefix="keras-recipes-") as folder:
        scratch = RunDirectory(Path(folder))
        built = experiment(recipe, data, scratch.path, sharing=team.sharing)
        stored = RunDirectory(directory)
        run = Follower(recipe, built, scratch, False, team=team, kind=ReadState, stored=stored)
        message = peers.received("checkpoint")
        run.restore(changed=bool(message["changed"]))
        if run.checkpoint != message["checkpoint"]:
            raise RequestError(
                f"{directory}: the chief continues {message['checkpoint']}, and this worker finds "
                f"{run.checkpoint} there. Workers need the run directory on a disk that they share."
            )
        return run.execute()
