"""Recipes made wrong at random: in their structure, in their text, and by names that exist."""

import copy
import math
import random
from collections.abc import Callable, Iterator
from typing import Any

import yaml

from keras_recipes.recipes.spec import catalog

# Stands in the tree for a piece of YAML that no Python value says.
RAW = [
    "!!python/object/apply:os.system ['true']",
    "!!python/name:os.system",
    "!lambda x",
    "*nowhere",
    "&a [*a]",
    "&b {x: *b}",
    "{<<: {units: 3}}",
    "{? [1, 2] : 3}",
    "{1: 2, 1: 3}",
    "{~: 3}",
    "{true: 1, 1.5: 2}",
    "9" * 500,
    "-" + "9" * 399,
    "0x" + "f" * 300,
    "0o" + "7" * 390,
    "1e400",
    "1" * 390 + ".5",
    ".nan",
    "-.inf",
    "1_000",
    "12:30",
    "2020-01-01",
    "on",
    "'unclosed",
    "{unclosed: [",
    "[" * 80 + "]" * 80,
    "[" * 3000 + "]" * 3000,
    "{a: " * 70 + "1" + "}" * 70,
    "|\n  a\n  b",
    '"\\x00"',
    '"\\ud800"',
    '"\\U0001F600"',
    '"\\e[31m"',
    "%TAG",
    "@at",
    "`tick`",
    "? x",
    "- x",
    "--- 3",
    "... ",
    "\t3",
]
VALUES = [
    math.nan, math.inf, -math.inf, -1, 0, 1, 2, 3, 7, 0.5, 1.0, 1.5, -0.0, 1e-320, 1e308, -1e308,
    2**24, 2**31, 2**31 - 1, 2**32, 2**53 + 1, 2**62, 2**63, 2**64, -(2**63), 10**9, 10**30,
    10**300, 10**308, 10**320, True, False, None, "", " ", "a", "a b", "x" * 200, "x" * 20000, "é",
    "\u202eabc", "\ufeff", "日本", "\U0001f600", "\x07", "\r\n", "\x85", "{}", "%s", "{message}",
    "relu", "adam", "softmax", "val_loss", "auto", "all", "none", "null", "same", "valid", "10%",
    "0%", "100%", "101%", "-3%", "1e400%", "5 epochs", "0 epochs", "1e300 epochs", "3 steps",
    "99999999999999999999 steps", "0.5 steps", "2 minutes", "../../x", "/dev/zero", "/dev/full",
    "/proc/self/mem", "~/x", "a\\b", "http://localhost/x.yaml", "os:system", "os.system",
    "keras.layers.Lambda", "lambda", "__import__('os')", "x**99999**99999", "1/0", "step" * 40,
    [], [1], [1, 2], [0], [-1], [None], ["a", 1], [[1], [2]], [[]], [1] * 3000, {}, {"": None},
    {"a": 1}, {"class_name": "Lambda", "config": {}}, {"lambda": {}}, {"units": 3},
    {"value": 1}, {"__class__": "x"}, {"x" * 500: 1}, {"a": {"b": {"c": {"d": 1}}}},
]  # fmt: skip
# Kinds of choices by the key they stand below.
KINDS = {
    "layers": "layers",
    "residual": "layers",
    "output": "layers",
    "callbacks": "callbacks",
    "metrics": "metrics",
    "loss": "losses",
    "optimizer": "optimizers",
    "learning_rate": "schedules",
    "then": "schedules",
    "gradient_transforms": "gradient_transforms",
    "source": "sources",
    "kernel_initializer": "initializers",
    "kernel_regularizer": "regularizers",
    "activation": "activations",
    "visible": "visible_units",
    "hidden": "hidden_units",
    "estimator": "estimators",
}
Path = tuple[Any, ...]


def mutated(tree: Any, text: str, dice: random.Random) -> bytes:
    """A recipe made wrong, as the bytes of a file.

    Args:
        tree: the recipe as plain data.
        text: the recipe as it is written.
        dice: decides everything.
    """
    if dice.random() < 0.25:
        content = text.encode()
    else:
        tree = copy.deepcopy(tree)
        for _ in range(dice.choice((1, 1, 1, 2, 3, 6))):
            tree = dice.choice(STRUCTURE)(tree, dice)
        content = written(tree, dice)
    if dice.random() < 0.3 or content == text.encode():
        for _ in range(dice.choice((1, 1, 2, 8))):
            content = dice.choice(TEXT)(content, dice)
    return content


