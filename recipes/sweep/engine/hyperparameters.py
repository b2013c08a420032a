"""A sweep's space as keras-tuner's hyperparameters, and a trial's values back.

keras-tuner's hyperparameters hold numbers and text only, so a choice is kept as the short label of
its value. keras-tuner sees all of them as active: inactive ones are set to their defaults, so that
two trials that differ in nothing active are one to keras-tuner as well.
"""

from collections.abc import Mapping

import keras_tuner

from ..spec.choices import Choice
from ..spec.domains import Domain
from ..spec.ranges import Int, Range
from ..spec.records import Parameter, Sweep

# Names under which an oracle gives a trial more than its setting.
ORACLE_PREFIX = "tuner/"
EPOCHS, INITIAL_EPOCH = "tuner/epochs", "tuner/initial_epoch"
PARENT, ROUND = "tuner/trial_id", "tuner/round"


def names_of(sweep: Sweep) -> list[str]:
    """keras-tuner's name of each of `sweep.parameters`: their name, numbered where it is shared."""
    found: list[str] = []
    before: dict[str, int] = {}
    for parameter in sweep.parameters:
        number = before[parameter.name] = before.get(parameter.name, 0) + 1
        found.append(parameter.name if number == 1 else f"{parameter.name}@{number}")
    return found


def searched(sweep: Sweep) -> list[tuple[str, Parameter]]:
    """Name and parameter of all that an oracle decides: everything but fixed values."""
    pairs = zip(names_of(sweep), sweep.parameters, strict=True)
    return [(name, row) for name, row in pairs if row.domain.searched]


def hyperparameters(sweep: Sweep) -> keras_tuner.HyperParameters:
    """The space of a sweep in keras-tuner's terms, for its oracles and its tuners."""
    space = keras_tuner.HyperParameters()
    for name, parameter in searched(sweep):
        _declare(space, name, parameter.domain)
    return space


def _declare(space: keras_tuner.HyperParameters, name: str, domain: Domain) -> None:
    default = domain.encode(domain.middle)
    match domain:
        case Choice():
            space.Choice(name, domain.names(), default=default)
        case Int(step=1):
            sampling = "log" if domain.log else "linear"
            space.Int(name, domain.min, domain.max, sampling=sampling, default=default)
        case Range(step=None):
            sampling = "log" if domain.log else "linear"
            space.Float(name, domain.min, domain.max, sampling=sampling, default=default)
        case _:
            # keras-tuner loses the last value where rounding leaves it just outside of the range.
            space.Int(name, 0, (domain.count or 1) - 1, default=default)


def active_of(sweep: Sweep, kept: Mapping[str, object]) -> dict[str, object]:
    """Name -> value, of the parameters that are active, from keras-tuner's values of a trial."""
    names = names_of(sweep)

    def value_of(index: int, parameter: Parameter) -> object:
        domain, name = parameter.domain, names[index]
        stored = domain.searched and name in kept
        return domain.decode(kept[name]) if stored else domain.middle

    return sweep.active(value_of)


def kept_values(sweep: Sweep, kept: Mapping[str, object]) -> dict[str, object]:
    """keras-tuner's values of one trial, rounded, and those of inactive parameters at defaults."""
    values = active_of(sweep, kept)
    given: set[str] = set()
    found: dict[str, object] = {}
    for name, parameter in searched(sweep):
        # Of the parameters that share a name, one is active.
        own = (
            parameter.name in values and parameter.name not in given and parameter.is_active(values)
        )
        value = values[parameter.name] if own else parameter.domain.middle
        found[name] = parameter.domain.encode(value)
        if own:
            given.add(parameter.name)
    return found
