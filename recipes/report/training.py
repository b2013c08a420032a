"""Charts of a training: loss and metrics, rates, gradients, activations."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from ..record.contents import JSONObject
from ..record.metrics import Curve
from . import markup
from .chart import Chart, LegendEntry, Trace, charts, colour, line, spans_decades
from .markup import number, text
from .thin import MOST_POINTS, thinned

# Metrics drawn first, in this order; the others follow by name.
FIRST = ("loss", "accuracy", "auc", "rmse", "mean_absolute_error")
NOT_CURVES = frozenset({"epoch", "step", "seconds"})
RATES = ("learning_rate", "momentum", "beta_1", "weight_decay", "loss_scale")
NORMS = ("gradient_norm", "clipped_norm")
STEPS = ("clipped_steps", "update_ratio", "nonfinite_steps")
# Layers whose gradients are drawn, those nearest to the input and to the output.
MOST_LAYERS = 16
# Layers whose activations are drawn.
MOST_HISTOGRAMS = 9
FEW_EPOCHS = 8
EMPTY: Curve = ([], [])


def metric_names(curves: Mapping[str, Curve]) -> list[str]:
    """The loss, then the metrics, without `val_`; those that are 0 throughout are left out."""
    others = {*NOT_CURVES, *RATES, *NORMS, *STEPS}
    names = {name.removeprefix("val_") for name in curves} - others
    found = [name for name in names if says_something(curves, (name, f"val_{name}"))]
    return sorted(found, key=lambda name: (_rank(name), name))


def _rank(name: str) -> int:
    return FIRST.index(name) if name in FIRST else len(FIRST)


def says_something(curves: Mapping[str, Curve], names: Sequence[str]) -> bool:
    """Whether any of the curves has a value other than 0."""
    return any(any(curves.get(name, EMPTY)[1]) for name in names)


def metrics_section(curves: Mapping[str, Curve], best: int | None, epochs: int) -> str:
    """Loss and metrics by epoch."""
    found = [metric(curves, name, best) for name in metric_names(curves)]
    if not found:
        return "<p>No epoch was finished.</p>"
    return f"{thin_note(epochs)}{charts(found)}"


def thin_note(epochs: int) -> str:
    """Says that not every epoch is drawn."""
    if epochs <= MOST_POINTS:
        return ""
    return (
        f'<p class="note">Of {epochs:,} epochs each curve shows at most {MOST_POINTS}: the first, '
        "the last, and the lowest and highest of equally long stretches.</p>"
    )


def metric(curves: Mapping[str, Curve], name: str, best: int | None) -> Chart:
    """A metric on the training rows and on those of validation, with the best epoch."""
    given = {
        label: curves[key]
        for label, key in (("training", name), ("validation", f"val_{name}"))
        if key in curves
    }
    traces = [
        line(*curve, label, colour(index), dashed=label == "training" and len(given) > 1)
        for index, (label, curve) in enumerate(given.items())
    ]
    entries = [
        LegendEntry(label, colour(index), (index,), dashed=label == "training")
        for index, label in enumerate(given)
    ]
    layout = by_epoch(list(given.values()))
    if best is not None:
        layout |= mark(
            best, max((epoch for curve in given.values() for epoch in curve[0]), default=0)
        )
    title = name.replace("_", " ")
    return Chart(title, traces, layout, entries if len(given) > 1 else (), extremes(given))


def by_epoch(found: Sequence[Curve], *, unified: bool = True) -> dict[str, object]:
    """A layout for curves whose horizontal axis counts epochs."""
    values = [value for curve in found for value in curve[1]]
    last = max((epoch for curve in found for epoch in curve[0]), default=0)
    # An axis of few epochs would have ticks at halves.
    ticks = {"dtick": 1} if last <= FEW_EPOCHS else {}
    return {
        "xaxis": {"title": {"text": "epoch"}, **ticks},
        "yaxis": {"type": "log" if spans_decades(values) else "linear"},
        **({"hovermode": "x unified"} if unified else {}),
    }


def mark(epoch: int, last: int) -> dict[str, object]:
    """A line at the best epoch, and a word above it, on the side where there is more space."""
    across = {"x0": epoch, "x1": epoch, "y0": 0, "y1": 1, "yref": "paper"}
    words = {
        "x": epoch, "y": 1, "yref": "paper", "text": f"best epoch {epoch}", "showarrow": False,
        "yanchor": "bottom", "xanchor": "right" if 2 * epoch > last else "left",
        "font": {"size": 11, "color": "@soft"},
    }  # fmt: skip
    stroke = {"color": "@soft", "dash": "dot", "width": 1}
    return {"shapes": [{"type": "line", **across, "line": stroke}], "annotations": [words]}


def extremes(given: Mapping[str, Curve]) -> str:
    """First, last, lowest and highest value of curves as a table."""
    rows = []
    for label, (epochs, values) in given.items():
        if not values:
            continue
        ends = [(f"{values[0]:.6g}", epochs[0]), (f"{values[-1]:.6g}", epochs[-1])]
        for chosen in (min(values), max(values)):
            ends.append((f"{chosen:.6g}", epochs[values.index(chosen)]))
        cells = "".join(f'<td class="number">{v} (epoch {e})</td>' for v, e in ends)
        rows.append(f'<th scope="row">{text(label)}</th>{cells}')
    return markup.table(["", "first", "last", "lowest", "highest"], rows)


def rates_section(curves: Mapping[str, Curve]) -> str:
    """Learning rate, momentum and decay as they were; a value that did not change as a sentence."""
    drawn, constant = [], []
    for name in RATES:
        epochs, values = curves.get(name, EMPTY)
        if not any(values):
            continue
        words = name.replace("_", " ")
        if min(values) == max(values):
            constant.append(f"{words} {values[0]:.6g} in every epoch")
            continue
        drawn.append(rate(words, (epochs, values)))
    unchanged = f"<p>{text('; '.join(constant))}.</p>" if constant else ""
    return f"{unchanged}{charts(drawn)}"


def rate(title: str, curve: Curve) -> Chart:
    """A learning rate, or another rate, by epoch."""
    layout = by_epoch([curve])
    layout["yaxis"] = {"type": "linear", "rangemode": "tozero"}
    return Chart(title, [line(*curve, title, colour(0))], layout, numbers=extremes({title: curve}))


def gradients_section(curves: Mapping[str, Curve], lines: Sequence[JSONObject]) -> str:
    """Norms of gradients, clipping, the size of updates; and the gradients of each layer."""
    found = list(_norms(curves))
    layers = layer_curves(lines)
    if layers:
        found.append(_layers(layers))
    return charts(found)


TITLES = {
    "clipped_steps": "fraction of steps that were clipped",
    "update_ratio": "size of an update relative to the weights",
    "nonfinite_steps": "steps whose gradient was not finite",
}


def _norms(curves: Mapping[str, Curve]) -> Iterator[Chart]:
    given = {name: curves[name] for name in NORMS if any(curves.get(name, EMPTY)[1])}
    if len(given) == 2 and given[NORMS[0]] == given[NORMS[1]]:
        del given[NORMS[1]]  # nothing was clipped
    if given:
        yield _several(given, "norm of the gradient")
    for name in STEPS:
        if any(curves.get(name, EMPTY)[1]):
            yield _several({name: curves[name]}, TITLES[name])


def _several(given: Mapping[str, Curve], title: str, *, wide: bool = False) -> Chart:
    """Curves in one chart."""
    traces: list[Trace] = []
    entries: list[LegendEntry] = []
    for index, (name, curve) in enumerate(given.items()):
        traces.append(line(*curve, name.replace("_", " "), colour(index)))
        entries.append(LegendEntry(name.replace("_", " "), colour(index), (index,)))
    layout = by_epoch(list(given.values()))
    legend = entries if len(given) > 1 else ()
    return Chart(title, traces, layout, legend, extremes(given), wide=wide)


def layer_curves(lines: Sequence[JSONObject]) -> dict[str, Curve]:
    """The norm of the gradient of each kernel by epoch, in the order of the network.

    Of many layers the first and the last ones. A layer whose gradient is 0 throughout stays: that
    is a finding.
    """
    found: dict[str, Curve] = {}
    for row in lines:
        epoch, gradients = row.get("epoch"), row.get("gradients")
        if not isinstance(epoch, int) or not isinstance(gradients, Mapping):
            continue
        for name, value in gradients.items():
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                epochs, values = found.setdefault(str(name), ([], []))
                epochs.append(epoch)
                values.append(float(value))
    kernels = {name: curve for name, curve in found.items() if name.endswith("kernel")} or found
    names = list(kernels)
    if len(names) > MOST_LAYERS:
        names = [*names[: MOST_LAYERS // 2], *names[-MOST_LAYERS // 2 :]]
    return {name: thinned(*kernels[name]) for name in names}


def _layers(layers: Mapping[str, Curve]) -> Chart:
    positive = [value for _, values in layers.values() for value in values if value > 0]
    layout = by_epoch(list(layers.values()), unified=len(layers) <= 8)
    layout["yaxis"] = {"type": "log" if positive else "linear"}
    traces = [
        line(epochs, values, name, colour(index), dashed=index >= 8)
        for index, (name, (epochs, values)) in enumerate(layers.items())
    ]
    entries = [
        LegendEntry(name, colour(index), (index,), dashed=index >= 8)
        for index, name in enumerate(layers)
    ]
    note = (
        "Mean norm over an epoch, from the layer at the input to that at the output. Gradients "
        "that are smaller by orders of magnitude towards the input vanish; those that grow explode."
    )
    title = "gradient of each layer's kernel"
    return Chart(title, traces, layout, entries, extremes(layers), note, wide=True)


def activations_section(lines: Sequence[JSONObject]) -> str:
    """Histograms of the outputs of each layer at the first and the last measurement."""
    if not lines:
        return ""
    first, last = lines[0], lines[-1]
    before = {row.get("layer"): row for row in first["layers"] if isinstance(row, Mapping)}
    found = []
    for row in last["layers"][:MOST_HISTOGRAMS]:
        measured = {f"epoch {last.get('epoch')}": row}
        if first is not last and row.get("layer") in before:
            measured = {f"epoch {first.get('epoch')}": before[row["layer"]], **measured}
        found.append(_histogram(str(row["layer"]), measured))
    return charts(found)


def _histogram(layer: str, measured: Mapping[str, JSONObject]) -> Chart:
    traces: list[Trace] = []
    entries: list[LegendEntry] = []
    rows = []
    for index, (when, row) in enumerate(measured.items()):
        counts, edges = row["counts"], row["edges"]
        total = sum(counts) or 1
        middles = [(low + high) / 2 for low, high in pairwise(edges)]
        shares = [count / total for count in counts]
        traces.append(line(middles, shares, when, colour(index), fill="tozeroy"))
        entries.append(LegendEntry(when, colour(index), (index,)))
        cells = "".join(number(row.get(key)) for key in ("mean", "deviation", "spread", "dead"))
        rows.append(f'<th scope="row">{text(when)}</th>{cells}')
    layout = {"xaxis": {"title": {"text": "output"}}, "yaxis": {"rangemode": "tozero"}}
    table = markup.table(["", "mean", "deviation", "spread over rows", "dead units"], rows)
    return Chart(f"outputs of {layer}", traces, layout, entries, table)
