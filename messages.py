"""The package's logger: its messages go to standard error, beside progress bars and results."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class _Stderr(logging.Handler):
    """Writes each message as a line, to whatever `sys.stderr` is at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr, flush=True)


logger = logging.getLogger("keras_recipes")
if not logger.handlers:
    logger.addHandler(_Stderr())
    logger.setLevel(logging.INFO)
    # The root logger may print the same line again.
    logger.propagate = False


@contextmanager
def level(minimum: int) -> Iterator[None]:
    """Drop messages below a level of `logging` inside the block."""
    before = logger.level
    logger.setLevel(minimum)
    try:
        yield
    finally:
        logger.setLevel(before)
