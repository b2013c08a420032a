"""`tracking`: the experiment trackers that a run is sent to."""

from collections.abc import Sequence
from typing import Annotated, Literal, get_args

from ..errors import RequestError
from .fields import Field, Mismatch
from .nodes import is_list
from .wording import did_you_mean, listed, shown

TrackerName = Literal["tensorboard", "mlflow", "wandb"]
TRACKERS: tuple[TrackerName, ...] = get_args(TrackerName)
EXPECTED_TRACKERS = f"expected a list of trackers: {listed(TRACKERS)}."


def tracker_names(value: object) -> list[TrackerName]:
    """The names of trackers, each once, in order.

    >>> tracker_names(["mlflow", "wandb", "mlflow"])
    ['mlflow', 'wandb']
    """
    if not is_list(value):
        raise Mismatch(EXPECTED_TRACKERS)
    for name in value:
        if name not in TRACKERS:
            raise Mismatch(EXPECTED_TRACKERS, did_you_mean(name, TRACKERS))
    return list(dict.fromkeys(value))


def added_trackers(names: Sequence[str]) -> list[TrackerName]:
    """The names of trackers that are given beside a recipe.

    Raises:
        RequestError: there is no such tracker.
    """
    try:
        return tracker_names(list(names))
    except Mismatch as error:
        raise RequestError(f"track: {error} Received {shown(list(names))}.{error.hint}") from None


Trackers = Annotated[
    list[TrackerName],
    Field(
        tracker_names,
        EXPECTED_TRACKERS,
        {"type": "array", "items": {"enum": list(TRACKERS)}},
    ),
]
