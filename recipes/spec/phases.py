"""`phases`: stretches of one training, each with its frozen layers and its learning rate."""

from typing import Annotated, Literal

from pydantic import Field as Key

from .arguments import choice
from .choices import Choice
from .durations import MOST_EPOCHS
from .fields import Field, regular_expressions
from .nodes import is_dict, is_list
from .strict import MOST, Strict

EXPECTED_FREEZE = (
    "expected a regular expression for the paths of layers, such as `backbone`, a list of them, "
    "`true` for all but the last layer, or `false`."
)


def _freeze(value: object) -> bool | str | list[str]:
    if isinstance(value, bool):
        return value
    patterns = regular_expressions(value, EXPECTED_FREEZE)
    return patterns if is_list(value) else patterns[0]


class PhaseSection(Strict):
    """One phase of a training."""

    epochs: int = Key(gt=0, le=MOST_EPOCHS, description="passes over the training rows")
    freeze: Annotated[
        bool | str | list[str],
        Field(
            _freeze,
            EXPECTED_FREEZE,
            {
                "anyOf": [
                    {"type": ["boolean", "string"]},
                    {"type": "array", "minItems": 1, "items": {"type": "string"}},
                ]
            },
        ),
    ] = Key(
        False,
        description="layers that do not train: a regular expression, or several, for paths such as "
        "`backbone/block_1_expand`; `true` is all but the last layer",
    )
    gradual: int | None = Key(
        None,
        gt=0,
        le=MOST,
        description="number of groups in which the frozen layers are unfrozen within the phase, "
        "from the last to the first",
    )
    learning_rate: Annotated[float | Choice, choice("schedules", numbers=True)] | None = Key(
        None,
        description="a number or a schedule, whose steps count from the phase's beginning; by "
        "default the recipe's continues",
    )
    optimizer: Literal["keep", "fresh"] = Key(
        "keep", description="`fresh`: moments and step of the optimizer as at first"
    )


def with_epochs(recipe: object) -> object:
    """A recipe's mapping with the epochs of its phases, where it has phases and no epochs."""
    if not is_dict(recipe) or "epochs" in recipe or not is_list(recipe.get("phases")):
        return recipe
    counts = [phase.get("epochs") if is_dict(phase) else None for phase in recipe["phases"]]
    sound = [count for count in counts if type(count) is int and count > 0]
    if not sound or len(sound) < len(counts):
        return recipe
    return {**recipe, "epochs": sum(sound)}
