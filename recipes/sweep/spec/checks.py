"""What must hold between the sections of a sweep's file, and with the recipe as it is."""

from collections.abc import Iterable

from ...errors import Problem
from ...spec import Recipe
from ...spec.nodes import Node
from .algorithms import COUNT_THEMSELVES, JUDGE_EPOCHS
from .records import Sweep


def beside(
    sweep: Sweep, root: Node, base: Recipe, broken: frozenset[str] = frozenset()
) -> list[Problem]:
    """Problems between the sections of a sweep's file, and with the recipe as it is.

    Args:
        broken: sections with mistakes of their own, which others are not measured by.
    """
    found = [*_repeats(sweep, root), *_base(root, base)]
    if not broken & {"algorithm", "budget"}:
        found += [*_budget(sweep, root), *_epochs(sweep, root)]
    return found


def _budget(sweep: Sweep, root: Node) -> Iterable[Problem]:
    name = sweep.algorithm.name
    if name in COUNT_THEMSELVES:
        if sweep.trials is not None:
            message = f"`{name}` knows by its own arguments how many trials it makes."
            yield root.problem(("budget", "trials"), message, key=True)
    elif name != "grid" and sweep.trials is sweep.epochs is sweep.seconds is None:
        message = f"`{name}` never ends by itself: set `trials`, `epochs` or `time`."
        yield root.problem(("budget",), message)


def _epochs(sweep: Sweep, root: Node) -> Iterable[Problem]:
    """An algorithm that decides how long trials train leaves no epochs to search."""
    arguments = sweep.algorithm.arguments
    owns = "max_epochs" in arguments or arguments.get("epochs") is not None
    for parameter in sweep.named("epochs"):
        if owns:
            message = f"cannot be in the space: `{sweep.algorithm.name}` decides the epochs."
            yield problem_at(parameter.line, parameter.column, "epochs", message, root)
    if arguments.get("min_epochs", 0) > arguments.get("max_epochs", 0):
        yield root.problem(
            ("algorithm", sweep.algorithm.name, "min_epochs"),
            f"the first rung lies beyond the {arguments['max_epochs']} epochs of a training. "
            f"Received {arguments['min_epochs']}.",
        )
    for key in ("trials", "epochs"):
        given, rounds = arguments.get(key), arguments.get("rounds")
        if isinstance(given, list) and rounds is not None and len(given) != rounds:
            message = f"expected one number for each of the {rounds} rounds. Received {given}."
            yield root.problem(("algorithm", sweep.algorithm.name, key), message)


def _repeats(sweep: Sweep, root: Node) -> Iterable[Problem]:
    if sweep.repeats > 1 and sweep.algorithm.name in JUDGE_EPOCHS:
        message = (
            f"`{sweep.algorithm.name}` judges a training while it runs, and several seeds are "
            f"judged together at their end. Use 1, or another algorithm. Received {sweep.repeats}."
        )
        yield root.problem(("repeats",), message)
    if sweep.ensemble == 1:
        yield root.problem(("ensemble",), "expected 2 members or more, or 0 for none. Received 1.")


def _base(root: Node, base: Recipe) -> Iterable[Problem]:
    if base.ensemble is not None:
        message = "the recipe trains an ensemble, and a sweep trains single networks."
        yield root.problem(("recipe",), message)


def problem_at(
    line: int | None, column: int | None, path: str, message: str, root: Node
) -> Problem:
    """A problem at a line of the sweep's own file."""
    return Problem(root.place.file, line, column, path, message)
