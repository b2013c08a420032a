"""Shapes through a graph of named parts, known without Keras."""

from collections.abc import Sequence

from . import catalog
from .choices import Arguments, Choice, Layers
from .fields import is_number
from .graph import ROWS, ends, in_order, merge_of, parts_make_a_graph
from .heads import outputs_have_targets
from .network import Found, in_model, layers_can_stand_in_a_list
from .network_shapes import SOURCES, ends_misfit, through
from .nodes import Path
from .parts import ATTENTION, ELEMENTWISE, OTHERS
from .schema import Recipe
from .shape_rules import Shape, Unfit
from .window_checks import rows_of_windows

# Names -> shapes; None where not even the rank is known.
Shapes = dict[str, Shape | None]


def parts_fit_one_another(recipe: Recipe) -> Found:
    """Each part can merge and take what comes to it, as far as shapes are known."""
    parts = recipe.model.parts
    # One mistake at a time: what has no order has no shapes either.
    sound = (parts_make_a_graph, outputs_have_targets, layers_can_stand_in_a_list)
    if not parts or any(any(check(recipe)) for check in sound):
        return
    shapes: Shapes = {}
    taken: Shapes = {}
    try:
        for name in in_order(parts):
            given = [
                shapes[source] if source in parts else input_shape(recipe, source)
                for source in parts[name].sources
            ]
            place = ("parts", name)
            merged = _merged(merge_of(parts, name), given, place)
            taken[name] = merged
            owner = parts[name].use or name
            _same_weights(taken.get(owner), merged, owner, place)
            layers = parts[owner].layers
            shapes[name] = _through(layers, merged, ("parts", owner, "layers"))
        last = ends(parts)[-1]
        found: dict[str | None, Shape | None] = {**shapes, None: shapes[last]}
        yield from in_model(ends_misfit(recipe.model, found, ("parts", last)))
    except Unfit as error:
        yield ("model", *error.path), str(error)


def input_shape(recipe: Recipe, name: str) -> Shape | None:
    """The shape of one row, or of one window, of an input; None where it is not known."""
    return rows_of_windows(recipe, _row_shape(recipe, name))


def _row_shape(recipe: Recipe, name: str) -> Shape | None:
    if name == ROWS:
        return SOURCES.get(recipe.data.source.name)
    if name == OTHERS:
        return (None,)
    feature = (recipe.data.features or {}).get(name)
    if not isinstance(feature, Choice) or feature.name == "array":
        return None
    entry = catalog.entry("features", feature.name)
    given: Arguments = {
        **{key: row.default for key, row in entry.arguments.items()},
        **feature.arguments,
    }
    if feature.name == "image":
        return (*(given.get("size") or (None, None)), given.get("channels"))
    if feature.name == "text" and given.get("output") == "int":
        return (given["length"],)
    return (given["dimensions"],) if given.get("output") == "embedding" else (None,)


def _through(layers: Layers, shape: Shape | None, path: Path) -> Shape | None:
    return None if shape is None and layers else shape and through(layers, shape, path)


def _same_weights(first: Shape | None, shape: Shape | None, owner: str, place: Path) -> None:
    """Raise where layers that are used again would need weights of another shape."""
    if first is None or shape is None or _equal(first, shape):
        return
    raise Unfit(
        f"the layers of `{owner}` have weights for rows of shape {first}, and here come rows of "
        f"shape {shape}.",
        (*place, "use"),
    )


def _equal(one: Shape, other: Shape) -> bool:
    pairs = zip(one, other, strict=False)
    return len(one) == len(other) and all(a == b or None in (a, b) for a, b in pairs)


def _merged(merge: Choice | None, given: Sequence[Shape | None], place: Path) -> Shape | None:
    """The shape of what a layer merges; None where it is not known.

    Raises:
        Unfit: it cannot merge such shapes.
    """
    if merge is None:
        return given[0]
    shapes = [shape for shape in given if shape is not None]
    if len(shapes) < len(given):
        return None
    try:
        if merge.name in ELEMENTWISE:
            return _broadcast(shapes)
        if merge.name == "concatenate":
            return _concatenated(shapes, merge.arguments.get("axis", -1))
        return _attended(merge, shapes) if merge.name in ATTENTION else None
    except Unfit as error:
        listed = " and ".join(map(str, shapes))
        message = f"`{merge.name}` does not merge rows of shapes {listed}: {error}"
        raise Unfit(message, (*place, "from")) from None


def _same_rank(shapes: Sequence[Shape]) -> None:
    if len({len(shape) for shape in shapes}) > 1:
        raise Unfit(
            "they have different numbers of axes. Put `flatten`, a global pooling layer or a "
            "`reshape` at the end of the parts before."
        )


def _broadcast(shapes: Sequence[Shape]) -> Shape:
    _same_rank(shapes)
    return tuple(_size(sizes) for sizes in zip(*shapes, strict=True))


def _size(sizes: Sequence[int | None]) -> int | None:
    """The size of an axis of rows that are merged number by number."""
    known = {size for size in sizes if size not in (None, 1)}
    if len(known) > 1:
        raise Unfit("an axis has the same size in all of them, or 1.")
    if known:
        return known.pop()
    return None if None in sizes else 1


def _concatenated(shapes: Sequence[Shape], axis: object) -> Shape | None:
    _same_rank(shapes)
    rank = len(shapes[0])
    if not is_number(axis):
        return None
    along = int(axis) - 1 if axis > 0 else rank + int(axis)
    if not 0 <= along < rank:
        raise Unfit(f"`axis: {axis}` is none of theirs; the first is 1, the last -1.")
    sizes = list[int | None]()
    for index, found in enumerate(zip(*shapes, strict=True)):
        known = [size for size in found if size is not None]
        if index == along:
            sizes.append(sum(known) if len(known) == len(found) else None)
        elif len(set(known)) > 1:
            raise Unfit("all axes but the one that is joined have the same size.")
        else:
            sizes.append(known[0] if known else None)
    return tuple(sizes)


def _attended(merge: Choice, shapes: Sequence[Shape]) -> Shape | None:
    """For each step of the query, values (steps, channels) or what is projected from them."""
    if merge.name == "multi_head_attention" and all(len(shape) > 2 for shape in shapes):
        return None  # over all axes but the last
    if any(len(shape) != 2 for shape in shapes):
        raise Unfit("query, value and key have 2 axes each (steps, channels).")
    query, value, key = (*shapes, shapes[-1], shapes[-1])[:3]
    if len(shapes) == 1:
        query = value = key = shapes[0]
    elif len(shapes) == 2:
        key = value
    if not _equal(value[:1], key[:1]):
        raise Unfit("value and key have the same number of steps.")
    if merge.name == "multi_head_attention":
        return query if merge.arguments.get("output_shape") is None else None
    if not _equal(query[1:], key[1:]):
        raise Unfit("query and key have the same number of channels.")
    return (query[0], value[1])
