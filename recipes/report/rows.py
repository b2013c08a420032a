"""The page's parts about single rows: residuals, slices, and the worst predictions."""

import base64
from collections.abc import Mapping, Sequence

import numpy as np

from ..record.contents import JSONObject, Residuals, RowEvidence, ShownRow
from ..record.directory import OUTPUTS
from ..record.several import SCORES
from . import markup
from .chart import Chart, charts, colour, line, points
from .markup import number, rounded, text
from .raster import image

BINS = 40
# A picture is drawn at least this wide.
WIDTH = 96


def residuals_section(evidence: JSONObject) -> str:
    """Predicted numbers beside their targets, of the last split of each output."""
    each = evidence.get(OUTPUTS, {"": evidence})
    return "".join(_residuals(name, found) for name, found in each.items())


def _residuals(name: str, evidence: Mapping[str, RowEvidence]) -> str:
    found = [(split, each) for split, each in evidence.items() if "residuals" in each]
    if not found:
        return ""
    split, shown = found[-1]
    title = f"<h3>{text(name)}</h3>" if name else ""
    drawn = charts([against_truth(shown["residuals"], split), errors(shown["residuals"], split)])
    return f"{title}{mean_error(shown, split)}{drawn}{slices(shown, split)}{worst(shown, split)}"


def mean_error(shown: RowEvidence, split: str) -> str:
    """The mean score with its interval, in a sentence."""
    mean, low, high = (rounded(value, ".4g") for value in shown["mean"])
    score = text(SCORES[shown["score"]])
    return f"<p>{text(split)} rows: {score} {mean}, 95 % bootstrap interval {low} to {high}</p>"


def against_truth(found: Residuals, split: str) -> Chart:
    """Predictions over targets, and the line on which they would be equal."""
    true, predicted = found["true"], found["predicted"]
    ends = [min(*true, *predicted), max(*true, *predicted)]
    perfect = line(ends, ends, "equal", "@soft", dashed=True, hoverinfo="skip")
    template = "true %{x:.5g}, predicted %{y:.5g}<extra></extra>"
    layout = {"xaxis": {"title": {"text": "true"}}, "yaxis": {"title": {"text": "predicted"}}}
    dots = points(true, predicted, split, colour(0), size=5, hovertemplate=template)
    note = ""
    if found["rows"] > len(true):
        note = f"{len(true):,} of {found['rows']:,} rows, evenly over all."
    return Chart(f"predictions, {split} rows", [perfect, dots], layout, note=note)


def errors(found: Residuals, split: str) -> Chart:
    """A histogram of predicted minus true."""
    difference = np.subtract(found["predicted"], found["true"])
    counts, edges = np.histogram(difference, bins=BINS)
    trace = {
        "type": "bar", "x": ((edges[1:] + edges[:-1]) / 2).tolist(), "y": counts.tolist(),
        "width": float(edges[1] - edges[0]), "marker": {"color": colour(0)},
        "hovertemplate": "%{y} rows near %{x:.4g}<extra></extra>",
    }  # fmt: skip
    ends = {"mean": difference.mean(), "standard deviation": difference.std()}
    ends |= {"lowest": difference.min(), "highest": difference.max()}
    rows = [f'<th scope="row">{name}</th>{number(float(value))}' for name, value in ends.items()]
    layout = {"xaxis": {"title": {"text": "predicted minus true"}}, "bargap": 0}
    title = f"residuals, {split} rows"
    return Chart(title, [trace], layout, numbers=markup.table(["", "residual"], rows))


def slices(shown: RowEvidence, split: str) -> str:
    """The mean score of the rows of each category, with its interval."""
    categories = shown.get("slices")
    if not categories:
        return ""
    score = SCORES[shown["score"]]
    rows = [
        f'<th scope="row">{text(each["column"])}</th><td>{text(each["value"])}</td>'
        f'{number(each["rows"])}<td class="number">{rounded(each["mean"], ".4g")} '
        f"({rounded(each['low'], '.4g')} to {rounded(each['high'], '.4g')})</td>"
        for each in categories
    ]
    title = f"<h3>By category, {text(split)} rows, with 95 % bootstrap intervals</h3>"
    return title + markup.table(["column", "value", "rows", score], rows)


def worst(shown: RowEvidence, split: str) -> str:
    """The rows whose true class had the lowest probability, or whose error was largest."""
    rows = shown.get("worst")
    if not rows:
        return ""
    names = list(dict.fromkeys(name for row in rows for name in row.get("cells", {})))
    measure = next((key for key in ("probability", "error") if key in rows[0]), None)
    pictured = any("pixels" in row for row in rows)
    head = ["row", *(["picture"] if pictured else []), "true", "decided"]
    head += [*([measure] if measure else []), *names]
    body = [_row(row, measure, names, pictured) for row in rows]
    title = f"<h3>Worst of the {text(split)} rows</h3>"
    return title + markup.table(head, body)


def _row(row: ShownRow, measure: str | None, names: Sequence[str], pictured: bool) -> str:
    cells = [f'<th scope="row">{text(row["row"])}</th>']
    if pictured:
        cells.append(f"<td>{picture(row)}</td>")
    cells += [f"<td>{text(row[key])}</td>" for key in ("true", "decided")]
    if measure:
        cells.append(number(row.get(measure)))
    cells += [f"<td>{text(row.get('cells', {}).get(name, ''))}</td>" for name in names]
    return "".join(cells)


def picture(row: ShownRow) -> str:
    """The pixels of a row."""
    if "pixels" not in row or "shape" not in row:
        return ""
    pixels = np.frombuffer(base64.b64decode(row["pixels"]), "uint8").reshape(row["shape"])
    return image(pixels, f"row {row['row']}", WIDTH)
