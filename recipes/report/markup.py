"""The HTML that the pages of runs and sweeps share: document, table cells, links, and their file.

Everything that comes from a run or a sweep may have been written by a stranger. It enters a page
through the functions of this module alone, and they escape it.
"""

import html
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ... import disk
from ..errors import RequestError
from ..record.directory import RunDirectory

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem;
       color: #222; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
.table { overflow-x: auto; } .table table { overflow-wrap: normal; }
table { border-collapse: collapse; } th, td { padding: .25rem .8rem; text-align: left;
       border-bottom: 1px solid #ddd; vertical-align: top; } td.number { text-align: right;
       font-variant-numeric: tabular-nums; } th[scope=row] { font-weight: normal; }
.curves { display: flex; flex-wrap: wrap; gap: 1rem; } .curves svg { max-width: 100%;
       height: auto; }
.failed, .interrupted { color: #b00020; } pre { background: #f6f6f6; padding: 1rem;
       overflow-x: auto; font-size: .85rem; overflow-wrap: normal; }
"""
# By this a page of ours is known, and may be replaced by a newer one.
GENERATOR = '<meta name="generator" content="keras-recipes">'


def document(title: str, parts: Iterable[str]) -> str:
    """A complete page.

    Args:
        title: as plain text.
        parts: HTML.
    """
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">{GENERATOR}'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{text(title)}</title><style>{STYLE}</style></head>\n"
        f"<body>{''.join(parts)}</body></html>\n"
    )


def text(value: Any) -> str:
    """Any value as the text of an element or an attribute.

    >>> text('<b title="x">')
    '&lt;b title=&quot;x&quot;&gt;'
    """
    return html.escape(str(value))


def rounded(value: Any, form: str = ".4f") -> str:
    """A float in a format of Python's; anything else as text, and nothing for None.

    >>> rounded(0.25), rounded(12), rounded(None), rounded("<b>")
    ('0.2500', '12', '', '&lt;b&gt;')
    """
    if isinstance(value, float):
        return format(value, form)
    return "" if value is None else text(value)


def number(value: Any) -> str:
    """A table cell for a number that may be missing."""
    return f'<td class="number">{rounded(value)}</td>'


def table(head: Sequence[Any], rows: Iterable[str]) -> str:
    """A table that scrolls sideways by itself where the window is narrower.

    Args:
        head: titles of the columns, as plain text.
        rows: each the cells of a row, as HTML.
    """
    titles = "".join(f'<th scope="col">{text(title)}</th>' for title in head)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f'<div class="table"><table><tr>{titles}</tr>{body}</table></div>'


def link(folder: Path, name: Any, shown: str) -> str:
    """A link to a file or folder below the page's own; text alone where it would lead elsewhere.

    >>> link(Path("sweep"), "trials/0001", "1")
    '<a href="trials/0001">1</a>'
    >>> link(Path("sweep"), "javascript:alert(1)", "1"), link(Path("sweep"), "//host/x", "1")
    ('1', '1')
    """
    try:
        disk.inside(folder, name)
    except ValueError:
        return text(shown)
    return f'<a href="{text(quote(name))}">{text(shown)}</a>'


def write_page(target: Path, page: str, *, patience: float = 0.0) -> Path:
    """Write a page, in the place of an older one if there is one.

    Args:
        patience: seconds to wait for a disk that is full.

    Raises:
        RequestError: something else stands in its place, or it cannot be written.
    """
    if os.path.lexists(target) and not _is_page(target):
        raise RequestError(
            f"{target}: already exists, and is not a report of keras-recipes; it is not "
            "overwritten. Name another file with `--out`."
        )
    try:
        RunDirectory(target.parent, patience).write_text(target.name, page)
    except (OSError, ValueError) as error:
        cause = disk.cause(error) if isinstance(error, OSError) else error
        raise RequestError(f"{target}: cannot be written: {cause}.") from None
    return target


def _is_page(path: Path) -> bool:
    """Whether a path is a regular file that begins as our pages do."""
    if os.path.islink(path) or not os.path.isfile(path):
        return False
    try:
        with open(path, encoding="utf-8") as file:
            return GENERATOR in file.read(500)
    except (OSError, ValueError):
        return False
