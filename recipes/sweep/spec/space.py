"""The space of a sweep's file, read into parameters, with the place of every value."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from ...errors import Problem
from ...spec.fields import where
from ...spec.nodes import Node, Place, dotted, is_dict
from ...spec.nodes import Path as Keys
from ...spec.overrides import WHOLE, steps
from ...spec.wording import closest, did_you_mean, listed, shown
from .choices import Choice, Fixed
from .domains import Domain
from .kinds import ITEMS, LIST, ChoiceNodes, DomainError, DomainKind, wrong
from .labels import same
from .ranges import Int, LogUniform, Uniform
from .records import Parameter

MOST_PARAMETERS = 200
MOST_DEPTH = 100
# These distinguish a mistyped domain from a key of the recipe.
BODY = frozenset({"min", "max", "values", "depth"})
# Each trial must be judged on the same rows, and its test rows must stay unseen.
KEPT: dict[Keys, str] = {
    ("name",): "the name of a trial is given by the sweep.",
    ("seed",): "a seed is no setting; `repeats` trains each setting with several.",
    ("data", "seed"): "every trial must be judged on the same rows.",
    ("data", "validation"): "every trial must be judged on the same rows.",
    ("data", "test"): "every trial must be judged on the same rows.",
    ("data", "folds"): "every trial must be judged on the same rows.",
    ("data", "fold"): "every trial must be judged on the same rows.",
    ("ensemble",): "a sweep trains single networks; its key `ensemble` joins the best of them.",
}


class Stack(DomainKind):
    """The same layers `depth` times on top of each other: an ordered choice of lists."""

    meaning = "the same layers, `depth` times on top of each other"
    arguments = {  # noqa: RUF012
        "depth": replace(
            where(is_dict, "expected `{min: 1, max: 3}`.", {"type": "object"}),
            schema={
                "type": "object",
                "required": ["min", "max"],
                "additionalProperties": False,
                "properties": {
                    "min": {"type": "integer", "minimum": 0},
                    "max": {"type": "integer", "minimum": 1},
                },
            },
        ),
        **{"layers": ITEMS, "before": LIST, "after": LIST},
    }
    required = ("depth", "layers")

    @classmethod
    def read(cls, node: Node) -> ChoiceNodes:
        found = cls.checked(node)
        depth = Int.read(node.value["depth"])
        if depth.min < 0 or depth.max > MOST_DEPTH or not found["layers"]:
            raise wrong(node, f"expected a depth of 0 to {MOST_DEPTH}, and at least one layer.")
        before, after = found.get("before", []), found.get("after", [])
        repeats = (depth.value_at(index) for index in range(depth.count))
        stacks = ([*before, *found["layers"] * times, *after] for times in repeats)
        return ChoiceNodes(tuple(Node(stack, node.place) for stack in stacks), ordered=True)


DOMAINS: dict[str, type[Domain] | type[Stack]] = {
    "uniform": Uniform,
    "log_uniform": LogUniform,
    "int": Int,
    "choice": Choice,
    "fixed": Fixed,
    "stack": Stack,
}
DOMAIN_WORDS = frozenset({*DOMAINS, "when"})


def read_domain(node: Node) -> Domain | ChoiceNodes:
    """The domain of a node.

    Raises:
        DomainError: with every mistake in it.
    """
    words = listed(DOMAINS)
    if not isinstance(node.value, dict):
        message = f"expected {words}, as `uniform: {{min: 0, max: 1}}`."
        raise wrong(node, f"{message} Received {shown(node.plain())}.")
    given = [word for word in node.value if word != "when"]
    if len(given) != 1 or given[0] not in DOMAINS:
        unknown = next((word for word in given if word not in DOMAINS), None)
        hint = did_you_mean(unknown, DOMAINS) if unknown else ""
        received = f" Received {listed(given)}." if given else ""
        raise wrong(node, f"expected one of {words}.{hint}{received}")
    return DOMAINS[given[0]].read(node.value[given[0]])


def is_domain(node: Node) -> bool:
    """Whether a node inside a value is a domain rather than a part of a recipe."""
    words = set(node.value) - {"when"} if isinstance(node.value, dict) else set()
    word = words.pop() if len(words) == 1 else None
    return word in DOMAINS and DOMAINS[word].is_body(node.value[word].value)


@dataclass(frozen=True)
class SpaceEntry:
    """A parameter, and its condition as the file has it.

    Attributes:
        parameter: the parameter without its condition.
        when: parent's name -> nodes of the words that activate it.
    """

    parameter: Parameter
    when: dict[str, list[Node]] = field(default_factory=dict)


@dataclass
class Space:
    """What was read of a space.

    Attributes:
        entries: in the order of the file.
        failed: keys whose values could not be read: a condition that names one is not to blame.
        problems: every mistake.
    """

    entries: list[SpaceEntry] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def note(self, place: Place, name: str, message: str) -> None:
        """Note a mistake in the values of a key."""
        self.failed.add(name)
        self.problems.append(place.problem(name, message))

    def keys(self, root: Node, path: Keys = ()) -> None:
        """Read a mapping of keys, nested or dotted."""
        for written, child in root.value.items():
            if not WHOLE.fullmatch(written):
                name = dotted((*path, written))
                self.note(
                    _key_place(child), name, "is not a key of a recipe, as `data.batch_size`."
                )
                continue
            self.key((*path, *steps(written)), child)

    def key(self, path: Keys, node: Node) -> None:
        """Read what stands below one key."""
        if isinstance(node.value, dict) and node.value and not set(node.value) & DOMAIN_WORDS:
            if self.nested(path, node):
                self.keys(node, path)
        elif isinstance(node.value, list) and node.value:
            for child in node.value:
                self.entry(path, child)
        else:
            self.entry(path, node)

    def nested(self, path: Keys, node: Node) -> bool:
        """Whether a mapping holds further keys, and is not a domain with a word mistyped."""
        for word, inner in node.value.items():
            close = closest(word, sorted(DOMAINS), most=1)
            if close and isinstance(inner.value, dict) and BODY & set(inner.value):
                hint = f"there is no domain `{word}`. Did you mean {listed(close)}?"
                self.note(_key_place(inner), dotted(path), hint)
                return False
        if {"min", "max"} & set(node.value):
            message = "say how the range is drawn from: `uniform`, `log_uniform` or `int`, as "
            message += f"`uniform: {shown(node.plain())}`."
            self.note(node.place, dotted(path), message)
            return False
        return True

    def entry(self, path: Keys, node: Node) -> None:
        """Read one domain with its condition."""
        name = dotted(path)
        if path in KEPT:
            self.note(_key_place(node), name, f"cannot be in the space: {KEPT[path]}")
            return
        found = None
        try:
            found = read_domain(node)
        except DomainError as error:
            for place, message in error.mistakes:
                self.note(place, name, message)
        when = self.when(name, node)
        if isinstance(found, ChoiceNodes):
            self.options(path, found, when, _key_place(node))
        elif found is not None:
            nodes = () if found.searched else (node.value["fixed"],)
            self.add(Parameter(path, name, found, {}, _key_place(node), nodes), when)

    def add(self, parameter: Parameter, when: dict[str, list[Node]]) -> None:
        """Keep a parameter; keys that cannot be in the space may not be inside a value either."""
        for template in parameter.nodes:
            for path, node in template.walk(parameter.key):
                if path != parameter.key and path in KEPT:
                    message = f"cannot be in the space: {KEPT[path]}"
                    self.note(_key_place(node), dotted(path), message)
        self.entries.append(SpaceEntry(parameter, when))

    def options(
        self, path: Keys, found: ChoiceNodes, when: dict[str, list[Node]], place: Place
    ) -> None:
        """A choice, whose values may hold domains, which are active with that value alone."""
        templates = tuple(template(node) for node in found.nodes)
        plain = tuple(node.plain() for node in templates)
        for index, value in enumerate(plain):
            if any(same(value, other) for other in plain[:index]):
                message = f"{shown(value)} is there twice."
                self.note(found.nodes[index].place, dotted(path), message)
                return
        choice = Choice(plain, found.ordered)
        self.add(Parameter(path, dotted(path), choice, {}, place, templates), when)
        # One domain in several values is one parameter, active with each of them.
        inner: list[tuple[Keys, Node, list[Node]]] = []
        for value, node in zip(templates, found.nodes, strict=True):
            for below, domain in inner_domains(node):
                for known, other, parents in inner:
                    if known == below and same(other.plain(), domain.plain()):
                        parents.append(value)
                        break
                else:
                    inner.append((below, domain, [value]))
        for below, domain, parents in inner:
            before = len(self.entries)
            self.entry((*path, *below), domain)
            for entry in self.entries[before : before + 1]:
                entry.when[dotted(path)] = parents

    def when(self, name: str, node: Node) -> dict[str, list[Node]]:
        """The condition of an entry, as it is written."""
        condition = node.child("when")
        if condition is None:
            return {}
        if not isinstance(condition.value, dict) or not condition.value:
            message = "expected another key of the space and its values, as `{optimizer: sgd}`."
            received = shown(condition.plain())
            self.note(condition.place, name, f"{message} Received {received}.")
            return {}
        return {
            parent: child.value if isinstance(child.value, list) else [child]
            for parent, child in condition.value.items()
        }


def read_space(root: Node) -> Space:
    """The entries of a space, and every mistake in it."""
    found = Space()
    found.keys(root)
    if len(found.entries) > MOST_PARAMETERS:
        found.note(root.place, "space", f"has more than {MOST_PARAMETERS} parameters.")
    return found


def _key_place(node: Node) -> Place:
    return node.key_place or node.place


def inner_domains(node: Node, path: Keys = ()) -> Iterator[tuple[Keys, Node]]:
    """The outermost domains inside a value, each with its path."""
    if is_domain(node):
        yield path, node
    elif isinstance(node.value, dict):
        for key, child in node.value.items():
            yield from inner_domains(child, (*path, key))
    elif isinstance(node.value, list):
        for index, child in enumerate(node.value):
            yield from inner_domains(child, (*path, index))


def template(node: Node) -> Node:
    """A value in which the middle of each domain stands for it, and the first of each choice.

    An empty mapping stands for a choice of mappings: the chosen one merges with what is there.
    """
    if is_domain(node):
        try:
            found = read_domain(node)
        except DomainError:
            return Node(None, node.place, node.key_place)
        if isinstance(found, ChoiceNodes):
            first = found.nodes[0]
            if isinstance(first.value, dict) and not is_domain(first):
                return Node({}, first.place, node.key_place)
            return replace(template(first), key_place=node.key_place)
        return Node(found.middle, node.place, node.key_place)
    if isinstance(node.value, dict):
        made = {key: template(child) for key, child in node.value.items()}
        return Node(made, node.place, node.key_place)
    if isinstance(node.value, list):
        return Node([template(child) for child in node.value], node.place, node.key_place)
    return node
