"""Formulas of docstrings become MathML that is well formed and says the same."""

import ast
import doctest
import importlib.util
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parent.parent


def module():
    made = importlib.util.spec_from_file_location("formulas", ROOT / "docs" / "formulas.py")
    found = importlib.util.module_from_spec(made)
    made.loader.exec_module(found)
    return found


formulas = module()


def docstrings():
    for room in ("schedules", "models", "callbacks", "pretraining"):
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node):
                    yield node.name, ast.get_docstring(node)


def blocks():
    for name, text in docstrings():
        for block in re.split(r"\n\s*\n", text):
            if any(formulas.BEGIN.match(line) for line in block.split("\n")):
                yield name, block


def shown(markup):
    """The text of a formula, in the order in which it is read."""
    return "".join(ElementTree.fromstring(markup).itertext()).replace("\N{NO-BREAK SPACE}", " ")


def letters(text):
    return sorted(re.sub(r"[^A-Za-z0-9]", "", text))


def plain(text):
    """A text without what is drawn as a sign."""
    for word in (*formulas.GREEK, "sum", "sqrt", "floor"):
        text = re.sub(rf"(?<![A-Za-z]){word}(?![A-Za-z])", "", text)
    return text


def test_its_examples_do_what_they_say():
    results = doctest.testmod(formulas)
    assert (results.failed, results.attempted > 2) == (0, True)


def test_every_formula_of_a_docstring_is_well_formed_and_whole():
    tried = 0
    for name, block in blocks():
        parts = formulas.rendered(block)
        tried += sum(part.startswith("<div") for part in parts)
        read = [shown(part) if part.startswith("<div") else plain(part) for part in parts]
        assert letters("".join(read)) == letters(plain(block)), name
    assert tried > 50


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("r = (a + b) / (c + d)", ["mi", "mo", "mfrac", "mrow", "mi", "mo", "mi", "mrow", "mi",
                                   "mo", "mi"]),
        ("r = a^(-b)", ["mi", "mo", "msup", "mi", "mrow", "mo", "mi"]),
        ("r = v[i] * w'", ["mi", "mo", "msub", "mi", "mrow", "mi", "mo", "msup", "mi", "mi"]),
        ("r = sqrt(n) for n > 0", ["mi", "mo", "msqrt", "mi", "mtext", "mi", "mo", "mn"]),
    ],
    ids=["fraction", "power", "index", "words"],
)  # fmt: skip
def test_parts_of_a_formula(text, tags):
    tree = ElementTree.fromstring(f"<math>{formulas.mathml(text)}</math>")
    assert [each.tag for each in tree.iter()][1:] == tags


def test_prose_around_formulas_stays():
    block = "With a given:\nr(t) = a / t, s = 2. The rest\nis prose.\n(Someone 2001)"
    first, one, two, *rest = formulas.rendered(block)
    assert (first, rest) == ("With a given:", ["The rest is prose.", "(Someone 2001)"])
    assert (shown(one), shown(two)) == ("r(t)=at", "s=2")


@pytest.mark.parametrize("text", ["r = ", "r = a /", "r = )(^][", "r = <b>&", "r = ((a"])
def test_what_is_no_formula_is_still_well_formed(text):
    ElementTree.fromstring(f"<math>{formulas.mathml(text)}</math>")
