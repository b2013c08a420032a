"""The HTML that the pages of runs and sweeps share: document, table cells, links, and their file.

Everything that comes from a run or a sweep may have been written by a stranger. It enters a page
through the functions of this module alone, and they escape it.
"""

import html
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote

from ... import disk
from ..errors import RequestError
from ..record.directory import RunDirectory
from .library import digest, library

HERE = Path(__file__).parent
# By this a page of ours is known, and may be replaced by a newer one.
TROUBLE = (
    '<noscript><p class="failed">The charts need JavaScript; their numbers are below each.</p>'
    '</noscript><p id="trouble" class="failed" hidden>The charts cannot be drawn in this browser; '
    "their numbers are below each.</p>"
)
GENERATOR = '<meta name="generator" content="keras-recipes">'


@dataclass(frozen=True)
class Section:
    """A part of a page, under a heading.

    Attributes:
        title: as plain text.
        content: HTML; a section without any is left out.
    """

    title: str
    content: str


@cache
def _own(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def document(title: str, lead: str, sections: Iterable[Section], *, refresh: int = 0) -> str:
    """A complete page, that needs no other file.

    Its policy admits the two scripts by their hashes and nothing else: no other script, no request.

    Args:
        title: as plain text.
        lead: HTML that comes before the sections.
        sections: the parts of the page.
        refresh: seconds after which a browser reads the page again; 0 for a page that is done.
    """
    found = [section for section in sections if section.content]
    script = _own("page.js")
    drawn = any('class="plot"' in section.content for section in found)
    scripts = [library().digest, digest(script.encode())] if drawn else []
    admitted = " ".join(f"'sha256-{each}'" for each in scripts) or "'none'"
    policy = (
        f"default-src 'none'; script-src {admitted}; style-src 'unsafe-inline'; img-src data: blob:"
    )
    again = f'<meta http-equiv="refresh" content="{refresh}">' if refresh else ""
    links = "".join(
        f'<li><a href="#s{index}">{text(each.title)}</a></li>' for index, each in enumerate(found)
    )
    parts = "".join(
        f'<section id="s{index}"><h2>{text(each.title)}</h2>{each.content}</section>'
        for index, each in enumerate(found)
    )
    tail = f'<script type="text/plain" id="library">{library().packed}</script>' if drawn else ""
    tail += f"<script>{script}</script>" if drawn else ""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">{GENERATOR}'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">{again}'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{text(title)}</title><style>{_own('page.css')}</style></head>\n"
        f"<body><header><h1>{text(title)}</h1>{lead}</header>"
        f'<nav aria-label="Sections"><ul>{links}</ul></nav><main>{TROUBLE}{parts}</main>'
        f"{tail}</body></html>\n"
    )


def text(value: object) -> str:
    """Any value as the text of an element or an attribute.

    >>> text('<b title="x">')
    '&lt;b title=&quot;x&quot;&gt;'
    """
    return html.escape(str(value))


def rounded(value: object, form: str = ".4f") -> str:
    """A float in a format of Python's; anything else as text, and nothing for None.

    >>> rounded(0.25), rounded(12), rounded(None), rounded("<b>")
    ('0.2500', '12', '', '&lt;b&gt;')
    """
    if isinstance(value, float):
        return format(value, form)
    return "" if value is None else text(value)


def number(value: object) -> str:
    """A table cell for a number that may be missing."""
    return f'<td class="number">{rounded(value)}</td>'


def table(head: Sequence[object], rows: Iterable[str]) -> str:
    """A table that scrolls sideways by itself where the window is narrower.

    Args:
        head: titles of the columns, as plain text.
        rows: each the cells of a row, as HTML.
    """
    titles = "".join(f'<th scope="col">{text(title)}</th>' for title in head)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    inside = f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="scroll" tabindex="0" role="group" aria-label="table">{inside}</div>'


def link(folder: Path, name: str, shown: str) -> str:
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