def overrides(tree: Any, dice: random.Random) -> list[str]:
    """Words for the command line that change something, rightly or wrongly."""
    words = []
    for _ in range(dice.choice((0, 0, 0, 1, 2))):
        path = dice.choice(list(paths(tree)))
        key = ""
        for step in path:
            key += f"[{step}]" if isinstance(step, int) else f".{step}" if key else str(step)
        value = dice.choice([dice.choice(RAW), str(dice.choice(VALUES))])
        word = dice.choice([f"{key}={value}", f"{key}.x={value}", f"{key}[9]={value}", f"{key}="])
        # The operating system hands over neither of these.
        word = word.replace("\0", "").encode("utf-8", "replace").decode()
        if not word.startswith("-") and "=" in word:
            words.append(word[:5000])
    return words


def paths(tree: Any, path: Path = ()) -> Iterator[Path]:
    """Every place of a tree below its root."""
    steps = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for step, child in list(steps):
        yield (*path, step)
        if isinstance(child, (dict, list)):
            yield from paths(child, (*path, step))


def at(tree: Any, path: Path) -> Any:
    for step in path:
        tree = tree[step]
    return tree


def _replaced(tree: Any, path: Path, value: Any) -> Any:
    at(tree, path[:-1])[path[-1]] = value
    return tree


def _spot(tree: Any, dice: random.Random) -> Path | None:
    places = list(paths(tree)) if isinstance(tree, (dict, list)) else []
    return dice.choice(places) if places else None


def hostile(dice: random.Random) -> Any:
    """A value that some code somewhere did not think of."""
    if dice.random() < 0.3:
        return f"RAW{dice.randrange(len(RAW))}RAW"
    return copy.deepcopy(dice.choice(VALUES))


def replace(tree: Any, dice: random.Random) -> Any:
    path = _spot(tree, dice)
    return hostile(dice) if path is None else _replaced(tree, path, hostile(dice))


def delete(tree: Any, dice: random.Random) -> Any:
    path = _spot(tree, dice)
    if path is not None:
        del at(tree, path[:-1])[path[-1]]
    return tree


def swap(tree: Any, dice: random.Random) -> Any:
    first, second = _spot(tree, dice), _spot(tree, dice)
    if first is None or second is None:
        return tree
    one, two = copy.deepcopy(at(tree, first)), copy.deepcopy(at(tree, second))
    if first != second[: len(first)] and second != first[: len(second)]:
        _replaced(_replaced(tree, first, two), second, one)
    return tree


def rename(tree: Any, dice: random.Random) -> Any:
    """Another key for the same value: mistyped, from elsewhere, or of a strange type."""
    path = _spot(tree, dice)
    if path is None or not isinstance(path[-1], str):
        return tree
    above = at(tree, path[:-1])
    strange: list[Any] = [path[-1][:-1], path[-1] * 2, path[-1].upper(), 3, 2.5, None, True, ""]
    elsewhere = [step for place in paths(tree) for step in place if isinstance(step, str)]
    above[dice.choice([*strange, *elsewhere[:60], "é", "a\nb", "x.y[0]"])] = above.pop(path[-1])
    return tree


def insert(tree: Any, dice: random.Random) -> Any:
    path = _spot(tree, dice)
    target = tree if path is None else at(tree, path)
    if isinstance(target, list):
        target.insert(dice.randint(0, len(target)), hostile(dice))
    elif isinstance(target, dict):
        target[dice.choice(["x", "units", "rate", "seed", "extends", "name"])] = hostile(dice)
    return tree


def repeat(tree: Any, dice: random.Random) -> Any:
    """The same item of a list many times, or a mapping inside itself."""
    path = _spot(tree, dice)
    if path is None:
        return tree
    above, value = at(tree, path[:-1]), at(tree, path)
    if isinstance(above, list):
        above.extend(copy.deepcopy(value) for _ in range(dice.choice((1, 2, 40))))
    else:
        for _ in range(dice.choice((1, 3, 70))):
            value = {path[-1]: value}
        above[path[-1]] = value
    return tree


def rechoose(tree: Any, dice: random.Random) -> Any:
    """Another name of the tables, with arguments that it has and values it may not expect."""
    places = [path for path in paths(tree) if _kind(path) is not None]
    if not places:
        return tree
    path = dice.choice(places)
    kind = _kind(path)
    assert kind is not None
    name = dice.choice(sorted(catalog.tables()[kind]))
    return _replaced(tree, path, choice(kind, name, dice))


def _kind(path: Path) -> str | None:
    """The table that names a choice at this place, where the place holds one."""
    last = path[-1] if isinstance(path[-1], str) else path[-2] if len(path) > 1 else None
    in_list = isinstance(path[-1], int)
    listed = last in ("layers", "residual", "callbacks", "metrics", "gradient_transforms")
    return KINDS.get(last) if isinstance(last, str) and in_list == listed else None


