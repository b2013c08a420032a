"""What is read from the files of a sweep: of the form that it was written in, or refused.

The directory of a sweep may come from a stranger, or from a disk that lost a part of it.
"""

import json
import re
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from ..errors import RequestError

# No file of a sweep is longer, with a million trials.
MOST_BYTES = 2**30
LARGEST = 1e300


class Damaged(ValueError):
    """A value that a sweep does not write; the message names it."""


def is_trial_id(name: object) -> bool:
    """Whether something is the name of a trial: a number, as keras-tuner counts them."""
    return isinstance(name, str) and re.fullmatch("[0-9]{1,9}", name) is not None


def read_json(path: Path, mend: str) -> Any:
    """The JSON in a file.

    Args:
        path: the file.
        mend: a sentence for the user on what helps where it is damaged.

    Raises:
        RequestError: it cannot be read, or is no JSON.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise RequestError(f"{path}: is too large for a file of a sweep. {mend}")
        return json.loads(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise RequestError(f"{path}: cannot be read: {error.strerror}. {mend}") from None
    except (ValueError, RecursionError) as error:
        raise damaged(path, f"is not valid JSON: {error}", mend) from None


def damaged(path: Path, what: str, mend: str) -> RequestError:
    """The error that a damaged file is refused with."""
    return RequestError(f"{path}: {what}. {mend}")


def checked(value: object, kind: type, names: Sequence[str] | None = None, at: str = "") -> Any:
    """A mapping whose values are those of the fields of a dataclass.

    Args:
        value: what was read.
        kind: a dataclass.
        names: the fields that must be there; default all of them.
        at: where the mapping stands in its file.

    Returns:
        `value`.

    Raises:
        Damaged: it is no mapping, a field is missing, or has a value of another type.
    """
    if not isinstance(value, Mapping):
        raise Damaged(f"{at}expected an object, received {value!r:.80}")
    hints = get_type_hints(kind)
    for name in hints if names is None else names:
        if name not in value:
            raise Damaged(f"{at}has no `{name}`")
        if not fits(value[name], hints[name]):
            raise Damaged(f"{at}`{name}` cannot be {value[name]!r:.80}")
    return value


def fits(value: object, hint: object) -> bool:
    """Whether a value read from JSON is of a type as it is annotated.

    Numbers must be finite: a sweep stores neither infinity nor NaN.

    >>> fits([1, 2.5], list[float]), fits(None, float | None), fits(True, int)
    (True, True, False)
    """
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin in (Union, types.UnionType):
        return any(fits(value, one) for one in inner)
    if origin is Literal:
        return value in inner
    if origin is list:
        return isinstance(value, list) and all(fits(item, inner[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(fits(item, inner[1]) for item in value.values())
    if hint in (int, float):
        kinds = (int, float) if hint is float else (int,)
        return isinstance(value, kinds) and not isinstance(value, bool) and abs(value) <= LARGEST
    return isinstance(hint, type) and isinstance(value, hint)
