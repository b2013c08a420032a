"""Charts of a sweep: its curves, its progress, each parameter, the ranges of each round."""

from collections.abc import Sequence

from ...record.contents import JSONObject
from ...report.chart import Chart, Layout, LegendEntry, Trace, line, points, shown, spans_decades
from ...report.markup import number, table, text
from ...report.training import by_epoch, extremes
from .files import ParameterAxis, ShownTrial, SweepFiles
from .importance import importance

BEST, OTHERS, FADED = "@c1", "@c0", "@soft"
# Trials drawn in the chart of curves, the best of them.
MOST_CURVES = 60
# Trials in parallel coordinates, and groups of them by their rank.
MOST_LINES, GROUPS = 400, 4
# Trials in the table below the chart of a parameter, the best of them.
MOST_NUMBERS = 30


def curves(sweep: SweepFiles) -> Chart:
    """The objective after each epoch: every trial faint, the best bold."""
    traces: list[Trace] = []
    for rank, row in reversed(list(enumerate(sweep.ranked[:MOST_CURVES]))):
        for curve in row["curves"]:
            name = f"trial {row['trial']}"
            trace = line(list(range(1, len(curve) + 1)), curve, name, FADED if rank else BEST)
            trace["line"]["width"] = 1 if rank else 3
            traces.append({**trace, "opacity": 0.5 if rank else 1})
    values = [v for row in sweep.ranked[:MOST_CURVES] for c in row["curves"] for v in c]
    layout = by_epoch([(t["x"], t["y"]) for t in traces], unified=False)
    layout["yaxis"] = _scale(values)
    drawn = sweep.ranked[:MOST_CURVES]
    found = {
        f"trial {row['trial']}" + (f", training {index}" if len(row["curves"]) > 1 else ""): (
            list(range(1, len(curve) + 1)), curve,
        )
        for row in drawn for index, curve in enumerate(row["curves"], start=1)
    }  # fmt: skip
    note = f"The best, trial {sweep.ranked[0]['trial']}, is bold." if sweep.ranked else ""
    if len(sweep.ranked) > MOST_CURVES:
        note += f" The best {MOST_CURVES} of {len(sweep.ranked)} trials are drawn."
    title = f"{sweep.metric} by epoch"
    return Chart(title, traces, layout, numbers=extremes(found), note=note)


def progress(sweep: SweepFiles) -> Chart:
    """The score of each trial and the best so far, by the epochs that were trained."""
    epochs, spent, best, leaders = 0, [], None, []
    scores, names = [], []
    for row in sweep.rows:
        epochs += row["epochs"]
        if row["status"] != "completed" or row["score"] is None:
            continue
        spent.append(epochs)
        scores.append(row["score"])
        names.append(shown(f"trial {row['trial']}"))
        best = row["score"] if best is None else sweep.better(best, row["score"])
        leaders.append(best)
    each = points(spent, scores, "a trial", OTHERS, text=names, hovertemplate=HOVER)
    step = line(spent, leaders, "best so far", BEST)
    step["line"]["shape"] = "hv"
    layout = {"xaxis": {"title": {"text": "epochs trained"}}, "yaxis": _scale(scores)}
    entries = [LegendEntry("a trial", OTHERS, (0,)), LegendEntry("best so far", BEST, (1,))]
    # The trials that were the best when they ended.
    rows = [
        f'<th scope="row">{name}</th>{number(at)}{number(score)}'
        for name, at, score, before in zip(names, spent, scores, [None, *leaders], strict=False)
        if before is None or sweep.better(before, score) != before
    ]
    numbers = table(["best so far", "epochs trained", sweep.metric], rows)
    return Chart(f"best {sweep.metric} so far", [each, step], layout, entries, numbers)


HOVER = "%{text}<br>%{x:.5g}: %{y:.5g}<extra></extra>"


def parameter(sweep: SweepFiles, chosen: ParameterAxis) -> Chart:
    """The score over the values of one parameter; the best trial is marked."""
    rows = [row for row in sweep.ranked if chosen.name in row["values"]]
    scores = [row["score"] for row in rows]
    places = [chosen.place(row["values"][chosen.name]) for row in rows]
    words = [shown(_words(chosen, row)) for row in rows]
    trace = points(
        places, scores, "trials", OTHERS, text=words, hovertemplate="%{text}<extra></extra>"
    )
    if any(row["low"] is not None for row in rows):
        trace["error_y"] = {
            "type": "data", "symmetric": False, "thickness": 1, "width": 0,
            "array": [(row["high"] or row["score"]) - row["score"] for row in rows],
            "arrayminus": [row["score"] - (row["low"] or row["score"]) for row in rows],
        }  # fmt: skip
    star = {"color": BEST, "size": 14, "symbol": "star"}
    first = {**points(places[:1], scores[:1], "best", BEST), "marker": star, "hoverinfo": "skip"}
    layout = {
        "xaxis": _axis(chosen),
        "yaxis": {**_scale(scores), "title": {"text": shown(sweep.metric)}},
    }
    cells = [
        f'<th scope="row">trial {text(row["trial"])}</th>'
        f"<td>{text(_word(chosen, row))}</td>{number(row['score'])}"
        for row in rows[:MOST_NUMBERS]
    ]
    numbers = table(["the best", chosen.label, sweep.metric], cells)
    return Chart(f"{sweep.metric} by {chosen.label}", [trace, first], layout, (), numbers)


