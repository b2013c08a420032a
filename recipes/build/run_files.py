"""A run directory holds its own files: whoever made it, nothing in it leads elsewhere."""

from pathlib import Path

from ... import disk
from ..errors import RequestError


def check_run_files(folder: Path) -> None:
    """Refuse a directory from which a name leads out: it would be read, written or removed there.

    Raises:
        RequestError: with the first that is found.
    """
    found = disk.foreign_entry(folder)
    if found is not None:
        raise RequestError(
            f"{found}: is a link that leads out of the run directory, a device or a pipe. A run "
            "directory holds its own files; put a file or folder there instead."
        )
