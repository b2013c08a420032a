"""Strict JSON, which has neither NaN nor infinities: values for it, and objects read from it."""

import json
import math
from pathlib import Path
from typing import cast

from ..errors import RequestError
from .contents import JSONObject


def parsed(path: Path | str, text: str, remedy: str) -> JSONObject:
    """The JSON object of a text."""
    try:
        found = json.loads(text)
    except RecursionError:
        raise RequestError(f"{path}: is nested too deeply. {remedy}") from None
    except (ValueError, MemoryError) as error:
        raise RequestError(f"{path}: is not valid JSON: {error}. {remedy}") from None
    if not isinstance(found, dict):
        kind = type(found).__name__
        raise RequestError(f"{path}: expected a JSON object, received a {kind}. {remedy}")
    return cast("JSONObject", found)


def strict(value: object) -> object:
    """The same value with every NaN and infinity replaced by None, as JSON has neither."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): strict(item) for key, item in cast("dict[object, object]", value).items()}
    if isinstance(value, (list, tuple)):
        return [strict(item) for item in cast("list[object]", value)]
    return value
