"""A sweep as frozen records: what is searched, how, for what, and for how long."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ...errors import Problem
from ...spec.nodes import Node, Place
from ...spec.nodes import Path as Keys
from .constraints import NO_FILE, Constraint
from .domains import Domain
from .labels import index_of, same


@dataclass(frozen=True)
class Parameter:
    """One key of a recipe and the values it may take.

    Attributes:
        key: path of the key in the recipe.
        name: the same path as it is written, such as `model.layers[0].dense.units`. Two parameters
            may share it where their conditions never hold at once.
        domain: the values.
        when: name of another parameter -> values of it with which this one is active.
        place: where it stands in the sweep's file.
        nodes: of a choice or a fixed value, each value with the places it was read from.
    """

    key: Keys
    name: str
    domain: Domain[Any]
    when: Mapping[str, tuple[object, ...]] = field(default_factory=dict)
    place: Place = NO_FILE
    nodes: tuple[Node, ...] = field(default=(), repr=False, compare=False)

    def is_active(self, values: Mapping[str, object]) -> bool:
        """Whether the condition holds: every parent is active and has one of its values.

        Args:
            values: name -> value, of the parameters before this one that are active.
        """
        return all(
            parent in values and index_of(allowed, values[parent]) is not None
            for parent, allowed in self.when.items()
        )

    def is_below(self, other: "Parameter") -> bool:
        """Whether the key is inside the value of another parameter."""
        size = len(other.key)
        return size < len(self.key) and self.key[:size] == other.key

    def problem(self, message: str) -> Problem:
        """A problem of this parameter, where it stands."""
        return self.place.problem(self.name, message)

    def node(self, value: object) -> Node:
        """A value of the domain as a node with its place."""
        for node in self.nodes:
            if same(node.plain(), value):
                return node
        return Node(value, self.place)


@dataclass(frozen=True)
class Objective:
    """What is made small or large: the best epoch's value of a metric of the validation rows."""

    metric: str
    direction: Literal["min", "max"]


@dataclass(frozen=True)
class Algorithm:
    """The name of an algorithm and every argument of it, defaults filled in."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Sweep:
    """A search over a recipe, checked at every corner of its space.

    Attributes:
        name: what the sweep's directory is called.
        recipe: path of the recipe, or the name of one that ships.
        base: overrides of the recipe for every trial, `key.path` -> value.
        objective: what decides.
        algorithm: what chooses the next trial.
        trials: how many trials at most; None where the algorithm or another budget decides.
        epochs: how many epochs all trials together may train; None for no bound.
        seconds: how long new trials may begin; None for no bound.
        parameters: the space, parents before the parameters that depend on them.
        constraints: what must hold between the values of a trial.
        repeats: trainings of each setting, with a seed each; their mean decides.
        retries: how often a failed trial is tried again.
        max_consecutive_failures: failed trials in a row that end the search.
        jobs: trials at once.
        seed: decides which settings are tried.
        evaluate_test: whether the winner is evaluated once on the test rows.
        ensemble: how many of the best trials become one model; 0 for none.
        folds: of the recipe, each of which a setting is trained on; their mean decides. None for
            none.
        source: the sweep's file, or None.
        plugins: modules whose classes the recipe names.
        tree: the recipe with everything it extends and `base` merged in.
    """

    name: str
    recipe: str
    objective: Objective
    algorithm: Algorithm
    parameters: tuple[Parameter, ...]
    base: Mapping[str, object] = field(default_factory=dict)
    trials: int | None = None
    epochs: int | None = None
    seconds: float | None = None
    constraints: tuple[Constraint, ...] = ()
    repeats: int = 1
    retries: int = 0
    max_consecutive_failures: int = 3
    jobs: int = 1
    seed: int = 0
    evaluate_test: bool = False
    ensemble: int = 0
    folds: int | None = None
    source: Path | None = None
    plugins: tuple[str, ...] = ()
    tree: Node | None = field(default=None, repr=False, compare=False)

    @property
    def trainings(self) -> int:
        """Trainings of each setting: one for each seed, or for each fold."""
        return self.repeats if self.folds is None else self.folds

    def active(self, value_of: Callable[[int, Parameter], object]) -> dict[str, object]:
        """Name -> value of the parameters that are active in a trial.

        Args:
            value_of: the value that a parameter, with its index, has if it is active.
        """
        values: dict[str, object] = {}
        for index, parameter in enumerate(self.parameters):
            if parameter.is_active(values):
                values[parameter.name] = value_of(index, parameter)
        return values

    def named(self, name: str) -> tuple[Parameter, ...]:
        """The parameters of one name: one for each condition it is under."""
        return tuple(parameter for parameter in self.parameters if parameter.name == name)
