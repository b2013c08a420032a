"""A sweep as frozen records: what is searched, how, for what, and for how long."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ...spec.nodes import Node
from .constraints import Constraint
from .labels import index_of, labels

Steps = tuple[str | int, ...]


@dataclass(frozen=True)
class Uniform:
    """A number from `min` to `max`, every one as likely; with `step`, `min` and each step up."""

    min: float
    max: float
    step: float | None = None


@dataclass(frozen=True)
class LogUniform:
    """A number from `min` to `max`, every order of magnitude as likely."""

    min: float
    max: float


@dataclass(frozen=True)
class Int:
    """A whole number from `min` to `max`, both among them; with `log`, by orders of magnitude."""

    min: int
    max: int
    step: int = 1
    log: bool = False


@dataclass(frozen=True)
class Choice:
    """One of some values, which may be whole parts of a recipe.

    Attributes:
        values: what is chosen from; plain data, mappings and lists among them.
        ordered: whether neighbours in the list are close to each other.
    """

    values: tuple[Any, ...]
    ordered: bool = False

    def label(self, value: Any) -> str:
        """The short word for a value, different for each: what tables and pictures show."""
        index = index_of(self.values, value)
        if index is None:
            raise ValueError(f"Argument `value` must be a choice. Received: value={value!r}")
        return labels(self.values)[index]


@dataclass(frozen=True)
class Fixed:
    """One value, given to every trial in which the parameter is active."""

    value: Any


Domain = Uniform | LogUniform | Int | Choice | Fixed


@dataclass(frozen=True)
class Parameter:
    """One key of a recipe and the values it may take.

    Attributes:
        key: path of the key in the recipe.
        name: the same path as it is written, such as `model.layers[0].dense.units`. Two parameters
            may share it where their conditions never hold at once.
        domain: the values.
        when: name of another parameter -> values of it with which this one is active.
        line: line of the sweep's file, from 1; None where the sweep came from no file.
        column: column of it, from 1.
    """

    key: Steps
    name: str
    domain: Domain
    when: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    line: int | None = None
    column: int | None = None


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
        source: the sweep's file, or None.
        plugins: modules whose classes the recipe names.
        tree: the recipe with everything it extends and `base` merged in.
    """

    name: str
    recipe: str
    objective: Objective
    algorithm: Algorithm
    parameters: tuple[Parameter, ...]
    base: Mapping[str, Any] = field(default_factory=dict)
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
    source: Path | None = None
    plugins: tuple[str, ...] = ()
    tree: Node | None = field(default=None, repr=False, compare=False)

    def named(self, name: str) -> tuple[Parameter, ...]:
        """The parameters of one name: one for each condition it is under."""
        return tuple(parameter for parameter in self.parameters if parameter.name == name)
