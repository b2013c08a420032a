"""Options that several verbs share, and how results are printed."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from ..data import Data
    from ..spec import Recipe

# argparse has no public name for the class of its verbs.
Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Arguments = argparse.Namespace
Handler = Callable[[Arguments], int]


def add_verb(verbs: Verbs, name: str, handler: Handler, text: str) -> argparse.ArgumentParser:
    """Add a verb, whose handler takes the parsed arguments and returns the exit status."""
    parser = verbs.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    parser.set_defaults(handler=handler, parser=parser, subject=None)
    return parser


def add_recipe(parser: argparse.ArgumentParser) -> None:
    """A recipe and overrides of its keys, as `arguments.recipe` and `arguments.overrides`."""
    _add_words(parser, "recipe", "?", "path or name of a recipe")
    add_plugins(parser)


def add_recipes(parser: argparse.ArgumentParser) -> None:
    """Recipes and overrides of each of them, as `arguments.recipes` and `arguments.overrides`."""
    _add_words(parser, "recipes", "*", "paths or names of recipes")
    add_plugins(parser)


def add_sweep(parser: argparse.ArgumentParser) -> None:
    """A sweep and overrides of its keys, as `arguments.sweep` and `arguments.overrides`."""
    _add_words(parser, "sweep", "?", "path or name of a sweep")
    add_plugins(parser)


def _add_words(parser: argparse.ArgumentParser, subject: str, count: str, text: str) -> None:
    # argparse takes positional words on one side of the options only; `place_words` mends that.
    metavar = subject.removesuffix("s").upper()
    parser.add_argument(subject, metavar=metavar, nargs=count, help=text)
    parser.add_argument("overrides", metavar="KEY=VALUE", nargs="*", help="override of a key")
    parser.set_defaults(subject=subject)


def place_words(arguments: Arguments, rest: Sequence[str]) -> list[str]:
    """Assign recipes and overrides, wherever they stand between the options.

    Args:
        rest: words that argparse did not recognize.

    Returns:
        The words that remain unrecognized.
    """
    if not hasattr(arguments, "overrides"):
        return list(rest)
    subject = arguments.subject
    given = getattr(arguments, subject) if subject else None
    given = given if isinstance(given, list) else [] if given is None else [given]
    words = [*given, *arguments.overrides, *rest]
    arguments.overrides = [word for word in words if is_override(word)]
    others = [word for word in words if not is_override(word)]
    if subject is None:
        return others
    if not others:
        _missing_subject(arguments)
    if subject == "recipes":
        arguments.recipes = others
        return []
    setattr(arguments, subject, others[0])
    # A second word is most likely an override without its value, which has its error message.
    arguments.overrides += others[1:]
    return []


def is_override(word: str) -> bool:
    """Whether a word is `key=value` rather than a file with `=` in its name."""
    return "=" in word and not (word.endswith((".yaml", ".yml")) and os.path.isfile(word))


def _missing_subject(arguments: Arguments) -> None:
    what, example = "recipe", "digits_mlp"
    if arguments.subject == "sweep":
        what, example = "sweep", "digits_learning_rate"
    arguments.parser.error(
        f"expected a {what}: the path of a YAML file, or a name that `keras-recipes list` shows; "
        f"for example `keras-recipes {arguments.verb} {example}`."
    )


def add_plugins(parser: argparse.ArgumentParser) -> None:
    text = "module, or path of a Python file, whose classes the recipe may name"
    add_several(parser, "--plugin", "MODULE", text)


def add_several(parser: argparse.ArgumentParser, option: str, metavar: str, text: str) -> None:
    parser.add_argument(
        option, metavar=metavar, action="append", default=[], help=f"{text}; repeatable"
    )


def add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="run directory")


def add_deterministic(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--deterministic", action="store_true", help="the same bits on a GPU each time, but slower"
    )


def add_quiet(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-q", "--quiet", action="store_true", help="print only the result")


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def load(arguments: Arguments) -> "Recipe":
    """The recipe of a verb that takes one."""
    from ..export.source import read_source
    from ..spec import load as load_recipe

    source = read_source(arguments.recipe)
    return load_recipe(source, arguments.overrides, plugins=arguments.plugin)


def load_data(recipe: "Recipe") -> "Data":
    """The data of a recipe, loaded before TensorFlow, so that mistakes are reported at once."""
    from ..build.inputs import data_of
    from ..run.backend import use_tensorflow

    data = data_of(recipe)
    use_tensorflow()
    return data


def check_run(run: str) -> None:
    """Refuse a directory that is not that of a run, and then import TensorFlow."""
    from ..record.directory import open_run
    from ..run.backend import use_tensorflow

    open_run(run)
    use_tensorflow()


def metrics(values: Mapping[str, float], spread: Mapping[str, float] | None = None) -> str:
    """Metrics in a line.

    Args:
        spread: standard deviation of each, over folds.

    >>> metrics({"loss": 0.25, "accuracy": 1.0})
    'loss 0.2500, accuracy 1.0000'
    >>> metrics({"loss": 0.25}, {"loss": 0.01})
    'loss 0.2500 ± 0.0100'
    """
    more = {name: f" ± {value:.4f}" for name, value in (spread or {}).items()}
    return ", ".join(f"{name} {value:.4f}{more.get(name, '')}" for name, value in values.items())


def print_line(arguments: Arguments, text: str) -> None:
    """Print a line of the result: with `--json` on stderr, or not at all if also `--quiet`."""
    if not arguments.json:
        print(text)
    elif not getattr(arguments, "quiet", False):
        print(text, file=sys.stderr)


def print_json(value: Mapping[str, object]) -> None:
    """Print strict JSON on one line."""
    from ..record.strict_json import strict

    print(json.dumps(strict(value), allow_nan=False))
