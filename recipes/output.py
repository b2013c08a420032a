"""Standard output and standard error that may be closed or full while the program runs."""

import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TextIO, cast

# Colours of the words for a status in a table.
COLOURS = {"completed": 32, "running": 36, "interrupted": 33, "unfinished": 33, "failed": 31,
           "damaged": 31}  # fmt: skip


def has_colours(stream: TextIO) -> bool:
    """Whether a stream is a terminal that shows colours, and its user wants them.

    `NO_COLOR` (https://no-color.org) switches them off.
    """
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return not plain and stream.isatty()


def coloured(table: str, stream: TextIO) -> str:
    """A table with the words of a status in colours, where the stream shows them."""
    if not has_colours(stream):
        return table
    status = re.compile(rf"(?<=  )({'|'.join(COLOURS)})(?=  )")
    return status.sub(lambda found: f"\x1b[{COLOURS[found[0]]}m{found[0]}\x1b[0m", table)


class OutputError(Exception):
    """Standard output cannot be written: the result cannot be printed. Exit status 1."""


class OutputStream:
    """A text stream that is written to as long as something reads it.

    Once the reader of a pipe has gone (`| head`), all further output is dropped, and a training
    continues. Standard error carries only progress and messages, so no failure to write it stops
    the program.

    Args:
        stream: the stream.
        optional: whether the program continues if the stream fails in another way.
    """

    def __init__(self, stream: TextIO, *, optional: bool):
        self._stream = stream
        self._optional = optional

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            self._failed(error)
            return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._failed(error)

    def _failed(self, error: OSError) -> None:
        # What is left in the buffer must not fail again when Python shuts down.
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, self._stream.fileno())
        os.close(null)
        if not self._optional and not isinstance(error, BrokenPipeError):
            raise OutputError(f"standard output cannot be written: {error.strerror}.") from None


@contextmanager
def guarded() -> Iterator[None]:
    """Let closed and full output streams stop the output in this block, but not its work.

    Raises:
        OutputError: standard output failed in another way than that its reader went away.
    """
    before = sys.stdout, sys.stderr
    out = OutputStream(sys.stdout, optional=False)
    sys.stdout = cast(TextIO, out)
    sys.stderr = cast(TextIO, OutputStream(sys.stderr, optional=True))
    try:
        yield
    finally:
        try:
            out.flush()
        finally:
            sys.stdout, sys.stderr = before
