"""What must hold between the sections of a sweep, at the corners of its space, and in its files.

At every corner of the space, the values must make a valid recipe.
"""

from collections.abc import Iterable
from itertools import islice

from ...errors import Problem
from ...spec import Recipe
from ...spec.nodes import Node
from .algorithms import ALGORITHMS
from .corners import corners
from .records import Sweep
from .trial import trial_recipe

# Combinations of keys of the data whose files are looked at.
MOST_COMBINATIONS = 200


def problems(
    sweep: Sweep, root: Node, base: Recipe, broken: frozenset[str] = frozenset()
) -> list[Problem]:
    """Problems between the sections of a sweep's file, and with its recipe.

    Args:
        broken: sections with mistakes, which others are not compared with.
    """
    found = [*_repeats(sweep, root)]
    if base.ensemble is not None:
        message = "the recipe trains an ensemble, and a sweep trains single networks."
        found.append(root.problem(("recipe",), message))
    if not broken & {"algorithm", "budget"}:
        found += [*_budget(sweep, root), *_epochs(sweep, root)]
    return found


def _budget(sweep: Sweep, root: Node) -> Iterable[Problem]:
    name = sweep.algorithm.name
    algorithm = ALGORITHMS[name]
    if algorithm.decides_trials:
        if sweep.trials is not None:
            message = f"the arguments of `{name}` decide how many trials it makes."
            yield root.problem(("budget", "trials"), message, key=True)
    elif not algorithm.ends and sweep.trials is sweep.epochs is sweep.seconds is None:
        message = f"`{name}` never ends by itself: set `trials`, `epochs` or `time`."
        yield root.problem(("budget",), message)


def _epochs(sweep: Sweep, root: Node) -> Iterable[Problem]:
    """An algorithm that decides how long trials train leaves no epochs to search."""
    name, arguments = sweep.algorithm.name, sweep.algorithm.arguments
    if "max_epochs" in arguments or arguments.get("epochs") is not None:
        for parameter in sweep.named("epochs"):
            yield parameter.problem(f"cannot be in the space: `{name}` decides the epochs.")
    if arguments.get("min_epochs", 0) > arguments.get("max_epochs", 0):
        yield root.problem(
            ("algorithm", name, "min_epochs"),
            f"the first rung lies beyond the {arguments['max_epochs']} epochs of a training. "
            f"Received {arguments['min_epochs']}.",
        )
    for key in ("trials", "epochs"):
        given, rounds = arguments.get(key), arguments.get("rounds")
        if isinstance(given, list) and rounds is not None and len(given) != rounds:
            message = f"expected one number for each of the {rounds} rounds. Received {given}."
            yield root.problem(("algorithm", name, key), message)


def _repeats(sweep: Sweep, root: Node) -> Iterable[Problem]:
    judges_epochs = ALGORITHMS[sweep.algorithm.name].judges_epochs
    if sweep.repeats > 1 and judges_epochs:
        message = (
            f"`{sweep.algorithm.name}` judges a training while it runs, and several seeds are "
            f"judged together at their end. Use 1, or another algorithm. Received {sweep.repeats}."
        )
        yield root.problem(("repeats",), message)
    if sweep.folds is not None and judges_epochs:
        message = (
            f"`{sweep.algorithm.name}` judges a training while it runs, and the {sweep.folds} "
            "folds of the recipe are judged together at their end. Use another algorithm, or "
            "set `data.folds: null` among the overrides."
        )
        yield root.problem(("algorithm",), message)
    if sweep.folds is not None and sweep.repeats > 1:
        message = (
            f"each setting is trained on the {sweep.folds} folds of the recipe. Use 1, or set "
            f"`data.folds: null` among the overrides. Received {sweep.repeats}."
        )
        yield root.problem(("repeats",), message)
    if sweep.ensemble == 1:
        yield root.problem(("ensemble",), "expected 2 members or more, or 0 for none. Received 1.")


def recipes_of(sweep: Sweep) -> list[Recipe]:
    """A recipe for each combination of values that the sweep gives to keys of the data."""
    names = [row.name for row in sweep.parameters if row.key and row.key[0] == "data"]
    found: dict[str, Recipe] = {}
    for values in islice(corners(sweep.parameters), 10 * MOST_COMBINATIONS):
        mark = repr([values.get(name) for name in names])
        if mark not in found and len(found) < MOST_COMBINATIONS:
            found[mark] = trial_recipe(sweep, values)
    return list(found.values())
