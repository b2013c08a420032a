"""A sweep's space as keras-tuner's hyperparameters, and a trial's values back.

keras-tuner's hyperparameters hold numbers and text alone, so a choice stands there by the short
words of its values. They are all active there: the values of inactive ones are put at their
defaults, so that two trials that differ in nothing active are one to keras-tuner too.
"""

from collections.abc import Mapping
from typing import Any

import keras_tuner

from ..spec.conditions import active, is_active
from ..spec.domains import count, middle, position, value_at
from ..spec.labels import labels
from ..spec.records import Choice, Domain, Fixed, Int, LogUniform, Parameter, Sweep, Uniform

# What an oracle tells a trial beside its setting stands under such names.
ORACLE_PREFIX = "tuner/"


def names_of(sweep: Sweep) -> list[str]:
    """A name for each parameter that keras-tuner knows it by: its own, numbered where it is shared.

    The names are in the order of `sweep.parameters`; a fixed one has a name and no hyperparameter.
    """
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
    elif isinstance(domain, Int) and domain.step == 1:
        sampling = "log" if domain.log else "linear"
        space.Int(name, domain.min, domain.max, sampling=sampling, default=default)
    elif isinstance(domain, (Int, Uniform)) and count(domain) is not None:
        # keras-tuner loses the last value where steps of a tenth fall short of one by a hair.
        space.Int(name, 0, (count(domain) or 1) - 1, default=default)
    elif isinstance(domain, Uniform):
        space.Float(name, domain.min, domain.max, default=default)
    elif isinstance(domain, LogUniform):
        space.Float(name, domain.min, domain.max, sampling="log", default=default)


def encoded(domain: Domain, value: Any) -> Any:
    """A value as keras-tuner keeps it: the word of a choice, the number of a step, or itself."""
    if isinstance(domain, Choice):
        return domain.label(value)
    if _by_steps(domain):
        return position(domain, value)
    return value


def decoded(domain: Domain, kept: Any) -> Any:
    """The value that keras-tuner keeps as `kept`."""
    if isinstance(domain, Choice):
        return domain.values[labels(domain.values).index(kept)]
    if _by_steps(domain):
        return value_at(domain, int(kept))
    if isinstance(domain, Int):
        return int(kept)
    if isinstance(domain, (Uniform, LogUniform)):
        # Oracles that move about freely give seventeen digits; a person reads and retypes six.
        return min(max(float(f"{kept:.6g}"), domain.min), domain.max)
    return domain.value


def _by_steps(domain: Domain) -> bool:
    stepped_int = isinstance(domain, Int) and domain.step != 1
    return stepped_int or (isinstance(domain, Uniform) and domain.step is not None)


def active_values(sweep: Sweep, hp: keras_tuner.HyperParameters) -> dict[str, Any]:
    """Name -> value, of the parameters that are active in a trial.

    Args:
        sweep: the sweep.
        hp: hyperparameters of one trial, as an oracle filled them in.
    """
    return active_of(sweep, hp.values)


def active_of(sweep: Sweep, kept: Mapping[str, Any]) -> dict[str, Any]:
    """Name -> value, of the parameters that are active, from keras-tuner's own values."""
    names = names_of(sweep)

    def value_of(index: int, parameter: Parameter) -> Any:
        if isinstance(parameter.domain, Fixed):
            return parameter.domain.value
        name = names[index]
        known = kept[name] if name in kept else encoded(parameter.domain, middle(parameter.domain))
        return decoded(parameter.domain, known)

    return active(sweep.parameters, value_of)


def kept_values(sweep: Sweep, kept: Mapping[str, Any]) -> dict[str, Any]:
    """keras-tuner's values of one trial, rounded, and those of inactive parameters at defaults."""
    values = active_of(sweep, kept)
    given: set[str] = set()
    found: dict[str, Any] = {}
    for name, parameter in searched(sweep):
        own = parameter.name in values and _is(parameter, values, given)
        value = values[parameter.name] if own else middle(parameter.domain)
        found[name] = encoded(parameter.domain, value)
        if own:
            given.add(parameter.name)
    return found


def _is(parameter: Parameter, values: Mapping[str, Any], given: set[str]) -> bool:
    """Whether it is this parameter, of those that share its name, that is active."""
    return parameter.name not in given and is_active(parameter.when, values)
