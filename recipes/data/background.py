"""Writing to the cache while the work goes ahead that does not need what is written."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Lock

# Fewer bytes are written sooner than a thread starts.
FEW_BYTES = 4 << 20

_lock = Lock()
_writing: dict[Path, Future[None]] = {}
# One thread: the disk is no faster with several. Python waits for it before it exits.
_writer = ThreadPoolExecutor(1, "cache")


def write_behind(place: Path, write: Callable[[], None], size: int) -> None:
    """Call `write` in a thread, or at once where it has little to write.

    Args:
        place: the entry of the cache that it writes to.
        write: must handle its errors, and read nothing that is changed later.
        size: bytes that it writes.
    """
    if size < FEW_BYTES:
        write()
        return
    with _lock:
        _writing[place] = _writer.submit(write)


def wait_for(place: Path) -> None:
    """Return when nothing is being written to an entry of the cache by this process."""
    with _lock:
        writing = _writing.pop(place, None)
    if writing is not None:
        writing.result()
