"""The options that several verbs share, and how they print what they found."""

import argparse
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..spec import Recipe

Arguments = argparse.Namespace
Deed = Callable[[Arguments], int]


def verb(verbs: Any, name: str, deed: Deed, text: str) -> argparse.ArgumentParser:
    """A new verb; its deed takes the parsed arguments and returns the exit status."""
    made = verbs.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    made.set_defaults(deed=deed)
    return made


def takes_recipe(made: argparse.ArgumentParser) -> None:
    made.add_argument("recipe", metavar="RECIPE", help="path or name of a recipe")
    made.add_argument("overrides", metavar="KEY=VALUE", nargs="*", help="override of a key")
    takes_plugins(made)


def takes_plugins(made: argparse.ArgumentParser) -> None:
    takes_several(made, "--plugin", "MODULE", "module whose classes the recipe may name")


def takes_several(made: argparse.ArgumentParser, option: str, metavar: str, text: str) -> None:
    made.add_argument(
        option, metavar=metavar, action="append", default=[], help=f"{text}; repeatable"
    )


def takes_run(made: argparse.ArgumentParser) -> None:
    made.add_argument("run", metavar="RUN", help="run directory")


def takes_quiet(made: argparse.ArgumentParser) -> None:
    made.add_argument("--quiet", action="store_true", help="no progress, only the last lines")


def takes_json(made: argparse.ArgumentParser) -> None:
    made.add_argument("--json", action="store_true", help="print the result as JSON, last")


def load(arguments: Arguments) -> "Recipe":
    """The recipe of a verb that takes one."""
    from ..spec import load as load_recipe

    return load_recipe(arguments.recipe, arguments.overrides, plugins=arguments.plugin)


def metrics(values: dict[str, float]) -> str:
    """Metrics in a line.

    >>> metrics({"loss": 0.25, "accuracy": 1.0})
    'loss 0.2500, accuracy 1.0000'
    """
    return ", ".join(f"{name} {value:.4f}" for name, value in values.items())


def print_json(value: dict[str, Any]) -> None:
    """One line of JSON that every reader takes."""
    from ..run.directory import strict

    print(json.dumps(strict(value), allow_nan=False))
