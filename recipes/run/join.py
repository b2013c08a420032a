"""How the processes of a training find each other; nothing here imports TensorFlow."""

from collections.abc import Iterator
from contextlib import contextmanager

from ..data import Data
from ..devices.chief import ChiefPeers
from ..devices.member import MemberPeers
from ..devices.peers import WorkerLost
from ..devices.request import DeviceRequest
from ..errors import RequestError, TrainingFailed
from ..record.manifest import versions
from ..spec import Recipe
from .prepare import PreparedRun
from .previous_run import has_parts

AGAIN = "The same command with `--resume` continues, once all workers are there."


def check_request(recipe: Recipe, request: DeviceRequest) -> None:
    """Refuse what workers cannot train together.

    Raises:
        RequestError: the recipe trains several networks.
    """
    if request.processes > 1 and has_parts(recipe):
        raise RequestError(
            "workers: an ensemble or a cross-validation trains several networks, which workers do "
            "not share. Train it without, or use `--devices`."
        )


@contextmanager
def led(
    recipe: Recipe, prepared: PreparedRun, request: DeviceRequest
) -> Iterator[ChiefPeers | None]:
    """In the chief: the other processes, connected and checked to train the same recipe.

    Raises:
        RequestError: one did not connect, or trains something else.
        TrainingFailed: one was lost before the first step.
    """
    if request.cluster is None:
        yield None
        return
    peers = ChiefPeers(request.cluster, request.timeout, identity(recipe, prepared.data, request))
    try:
        peers.wait_for_all()
        directory = str(prepared.directory.path.resolve())
        peers.send_all(directory=directory, done=prepared.data is None)
        yield peers
    except WorkerLost as error:
        peers.close(str(error))
        raise TrainingFailed(f"{error}. {AGAIN}") from None
    except BaseException as error:
        peers.close(f"the chief has ended: {error or type(error).__name__}")
        raise
    peers.close()


@contextmanager
def joined(recipe: Recipe, data: Data, request: DeviceRequest) -> Iterator[MemberPeers]:
    """The chief of a training, in each other process.

    Raises:
        RequestError: it did not answer.
        TrainingFailed: it was lost before the first step, or could not train.
    """
    assert request.cluster is not None
    peers = MemberPeers(request.cluster, request.timeout, identity(recipe, data, request))
    try:
        yield peers
    except WorkerLost as error:
        peers.close(str(error))
        raise TrainingFailed(f"{error}. {AGAIN}") from None
    except BaseException as error:
        name = request.cluster.name(request.cluster.index)
        peers.close(f"{name} has ended: {error or type(error).__name__}")
        raise
    peers.close()


def identity(recipe: Recipe, data: Data | None, request: DeviceRequest) -> dict[str, str]:
    """What must be the same in all processes of a training, by name."""
    values = {
        "recipe": recipe.fingerprint(),
        "exact_shards": str(request.exact_shards),
        "versions": str(versions()),
    }
    return values if data is None else {**values, "data": data.fingerprint}