def _word(chosen: ParameterAxis, row: ShownTrial) -> str:
    value = row["values"][chosen.name]
    return f"{value:.5g}" if isinstance(value, float) else chosen.word(value)


def _words(chosen: ParameterAxis, row: ShownTrial) -> str:
    return f"trial {row['trial']}: {_word(chosen, row)}, {row['score']:.6g}"


def parallel(sweep: SweepFiles) -> Chart:
    """Parallel coordinates: a line a trial through its values, in groups by rank.

    Lines of the usual kind, and not the library's own trace, which needs WebGL.
    """
    names = sweep.parameters
    rows = sweep.ranked[:MOST_LINES]
    groups: list[list[ShownTrial]] = [[] for _ in range(GROUPS)]
    for rank, row in enumerate(rows):
        groups[rank * GROUPS // len(rows)].append(row)
    traces: list[Trace] = []
    entries: list[LegendEntry] = []
    titles = ("best quarter", "second quarter", "third quarter", "last quarter")
    for title, of, group in reversed(
        list(zip(titles, ("@c1", "@c4", "@c5", "@c6"), groups, strict=True))
    ):
        if group:
            entries.insert(0, LegendEntry(title, of, (len(traces),)))
            traces.append(_through(names, group, title, of))
    # In a colour of its own, since the best quarter has that of the best.
    best = _through(names, rows[:1], "best", "@ink")
    best["line"]["width"] = 4
    entries.insert(0, LegendEntry("best trial", "@ink", (len(traces),)))
    traces.append({**best, "opacity": 1})
    ticks = {"tickvals": list(range(len(names))), "ticktext": list(map(_named, names))}
    layout = {
        "xaxis": {**ticks, "range": [-0.2, len(names) - 0.8]},
        "yaxis": {
            "range": [-0.05, 1.05],
            "tickvals": [0, 1],
            "ticktext": ["low", "high"],
            "showgrid": False,
        },
    }
    title = "every trial through its values"
    note = "The values of each trial are in the table of trials."
    return Chart(title, traces, layout, entries, note=note, wide=True)


def _named(chosen: ParameterAxis) -> str:
    """The label of an axis, and its range below it."""
    if chosen.words:
        return shown(chosen.label)
    return f"{shown(chosen.label)}<br>{chosen.low:.4g} to {chosen.high:.4g}"


def _through(
    names: Sequence[ParameterAxis], rows: Sequence[ShownTrial], title: str, of: str
) -> Trace:
    x: list[float | None] = []
    y: list[float | None] = []
    words: list[str] = []
    for row in rows:
        for index, chosen in enumerate(names):
            known = chosen.name in row["values"]
            x.append(index)
            y.append(chosen.height(row["values"][chosen.name]) if known else None)
            words.append(shown(_words(chosen, row)) if known else "")
        x.append(None)
        y.append(None)
        words.append("")
    trace = line(x, y, title, of, text=words, hovertemplate="%{text}<extra></extra>", opacity=0.6)
    return {**trace, "mode": "lines+markers", "marker": {"color": of, "size": 4}}


def important(sweep: SweepFiles) -> Chart | None:
    """How much of the spread of scores each parameter explains by itself."""
    found = importance(sweep)
    if not found:
        return None
    labels, shares = [label for label, _ in found], [share for _, share in found]
    trace = {
        "type": "bar", "orientation": "h", "x": shares, "y": list(range(len(shares))),
        "marker": {"color": OTHERS}, "hovertemplate": "%{x:.0%}<extra></extra>",
    }  # fmt: skip
    ticks = {"tickvals": list(range(len(labels))), "ticktext": [shown(each) for each in labels]}
    layout = {
        "xaxis": {"range": [0, 1], "tickformat": ".0%"},
        "yaxis": {**ticks, "autorange": "reversed"},
    }
    rows = [f'<th scope="row">{text(name)}</th>{number(share)}' for name, share in found]
    note = (
        "The share of the variance of the ranks of scores that lies between four groups of trials, "
        "by the parameter's values; what chance alone gives is subtracted. Parameters that only "
        "matter together are not seen."
    )
    title = "importance of each parameter by itself"
    return Chart(title, [trace], layout, (), table(["parameter", "share"], rows), note)


def rungs(sweep: SweepFiles) -> Chart | None:
    """Scores by the epochs that trials were given, of searches that stop most of them early."""
    rows: list[JSONObject] = [
        row for row in sweep.rows if row.get("until") is not None and row["score"] is not None
    ]
    levels = sorted({row["until"] for row in rows})
    if len(levels) < 2:
        return None
    by_name = {row["trial"]: row for row in rows}
    traces: list[Trace] = []
    for row in rows:
        before = by_name.get(row.get("continues"))
        if before is not None:
            ends = [before["until"], row["until"]], [before["score"], row["score"]]
            traces.append(
                line(*ends, f"trial {row['trial']}", FADED, hoverinfo="skip", opacity=0.5)
            )
    names = [shown(f"trial {row['trial']}") for row in rows]
    at = [row["until"] for row in rows]
    scores = [row["score"] for row in rows]
    traces.append(points(at, scores, "trials", OTHERS, text=names, hovertemplate=HOVER))
    layout = {"xaxis": {"title": {"text": "epochs"}, "tickvals": levels}, "yaxis": _scale(scores)}
    counts = [(level, sum(row["until"] == level for row in rows)) for level in levels]
    cells = [f'<th scope="row">{level}</th>{number(count)}' for level, count in counts]
    return Chart("rungs", traces, layout, (), table(["epochs", "trials"], cells))


def ranges(sweep: SweepFiles, chosen: ParameterAxis) -> Chart:
    """The range of a parameter in each round, narrowing around the trials that were kept."""
    kept = {name for found in sweep.rounds for name in found["kept"]}
    traces: list[Trace] = []
    for found in sweep.rounds:
        height = found["number"] + 1
        ends = [chosen.place(value) for value in found["ranges"].get(chosen.name, [])]
        words = f"round {height}"
        if not chosen.words and len(ends) == 2:
            bar = line(ends, [height, height], words, FADED, opacity=0.4, hoverinfo="skip")
            traces.append({**bar, "mode": "lines", "line": {"color": FADED, "width": 12}})
        elif ends:
            square = points(ends, [height] * len(ends), words, FADED, size=13, hoverinfo="skip")
            square["marker"] |= {"symbol": "square", "opacity": 0.4}
            traces.append(square)
    for chosen_kept, of in ((False, OTHERS), (True, BEST)):
        drawn = [
            (chosen.place(row["values"][chosen.name]), found["number"] + 1, _words(chosen, row))
            for found in sweep.rounds
            for name in found["trials"]
            if (row := sweep.row(name)) is not None
            and chosen.name in row["values"]
            and row["score"] is not None
            and (name in kept) is chosen_kept
        ]
        x, y = [each[0] for each in drawn], [each[1] for each in drawn]
        more = {
            "text": [shown(each[2]) for each in drawn],
            "hovertemplate": "%{text}<extra></extra>",
        }
        traces.append(points(x, y, "kept" if chosen_kept else "trials", of, **more))
    last = len(sweep.rounds)
    ticks = {"tickvals": [found["number"] + 1 for found in sweep.rounds]}
    yaxis = {"title": {"text": "round"}, "range": [last + 0.6, 0.4], **ticks}
    layout = {"xaxis": _axis(chosen), "yaxis": yaxis}
    return Chart(f"ranges of {chosen.label}", traces, layout, (), _limits(sweep, chosen))


def _limits(sweep: SweepFiles, chosen: ParameterAxis) -> str:
    """What each round drew a parameter from, as a table."""
    rows = []
    for found in sweep.rounds:
        values = found["ranges"].get(chosen.name, [])
        words = [f"{v:.5g}" if isinstance(v, float) else chosen.word(v) for v in values]
        joined = ", ".join(words) if chosen.words else " to ".join(words)
        rows.append(f'<th scope="row">{found["number"] + 1}</th><td>{text(joined)}</td>')
    return table(["round", chosen.label], rows)


def _axis(chosen: ParameterAxis) -> Layout:
    title = {"title": {"text": shown(chosen.label)}}
    if chosen.words:
        ticks = [shown(word) for word in chosen.words]
        return {**title, "tickvals": list(range(len(ticks))), "ticktext": ticks}
    return {**title, "type": "log" if chosen.log else "linear"}


def _scale(values: Sequence[object]) -> Layout:
    numbers = [value for value in values if isinstance(value, (int, float))]
    return {"type": "log" if spans_decades(numbers) else "linear"}
