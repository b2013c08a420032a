"""`extends`: a recipe as changes to another one."""

import os
from collections.abc import Mapping
from pathlib import Path

from ..errors import Problem, RecipeError
from . import shipped
from .backbones import IMAGENET
from .file_arguments import FILES, SCHEME
from .loader import read_named
from .nodes import Node, Place, is_dict, node_of, string_keys
from .nodes import Path as Keys
from .wording import shown

# Where a mapping is a choice: its one key is a name, which replaces another name.
CHOICES: frozenset[Keys] = frozenset(
    {
        ("optimizer",),
        ("learning_rate",),
        ("loss",),
        ("data", "source"),
        ("data", "validation"),
        ("data", "test"),
        ("model", "backbone"),
        ("model", "output"),
    }
)
# A bound replaces another kind of bound; two kinds at once must be said at once.
REPLACED: frozenset[Keys] = frozenset({("gradient_clipping",)})
SUFFIXES = (".yaml", ".yml")


def resolve(source: object) -> Node:
    """The tree of a recipe with everything it extends merged in.

    Args:
        source: path, name of a shipped recipe, or mapping.
    """
    if isinstance(source, Mapping):
        root = node_of(string_keys(source), Place("recipe"))
        return _extended(root, Path(), ())
    path = locate(str(source), Path())
    return _read(path, ())


def locate(word: str, folder: Path) -> Path:
    """The file that a path or a shipped name means; paths are relative to `folder`."""
    looks_like_path = word.endswith(SUFFIXES) or "/" in word or "\\" in word
    if looks_like_path:
        return folder / word
    if folder != Path() and _exists(folder / f"{word}.yaml"):
        return folder / f"{word}.yaml"
    found = shipped.get(word)
    if found is not None:
        return found.path
    exists = " A file needs its suffix, .yaml." if _exists(folder / word) else ""
    raise RecipeError([Problem(word, None, None, "", f"{shipped.unknown(word)}{exists}")])


def _real(path: Path) -> str:
    try:
        # Unlike `Path.resolve`, it lets links that lead in a circle be.
        return os.path.realpath(path)
    except ValueError:  # a name with a zero byte; reading the file reports it
        return str(path)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name too long for any file
        return False


def _read(path: Path, above: tuple[str, ...]) -> Node:
    root = read_named(path, "name")
    return _extended(root, path.parent, (*above, _real(path)))


def _extended(root: Node, folder: Path, above: tuple[str, ...]) -> Node:
    base = root.child("extends")
    if base is None:
        return absolute(root, folder)
    if not isinstance(base.value, str):
        message = f"expected the path or name of a recipe. Received {shown(base.plain())}."
        raise RecipeError([root.problem(("extends",), message)])
    try:
        path = locate(base.value, folder)
        if _real(path) in above:
            raise RecipeError([root.problem(("extends",), f"`{base.value}` extends itself.")])
        below = _read(path, above)
    except RecipeError as error:
        first = error.problems[0]
        if first.line is None:  # the base as a whole is missing: the place is this line
            raise RecipeError([root.problem(("extends",), str(first))]) from None
        raise
    own = {key: child for key, child in root.value.items() if key != "extends"}
    return merge(below, absolute(Node(own, root.place), folder))


def merge(base: Node, top: Node, path: Keys = ()) -> Node:
    """`base` changed by `top`: mappings merge, everything else is replaced."""
    mappings = is_dict(base.value) and is_dict(top.value)
    if not mappings or path in REPLACED:
        return top
    if is_name(path) and set(base.value) != set(top.value):
        return top
    children = dict(base.value)
    for key, child in top.value.items():
        below = children.get(key)
        children[key] = child if below is None else merge(below, child, (*path, key))
    return Node(children, top.place, top.key_place)


def is_name(path: Keys) -> bool:
    """Whether the mapping at `path` is a choice, whose key is a name.

    Below a choice, names and arguments take turns: `optimizer` / `sgd` / `momentum` / ...
    """
    for length in range(1, len(path) + 1):
        if path[:length] in CHOICES:
            return (len(path) - length) % 2 == 0
    return False


def absolute(root: Node, folder: Path) -> Node:
    """Files are relative to the recipe that names them, so the names are made absolute."""
    paths: list[Keys] = [("initialize", "weights")]
    data = root.child("data")
    for part, source in data.value.items() if data and is_dict(data.value) else ():
        if is_dict(source.value) and len(source.value) == 1:
            name = next(iter(source.value))
            paths += [
                ("data", part, name, argument)
                for kind, of, argument in FILES
                if (kind, of) == ("sources", name)
            ]
    model = root.child("model")
    backbone = None if model is None else model.child("backbone")
    for name in backbone.value if backbone and is_dict(backbone.value) else ():
        found = backbone.child(name) if backbone else None
        weights = found.child("weights") if found else None
        if weights is None or weights.value != IMAGENET:
            paths += [("model", "backbone", name, key) for key in ("weights", "path")]
    for path in paths:
        root = _absolute_at(root, path, folder)
    return root


def _absolute_at(node: Node, path: Keys, folder: Path) -> Node:
    if not path:
        if not _is_relative_file(node.value):
            return node
        return Node(str((folder / node.value).absolute()), node.place, node.key_place)
    child = node.child(path[0]) if is_dict(node.value) else None
    if child is None:
        return node
    children = {**node.value, path[0]: _absolute_at(child, path[1:], folder)}
    return Node(children, node.place, node.key_place)


def _is_relative_file(value: object) -> bool:
    """Whether a value is a path that can be made absolute; any other is refused as it stands."""
    return isinstance(value, str) and "\0" not in value and not SCHEME.match(value)
