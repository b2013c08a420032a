"""A network of named parts: their order, and what is wrong with them, known without Keras."""

import re
from collections.abc import Iterator, Mapping, Sequence

from .choices import Choice
from .nodes import Path
from .parts import ATTENTION, OTHERS, PAIRS, PartSection, input_names
from .schema import Recipe
from .tables import is_table
from .wording import did_you_mean, listed, shown

Found = Iterator[tuple[Path, str]]
# The input of rows that are arrays.
ROWS = "rows"
NAME = re.compile(r"[a-z][a-z0-9_]*")
IMPLIED = Choice("layers", "concatenate")


def in_order(parts: Mapping[str, PartSection]) -> list[str]:
    """Names of the parts, each after those that it takes; else as they are written.

    Raises:
        ValueError: some take each other's output; the message names them.
    """
    waiting, done = list(parts), list[str]()
    while waiting:
        ready = [
            name for name in waiting if not any(source in waiting for source in parts[name].sources)
        ]
        if not ready:
            raise ValueError(" -> ".join(_cycle(parts, waiting)))
        done.append(ready[0])
        waiting.remove(ready[0])
    return done


def _cycle(parts: Mapping[str, PartSection], waiting: Sequence[str]) -> list[str]:
    """Some of the parts that wait, each an input of the next, the last that of the first."""
    found = [waiting[0]]
    while found.count(found[-1]) == 1:
        found.append(next(name for name in parts[found[-1]].sources if name in waiting))
    return found[found.index(found[-1]) :][::-1]


def ends(parts: Mapping[str, PartSection]) -> list[str]:
    """Parts that no other takes."""
    taken = {source for part in parts.values() for source in part.sources}
    return [name for name in parts if name not in taken]


def merge_of(parts: Mapping[str, PartSection], name: str) -> Choice | None:
    """The layer that merges the inputs of a part, or of the part that it uses."""
    part = parts[parts[name].use or name]
    several = len(parts[name].sources) > 1
    return part.merge or (IMPLIED if several else None)


def known_inputs(recipe: Recipe) -> list[str] | None:
    """Names of the inputs, where the recipe alone decides them; None where the data does."""
    section = recipe.data
    if not is_table(section):
        return [ROWS]
    features = section.features
    if features is None or "auto" in features.values():
        return None
    return [name for name, given in features.items() if given != "drop"]


def unknown_inputs(recipe: Recipe, known: Sequence[str]) -> Found:
    """Names that are neither parts nor inputs, inputs without a part, and names of both.

    Args:
        known: names of the inputs.
    """
    parts, named, wrong = recipe.model.parts, dict[str, Path](), list[tuple[Path, str]]()
    for place, name in input_names(parts):
        named.setdefault(name, place)
        if name == OTHERS and known != [ROWS]:
            continue
        if name not in known:
            names = [*parts, *known]
            message = (
                f"no input and no part is called `{shown(name)[1:-1]}`; there are "
                f"{listed(names[:12])}.{did_you_mean(name, names)}"
            )
            wrong.append((place, message))
    for name in parts:
        if name in known:
            message = f"an input is called `{name}` too. Rename the part."
            wrong.append((("model", "parts", name), message))
    yield from wrong
    # An input that is misspelled is not used.
    yield from () if wrong else _without_part(known, named)


def _without_part(known: Sequence[str], named: Mapping[str, Path]) -> Found:
    unused = [name for name in known if name not in named]
    if unused and OTHERS not in named:
        yield (
            ("model", "parts"),
            f"no part takes the input {listed(unused[:12])}. Name it in a `from`, take all others "
            "by `from: '*'`, or leave it out below `data.features`.",
        )
    if OTHERS in named and not unused:
        yield named[OTHERS], "each input is named by a part, and no other is left for `*`."


def inputs_are_known(recipe: Recipe) -> Found:
    """Names in `from` are those of inputs or parts, as far as the recipe decides these."""
    known = known_inputs(recipe)
    if recipe.model.parts and known is not None:
        yield from unknown_inputs(recipe, known)


