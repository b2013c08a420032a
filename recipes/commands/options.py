"""The options that several verbs share, and how they print what they found."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..data import Data
    from ..spec import Recipe

Arguments = argparse.Namespace
Deed = Callable[[Arguments], int]


def verb(verbs: Any, name: str, deed: Deed, text: str) -> argparse.ArgumentParser:
    """A new verb; its deed takes the parsed arguments and returns the exit status."""
    made = verbs.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    made.set_defaults(deed=deed, parser=made, subject=None)
    return made


def takes_recipe(made: argparse.ArgumentParser) -> None:
    """A recipe and overrides of its keys, as `arguments.recipe` and `arguments.overrides`."""
    _takes_words(made, "recipe", "?", "path or name of a recipe")
    takes_plugins(made)


def takes_recipes(made: argparse.ArgumentParser) -> None:
    """Recipes and overrides of each of them, as `arguments.recipes` and `arguments.overrides`."""
    _takes_words(made, "recipes", "*", "paths or names of recipes")
    takes_plugins(made)


def takes_sweep(made: argparse.ArgumentParser) -> None:
    """A sweep and overrides of its keys, as `arguments.sweep` and `arguments.overrides`."""
    _takes_words(made, "sweep", "?", "path or name of a sweep")
    takes_plugins(made)


def _takes_words(made: argparse.ArgumentParser, subject: str, count: str, text: str) -> None:
    # `place_words` puts them in order: for argparse they could stand on one side of options alone.
    metavar = subject.removesuffix("s").upper()
    made.add_argument(subject, metavar=metavar, nargs=count, help=text)
    made.add_argument("overrides", metavar="KEY=VALUE", nargs="*", help="override of a key")
    made.set_defaults(subject=subject)


def place_words(arguments: Arguments, rest: Sequence[str]) -> list[str]:
    """Put recipes and overrides in their places, wherever they stand between the options.

    Args:
        rest: words that argparse found no place for.

    Returns:
        The words that have no place.
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
        _ask_for(arguments)
    if subject == "recipes":
        arguments.recipes = others
        return []
    setattr(arguments, subject, others[0])
    # A second word is most likely an override without its value, which has an error of its own.
    arguments.overrides += others[1:]
    return []


def is_override(word: str) -> bool:
    """Whether a word is `key=value`, and not a file whose name has such a sign."""
    return "=" in word and not (word.endswith((".yaml", ".yml")) and os.path.isfile(word))


def _ask_for(arguments: Arguments) -> None:
    what, example = "recipe", "digits_mlp"
    if arguments.subject == "sweep":
        what, example = "sweep", "digits_learning_rate"
    arguments.parser.error(
        f"name a {what}: the path of a YAML file, or one that `keras-recipes list` shows; "
        f"for example `keras-recipes {arguments.verb} {example}`."
    )


def takes_plugins(made: argparse.ArgumentParser) -> None:
    text = "module, or path of a Python file, whose classes the recipe may name"
    takes_several(made, "--plugin", "MODULE", text)


def takes_several(made: argparse.ArgumentParser, option: str, metavar: str, text: str) -> None:
    made.add_argument(
        option, metavar=metavar, action="append", default=[], help=f"{text}; repeatable"
    )


def takes_run(made: argparse.ArgumentParser) -> None:
    made.add_argument("run", metavar="RUN", help="run directory")


def takes_quiet(made: argparse.ArgumentParser) -> None:
    made.add_argument("-q", "--quiet", action="store_true", help="print the result alone")


def takes_json(made: argparse.ArgumentParser) -> None:
    made.add_argument("--json", action="store_true", help="print the result as JSON")


def load(arguments: Arguments) -> "Recipe":
    """The recipe of a verb that takes one."""
    from ..spec import load as load_recipe

    return load_recipe(arguments.recipe, arguments.overrides, plugins=arguments.plugin)


def load_data(recipe: "Recipe") -> "Data":
    """The data of a recipe, and then TensorFlow: a mistake in the data shows in a second."""
    from ..build.inputs import data_of
    from ..run.backend import use_tensorflow

    data = data_of(recipe)
    use_tensorflow()
    return data


def metrics(values: dict[str, float]) -> str:
    """Metrics in a line.

    >>> metrics({"loss": 0.25, "accuracy": 1.0})
    'loss 0.2500, accuracy 1.0000'
    """
    return ", ".join(f"{name} {value:.4f}" for name, value in values.items())


def tell(arguments: Arguments, text: str) -> None:
    """A line of the result for people: on stderr beside `--json`, and nowhere if that is quiet."""
    if not arguments.json:
        print(text)
    elif not getattr(arguments, "quiet", False):
        print(text, file=sys.stderr)


def print_json(value: dict[str, Any]) -> None:
    """One line of JSON that every reader takes."""
    from ..record.directory import strict

    print(json.dumps(strict(value), allow_nan=False))
