"""A real file system of a few MiB, which a test fills."""

import subprocess
from contextlib import contextmanager

import pytest


@contextmanager
def mounted(path):
    """A new file system of 6 MiB, of which a report takes two; skip where none can be mounted."""
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(path)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no file system can be mounted here")
    try:
        yield path
    finally:
        # Lazily: a writer that is still being closed may keep a file open.
        subprocess.run(["umount", "--lazy", str(path)], check=True)


def fill(path):
    """Leave no space on a disk."""
    with (path / "ballast").open("wb", buffering=0) as file:
        for size in (4096, 1):
            with pytest.raises(OSError, match="No space left"):
                while True:
                    file.write(b"x" * size)
