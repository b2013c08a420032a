"""The verbs of the command line, a module a group. Every heavy import waits inside its verb."""

from typing import Any

from . import looking, results, sweeping, training, written


def add_verbs(verbs: Any) -> None:
    """Add every verb to the subparsers of the command line, in the order that help shows."""
    for group in (written, training, results, sweeping, looking):
        group.add(verbs)
