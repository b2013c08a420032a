"""Verbs on recipe files: list, show, copy, validate, schema."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ... import disk
from ..errors import RecipeError, RequestError
from .options import (
    Arguments,
    Verbs,
    add_json,
    add_recipe,
    add_recipes,
    add_verb,
    load,
    load_data,
    print_json,
    print_line,
)

if TYPE_CHECKING:
    from ..spec import Recipe


def add(verbs: Verbs) -> None:
    listing = add_verb(verbs, "list", list_recipes, "list the recipes and sweeps that ship")
    add_json(listing)
    showing = add_verb(
        verbs, "show", show, "print a recipe, resolved: defaults filled in, bases merged"
    )
    add_recipe(showing)
    showing.add_argument(
        "--summary",
        action="store_true",
        help="print weights, memory, operations and the time of an epoch on this machine instead; "
        "trains for a second",
    )
    add_json(showing)
    copying = add_verb(verbs, "copy", copy, "copy a shipped recipe to a new file, to edit")
    copying.add_argument("recipe", metavar="RECIPE")
    copying.add_argument("destination", metavar="DEST", help="a file or a directory")
    text = "find every mistake in recipes, without importing TensorFlow"
    validating = add_verb(verbs, "validate", validate, text)
    add_recipes(validating)
    validating.add_argument(
        "--data",
        action="store_true",
        help="read the data of recipes too; pictures are decoded, for which TensorFlow is imported",
    )
    add_json(validating)
    describing = add_verb(
        verbs, "schema", schema, "print the JSON Schema of recipes, for an editor"
    )
    describing.add_argument("--sweep", action="store_true", help="of sweeps instead of recipes")


def list_recipes(arguments: Arguments) -> int:
    """Name and first line of each shipped recipe, and of each sweep."""
    from ..spec import shipped
    from ..spec.shipped import sweeps

    recipes, searches = shipped.recipes(), sweeps()
    if arguments.json:
        named = {"recipes": recipes, "sweeps": searches}
        print_json(
            {
                kind: [{"name": entry.name, "title": entry.title} for entry in found]
                for kind, found in named.items()
            }
        )
        return 0
    width = max(len(entry.name) for entry in [*recipes, *searches])
    for entry in recipes:
        print(f"{entry.name:<{width}}  {entry.title}")
    print("\nsweeps:")
    for entry in searches:
        print(f"{entry.name:<{width}}  {entry.title}")
    return 0


def show(arguments: Arguments) -> int:
    """The resolved recipe after a comment that describes its task, or a summary of its size."""
    from ..spec import dump
    from ..spec.tasks import describe

    recipe = load(arguments)
    if arguments.summary:
        data = load_data(recipe)
        from ..run.summary import summarize

        summary = summarize(recipe, data)
        print(json.dumps(summary.to_json()) if arguments.json else summary)
        return 0
    if arguments.json:
        raise RequestError("--json: is for `--summary`; a recipe is printed as YAML.")
    print(f"# {describe(recipe)}")
    print(dump(recipe), end="")
    return 0


def copy(arguments: Arguments) -> int:
    """Copy a shipped recipe or sweep to a new file."""
    from ..spec import shipped
    from ..spec.shipped import sweeps

    searches = {sweep.name: sweep for sweep in sweeps()}
    source = searches.get(arguments.recipe) or shipped.find(arguments.recipe)
    destination = Path(arguments.destination)
    if os.path.isdir(destination):
        destination = destination / source.path.name
    try:
        disk.write_text_once(destination, source.path.read_text(encoding="utf-8"))
    except FileExistsError:
        raise RequestError(f"{destination}: already exists and is not overwritten.") from None
    except OSError as error:
        raise RequestError(f"{destination}: cannot be written: {error.strerror}.") from None
    print(destination)
    return 0


def validate(arguments: Arguments) -> int:
    """Every mistake of every recipe or sweep; overrides apply to all of them."""
    problems, verdicts = [], {}
    for word in arguments.recipes:
        try:
            verdicts[word] = _verdict(word, arguments)
            print_line(arguments, f"{word}: {verdicts[word]}")
        except RecipeError as error:
            problems.extend(error.problems)
    if arguments.json:
        print_json({"valid": verdicts, "problems": [str(problem) for problem in problems]})
    if problems:
        raise RecipeError(problems)
    return 0


def _verdict(word: str, arguments: Arguments) -> str:
    """The line to print for a valid recipe or sweep.

    Raises:
        RecipeError: it is not valid.
    """
    from ..spec import load as load_recipe
    from ..spec.machine import check_files
    from ..spec.network_shapes import shapes_unchecked
    from ..spec.sweep_file import is_sweep

    if is_sweep(word):
        from ..sweep.spec.checks import recipes_of
        from ..sweep.spec.load import load_sweep

        check_files(recipes_of(load_sweep(word, arguments.overrides, plugins=arguments.plugin)))
        return "ok"
    recipe = load_recipe(word, arguments.overrides, plugins=arguments.plugin)
    check_files([recipe])
    if arguments.data:
        check_rows(recipe)
    reason = shapes_unchecked(recipe)
    return "ok" if reason is None else f"ok (shapes not checked: {reason})"


def check_rows(recipe: "Recipe") -> None:
    """Read, split and encode the rows, without a model.

    Raises:
        DataError: they cannot be used.
    """
    from ..build.inputs import data_of

    data = data_of(recipe)
    if any(feature.kind == "image" for feature in data.features):
        from ..build.images import check_pictures

        check_pictures(data)


def schema(arguments: Arguments) -> int:
    """The JSON Schema of the recipe language, or of the sweep's."""
    if arguments.sweep:
        from ..sweep.spec.file import json_schema
    else:
        from ..spec import json_schema

    print(json.dumps(json_schema(), indent=2))
    return 0
