"""What the columns of a table became, and what was found out about the data."""

from collections.abc import Mapping

from ..record.contents import JSONObject
from . import markup
from .markup import text

# Words of a vocabulary that are shown.
MOST_WORDS = 12


def section(data: JSONObject) -> str:
    """The page's part about the data of a run; empty of an older run.

    Args:
        data: `data.json`.
    """
    rows = data.get("rows")
    if not isinstance(rows, Mapping):
        return ""
    sizes = ", ".join(f"{count} {name}" for name, count in rows.items() if count)
    notes = "".join(f"<li>{text(note)}</li>" for note in data.get("notes", []))
    listed = f"<details><summary>notes</summary><ul>{notes}</ul></details>" if notes else ""
    what = f"{data.get('source')}, {data.get('task')}; rows: {sizes}"
    return f"<p>{text(what)}</p>{table(data)}{listed}"


def table(data: JSONObject) -> str:
    """A row for each column that enters the network."""
    features = data.get("features") or []
    rows = [
        f'<th scope="row">{text(each["name"])}</th><td>{text(each["kind"])}</td>'
        f"<td>{text(became(each))}</td>"
        for each in features
    ]
    return markup.table(["column", "kind", "what it becomes"], rows) if rows else ""


def became(feature: JSONObject) -> str:
    """What a column becomes, in words.

    >>> became({"kind": "numeric", "offset": 2.0, "divisor": 4.0, "fill": 1.0, "log": True})
    '(sign(x) log(1 + |x|) - 2) / 4; missing is 1'
    """
    if feature["kind"] == "numeric":
        return _numeric(feature)
    words = feature.get("vocabulary")
    if isinstance(words, list):
        first = ", ".join(repr(word) for word in words[:MOST_WORDS])
        more = f" and {len(words) - MOST_WORDS} more" if len(words) > MOST_WORDS else ""
        return f"{str(feature.get('output')).replace('_', ' ')} of {first}{more}"
    if "parts" in feature:
        return ", ".join(map(str, feature["parts"]))
    rest = {key: value for key, value in feature.items() if key not in ("name", "kind") and value}
    return ", ".join(f"{key} {value}" for key, value in rest.items())


def _numeric(feature: JSONObject) -> str:
    x = "sign(x) log(1 + |x|)" if feature.get("log") else "x"
    found = f"({x} - {feature['offset']:.6g}) / {feature['divisor']:.6g}"
    if feature.get("boundaries"):
        found = f"one of {len(feature['boundaries']) + 1} bins"
    flag = ", with a flag" if feature.get("indicator") else ""
    return f"{found}; missing is {feature['fill']:.6g}{flag}"
