"""The space of a sweep's file, read into parameters, with the place of every value."""

from dataclasses import dataclass, field
from typing import Any

from ...errors import Problem
from ...spec.fields import closest, listed, shown
from ...spec.nodes import Node, Place, dotted
from ...spec.overrides import WHOLE, steps
from .domain_nodes import DOMAIN_WORDS, Options, domain_of, is_hole
from .domains import middle
from .labels import same
from .records import Choice, Domain, Fixed, Steps
from .space_schema import DOMAINS

MOST_PARAMETERS = 200
# By these a mistyped domain is told from a key of the recipe.
BODY = frozenset({"min", "max", "values", "depth"})
# Each trial must be judged on the same rows, and its test rows must stay unseen.
KEPT = {
    ("name",): "the name of a trial is given by the sweep.",
    ("seed",): "a seed is no setting; `repeats` trains each setting with several.",
    ("data", "seed"): "every trial must be judged on the same rows.",
    ("data", "validation"): "every trial must be judged on the same rows.",
    ("data", "test"): "every trial must be judged on the same rows.",
    ("ensemble",): "a sweep trains single networks; its own `ensemble` joins the best of them.",
}


@dataclass(frozen=True)
class Entry:
    """A parameter as the file has it: with nodes, and conditions that are not yet resolved.

    Attributes:
        key: path of the key in the recipe.
        domain: its values.
        nodes: of a choice or a fixed value, each value as a node with the places it was read from.
        when: parent's name -> nodes of the words that activate this entry.
        place: where it stands.
    """

    key: Steps
    domain: Domain
    nodes: tuple[Node, ...]
    place: Place
    when: dict[str, list[Node]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The key as it is written."""
        return dotted(self.key)

    def node(self, value: Any) -> Node:
        """A value of the domain as a node with its place."""
        for node in self.nodes:
            if same(node.plain(), value):
                return node
        return Node(value, self.place)


class Reader:
    """Goes through the nodes of a space and notes every mistake on the way."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.entries: list[Entry] = []
        # Keys whose values could not be read: a condition that names one is not to blame.
        self.failed: set[str] = set()

    def note(self, node: Node, name: str, message: str, *, key: bool = False) -> None:
        """Note a mistake where a node, or its key, stands."""
        self.failed.add(name)
        place = node.key_place if key and node.key_place is not None else node.place
        self.problems.append(Problem(place.file, place.line, place.column, name, message))

    def space(self, root: Node, path: Steps = ()) -> None:
        """Read a mapping of keys, nested or dotted."""
        for written, child in root.value.items():
            if not WHOLE.fullmatch(written):
                place = dotted((*path, written))
                self.note(child, place, "is no key of a recipe, as `data.batch_size`.", key=True)
                continue
            self.key((*path, *steps(written)), child)

    def key(self, path: Steps, node: Node) -> None:
        """Read what stands below one key."""
        if isinstance(node.value, dict) and node.value and not set(node.value) & DOMAIN_WORDS:
            if self.nested(path, node):
                self.space(node, path)
        elif isinstance(node.value, list) and node.value:
            for child in node.value:
                self.entry(path, child)
        else:
            self.entry(path, node)

    def nested(self, path: Steps, node: Node) -> bool:
        """Whether a mapping holds further keys, and is not a domain with a word mistyped."""
        for word, inner in node.value.items():
            close = closest(word, sorted(DOMAINS), most=1)
            if close and isinstance(inner.value, dict) and BODY & set(inner.value):
                hint = f"there is no domain `{word}`. Did you mean {listed(close)}?"
                self.note(inner, dotted(path), hint, key=True)
                return False
        if {"min", "max"} & set(node.value):
            message = "say how the range is drawn from: `uniform`, `log_uniform` or `int`, as "
            message += f"`uniform: {shown(node.plain())}`."
            self.note(node, dotted(path), message)
            return False
        return True

    def entry(self, path: Steps, node: Node) -> None:
        """Read one domain with its condition."""
        name = dotted(path)
        if path in KEPT:
            self.note(node, name, f"cannot be in the space: {KEPT[path]}", key=True)
            return
        problems: list[tuple[Node, str]] = []
        found = domain_of(node, problems)
        when = self.when(name, node)
        for place, message in problems:
            self.note(place, name, message)
        if found is None:
            return
        place = node.key_place or node.place
        if isinstance(found, Options):
            self.options(path, found, when, place)
        else:
            nodes = (node.value["fixed"],) if isinstance(found, Fixed) else ()
            for fixed in nodes:
                self.check_kept(path, fixed)
            self.entries.append(Entry(path, found, nodes, place, when))

    def options(self, path: Steps, found: Options, when: dict, place: Place) -> None:
        """A choice, whose values may hold domains of their own, active with that value alone."""
        templates, holes = [], []
        for node in found.nodes:
            inner: list[tuple[Steps, Node]] = []
            templates.append(self.template(path, node, (), inner))
            holes.append(inner)
        for template in templates:
            self.check_kept(path, template)
        plain = [template.plain() for template in templates]
        for index, value in enumerate(plain):
            if any(same(value, other) for other in plain[:index]):
                self.note(found.nodes[index], dotted(path), f"{shown(value)} is there twice.")
                return
        domain = Choice(tuple(plain), found.ordered)
        self.entries.append(Entry(path, domain, tuple(templates), place, when))
        merged: list[tuple[Steps, Node, list[Node]]] = []
        for template, inner in zip(templates, holes, strict=True):
            for below, node in inner:
                for known, other, parents in merged:
                    if known == below and same(other.plain(), node.plain()):
                        parents.append(template)
                        break
                else:
                    merged.append((below, node, [template]))
        for below, node, parents in merged:
            before = len(self.entries)
            self.entry((*path, *below), node)
            for entry in self.entries[before : before + 1]:
                entry.when[dotted(path)] = parents

    def check_kept(self, path: Steps, template: Node) -> None:
        """Keys that cannot be in the space cannot come in inside of a value either."""
        for below, node in template.walk():
            if below and (*path, *below) in KEPT:
                name = dotted((*path, *below))
                why = KEPT[(*path, *below)]  # type: ignore[index]
                self.note(node, name, f"cannot be in the space: {why}", key=True)

    def template(self, path: Steps, node: Node, below: Steps, holes: list) -> Node:
        """A value with its holes filled by what stands for their domains."""
        if is_hole(node):
            problems: list[tuple[Node, str]] = []
            found = domain_of(node, problems)
            holes.append((below, node))
            if found is None:
                return Node(None, node.place, node.key_place)
            if isinstance(found, Options):
                first = self.template(path, found.nodes[0], below, [])
                return Node(first.value, first.place, node.key_place)
            return Node(middle(found), node.place, node.key_place)
        if isinstance(node.value, dict):
            made = {
                key: self.template(path, child, (*below, key), holes)
                for key, child in node.value.items()
            }
            return Node(made, node.place, node.key_place)
        if isinstance(node.value, list):
            items = [
                self.template(path, child, (*below, index), holes)
                for index, child in enumerate(node.value)
            ]
            return Node(items, node.place, node.key_place)
        return node

    def when(self, name: str, node: Node) -> dict[str, list[Node]]:
        """The condition of an entry, as it is written."""
        condition = node.child("when")
        if condition is None:
            return {}
        if not isinstance(condition.value, dict) or not condition.value:
            message = "expected another key of the space and its values, as `{optimizer: sgd}`."
            self.note(condition, name, f"{message} Received {shown(condition.plain())}.")
            return {}
        return {
            parent: child.value if isinstance(child.value, list) else [child]
            for parent, child in condition.value.items()
        }


def read_space(root: Node) -> tuple[list[Entry], set[str], list[Problem]]:
    """The entries of a space in the order of the file, keys that failed, and every mistake."""
    reader = Reader()
    reader.space(root)
    if len(reader.entries) > MOST_PARAMETERS:
        reader.note(root, "space", f"has more than {MOST_PARAMETERS} parameters.")
    return reader.entries, reader.failed, reader.problems
