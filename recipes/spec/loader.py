"""YAML text to a tree of nodes: strict, bounded, and building nothing but plain data."""

import re
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from yaml.scanner import ScannerError

from ..errors import Problem, RecipeError
from .fields import MOST_NAME
from .nodes import Node, Place, is_dict
from .scalars import resolve
from .wording import shown

# A recipe has a few hundred nodes. The bounds stop texts that unfold without end.
MOST_BYTES = 4 << 20
MOST_NODES = 100_000
MOST_DEPTH = 60

Events = Iterator[yaml.Event]

# The C parser is ten times as fast and gives the same events, where PyYAML was built with it.
PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read(path: Path) -> Node:
    """The tree of a YAML file.

    Raises:
        RecipeError: with every mistake that the text itself shows.
    """
    try:
        with open(path, "rb") as file:
            # A device tells no size, and has no end.
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise fault(str(path), "there is no such file.") from None
    except IsADirectoryError:
        raise fault(str(path), "is a directory, not a recipe.") from None
    except (OSError, ValueError) as error:
        raise fault(str(path), f"cannot be read: {_reason(error)}.") from None
    if len(data) > MOST_BYTES:
        raise fault(str(path), f"is larger than {MOST_BYTES >> 20} MiB; no recipe is.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise fault(str(path), "is not UTF-8 text.", line, 1) from None
    return parse(text, str(path))


def read_named(path: Path, example: str) -> Node:
    """The tree of a YAML file that is a mapping; without a `name` it has that of the file.

    Args:
        example: a key that the mapping has, for the message where there is none.
    """
    root = read(path)
    if not is_dict(root.value):
        wrong = f"expected a mapping, as `{example}: ...`. Received {shown(root.plain())}."
        raise RecipeError([root.problem((), wrong)])
    if "name" in root.value:
        return root
    return Node({"name": Node(safe_name(path.stem), root.place), **root.value}, root.place)


def safe_name(stem: str) -> str:
    """The name of a recipe whose file is called so: a file may have any name.

    >>> [safe_name(stem) for stem in ("My Recipe", "Größe (2)", "내레시피", "_x")]
    ['my_recipe', 'gro-e_-2', 'recipe', 'x']
    """
    letters = unicodedata.normalize("NFKD", stem.lower().replace(" ", "_"))
    letters = "".join(char for char in letters if not unicodedata.combining(char))
    return re.sub(r"[^a-z0-9_.-]+", "-", letters).strip("_.-")[:MOST_NAME] or "recipe"


def parse(text: str, file: str) -> Node:
    """The tree of a YAML text; `file` names it in messages.

    Raises:
        RecipeError: with every mistake that the text itself shows.
    """
    composer = Composer(file)
    try:
        root = composer.document(_events(text, PARSER))
    except ScannerError as error:
        check_depth(text, file)
        raise not_yaml(file, error) from None
    except yaml.YAMLError as error:
        raise not_yaml(file, error) from None
    if composer.problems:
        raise RecipeError(composer.problems)
    return root


def check_depth(text: str, file: str) -> None:
    """Refuse a text that is nested too deep, where libyaml gave up before the composer saw it.

    The C scanner reads up to 1024 characters ahead, and since PyYAML 6.0.4 has a bound on nesting
    of its own: a row of open brackets fails there before it gives an event. The scanner written in
    Python has no such bound, so the composer's own is reached. It is slow, and only a text with
    that many brackets needs it. Where it finds another mistake, the C scanner's error stands.

    Raises:
        RecipeError: the text is nested too deep.
    """
    if text.count("[") + text.count("{") <= MOST_DEPTH:
        return
    with suppress(yaml.YAMLError):
        Composer(file).document(_events(text, yaml.SafeLoader))


def not_yaml(file: str, error: yaml.YAMLError) -> RecipeError:
    """An error of the parser, at its place where it has one."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return fault(file, f"is not YAML: {' '.join(str(error).split())}.")
    mark = error.problem_mark or error.context_mark
    place = (mark.line + 1, mark.column + 1) if mark else (None, None)
    return fault(file, f"is not YAML: {error.problem or error.context}.", *place)


def fault(
    file: str, message: str, line: int | None = None, column: int | None = None
) -> RecipeError:
    """An error about a file as a whole, or one line of it."""
    return RecipeError([Problem(file, line, column, "", message)])


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _events(text: str, parser_class: Any) -> Events:
    parser = parser_class(text)
    try:
        while parser.check_event():
            yield parser.get_event()
    finally:
        parser.dispose()


class Composer:
    """Builds the tree from parser events and notes every mistake on the way.

    PyYAML's own constructor is not used: it forgets places, lets the last of two equal keys win,
    reads scalars by YAML 1.1 and can be made to build objects by tags.
    """

    def __init__(self, file: str):
        self.file = file
        self.problems: list[Problem] = []
        self.anchors: dict[str, Node | None] = {}
        self.nodes = 0

    def document(self, events: Events) -> Node:
        """The tree of the only document of a stream."""
        root: Node | None = None
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    self.note(event, "a second document begins here; a recipe is one document.")
                    break
                self.anchors = {}
                root = self.node(next(events), events, 0)
        if root is None or root.value is None:
            self.problems.append(Problem(self.file, None, None, "", "is empty."))
            return Node({}, Place(self.file, 1, 1))
        return root

    def node(self, event: Any, events: Events, depth: int) -> Node:
        """The node that begins with `event`; takes the events that belong to it."""
        self.count(1, event)
        if depth > MOST_DEPTH:
            message = f"is nested more than {MOST_DEPTH} deep; is a bracket never closed?"
            raise fault(self.file, message, *self.mark(event))
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event)
        if event.tag is not None:
            self.note(event, f"tags build objects and are refused. Received `{event.tag}`.")
        if event.anchor is not None:
            self.anchors[event.anchor] = None  # not complete: an alias inside would never end
        if isinstance(event, yaml.ScalarEvent):
            node = self.scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self.sequence(event, events, depth)
        else:
            node = self.mapping(event, events, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def alias(self, event: yaml.AliasEvent) -> Node:
        target = self.anchors.get(event.anchor)
        if target is None:
            why = "stands inside what it names" if event.anchor in self.anchors else "is not known"
            self.note(event, f"the alias `*{event.anchor}` {why}.")
            return Node(None, self.place(event))
        self.count(sum(1 for _ in target.walk()), event)
        return Node(target.value, self.place(event))

    def scalar(self, event: yaml.ScalarEvent) -> Node:
        plain = event.style is None or event.style == ""
        try:
            value = resolve(event.value) if plain else event.value
        except ValueError as error:
            self.note(event, f"{error} is refused.")
            value = None
        return Node(value, self.place(event))

    def sequence(self, start: yaml.SequenceStartEvent, events: Events, depth: int) -> Node:
        children: list[Node] = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            children.append(self.node(event, events, depth + 1))
        return Node(children, self.place(start))

    def mapping(self, start: yaml.MappingStartEvent, events: Events, depth: int) -> Node:
        children: dict[str, Node] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self.node(event, events, depth + 1)
            child = self.node(next(events), events, depth + 1)
            name = self.key(event, key, children)
            if name is not None:
                children[name] = Node(child.value, child.place, key.place)
        return Node(children, self.place(start))

    def key(self, event: yaml.Event, key: Node, siblings: dict[str, Node]) -> str | None:
        """The name a key stands for, or None after noting what is wrong with it."""
        if isinstance(key.value, (dict, list)):
            self.note(event, "a key must be a word, not a list or mapping.")
            return None
        name = event.value if isinstance(event, yaml.ScalarEvent) else str(key.value)
        if name == "<<":
            self.note(event, "`<<` is no key of YAML 1.2; repeat the keys, or use `extends`.")
            return None
        if name in siblings:
            first = siblings[name].key_place
            line = f" It stands first in line {first.line}." if first else ""
            self.note(event, f"the key `{name}` is given twice.{line} Keep one of them.")
            return None
        return name

    def count(self, nodes: int, event: yaml.Event) -> None:
        self.nodes += nodes
        if self.nodes > MOST_NODES:
            message = f"unfolds to more than {MOST_NODES} nodes; are its aliases meant?"
            raise fault(self.file, message, *self.mark(event))

    def note(self, event: yaml.Event, message: str) -> None:
        line, column = self.mark(event)
        self.problems.append(Problem(self.file, line, column, "", message))

    def mark(self, event: yaml.Event) -> tuple[int, int]:
        return event.start_mark.line + 1, event.start_mark.column + 1

    def place(self, event: yaml.Event) -> Place:
        return Place(self.file, *self.mark(event))
