"""The verbs of the command line. TensorFlow is imported inside the verbs that need it."""

from . import analysis, completion, export, init, recipe_files, results, runs, sweep, train
from .options import Verbs


def add_verbs(verbs: Verbs) -> None:
    """Add every verb to the subparsers of the command line, in the order that help shows."""
    for group in (recipe_files, init, train, results, export, runs, sweep, analysis, completion):
        group.add(verbs)
