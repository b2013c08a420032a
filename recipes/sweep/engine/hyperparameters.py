"""A sweep's space as keras-tuner's hyperparameters, and a trial's values back.

keras-tuner's hyperparameters hold numbers and text only, so a choice is kept as the short label of
its value. keras-tuner sees all of them as active: inactive ones are set to their defaults, so that
two trials that differ in nothing active are one to keras-tuner as well.
"""

from collections.abc import Mapping
from typing import Any

import keras_tuner

from ..spec.conditions import active, is_active
from ..spec.domains import count, middle, position, value_at
from ..spec.labels import labels
from ..spec.records import Choice, Domain, Fixed, Int, LogUniform, Parameter, Sweep, Uniform

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
    return [(name, row) for name, row in pairs if not isinstance(row.domain, Fixed)]


def hyperparameters(sweep: Sweep) -> keras_tuner.HyperParameters:
    """The space of a sweep in keras-tuner's terms, for its oracles and its tuners."""
    space = keras_tuner.HyperParameters()
    for name, parameter in searched(sweep):
        _declare(space, name, parameter.domain)
    return space


def _declare(space: keras_tuner.HyperParameters, name: str, domain: Domain) -> None:
    default = encoded(domain, middle(domain))
    if isinstance(domain, Choice):
        space.Choice(name, labels(domain.values), default=default)
    elif _by_steps(domain):
        # keras-tuner loses the last value where rounding leaves it just outside of the range.
        space.Int(name, 0, (count(domain) or 1) - 1, default=default)
    elif isinstance(domain, Int):
        sampling = "log" if domain.log else "linear"
        space.Int(name, domain.min, domain.max, sampling=sampling, default=default)
    elif isinstance(domain, Uniform):
        space.Float(name, domain.min, domain.max, default=default)
    elif isinstance(domain, LogUniform):
        space.Float(name, domain.min, domain.max, sampling="log", default=default)


def encoded(domain: Domain, value: Any) -> Any:
    """A value as keras-tuner keeps it: the label of a choice, the index of a step, or itself."""
    if isinstance(domain, Choice):
        return domain.label(value)
    return position(domain, value) if _by_steps(domain) else value


def decoded(domain: Domain, kept: Any) -> Any:
    """The value that keras-tuner keeps as `kept`."""
    if isinstance(domain, Choice):
        return domain.values[labels(domain.values).index(kept)]
    if _by_steps(domain):
        return value_at(domain, int(kept))
    if isinstance(domain, Int):
        return int(kept)
    if isinstance(domain, (Uniform, LogUniform)):
        # Some oracles give seventeen digits; a person reads and retypes six.
        return min(max(float(f"{kept:.6g}"), domain.min), domain.max)
    return domain.value


def _by_steps(domain: Domain) -> bool:
    stepped_int = isinstance(domain, Int) and domain.step != 1
    return stepped_int or (isinstance(domain, Uniform) and domain.step is not None)


def active_of(sweep: Sweep, kept: Mapping[str, Any]) -> dict[str, Any]:
    """Name -> value, of the parameters that are active, from keras-tuner's values of a trial."""
    names = names_of(sweep)

    def value_of(index: int, parameter: Parameter) -> Any:
        domain, name = parameter.domain, names[index]
        if isinstance(domain, Fixed):
            return domain.value
        return decoded(domain, kept[name] if name in kept else encoded(domain, middle(domain)))

    return active(sweep.parameters, value_of)


def kept_values(sweep: Sweep, kept: Mapping[str, Any]) -> dict[str, Any]:
    """keras-tuner's values of one trial, rounded, and those of inactive parameters at defaults."""
    values = active_of(sweep, kept)
    given: set[str] = set()
    found: dict[str, Any] = {}
    for name, parameter in searched(sweep):
        # Of the parameters that share a name, one is active.
        own = (
            parameter.name in values
            and parameter.name not in given
            and is_active(parameter.when, values)
        )
        value = values[parameter.name] if own else middle(parameter.domain)
        found[name] = encoded(parameter.domain, value)
        if own:
            given.add(parameter.name)
    return found
