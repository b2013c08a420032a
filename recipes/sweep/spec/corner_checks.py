"""What must hold at every corner of a space: what it makes of the recipe is a recipe."""

from collections.abc import Iterable, Sequence, Set
from itertools import chain

from ...errors import Problem, RecipeError
from ...spec import Recipe
from ...spec.checks import logged
from ...spec.fields import closest, did_you_mean, listed, shown
from ...spec.load import validate
from ...spec.nodes import Node, Path, Place
from ...spec.overrides import steps
from .apply import put_merged, relocated
from .checks import problem_at
from .conditions import is_active
from .constraints import Constraint
from .corners import Assignment, corners, drawn
from .records import Sweep
from .space import Entry
from .trial import Known

# Settings drawn at random where no corner satisfies the constraints.
DRAWN = 2000
# Enough to mend at once.
MOST_MISTAKES = 50


def corners_of(
    sweep: Sweep, entries: Sequence[Entry], root: Node, failed: Set[str] = frozenset()
) -> list[Problem]:
    """Every mistake that shows at a corner of the space, once, with what leads to it.

    Args:
        failed: keys of the space that could not be read; constraints on them are left out.
    """
    problems = [*_names(sweep, root, failed)]
    allowed, wrong = _allowed(sweep, root, failed)
    problems.extend(wrong)
    seen: set[tuple] = set()
    for corner in allowed:
        for found in _mistakes(sweep, entries, corner, root):
            mark = (found.file, found.line, found.column, *_words(found))
            if mark not in seen:
                seen.add(mark)
                problems.append(_explained(sweep, entries, corner, found, root))
        if len(problems) >= MOST_MISTAKES:
            break
    return problems


def _allowed(sweep: Sweep, root: Node, failed: Set[str]) -> tuple[list[Assignment], list[Problem]]:
    """The corners that satisfy the constraints; a constraint that nothing satisfies is a mistake.

    Where nothing satisfies them, every corner, so that other mistakes show all the same.
    """
    every = list(corners(sweep.parameters))
    rows = [row for row in sweep.constraints if not failed & {*row.names}]
    if not rows:
        return every, []
    problems: dict[Constraint, Problem] = {}
    met: dict[Constraint, bool] = dict.fromkeys(rows, False)
    allowed, together = [], False
    for number, values in enumerate(chain(every, drawn(sweep.parameters, DRAWN))):
        if number >= len(every) and together and all(met.values()):
            break
        held = [_holds(sweep, row, values, root, problems) for row in rows]
        for row, holds in zip(rows, held, strict=True):
            met[row] = met[row] or holds
        together = together or all(held)
        if all(held) and number < len(every):
            allowed.append(values)
    for row, once in met.items():
        if not once and row not in problems:
            message = f"`{row.text}` holds nowhere in the space."
            problems[row] = problem_at(row.line, row.column, "constraints", message, root)
    if not problems and not together:
        message = "the constraints never hold together."
        return every, [root.problem(("constraints",), message)]
    return (every if problems else allowed), list(problems.values())


def _holds(
    sweep: Sweep,
    constraint: Constraint,
    values: Assignment,
    root: Node,
    problems: dict[Constraint, Problem],
) -> bool:
    try:
        return constraint.holds(Known(sweep, values))
    except RecipeError:
        # These values make no recipe, which is told on its own.
        return True
    except ValueError as error:
        message = f"`{constraint.text}` {error}."
        place = (constraint.line, constraint.column)
        problems[constraint] = problem_at(*place, "constraints", message, root)
        return False


def _mistakes(
    sweep: Sweep, entries: Sequence[Entry], values: Assignment, root: Node
) -> list[Problem]:
    """What is wrong with one setting."""
    assert sweep.tree is not None
    tree = sweep.tree
    given: Assignment = {}
    problems: list[Problem] = []
    for parameter, entry in zip(sweep.parameters, entries, strict=True):
        name = parameter.name
        if name not in values or not is_active(parameter.when, given):
            continue
        given[name] = values[name]
        try:
            tree = put_merged(tree, parameter.key, entry.node(values[name]))
        except RecipeError as error:
            wrong = error.problems[0]
            message = f"{NO_PLACE}: `{wrong.path}` {wrong.message}"
            problems.append(problem_at(parameter.line, parameter.column, name, message, root))
    try:
        recipe = validate(tree, Recipe)
    except RecipeError as error:
        return [*problems, *(relocated(found) for found in error.problems)]
    return [*problems, *_objective(sweep, recipe, root)]


