"""TensorFlow, and modules that need it, imported when a function needs them."""

import os
from types import ModuleType
from typing import TYPE_CHECKING

from .record.directory import open_run

if TYPE_CHECKING:
    from ..models.shards import Sharing
    from .devices.peers import Peers
    from .devices.request import DeviceRequest


def import_tensorflow() -> None:
    """Import TensorFlow, without its start-up output, before modules that need it."""
    from .run.backend import use_tensorflow

    use_tensorflow()


def started(request: "DeviceRequest | None", peers: "Peers | None" = None) -> "Sharing | None":
    """Import TensorFlow, on the devices and with the processes that were asked for.

    Raises:
        WorkerLost: one of `peers` is.
    """
    from .run.backend import use_tensorflow

    found: list[Sharing | None] = [None]

    def first() -> None:
        from .devices.start import start

        if request is not None:
            found[0] = start(request, peers)

    use_tensorflow(first)
    return found[0]


def finished_runs(run: str | os.PathLike) -> ModuleType:
    """The module that evaluates and predicts, imported if there is a run to do so with."""
    open_run(run)
    import_tensorflow()
    from .run import reload

    return reload
