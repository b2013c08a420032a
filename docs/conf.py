"""Settings of the documentation site, which `make docs` builds."""

import inspect
import re
import sys
from collections.abc import Collection
from pathlib import Path

from sphinx.application import Sphinx

import keras_recipes

sys.path.insert(0, str(Path(__file__).parent))
import formulas

project = "keras-recipes"
release = version = keras_recipes.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
# Pages link to headings as they do on GitHub.
myst_heading_anchors = 4
# A block without a language is a shell's or a message, not Python.
highlight_language = "none"

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_title = f"keras-recipes {release}"
html_copy_source = False
html_show_copyright = False
html_show_sourcelink = False
# Summaries of what a search finds are fetched, which browsers forbid to pages opened from disk.
html_show_search_summary = False

# `make linkcheck` asks for each address; a server that is slow once is asked again.
linkcheck_retries = 3
linkcheck_timeout = 30
# Its pages are headings and anchors of JavaScript.
linkcheck_anchors_ignore_for_url = [r"https://github\.com/.*"]

# Docstrings put code in single backticks, as Markdown does.
default_role = "code"
autodoc_default_options = {"members": True, "show-inheritance": True}
# A method that overrides Keras's without a word of its own has nothing to say here.
autodoc_inherit_docstrings = False
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
# Attributes are fields of their class, beside those that have a docstring as properties.
napoleon_use_ivar = True

CODE = re.compile(r"(``.*?``|`[^`]*`)", re.DOTALL)


def escape(lines: list[str], names: Collection[str] = ()) -> list[str]:
    """Docstrings with stars, bars and trailing underscores as themselves, as in `a * b`.

    reStructuredText would take them for emphasis, substitutions and targets. Code and examples stay
    as they are; formulas become MathML.

    Args:
        names: of the arguments.
    """
    blocks = re.split(r"(\n[ ]*\n)", "\n".join(lines))
    return "".join(_block(block, names) for block in blocks).split("\n")


def _block(block: str, names: Collection[str]) -> str:
    if block.lstrip().startswith(">>>"):
        return block
    if not any(formulas.BEGIN.match(line) for line in block.split("\n")):
        return _escaped(block)
    parts = formulas.rendered(block, names)
    return "\n\n".join(
        f".. raw:: html\n\n   {part}" if part.startswith("<div") else _escaped(part)
        for part in parts
    )


def _escaped(block: str) -> str:
    return "".join(
        part if part.startswith("`") else re.sub(r"([*|]|(?<=\w)_(?!\w))", r"\\\1", part)
        for part in CODE.split(block)
    )


def on_docstring(
    app: object, what: str, name: str, member: object, options: object, lines: list[str]
) -> None:
    """Escape a docstring in place."""
    try:
        names = set(inspect.signature(member).parameters) if callable(member) else set()
    except ValueError:
        names = set()
    lines[:] = escape(lines, names)


CAPTION = 'class="caption" role="heading"'


def on_page(
    app: object, name: str, template: str, context: dict[str, object], doctree: object
) -> None:
    """Give the captions of contents the level that a screen reader needs; Sphinx leaves it out."""
    for key in ("body", "furo_navigation_tree"):
        text = context.get(key)
        if isinstance(text, str):
            context[key] = text.replace(CAPTION, f'{CAPTION} aria-level="2"')


def setup(app: Sphinx) -> None:
    """Escape before napoleon makes fields of the sections; mend what the theme has made."""
    app.connect("autodoc-process-docstring", on_docstring, priority=100)
    app.connect("html-page-context", on_page, priority=900)
