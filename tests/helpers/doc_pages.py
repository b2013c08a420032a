"""The pages of the documentation: their blocks of code and the commands in them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^(?: {4}|\$ )?keras-recipes ([a-z][^|<>`$\\\n]*?)(?:\s+#.*)?$", re.MULTILINE)


class Part(NamedTuple):
    """A block of code of a page, or a command.

    Attributes:
        line: of the page on which it begins, from 1.
        language: of the block; `command` of a command, whose text is without its first word.
    """

    line: int
    language: str
    text: str


def parts(text: str) -> list[Part]:
    """The blocks and the commands of a page, in order."""
    return sorted(_parts(text))


def _parts(text: str) -> Iterator[Part]:
    for match in BLOCK.finditer(text):
        yield Part(text.count("\n", 0, match.start(2)) + 1, match[1], match[2])
    for match in COMMAND.finditer(text):
        yield Part(text.count("\n", 0, match.start(1)) + 1, "command", match[1])
