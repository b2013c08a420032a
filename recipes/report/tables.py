"""Tables for a terminal, Markdown and LaTeX."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import printable
from ..record.several import SCORES, ComparedRun, differences, distinct, keys_that_differ

LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}",
}  # fmt: skip
MARKDOWN = "\\`*_{}[]<>()#+!|~$&"
# Columns of a table that is written; a page scrolls.
MOST_WIDE = 40


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        title: what it shows.
        head: names of its columns.
        rows: its cells; None for one without a value.
    """

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[object]]


def word(value: object) -> str:
    """A cell as text in one line, without control characters.

    >>> word(0.123456), word(None), word("a\\x1b[2J")
    ('0.1235', '', 'a?[2J')
    """
    if isinstance(value, float):
        return f"{value:.4f}" if 1e-3 <= abs(value) < 1e5 or value == 0 else f"{value:.4g}"
    return "" if value is None else printable(str(value))


def as_text(table: Table) -> str:
    """For a terminal: numbers to the right, words to the left."""
    cells = [[_cut(word(cell)) for cell in row] for row in table.rows]
    head = [_cut(word(name)) for name in table.head]
    widths = [max(map(len, column)) for column in zip(head, *cells, strict=True)]
    right = [
        all(isinstance(cell, (int, float)) or cell is None for cell in column)
        for column in zip(*table.rows, strict=True)
    ] or [False] * len(head)
    lines = [
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in (head, *cells)
    ]
    return "\n".join([*([table.title] if table.title else []), *lines])


def _cut(text: str) -> str:
    return text if len(text) <= MOST_WIDE else f"{text[: MOST_WIDE - 3]}..."


def as_markdown(table: Table) -> str:
    """As GitHub and others read it."""

    def line(cells: Sequence[object]) -> str:
        escaped = ("".join(f"\\{c}" if c in MARKDOWN else c for c in word(cell)) for cell in cells)
        return f"| {' | '.join(escaped)} |"

    rule = f"|{'---|' * len(table.head)}"
    lines = [line(table.head), rule, *map(line, table.rows)]
    title = [f"**{word(table.title)}**", ""] if table.title else []
    return "\n".join([*title, *lines])


def as_latex(table: Table) -> str:
    """As `tabular` with the rules of the package booktabs."""

    def line(cells: Sequence[object]) -> str:
        escaped = ("".join(LATEX.get(c, c) for c in word(cell)) for cell in cells)
        return f"{' & '.join(escaped)} \\\\"

    columns = "l" * len(table.head)
    return "\n".join(
        [
            f"% {word(table.title)}",
            f"\\begin{{tabular}}{{{columns}}}",
            "\\toprule",
            line(table.head),
            "\\midrule",
            *map(line, table.rows),
            "\\bottomrule",
            "\\end{tabular}",
        ]
    )


def compared(runs: Sequence[ComparedRun]) -> list[Table]:
    """Results, what the recipes differ in, and the differences row by row."""
    names = distinct(runs)
    measured = list(dict.fromkeys(name for run in runs for name in run.measured))
    results = [
        [
            name,
            "damaged" if run.result is None else run.result.status,
            None if run.result is None else run.result.epochs,
            *(run.measured.get(key) for key in measured),
        ]
        for name, run in zip(names, runs, strict=True)
    ]
    found = [Table("results", ["run", "status", "epochs", *measured], results)]
    keys = keys_that_differ(runs)
    if keys:
        rows = [[key, *values] for key, values in keys.items()]
        found.append(Table("keys of the recipes that differ", ["key", *names], rows))
    paired = differences(runs)
    if paired:
        first = names[next(index for index, run in enumerate(runs) if run.problem is None)]
        title = (
            f"{SCORES[paired[0].score]} on the {paired[0].split} rows, minus that of "
            f"{first}: paired bootstrap over rows, 95 % interval"
        )
        rows = [
            [" and ".join(names[index] for index in each.runs), each.mean, each.low, each.high]
            for each in paired
        ]
        found.append(Table(title, ["run", "difference", "low", "high"], rows))
    return found
