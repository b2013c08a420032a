"""The key `data.batch_size`: rows an update, and whether they must fit into memory at once."""

from typing import Annotated, Literal

from .fields import Field, Mismatch
from .nodes import is_dict

EXPECTED = "expected a whole number from 1, `all`, or `{auto: 256}`."
MOST = 2**31


def _is_count(value: object) -> bool:
    return type(value) is int and 1 <= value < MOST


def _batch_size(value: object) -> object:
    if value == "all" or _is_count(value):
        return value
    if is_dict(value) and set(value) == {"auto"} and _is_count(value["auto"]):
        return {"auto": value["auto"]}
    raise Mismatch(EXPECTED)


_COUNT = {"type": "integer", "minimum": 1}
BatchSize = int | Literal["all"] | dict[Literal["auto"], int]
BatchSizeKey = Annotated[
    BatchSize,
    Field(
        _batch_size,
        EXPECTED,
        {
            "anyOf": [
                _COUNT,
                {"const": "all"},
                {
                    "type": "object",
                    "required": ["auto"],
                    "additionalProperties": False,
                    "properties": {"auto": _COUNT},
                },
            ]
        },
    ),
]


def rows_an_update(size: BatchSize) -> int | Literal["all"]:
    """What a batch size says of an update, whether or not it is computed in parts.

    >>> rows_an_update({"auto": 256}), rows_an_update(32)
    (256, 32)
    """
    return size["auto"] if isinstance(size, dict) else size
