"""YAML text to a tree: scalars of YAML 1.2, places, and everything that is refused."""

import math

import pytest
import yaml
from yaml.scanner import ScannerError

from keras_recipes.recipes.errors import RecipeError
from keras_recipes.recipes.spec import loader
from keras_recipes.recipes.spec.loader import parse, read
from keras_recipes.recipes.spec.nodes import dotted


def plain(text):
    return parse(text, "f.yaml").plain()


def problems(text):
    with pytest.raises(RecipeError) as caught:
        parse(text, "f.yaml")
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E5", 1e5),
        (".5", 0.5),
        ("-2.", -2.0),
        ("010", 10),
        ("0o10", 8),
        ("0xff", 255),
        ("+7", 7),
        ("12:30", "12:30"),
        ("1_000", "1_000"),
        ("2026-01-01", "2026-01-01"),
        ("on", "on"),
        ("yes", "yes"),
        ("No", "No"),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("'1'", "1"),
        ('"true"', "true"),
        ("10%", "10%"),
        ("500 steps", "500 steps"),
        ("=", "="),
    ],
)
def test_scalars_of_yaml_1_2(text, value):
    assert plain(f"x: {text}") == {"x": value}
    assert type(plain(f"x: {text}")["x"]) is type(value)


def test_nan():
    assert math.isnan(plain("x: .nan")["x"])


def test_every_node_has_its_place():
    root = parse("a:\n  - b: 1\n    c: [2, 3]\n", "f.yaml")
    places = {dotted(path): (node.place.line, node.place.column) for path, node in root.walk()}
    assert places == {
        "": (1, 1),
        "a": (2, 3),
        "a[0]": (2, 5),
        "a[0].b": (2, 8),
        "a[0].c": (3, 8),
        "a[0].c[0]": (3, 9),
        "a[0].c[1]": (3, 12),
    }


def test_all_double_keys_are_found_at_every_depth():
    text = "a: 1\nb: {c: 1, d: 2, c: 3}\na: 2\n"
    found = problems(text)
    assert len(found) == 2
    assert found[0].startswith("f.yaml:2:17 the key `c` is given twice. It stands first in line 2")
    assert found[1].startswith("f.yaml:3:1 the key `a` is given twice.")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x: !!python/object/apply:os.system ['true']", "tags build objects and are refused"),
        ("x: !custom 1", "tags build objects"),
        ("x: !!int '3'", "tags build objects"),
        ("? [a, b]\n: 1", "a key must be a word"),
        ("a: &x 1\nb: {<<: *x}", "`<<` is no key of YAML 1.2"),
        ("a: *nothing", "is not known"),
        ("a: &a [*a]", "stands inside what it names"),
        ("a: 1\n---\nb: 2", "a second document begins here"),
        ("a: [1, 2", "is not YAML"),
        ("a: 1\n\tb: 2", "is not YAML"),
        ("a: b: c", "is not YAML"),
        ("", "is empty"),
        ("# only a comment", "is empty"),
        ("a: " + "9" * 500, "a number of 500 digits"),
        ("[" * 100 + "]" * 100, "nested more than"),
        ("a: \x00", "is not YAML"),
    ],
)
def test_refused(text, message):
    assert any(message in problem for problem in problems(text)), problems(text)


def test_aliases_are_bounded():
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    for level in range(1, 12):
        inner = ", ".join([f"*a{level - 1}"] * 10)
        lines.append(f"a{level}: &a{level} [{inner}]")
    (found,) = problems("\n".join(lines))
    assert "unfolds to more than" in found


class RefusesDepthItself(yaml.SafeLoader):
    """What libyaml does in PyYAML 6.0.4: its scanner reads ahead and has a bound of its own."""

    def check_event(self, *choices):
        raise ScannerError("while increasing flow level", None, "exceeded maximum nesting depth")


@pytest.mark.parametrize("parser", [loader.PARSER, yaml.SafeLoader, RefusesDepthItself])
@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a:\n  b: " + "[" * 20000 + "]" * 20000, "2:65"),
        ("a:\n  b: " + "[" * 20000, "2:65"),
        ("a:\n  b: " + "{x: " * 20000, "2:239"),
        ("a:\n  b: " + "[{x: " * 20000, "2:152"),
    ],
)
def test_depth_is_bounded_by_every_parser(monkeypatch, parser, text, place):
    monkeypatch.setattr(loader, "PARSER", parser)
    (problem,) = problems(text)
    assert problem.startswith(f"f.yaml:{place} is nested more than 60 deep; is a bracket")


def test_a_row_of_brackets_does_not_hide_another_mistake():
    (problem,) = problems("a: [" + "[], " * 100 + "@]")
    assert problem.startswith("f.yaml:1:405 is not YAML: found character that cannot start")


def test_aliases_work():
    assert plain("a: &x {b: 1}\nc: *x") == {"a": {"b": 1}, "c": {"b": 1}}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "there is no such file"),
        (lambda path: path.mkdir(), "is a directory"),
        (lambda path: path.write_bytes(b"a: \xff\xfe"), "is not UTF-8"),
        (lambda path: path.write_bytes(b""), "is empty"),
    ],
)
def test_a_file_that_cannot_be_read_is_reported(tmp_path, make, message):
    path = tmp_path / "r.yaml"
    make(path)
    with pytest.raises(RecipeError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_a_byte_order_mark_is_no_content(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1")
    assert read(path).plain() == {"a": 1}
