"""Whether a recipe is valid at every corner of a search space."""

from collections.abc import Iterable, Set
from dataclasses import dataclass, field, replace
from itertools import chain

from ...errors import Problem, ProblemCode, RecipeError
from ...spec import Recipe
from ...spec.load import validate
from ...spec.monitor_checks import logged
from ...spec.nodes import Node
from ...spec.overrides import steps
from ...spec.wording import closest, did_you_mean, listed, shown
from .constraints import Constraint
from .corners import Assignment, corners, drawn
from .records import Parameter, Sweep
from .trial import Known, put_merged

# Settings drawn at random where no corner satisfies the constraints.
DRAWN = 2000
# The most mistakes that are reported at once.
MOST_MISTAKES = 50


@dataclass(frozen=True)
class CornerChecks:
    """The checks of a sweep at the corners of its space.

    Attributes:
        sweep: the sweep.
        root: its file.
        failed: keys of the space that could not be read; constraints on them are left out.
    """

    sweep: Sweep
    root: Node
    failed: Set[str] = field(default_factory=frozenset)

    def problems(self) -> list[Problem]:
        """Every mistake that shows at a corner, once, with the values that lead to it."""
        allowed, wrong = self._allowed()
        problems = [*self._unknown_names(), *wrong]
        seen: set[tuple[object, ...]] = set()
        for corner in allowed:
            for found in self._mistakes(corner):
                mark = (found.file, found.line, found.column, *_kind(found))
                if mark not in seen:
                    seen.add(mark)
                    problems.append(self._explained(corner, found))
            if len(problems) >= MOST_MISTAKES:
                break
        return problems

    def _unknown_names(self) -> Iterable[Problem]:
        """Every key that a constraint names must be in the space, or have a value in the recipe."""
        known = Known(self.sweep, {})
        names = {*(parameter.name for parameter in self.sweep.parameters), *self.failed}
        for constraint in self.sweep.constraints:
            for name in constraint.names:
                if name in names or name in known or self._is_replaced(name):
                    continue
                hint = did_you_mean(name, names) or " It is in neither the space nor the recipe."
                yield constraint.problem(f"`{name}` has no value.{hint}")

    def _is_replaced(self, name: str) -> bool:
        """Whether a key is inside a value that the space replaces, so that some trials have it."""
        path = steps(name)
        return any(path[: len(row.key)] == row.key for row in self.sweep.parameters)

    def _allowed(self) -> tuple[list[Assignment], list[Problem]]:
        """The corners that satisfy the constraints; one that nothing satisfies is a mistake.

        Where nothing satisfies them, every corner, so that other mistakes are reported too.
        """
        every = list(corners(self.sweep.parameters))
        rows = [row for row in self.sweep.constraints if not self.failed & {*row.names}]
        if not rows:
            return every, []
        problems: dict[Constraint, Problem] = {}
        met: dict[Constraint, bool] = dict.fromkeys(rows, False)
        allowed: list[Assignment] = []
        together = False
        for number, values in enumerate(chain(every, drawn(self.sweep.parameters, DRAWN))):
            if number >= len(every) and together and all(met.values()):
                break
            held = [self._holds(row, values, problems) for row in rows]
            for row, holds in zip(rows, held, strict=True):
                met[row] = met[row] or holds
            together = together or all(held)
            if all(held) and number < len(every):
                allowed.append(values)
        for row, once in met.items():
            if not once and row not in problems:
                problems[row] = row.problem(f"`{row.text}` holds nowhere in the space.")
        if not problems and not together:
            message = "the constraints never hold together."
            return every, [self.root.problem(("constraints",), message)]
        return (every if problems else allowed), list(problems.values())

    def _holds(
        self, constraint: Constraint, values: Assignment, problems: dict[Constraint, Problem]
    ) -> bool:
        try:
            return constraint.holds(Known(self.sweep, values))
        except RecipeError:
            # These values make no recipe, which is a mistake that is reported elsewhere.
            return True
        except ValueError as error:
            problems[constraint] = constraint.problem(f"`{constraint.text}` {error}.")
            return False

    def _mistakes(self, values: Assignment) -> list[Problem]:
        """What is wrong with one setting."""
        assert self.sweep.tree is not None
        tree = self.sweep.tree
        problems: list[Problem] = []
        for parameter in self._active(values):
            value = parameter.node(values[parameter.name])
            try:
                tree = put_merged(tree, parameter.key, value)
            except RecipeError as error:
                wrong = error.problems[0]
                here = parameter.problem("has no place in the recipe:")
                hint = f"`{wrong.path}` {wrong.message}"
                problems.append(replace(here, code=ProblemCode.NO_PLACE, hint=hint))
        try:
            recipe = validate(tree, Recipe)
        except RecipeError as error:
            return [*problems, *error.problems]
        return [*problems, *self._objective(recipe)]

    def _active(self, values: Assignment) -> list[Parameter]:
        """The parameters that are active with some of the values."""
        given: Assignment = {}
        found: list[Parameter] = []
        for parameter in self.sweep.parameters:
            if parameter.name in values and parameter.is_active(given):
                given[parameter.name] = values[parameter.name]
                found.append(parameter)
        return found

    def _objective(self, recipe: Recipe) -> Iterable[Problem]:
        """The objective must be a metric of the validation rows that the recipe computes."""
        metric = self.sweep.objective.metric
        word = "minimize" if self.sweep.objective.direction == "min" else "maximize"
        known = [name for name in logged(recipe) if name not in ("learning_rate", "gradient_norm")]
        base = metric.removeprefix("val_")
        message = None
        if recipe.data.validation is None:
            message = f"`{metric}` needs validation rows, and `data.validation` is null."
        elif base not in known:
            names = listed([f"val_{name}" for name in closest(base, known) or known])
            message = f"`{metric}` is not computed by this recipe. Did you mean {names}?"
        elif base == metric:
            message = (
                f"`{metric}` is of the training rows, and settings are chosen by the validation "
                f"rows: `val_{metric}`."
            )
        if message is not None:
            yield self.root.problem(("objective", word), message)

    def _explained(self, corner: Assignment, found: Problem) -> Problem:
        """A mistake at the value that leads to it; where several do together, they are named."""
        parameters = self.sweep.parameters
        in_space = any((found.file, found.line) in _lines(row) for row in parameters)
        reasons = self._reasons(corner, found)
        if not reasons or (in_space and len(reasons) == 1):
            return found
        words = ", ".join(f"`{name}` = {shown(corner[name])}" for name in reasons)
        message = f"{found.message} This happens with {words}."
        involved = [row for row in parameters if row.name in reasons]
        for above in involved:
            below = [row for row in involved if row.is_below(above)]
            if below and found.code is ProblemCode.NO_PLACE:
                message += f" A `when` on `{above.name}` says with which values it is there."
        if in_space or not involved or found.path.startswith("objective"):
            return Problem(found.file, found.line, found.column, found.path, message)
        return involved[-1].place.problem(found.path, message)

    def _reasons(self, corner: Assignment, found: Problem) -> list[str]:
        """The values without which a mistake is gone, and no other comes: each is left out once."""
        before = {_kind(row) for row in self._mistakes(corner)}
        names: list[str] = []
        for name in corner:
            rest = {key: value for key, value in corner.items() if key != name}
            without = {row.name: rest[row.name] for row in self._active(rest)}
            after = {_kind(row) for row in self._mistakes(without)}
            if _kind(found) not in after and after <= before:
                names.append(name)
        return names


def _kind(found: Problem) -> tuple[str, ProblemCode, str]:
    """What a mistake is, apart from the value and from advice."""
    return found.path, found.code, found.wrong


def _lines(parameter: Parameter) -> set[tuple[str, int | None]]:
    """The lines of the file that a parameter stands in."""
    below = (node.place for value in parameter.nodes for _, node in value.walk())
    return {(place.file, place.line) for place in (parameter.place, *below)}
