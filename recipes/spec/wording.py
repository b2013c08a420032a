"""How messages write received values, lists of words and the word that was likely meant."""

import difflib
import json
from collections.abc import Iterable, Sequence

from ..errors import printable

# A comparison takes some 20 microseconds, and a table may have a hundred thousand columns.
MOST_COMPARED = 2000


def shown(value: object, most: int = 60) -> str:
    """A received value in one short line, as YAML would have it."""
    try:
        line = json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        line = str(value)
    line = printable(line)
    return line if len(line) <= most else f"{line[: most - 3]}..."


def listed(values: Iterable[object]) -> str:
    """Words as a list for people: `a`, `b` or `c`."""
    words = [f"`{shown(value).strip(chr(34))}`" for value in values]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def did_you_mean(value: object, known: Iterable[object]) -> str:
    """` Did you mean ...?`, or nothing where no known word is close."""
    words = [str(word) for word in known]
    close = closest(str(value), words)
    return f" Did you mean {listed(close)}?" if close else ""


def closest(word: str, known: Sequence[str], most: int = 3) -> list[str]:
    """Known words close to a mistyped one, the closest first."""
    if len(word) > 100:
        return []
    squeezed = {name.replace("_", ""): name for name in known}
    same = squeezed.get(word.replace("_", "").replace("-", "").lower())
    close = difflib.get_close_matches(word.lower(), known[:MOST_COMPARED], n=most, cutoff=0.7)
    return [same] if same else close