NO_PLACE = "has no place in the recipe"


def _objective(sweep: Sweep, recipe: Recipe, root: Node) -> Iterable[Problem]:
    """The objective must be a metric of the validation rows that the recipe computes."""
    metric = sweep.objective.metric
    word = "minimize" if sweep.objective.direction == "min" else "maximize"
    known = [name for name in logged(recipe) if name not in ("learning_rate", "gradient_norm")]
    base = metric.removeprefix("val_")
    message = None
    if recipe.data.validation is None:
        message = f"`{metric}` needs validation rows, and `data.validation` is null."
    elif base not in known:
        close = closest(base, known) or known
        names = listed([f"val_{name}" for name in close])
        message = f"`{metric}` is not computed by this recipe. Did you mean {names}?"
    elif base == metric:
        message = (
            f"`{metric}` is of the training rows, and settings are chosen by the validation rows: "
            f"`val_{metric}`."
        )
    if message is not None:
        yield root.problem(("objective", word), message)


def _explained(
    sweep: Sweep, entries: Sequence[Entry], corner: Assignment, found: Problem, root: Node
) -> Problem:
    """A mistake at the value that leads to it; where several do together, they are named."""
    of_space = {(row.file, row.line) for entry in entries for row in _places(entry)}
    reasons = _reasons(sweep, entries, corner, found, root)
    own = (found.file, found.line) in of_space
    if not reasons or (own and len(reasons) == 1):
        return found
    words = ", ".join(f"`{name}` = {shown(corner[name])}" for name in reasons)
    message = f"{found.message} It is so with {words}."
    involved = [row for row in sweep.parameters if row.name in reasons]
    for above in involved:
        below = [row for row in involved if _below(row.key, above.key)]
        if below and NO_PLACE in found.message:
            message += f" A `when` on `{above.name}` says with which values it is there."
    if own or not involved or found.path.startswith("objective"):
        return Problem(found.file, found.line, found.column, found.path, message)
    return problem_at(involved[-1].line, involved[-1].column, found.path, message, root)


def _reasons(
    sweep: Sweep, entries: Sequence[Entry], corner: Assignment, found: Problem, root: Node
) -> list[str]:
    """The values without which a mistake is gone, and no other comes: each in turn is put back."""
    before = {_words(row) for row in _mistakes(sweep, entries, corner, root)}
    names = []
    for name in corner:
        after = {
            _words(row) for row in _mistakes(sweep, entries, _without(sweep, corner, name), root)
        }
        if _words(found) not in after and after <= before:
            names.append(name)
    return names


def _words(found: Problem) -> tuple[str, str]:
    """What a mistake says, apart from the value and from advice: the same is told once."""
    message = found.message
    for end in (" Received ", " Did you mean ", ": `"):
        message = message.partition(end)[0]
    return found.path, message


def _places(entry: Entry) -> Iterable[Place]:
    yield entry.place
    for node in entry.nodes:
        for _, below in node.walk():
            yield below.place


def _below(key: Path, above: Path) -> bool:
    return len(key) > len(above) and key[: len(above)] == above


def _without(sweep: Sweep, corner: Assignment, name: str) -> Assignment:
    """A setting without one parameter, and without those that depend on it."""
    kept: Assignment = {}
    for parameter in sweep.parameters:
        if parameter.name in corner and parameter.name != name and is_active(parameter.when, kept):
            kept[parameter.name] = corner[parameter.name]
    return kept


def _names(sweep: Sweep, root: Node, failed: Set[str]) -> Iterable[Problem]:
    """Every key that a constraint names must be one of the space, or have a value in the recipe."""
    known = Known(sweep, {})
    names = {*(parameter.name for parameter in sweep.parameters), *failed}
    for constraint in sweep.constraints:
        for name in constraint.names:
            if name in names or name in known or _below_a_choice(sweep, name):
                continue
            hint = did_you_mean(name, names) or " It is in neither the space nor the recipe."
            message = f"`{name}` has no value.{hint}"
            yield problem_at(constraint.line, constraint.column, "constraints", message, root)


def _below_a_choice(sweep: Sweep, name: str) -> bool:
    """Whether a key stands inside of what the space replaces, so that some trials may have it."""
    path = steps(name)
    return any(path[: len(row.key)] == row.key for row in sweep.parameters)
