"""Verbs that examine a recipe before training: check-data, plot, find-lr, check-gradients."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import RequestError
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
    from ..data import Data
    from ..spec import Recipe


def add(verbs: Verbs) -> None:
    text = "look for what may be wrong with the data, without changing it"
    looking = add_verb(verbs, "check-data", check_data, text)
    add_recipe(looking)
    add_json(looking)

    text = "draw the learning rate over the run, the training data or the network, before training"
    drawing = add_verb(verbs, "plot", plot, text)
    add_recipes(drawing)
    other = drawing.add_mutually_exclusive_group()
    text = "draw training pictures, as they are and as `data.augment` changes them"
    other.add_argument("--data", action="store_true", help=text)
    text = "draw the network: its inputs, parts and outputs, with the shapes between them"
    other.add_argument("--model", action="store_true", help=text)
    text = "PNG or SVG (default: NAME-schedule.png, NAME-data.png or NAME-model.png)"
    drawing.add_argument("--out", metavar="FILE", help=text)

    add_json(drawing)

    find = add_verb(verbs, "find-lr", find_lr, "suggest learning rates with a range test")
    add_recipe(find)
    find.add_argument("--min-lr", type=float, default=1e-6, help="first rate (default: 1e-6)")
    find.add_argument("--max-lr", type=float, default=10.0, help="last rate (default: 10)")
    find.add_argument("--steps", type=int, default=200, help="steps of the test (default: 200)")
    find.add_argument("--out", metavar="FILE", help="PNG or SVG (default: NAME-range-test.png)")
    add_json(find)

    text = "compare automatic and numerical derivatives"
    check = add_verb(verbs, "check-gradients", check_gradients, text)
    add_recipe(check)
    check.add_argument("--rows", type=int, default=8, help="rows of data (default: 8)")
    check.add_argument(
        "--entries",
        type=int,
        default=10,
        help="entries of each variable to check one by one, besides all together (default: 10)",
    )
    check.add_argument(
        "--tolerance", type=float, default=1e-5, help="largest relative error (default: 1e-5)"
    )
    add_json(check)


def check_data(arguments: Arguments) -> int:
    """What may be wrong with a recipe's data, a line for each finding."""
    from ..build.inputs import data_of
    from ..data.check import check_data as check

    recipe = load(arguments)
    data = data_of(recipe, skip_pictures=True)
    found = check(data, None if recipe.data.split_by else _with_groups(recipe, data))
    if any(feature.kind == "image" for feature in data.features):
        from ..build.image_check import picture_findings

        found += picture_findings(data)
    for finding in found:
        print_line(arguments, f"{finding.kind}: {finding}")
    rows = {"training": data.train, "validation": data.validation, "test": data.test}
    sizes = ", ".join(f"{len(split)} {name}" for name, split in rows.items() if split is not None)
    print_line(arguments, f"{recipe.name}: {len(found)} findings in {sizes} rows")
    if arguments.json:
        print_json({"recipe": recipe.name, "findings": [asdict(finding) for finding in found]})
    return 1 if found else 0


def _with_groups(recipe: "Recipe", data: "Data") -> "Data":
    """The data with the columns that may name groups, which a recipe leaves out with reason."""
    from ..build.inputs import data_of
    from ..data.check_groups import tells_whose

    features = recipe.data.features or {}
    dropped = [name for name, kind in features.items() if kind == "drop" and tells_whose(name)]
    if not dropped:
        return data
    kept = {**features, **dict.fromkeys(dropped, "auto")}
    section = recipe.data.model_copy(update={"features": kept})
    return data_of(recipe.model_copy(update={"data": section}), skip_pictures=True)


