"""What a notebook shows of a recipe, a result, and lists: parts of HTML, and no page."""

from collections.abc import Iterable, Sequence

from ..record.result import Result
from . import overview
from .markup import number, text
from .markup import table as table_of
from .recipe_text import greyed
from .tables import Table

# The front end of the notebook chooses colours and fonts.
STYLE = "<style>.keras-recipes .default{opacity:.55}</style>"


def fragment(content: str) -> str:
    """A part of a notebook's page."""
    return f'{STYLE}<div class="keras-recipes">{content}</div>'


def recipe_part(name: str, dumped: str, defaults: Iterable[str]) -> str:
    """A recipe, resolved, with keys that have their default values greyed."""
    return fragment(f"<b>{text(name)}</b>{greyed(dumped, defaults)}")


def result_part(result: Result) -> str:
    """How a run ended, its metrics, and what was diagnosed."""
    found = overview.findings(result.findings)
    found += overview.folds(result) + overview.members(result)
    where = f"<p><code>{text(result.directory)}</code></p>"
    return fragment(overview.outcome(result) + where + overview.results(result) + found)


def lines_part(lines: Sequence[str]) -> str:
    """Sentences below one another."""
    return fragment("".join(f"<p>{text(line)}</p>" for line in lines))


def tables_part(tables: Iterable[Table]) -> str:
    """Tables below one another."""
    return fragment("".join(map(_table, tables)))


def _table(table: Table) -> str:
    title = f"<p><b>{text(table.title)}</b></p>" if table.title else ""
    rows = ("".join(map(_cell, row)) for row in table.rows)
    return title + table_of(table.head, rows)


def _cell(value: object) -> str:
    return (
        number(value) if isinstance(value, (int, float)) or value is None else overview.cell(value)
    )