def parts_make_a_graph(recipe: Recipe) -> Found:
    """Parts have names, take what they can, and all lead to the one output."""
    parts = recipe.model.parts
    for name, part in parts.items():
        place = ("model", "parts", name)
        if not NAME.fullmatch(name) or name == ROWS:
            yield (
                place,
                "expected another name: lowercase letters, digits and `_`, and not `rows`. "
                f"Received {shown(name)}.",
            )
        yield from (((*place, *path), message) for path, message in _of_part(parts, name, part))
    try:
        in_order(parts)
    except ValueError as error:
        yield ("model", "parts"), f"these parts take each other's output: {error}."
        return
    yield from _unused(recipe)


def _unused(recipe: Recipe) -> Found:
    """Parts that lead to no output."""
    parts, outputs = recipe.model.parts, recipe.model.outputs
    if not parts:
        return
    followed = {output.source or ends(parts)[-1] for output in outputs.values()}
    last = [name for name in ends(parts) if name not in followed]
    if last and followed:
        yield (
            ("model", "parts", last[0]),
            f"no other part takes `{last[0]}`, and no output follows it. Leave it out.",
        )
    elif len(last) > 1:
        yield (
            ("model", "parts", last[0]),
            f"the parts {', '.join(f'`{name}`' for name in last)} are taken by no other, and a "
            "network has one output. Merge them in one more part: "
            f"`joined: {{from: [{', '.join(last)}]}}`.",
        )


def _of_part(parts: Mapping[str, PartSection], name: str, part: PartSection) -> Found:
    sources, merge = part.sources, part.merge
    if part.use is not None:
        yield from _of_use(parts, name, part)
    elif merge is None and len(sources) == 1 and not part.layers:
        yield (), "does nothing: it takes one input and has no layers."
    if name in sources:
        yield ("from",), "the part takes its own output."
    twice = [source for source in dict.fromkeys(sources) if sources.count(source) > 1]
    if twice and (merge is None or merge.name not in ATTENTION):
        yield ("from",), f"`{shown(twice[0])[1:-1]}` is there twice."
    if merge is not None:
        yield from _of_merge(merge, len(sources))


def _of_merge(merge: Choice, count: int) -> Found:
    if merge.name in PAIRS and count != 2:
        yield ("from",), f"`{merge.name}` takes 2 inputs. Received {count}."
    elif merge.name in ATTENTION and count > 3:
        yield ("from",), f"`{merge.name}` takes a query, a value and a key. Received {count}."
    elif merge.name not in ATTENTION and count == 1:
        yield ("merge",), f"`{merge.name}` merges several inputs, and `from` names one."


def _of_use(parts: Mapping[str, PartSection], name: str, part: PartSection) -> Found:
    used = parts.get(part.use or "")
    if part.layers or part.merge is not None:
        key = "layers" if part.layers else "merge"
        yield (key,), "a part that uses the layers of another one has none of its own."
    if used is None or part.use == name:
        names = [other for other in parts if other != name]
        yield ("use",), f"expected another part.{did_you_mean(part.use, names)}"
    elif used.use is not None:
        yield ("use",), f"`{part.use}` uses another part itself. Name that: `use: {used.use}`."
    elif len(used.sources) != len(part.sources):
        yield (
            ("from",),
            f"`{part.use}` takes {len(used.sources)} inputs, and this part {len(part.sources)}.",
        )


def words_enter_alone(recipe: Recipe) -> Found:
    """The numbers of words mean nothing side by side with other numbers."""
    for name, part in recipe.model.parts.items():
        for index, source in enumerate(part.sources):
            if len(part.sources) > 1 and is_sequence(recipe, source):
                yield (
                    ("model", "parts", name, "from", index),
                    f"`{shown(source)[1:-1]}` is a sequence of word numbers, which are not merged "
                    "with others. Give it a part of its own that begins with an `embedding`.",
                )


def is_sequence(recipe: Recipe, name: str) -> bool:
    """Whether a column enters as the numbers of its words."""
    feature = (recipe.data.features or {}).get(name)
    return isinstance(feature, Choice) and feature.arguments.get("output") == "int"


def graphs_stand_alone(recipe: Recipe) -> Found:
    """Keys that need a list of layers exclude parts."""
    if not recipe.model.parts:
        return
    if recipe.pretraining is not None:
        yield (
            ("pretraining",),
            "initializes a list of layers, and the network is a graph. Use `model.layers`.",
        )
    if recipe.model.backbone is not None:
        yield (
            ("model", "backbone"),
            "stands in front of a list of layers, and the network is a graph. Use `model.layers`.",
        )