def plot(arguments: Arguments) -> int:
    """A picture of the learning rate over the run, of one recipe or several."""
    from ..spec import load as load_recipe

    recipes = [
        load_recipe(word, arguments.overrides, plugins=arguments.plugin)
        for word in arguments.recipes
    ]
    if arguments.data or arguments.model:
        if len(recipes) != 1:
            option = "--data" if arguments.data else "--model"
            raise RequestError(f"plot {option} draws one recipe. Received {len(recipes)}.")
        return (_plot_data if arguments.data else _plot_model)(arguments, recipes[0])
    data = [load_data(recipe) for recipe in recipes]
    from ..report.rates import Course, plot_schedules
    from ..run.analysis import scheduled_values

    path = Path(arguments.out or f"{'-'.join(recipe.name for recipe in recipes)}-schedule.png")
    courses = [
        Course(recipe.name, **scheduled_values(recipe, rows))
        for recipe, rows in zip(recipes, data, strict=True)
    ]
    plot_schedules(courses, path)
    return _drawn(arguments, path)


def _drawn(arguments: Arguments, path: Path) -> int:
    print_line(arguments, str(path))
    if arguments.json:
        print_json({"picture": str(path)})
    return 0


def _plot_data(arguments: Arguments, recipe: "Recipe") -> int:
    """A picture of training samples of a recipe."""
    data = load_data(recipe)
    from ..report.samples import plot_samples
    from ..run.samples import samples

    path = Path(arguments.out or f"{recipe.name}-data.png")
    plot_samples(**samples(recipe, data), path=path)
    return _drawn(arguments, path)


def _plot_model(arguments: Arguments, recipe: "Recipe") -> int:
    """A picture of the network of a recipe."""
    data = load_data(recipe)
    from ..report.graph import plot_graph
    from ..run.drawing import boxes_of

    path = Path(arguments.out or f"{recipe.name}-model.png")
    plot_graph(boxes_of(recipe, data), recipe.name, path)
    return _drawn(arguments, path)


def find_lr(arguments: Arguments) -> int:
    """The range test of a recipe: two rates to train with, and a picture."""
    recipe = load(arguments)
    data = load_data(recipe)
    from ..report.rates import plot_range_test
    from ..run.analysis import range_test

    path = Path(arguments.out or f"{recipe.name}-range-test.png")
    finder = range_test(
        recipe, data, min_lr=arguments.min_lr, max_lr=arguments.max_lr, steps=arguments.steps
    )
    try:
        suggestions = finder.suggestions()
    except ValueError as error:
        raise RequestError(f"find-lr: {error}") from None
    plot_range_test(finder.rates, finder.losses, finder.smoothed, suggestions, recipe.name, path)
    print_line(arguments, f"{len(finder.losses)} steps up to a rate of {finder.rates[-1]:.3g}")
    for name, rate in suggestions.items():
        print_line(arguments, f"{name}: learning_rate={rate:.3g}")
    print_line(arguments, str(path))
    if arguments.json:
        print_json({"recipe": recipe.name, "suggestions": suggestions, "picture": str(path)})
    return 0


def check_gradients(arguments: Arguments) -> int:
    """Automatic against numerical derivatives, a line for each variable and mode."""
    recipe = load(arguments)
    data = load_data(recipe)
    from ..run.analysis import check_gradients as check

    rows = check(recipe, data, rows=arguments.rows, entries=arguments.entries)
    width = max(len(row.path) for row in rows)
    for row in rows:
        verdict = "ok" if row.error <= arguments.tolerance else "WRONG"
        mode = "training" if row.training else "inference"
        print_line(
            arguments,
            f"{row.path:<{width}}  {mode:<9}  {verdict:<5}  relative error {row.error:.1e} of "
            f"{row.entries} numbers"
            + (f" and {row.directions} directions of all {row.size}" if row.directions else "")
            + (
                ""
                if verdict == "ok"
                else f": {row.automatic:.6g} at {list(row.index)}, "
                f"by differences {row.numerical:.6g}"
            ),
        )
    wrong = [row.path for row in rows if not row.error <= arguments.tolerance]
    print_line(
        arguments,
        f"{len(rows) - len(wrong)} of {len(rows)} gradients agree to {arguments.tolerance:g}, in "
        "inference and in training",
    )
    if arguments.json:
        found = [{"path": row.path, "training": row.training, "error": row.error} for row in rows]
        print_json({"recipe": recipe.name, "tolerance": arguments.tolerance, "gradients": found})
    return 1 if wrong else 0
