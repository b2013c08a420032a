"""The command line: `keras-recipes VERB`. Only argparse is imported until a verb is known."""

import argparse
import logging
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence

from ..messages import level
from .commands import add_verbs
from .commands.options import place_words
from .errors import RequestError, TrainingFailed, system_failure
from .garbage import rare_collection
from .output import OutputError, guarded

DONE, FAILED, WRONG_REQUEST, INTERRUPTED = 0, 1, 2, 130

EPILOG = """\
A recipe is a path to a YAML file or the name of one that ships (`keras-recipes list`).
Every verb that takes a recipe also takes overrides: key.path=value, as in
  keras-recipes train digits_mlp epochs=5 model.layers[0].dense.units=64

exit status: 0 done, 1 the training failed, 2 the request was wrong,
             130 interrupted by Ctrl-C, 143 by SIGTERM
"""


def parser() -> argparse.ArgumentParser:
    """The parser of all verbs."""
    root = argparse.ArgumentParser(
        prog="keras-recipes",
        description="Train Keras models from strict YAML recipes.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument("--version", action="store_true", help="print the version and stop")
    add_verbs(root.add_subparsers(dest="verb", metavar="VERB", title="verbs"))
    return root


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit status."""
    try:
        with guarded(), rare_collection():
            return _main(argv)
    except OutputError as error:
        print(f"keras-recipes: {error}", file=sys.stderr)
        return FAILED


def _main(argv: Sequence[str] | None) -> int:
    arguments = parse(argv)
    if arguments.version:
        from importlib.metadata import version

        print(f"keras-recipes {version('keras-recipes')}")
        return DONE
    if arguments.verb is None:
        parser().print_help()
        return WRONG_REQUEST
    return run(arguments)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The request; recipes and overrides may stand before, between and after the options."""
    root = parser()
    arguments, rest = root.parse_known_args(argv)
    options = [word for word in rest if word.startswith("-")]
    unplaced = rest if options else place_words(arguments, rest)
    if unplaced:
        root.error(f"unrecognized arguments: {' '.join(unplaced)}")
    arguments.words = list(sys.argv[1:] if argv is None else argv)
    return arguments


def run(arguments: argparse.Namespace) -> int:
    """Carry out a parsed request; every expected failure becomes a message and an exit status."""
    try:
        if getattr(arguments, "plugin", None):
            from .spec.plugins import load_plugins

            load_plugins(arguments.plugin)
        if getattr(arguments, "deterministic", False):
            # TensorFlow reads it once, when it starts; so do the processes of a sweep.
            os.environ["TF_DETERMINISTIC_OPS"] = "1"
            # Of pipelines that become serial it logs an error for each, which is none.
            os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        quiet = getattr(arguments, "quiet", False)
        with level(logging.WARNING if quiet else logging.INFO):
            return arguments.handler(arguments)
    except OutputError:
        raise
    except RequestError as error:
        print(error, file=sys.stderr)
        return WRONG_REQUEST
    except TrainingFailed as error:
        print(f"keras-recipes: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("keras-recipes: interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        reason = system_failure(error)
        if reason is None:
            reason = (
                f"internal error ({type(error).__name__}). This is a bug in keras-recipes; please "
                f"report it with the traceback: {_write_traceback()}"
            )
        print(f"keras-recipes: {reason}", file=sys.stderr)
        return FAILED


def _write_traceback() -> str:
    """Write the traceback to a file, as it is of no use on the screen; its path."""
    text = traceback.format_exc()
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="keras-recipes-", suffix=".txt", delete=False, encoding="utf-8"
        ) as file:
            file.write(text)
    except OSError:
        return text  # there is no disk to write to
    return file.name
