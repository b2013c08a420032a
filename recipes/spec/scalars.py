"""What a plain scalar means in YAML 1.2 (core schema), where PyYAML still reads YAML 1.1."""

import math
import re

NULL = frozenset({"", "~", "null", "Null", "NULL"})
TRUE = frozenset({"true", "True", "TRUE"})
FALSE = frozenset({"false", "False", "FALSE"})
INTEGER = re.compile(r"[-+]?[0-9]+")
OCTAL = re.compile(r"0o[0-7]+")
HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
INFINITY = re.compile(r"([-+]?)\.(inf|Inf|INF)")
NAN = frozenset({".nan", ".NaN", ".NAN"})
# Python refuses to parse longer integers, and no recipe needs one.
MOST_DIGITS = 400


def resolve(text: str) -> str | int | float | bool | None:
    """The value of a plain (unquoted) scalar.

    >>> [resolve(text) for text in ("1e-3", "010", "0o10", "on", "12:30", "true", "~")]
    [0.001, 10, 8, 'on', '12:30', True, None]

    Raises:
        ValueError: the number has too many digits.
    """
    if text in NULL:
        return None
    if text in TRUE or text in FALSE:
        return text in TRUE
    if text[0] not in "+-.0123456789":
        return text
    if len(text) > MOST_DIGITS and (INTEGER.fullmatch(text) or HEXADECIMAL.fullmatch(text)):
        raise ValueError(f"a number of {len(text)} digits")
    if INTEGER.fullmatch(text):
        return int(text)
    if OCTAL.fullmatch(text):
        return int(text[2:], 8)
    if HEXADECIMAL.fullmatch(text):
        return int(text[2:], 16)
    if FLOAT.fullmatch(text):
        return float(text)
    if infinity := INFINITY.fullmatch(text):
        return -math.inf if infinity[1] == "-" else math.inf
    return math.nan if text in NAN else text
