"""The command line: `keras-recipes VERB`. Only argparse is imported until a verb is known."""

import argparse
import os
import sys
from collections.abc import Sequence

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
    verbs = root.add_subparsers(dest="verb", metavar="VERB", title="verbs")

    _verb(verbs, "list", "the recipes and sweeps that ship")
    _recipe(_verb(verbs, "show", "a recipe, resolved: defaults filled in, bases merged"))
    copy = _verb(verbs, "copy", "a shipped recipe to a file of your own, to edit")
    copy.add_argument("recipe", metavar="RECIPE")
    copy.add_argument("destination", metavar="DEST", help="a file or a directory")
    validate = _verb(verbs, "validate", "every mistake in recipes, without importing TensorFlow")
    validate.add_argument("recipes", metavar="RECIPE", nargs="+", help="recipes and overrides")
    _plugins(validate)
    schema = _verb(verbs, "schema", "the JSON Schema of the language, for an editor")
    schema.add_argument("--sweep", action="store_true", help="of sweeps instead of recipes")

    train = _recipe(_verb(verbs, "train", "train a recipe and write a run directory"))
    train.add_argument("--out", metavar="DIR", help="run directory (default: runs/NAME-DATE-TIME)")
    train.add_argument(
        "--dry-run", action="store_true", help="build everything, print its tables, train nothing"
    )
    train.add_argument("--quiet", action="store_true", help="no progress, only the last lines")
    train.add_argument("--resume", action="store_true", help="go on with the run in --out, if any")
    _allow_change(train)
    _json(train)
    resume = _verb(verbs, "resume", "go on with a run that was killed or interrupted")
    resume.add_argument("run", metavar="RUN", help="run directory")
    resume.add_argument("overrides", metavar="KEY=VALUE", nargs="*", help="change of its recipe")
    _allow_change(resume)
    _plugins(resume)
    resume.add_argument("--quiet", action="store_true", help="no progress, only the last lines")
    _json(resume)

    again = _verb(verbs, "reproduce", "train a run once more, and compare bit for bit")
    again.add_argument("run", metavar="RUN", help="run directory")
    again.add_argument("--out", metavar="DIR", help="keep the second run there")
    again.add_argument("--quiet", action="store_true", help="no progress, only the last lines")
    _plugins(again)
    _json(again)

    evaluate = _verb(verbs, "evaluate", "metrics of a run's model on one of its splits")
    evaluate.add_argument("run", metavar="RUN", help="run directory")
    evaluate.add_argument("--split", choices=("train", "validation", "test"), default="test")
    _json(evaluate)
    predict = _verb(verbs, "predict", "predictions of a run's model for the rows of a file")
    predict.add_argument("run", metavar="RUN", help="run directory")
    predict.add_argument("file", metavar="FILE", help="raw rows: .csv, .npz or .npy")
    predict.add_argument("--out", metavar="FILE", help="CSV file to write (default: stdout)")

    sweep = _verb(verbs, "sweep", "search over the keys of a recipe; the same command continues")
    sweep.add_argument("sweep", metavar="SWEEP", help="path or name of a sweep")
    sweep.add_argument("overrides", metavar="KEY=VALUE", nargs="*", help="override of a key of it")
    _plugins(sweep)
    sweep.add_argument("--out", metavar="DIR", help="directory (default: sweeps/NAME)")
    sweep.add_argument("--jobs", metavar="N", type=int, help="trials at once on this machine")
    far = sweep.add_mutually_exclusive_group()
    far.add_argument("--chief", metavar="HOST:PORT", help="answer workers of other machines there")
    far.add_argument("--worker", metavar="HOST:PORT", help="work for the chief at this address")
    sweep.add_argument(
        "--lease", metavar="SECONDS", type=float, help="silence that ends a worker (default: 30)"
    )
    sweep.add_argument("--quiet", action="store_true", help="no progress, only the last lines")
    _json(sweep)

    plot = _verb(verbs, "plot", "the learning rate over the run, before training")
    plot.add_argument("recipes", metavar="RECIPE", nargs="+", help="recipes and overrides")
    _plugins(plot)
    plot.add_argument("--out", metavar="FILE", help="PNG or SVG (default: NAME-schedule.png)")
    find = _recipe(_verb(verbs, "find-lr", "learning rates to train with, by a range test"))
    find.add_argument("--min-lr", type=float, default=1e-6, help="first rate (default: 1e-6)")
    find.add_argument("--max-lr", type=float, default=10.0, help="last rate (default: 10)")
    find.add_argument("--steps", type=int, default=200, help="steps of the sweep (default: 200)")
    find.add_argument("--out", metavar="FILE", help="PNG or SVG (default: NAME-range-test.png)")
    _json(find)
    check = _recipe(_verb(verbs, "check-gradients", "automatic against numerical derivatives"))
    check.add_argument("--rows", type=int, default=8, help="rows of data (default: 8)")
    check.add_argument("--entries", type=int, default=10, help="numbers a variable (default: 10)")
    check.add_argument(
        "--tolerance", type=float, default=1e-5, help="relative error allowed (default: 1e-5)"
    )
    report = _verb(verbs, "report", "one HTML page from a run directory")
    report.add_argument("runs", metavar="RUN", nargs="+")
    report.add_argument("--out", metavar="FILE", help="HTML file (default: RUN/report.html)")
    return root


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit status."""
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
    """The request; overrides may stand before, between and after the options."""
    root = parser()
    arguments, rest = root.parse_known_args(argv)
    late = [word for word in rest if "=" in word and not word.startswith("-")]
    if len(late) < len(rest) or (late and not hasattr(arguments, "overrides")):
        root.error(f"unrecognized arguments: {' '.join(word for word in rest)}")
    if late:
        arguments.overrides = [*arguments.overrides, *late]
    return arguments


def run(arguments: argparse.Namespace) -> int:
    """Carry out a parsed request; every expected failure becomes a message and a status."""
    from . import verbs
    from .errors import RequestError, TrainingFailed

    try:
        return verbs.VERBS[arguments.verb](arguments)
    except RequestError as error:
        print(error, file=sys.stderr)
        return WRONG_REQUEST
    except TrainingFailed as error:
        print(f"keras-recipes: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("keras-recipes: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (`| head`) has gone; let Python's shutdown not complain about it either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception:
        print(f"keras-recipes: a mistake of ours; the whole story: {_story()}", file=sys.stderr)
        return FAILED


def _story() -> str:
    """Leave the traceback in a file: the screen is for what a user can act on."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile(
        "w", prefix="keras-recipes-", suffix=".txt", delete=False, encoding="utf-8"
    ) as file:
        file.write(traceback.format_exc())
    return file.name


def _verb(verbs: "argparse._SubParsersAction", name: str, text: str) -> argparse.ArgumentParser:
    return verbs.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")


def _recipe(verb: argparse.ArgumentParser) -> argparse.ArgumentParser:
    verb.add_argument("recipe", metavar="RECIPE", help="path or name of a recipe")
    verb.add_argument("overrides", metavar="KEY=VALUE", nargs="*", help="override of a key")
    _plugins(verb)
    return verb


def _plugins(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--plugin",
        metavar="MODULE",
        action="append",
        default=[],
        help="module whose classes the recipe may name; repeatable",
    )


def _allow_change(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--allow-change",
        metavar="KEY",
        action="append",
        default=[],
        help="key of the recipe that may differ from that of the run; repeatable",
    )


def _json(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--json", action="store_true", help="print the result as JSON, last")