def choice(kind: str, name: str, dice: random.Random) -> Any:
    """A choice as a recipe writes it, with some arguments."""
    arguments = catalog.entry(kind, name).arguments
    if not arguments or (dice.random() < 0.1 and kind != "layers"):
        return name
    given = {}
    for key, argument in arguments.items():
        if argument.required:
            given[key] = value_for(key, dice) if dice.random() < 0.95 else hostile(dice)
        elif dice.random() < 0.15:
            given[key] = value_for(key, dice) if dice.random() < 0.7 else hostile(dice)
    return {name: given}


def value_for(key: str, dice: random.Random) -> Any:
    """A value that an argument of this name may well take."""
    if key in KINDS or key.endswith(("initializer", "regularizer")):
        kind = KINDS.get(key, "initializers" if key.endswith("initializer") else "regularizers")
        return choice(kind, dice.choice(sorted(catalog.tables()[kind])), dice)
    if key.endswith(("rate", "epsilon", "alpha", "momentum", "decay", "factor", "stddev", "max")):
        return dice.choice([0, 0.1, 0.5, 1.0, 1e-9, 3, -0.5])
    if key.endswith(("steps", "period", "every")):
        return dice.choice([1, 10, "10%", "1 epochs", "50 steps", 10**9, "100%"])
    if key.endswith(("size", "units", "filters", "strides", "shape", "axis", "n", "dim", "heads")):
        return dice.choice([1, 2, 3, 8, 10**5, 10**7, 10**9, [1, 1], [2, 2], [3], [64, 1], -1])
    return dice.choice([True, False, 1, 2, 0.5, "auto", "same", "val_loss", "min", [1, 2], None])


def bomb(tree: Any, dice: random.Random) -> Any:
    """A few lines of aliases that unfold to a billion nodes."""
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    return {"BOMB": "\n".join(rows)} if dice.random() < 0.5 else {**tree, "BOMB": "\n".join(rows)}


Structural = Callable[[Any, random.Random], Any]
STRUCTURE: list[Structural] = [
    replace, replace, replace, replace, delete, delete, swap, rename, insert, repeat,
    rechoose, rechoose, rechoose, rechoose, rechoose, rechoose,
]  # fmt: skip


def written(tree: Any, dice: random.Random) -> bytes:
    """A tree as YAML, with the raw pieces in their places."""
    if dice.random() < 0.01 and isinstance(tree, dict):
        tree = bomb(tree, dice)
    raw_bomb = tree.pop("BOMB", None) if isinstance(tree, dict) else None
    flow = dice.choice((None, False, False, True))
    text = yaml.safe_dump(
        tree, sort_keys=False, allow_unicode=True, default_flow_style=flow, width=10**6
    )
    for index, piece in enumerate(RAW):
        text = text.replace(f"RAW{index}RAW", piece)
    if raw_bomb is not None:
        text = raw_bomb + "\n" + text
    return text.encode("utf-8", "surrogatepass")


def flip(content: bytes, dice: random.Random) -> bytes:
    place = dice.randrange(len(content) or 1)
    bit = bytes([content[place] ^ (1 << dice.randrange(8))]) if content else b"\xff"
    return content[:place] + bit + content[place + 1 :]


def cut(content: bytes, dice: random.Random) -> bytes:
    return content[: dice.randrange(len(content) + 1)]


def take_out(content: bytes, dice: random.Random) -> bytes:
    place = dice.randrange(len(content) + 1)
    return content[:place] + content[place + dice.choice((1, 2, 20)) :]


PIECES = [
    b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xc3", b"\xed\xa0\x80", b"\t", b"\r", b"\n", b"\n\n---\n",
    b":", b": ", b"- ", b"{", b"}", b"[", b"]", b"#", b"&a ", b"*a", b"!", b"!!int ", b"%", b"'",
    b'"', b"|", b">", b"? ", b"<<: ", b"\x1b[31m", b"\xe2\x80\xa8", b"\xc2\x85", b"9" * 50,
    b"x" * 3000, b" " * 3000, b"- " * 300, b"[" * 200, b"\n" * 500, b"\xff\xfe", b"...", b"1e",
]  # fmt: skip


def put_in(content: bytes, dice: random.Random) -> bytes:
    place = dice.randrange(len(content) + 1)
    return content[:place] + dice.choice(PIECES) + content[place:]


def double_line(content: bytes, dice: random.Random) -> bytes:
    lines = content.split(b"\n")
    first = dice.randrange(len(lines))
    return b"\n".join([*lines[:first], *[lines[first]] * 2, *lines[first + 1 :]])


def indent(content: bytes, dice: random.Random) -> bytes:
    lines = content.split(b"\n")
    place = dice.randrange(len(lines))
    lines[place] = dice.choice([b" " + lines[place], b"\t" + lines[place], lines[place].lstrip()])
    return b"\n".join(lines)


TEXT: list[Callable[[bytes, random.Random], bytes]] = [
    flip, flip, cut, take_out, put_in, put_in, put_in, double_line, indent,
]  # fmt: skip
