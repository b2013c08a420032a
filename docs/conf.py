"""Settings of the documentation site, which `make docs` builds."""

import re

from sphinx.application import Sphinx

import keras_recipes

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
FORMULA = re.compile(r"\s*\w+(\([\w, ]*\))? = ")


def escape(lines: list[str]) -> list[str]:
    """Docstrings with stars, bars and trailing underscores as themselves, as in `a * b`.

    reStructuredText would take them for emphasis, substitutions and targets, and would run formulas
    that stand in lines of their own together. Code and examples stay as they are.
    """
    blocks = re.split(r"(\n[ ]*\n)", "\n".join(lines))
    return "".join(
        block if block.lstrip().startswith(">>>") else _in_lines(_escaped(block))
        for block in blocks
    ).split("\n")


def _escaped(block: str) -> str:
    return "".join(
        part if part.startswith("`") else re.sub(r"([*|]|(?<=\w)_(?!\w))", r"\\\1", part)
        for part in CODE.split(block)
    )


def _in_lines(block: str) -> str:
    """A block of several formulas as one line for each."""
    lines = block.split("\n")
    begins = [FORMULA.match(line) is not None for line in lines]
    if sum(begins) < 2 or not begins[0]:
        return block
    indent = re.match(" *", block)[0]
    return "\n".join(
        f"{indent}{'| ' if first else '  '}{line.strip()}"
        for first, line in zip(begins, lines, strict=True)
    )


def on_docstring(
    app: object, what: str, name: str, member: object, options: object, lines: list[str]
) -> None:
    """Escape a docstring in place."""
    lines[:] = escape(lines)


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
