"""The tree of a YAML text, every node with its place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from typing_extensions import TypeIs

from ..errors import Problem

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Place:
    """Where a node stands: a file with line and column from 1, or an origin without lines."""

    file: str
    line: int | None = None
    column: int | None = None

    def problem(self, path: str, message: str) -> Problem:
        """A problem that stands here."""
        return Problem(self.file, self.line, self.column, path, message)


@dataclass(frozen=True)
class Node:
    """A scalar, a list of nodes or a dictionary of nodes, with the place it was read from."""

    value: Any
    place: Place
    key_place: Place | None = None

    def plain(self) -> Any:
        """The value as plain Python data."""
        if is_dict(self.value):
            return {key: child.plain() for key, child in self.value.items()}
        if is_list(self.value):
            return [child.plain() for child in self.value]
        return self.value

    def child(self, step: str | int) -> "Node | None":
        """The child at a key or index; None where there is none."""
        if is_dict(self.value):
            return self.value.get(step)
        if is_list(self.value) and isinstance(step, int) and 0 <= step < len(self.value):
            return self.value[step]
        return None

    def walk(self, path: Path = ()) -> Iterator[tuple[Path, "Node"]]:
        """This node and all below it, each with its path."""
        yield path, self
        if is_dict(self.value):
            for key, child in self.value.items():
                yield from child.walk((*path, key))
        elif is_list(self.value):
            for index, child in enumerate(self.value):
                yield from child.walk((*path, index))

    def problem(self, path: Path, message: str, *, key: bool = False) -> Problem:
        """A problem at `path`, or at the deepest node above it that exists.

        Args:
            key: point to the key rather than to its value.
        """
        node, reached = self, 0
        for step in path:
            child = node.child(step)
            if child is None:
                break
            node, reached = child, reached + 1
        place = node.place
        if key and reached == len(path) and node.key_place is not None:
            place = node.key_place
        return place.problem(dotted(path), message)


def is_dict(value: object) -> TypeIs[dict[Any, Any]]:
    """Whether a value is a dictionary, whose items a type checker then knows to be of any type."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeIs[list[Any] | tuple[Any, ...]]:
    """The same of a list or a tuple."""
    return isinstance(value, (list, tuple))


def node_of(value: object, place: Place) -> Node:
    """Plain Python data as a tree in which every node has the same place.

    A number of NumPy is the Python number of its value.
    """
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        value = cast(Any, value).item()
    if is_dict(value):
        return Node({key: node_of(item, place) for key, item in value.items()}, place)
    if is_list(value):
        return Node([node_of(item, place) for item in value], place)
    return Node(value, place)


def dotted(path: Path) -> str:
    """A path as people write it.

    >>> dotted(("model", "layers", 1, "dense", "units"))
    'model.layers[1].dense.units'
    """
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def string_keys(value: Any) -> Any:
    """A plain value whose mappings have text for keys, as those of a file have.

    >>> string_keys({1: [{2: 3}]})
    {'1': [{'2': 3}]}
    """
    if isinstance(value, Mapping):
        given = cast(Mapping[Any, Any], value)
        return {str(key): string_keys(item) for key, item in given.items()}
    if is_list(value):
        return [string_keys(item) for item in value]
    return value
