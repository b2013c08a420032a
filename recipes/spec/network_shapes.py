"""Which layers cannot follow one another by the shapes of their rows, known without Keras."""

from collections.abc import Mapping

from .backbones import APPLICATIONS
from .choices import Choice, Layers, Residual
from .network import Found, in_model, layers_can_stand_in_a_list
from .nodes import Path
from .schema import Recipe
from .sections import ModelSection
from .shape_rules import Shape, Unfit
from .shapes import shape_after
from .window_checks import rows_of_windows

# Rows of the sources whose shape is known before they are read; a table has an unknown width.
SOURCES: dict[str, Shape] = {
    "digits": (64,),
    "iris": (4,),
    "wine": (13,),
    "breast_cancer": (30,),
    "diabetes": (10,),
    "california_housing": (8,),
    "mnist": (28, 28),
    "fashion_mnist": (28, 28),
    "cifar10": (32, 32, 3),
    "cifar100": (32, 32, 3),
    "csv": (None,),
    "jsonl": (None,),
    "parquet": (None,),
    "image_folder": (None, None, None),
}
# Tables whose cells may be arrays.
ARRAYS = frozenset({"jsonl", "parquet"})


def layers_follow_one_another(recipe: Recipe) -> Found:
    """Each layer must take the shape that the one before it gives, as far as shapes are known."""
    # One mistake at a time: a layer that cannot stand here has no shape either.
    if recipe.model.parts or any(layers_can_stand_in_a_list(recipe)):
        return
    found = [list(_misfits(recipe.model, rows)) for rows in _rows(recipe)]
    if found and all(found):
        yield from in_model(iter(found[0]))


def _rows(recipe: Recipe) -> list[Shape]:
    """Shapes that a row may have; none where that is not known.

    Columns of a table that are inferred may be pictures, or arrays.
    """
    section = recipe.data
    if recipe.model.backbone is not None:
        # What an application gives is a picture of unknown size.
        return [(None, None, None)] if recipe.model.backbone.name in APPLICATIONS else []
    shape = SOURCES.get(section.source.name)
    if section.window is not None:
        windows = rows_of_windows(recipe, shape)
        return [] if windows is None else [windows]
    asked = [given for given in (section.features or {}).values() if given != "drop"]
    if any(isinstance(given, Choice) and given.name == "array" for given in asked):
        return []
    picture = next((g for g in asked if isinstance(g, Choice) and g.name == "image"), None)
    if picture is not None:
        size, channels = picture.arguments.get("size"), picture.arguments.get("channels")
        # What comes beside a picture makes its vector wider.
        return [(*(size or (None, None)), channels) if len(asked) == 1 else (None, None, channels)]
    if shape is None:
        return []
    inferred = section.features is None or "auto" in asked
    if shape != (None,) or not inferred:
        return [shape]
    ranks = range(1, 5) if section.source.name in ARRAYS else (1, 3)
    return [(None,) * rank for rank in ranks]


def shapes_unchecked(recipe: Recipe) -> str | None:
    """Why not all shapes of the network were checked; None where they were."""
    if recipe.model.backbone is not None:
        return "what model.backbone gives is known when it is built"
    if recipe.model.parts:
        return "the shapes of a graph are all known when it is built"
    rows = next(iter(_rows(recipe)), None)
    if rows is None:
        return "the shape of a row is known when the data is read"
    for index, layer in enumerate(recipe.model.layers):
        try:
            after = through([layer], rows, ("layers",))
        except Unfit:
            return None
        if after is None:
            name = layer.name if isinstance(layer, Choice) else "residual"
            return f"what model.layers[{index}], `{name}`, gives is known when it is built"
        rows = after
    return None


def _misfits(model: ModelSection, rows: Shape) -> Found:
    """The first layer of a model section that cannot follow the one before it, with its place."""
    try:
        yield from ends_misfit(model, {None: through(model.layers, rows, ("layers",))}, ("layers",))
    except Unfit as error:
        yield error.path, str(error)


def ends_misfit(
    model: ModelSection, shapes: Mapping[str | None, Shape | None], path: Path
) -> Found:
    """What is wrong with the one end of a network, or with each of several.

    Args:
        shapes: behind each part by name, of which None is the last.
        path: the place of the last layers.

    Raises:
        Unfit: an output cannot take what comes to it.
    """
    if not model.outputs:
        yield from _misfit(shapes[None], model.output, path, ("output",))
    for name, head in model.outputs.items():
        place, shape = ("outputs", name), shapes[head.source]
        if shape is not None:
            shape = through(head.layers, shape, (*place, "layers"))
        yield from _misfit(shape, head.output, place, (*place, "output"))


def _misfit(shape: Shape | None, output: Choice | None, path: Path, place: Path) -> Found:
    """What is wrong with an output layer, which has a place, or with what it would follow."""
    if shape is not None and output is not None:
        shape = placed(output, shape, place)
    if shape is not None and len(shape) != 1:
        yield (
            path if output is None else place,
            f"the network ends in rows of shape {shape}, and a target has one axis. "
            "Put `flatten`, or a global pooling layer, before the output.",
        )


def through(layers: Layers, shape: Shape, path: Path) -> Shape | None:
    """The shape behind layers; None where it is not known.

    Raises:
        Unfit: a layer cannot take what comes to it.
    """
    for index, layer in enumerate(layers):
        after = placed(layer, shape, (*path, index))
        if after is None:
            return None
        shape = after
    return shape


def placed(layer: Choice | Residual, shape: Shape, path: Path) -> Shape | None:
    """The shape behind a layer or a residual block at a place; see `through`."""
    if isinstance(layer, Residual):
        return _added(layer, shape, path)
    try:
        return shape_after(layer, shape)
    except Unfit as error:
        raise Unfit(str(error), path) from None


def _added(block: Residual, shape: Shape, path: Path) -> Shape | None:
    """A residual block: what its layers give must have the shape of what they take."""
    after = through(block.layers, shape, (*path, *block.inner))
    if after is None or after == shape or None in (*after, *shape):
        return after
    if block.shortcut == "projection" and _can_project(shape, after):
        return after
    mend = "" if block.shortcut == "projection" else ", or use `shortcut: projection`"
    raise Unfit(
        f"a residual block adds its input of shape {shape} to its output of shape {after}. "
        f"Make them equal{mend}.",
        path,
    )


def _can_project(shape: Shape, after: Shape) -> bool:
    """A projection changes the channels, and the height and width of images by a stride."""
    if len(shape) != len(after):
        return False
    if shape[:-1] == after[:-1]:
        return True
    pairs = [(int(n or 0), int(m or 1)) for n, m in zip(shape[:-1], after[:-1], strict=True)]
    return len(pairs) == 2 and all(-(-n // -(-n // m)) == m for n, m in pairs)
