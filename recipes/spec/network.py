"""Which layers cannot stand in a list, or cannot follow one another, known without Keras."""

from collections.abc import Iterator, Mapping, Sequence

from . import catalog
from .backbones import APPLICATIONS
from .catalog import Argument
from .choices import Choice, Layers, Residual
from .nodes import Path
from .schema import Recipe
from .sections import ModelSection
from .shapes import Shape, Unfit, shape_after
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
SEVERAL = "takes several inputs, and a layer in a list has one: the output of the layer before it"
CELL = "is one step of a recurrent layer. Use `{}`"
TEXT = "takes text, and rows are numbers. A table encodes its words itself: `data.features`"
MIXES = "mixes pictures with others, and their targets too. Put it in `data.augment`"
# Layers of Keras that are of no use in a list; a test tries each layer of the catalog.
NOT_IN_A_LIST = {
    **dict.fromkeys(
        (
            "add", "additive_attention", "attention", "average", "concatenate", "dot",
            "hashed_crossing", "maximum", "minimum", "multi_head_attention", "multiply", "subtract",
        ),
        SEVERAL,
    ),
    "gru_cell": CELL.format("gru"),
    "lstm_cell": CELL.format("lstm"),
    "simple_rnn_cell": CELL.format("simple_rnn"),
    "string_lookup": TEXT,
    "text_vectorization": TEXT,
    "cut_mix": MIXES,
    "mix_up": MIXES,
}  # fmt: skip
NOT_IN_A_LIST["add"] += ". `residual: [...]` adds the output of its layers to their input"
# Arguments that ask for what a list has no place for.
NOT_SET = {
    "return_state": "gives several outputs, and the next layer takes one",
    "stateful": "needs batches that continue the ones before, and rows are shuffled",
}
# Arguments of layers that are layers with one input themselves.
WRAPPED = ("layer", "backward_layer")
# Names that the network gives to the parts it adds.
TAKEN = ("rows", "scaling", "backbone")


Found = Iterator[tuple[Path, str]]


def lists_of_layers(model: ModelSection) -> Iterator[tuple[Path, Layers]]:
    """Each list of layers of a network, after its place: one, or one of each part."""
    if not model.parts:
        yield ("layers",), model.layers
    for name, part in model.parts.items():
        yield ("parts", name, "layers"), part.layers
    for name, output in model.outputs.items():
        yield ("outputs", name, "layers"), output.layers


def outputs_of(model: ModelSection) -> Iterator[tuple[Path, Choice]]:
    """Each output layer that a recipe names, after its place."""
    if model.output is not None:
        yield ("output",), model.output
    for name, output in model.outputs.items():
        if output.output is not None:
            yield ("outputs", name, "output"), output.output


def layers_can_stand_in_a_list(recipe: Recipe) -> Found:
    """A layer in a list has one input and one output, and a name that no other part has."""
    for path, layers in lists_of_layers(recipe.model):
        for index, layer in enumerate(layers):
            yield from in_model(_unusable(layer, (*path, index)))
    for path, output in outputs_of(recipe.model):
        yield from in_model(_unusable(output, path))
    yield from in_model(_name_clashes(recipe.model))


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


def in_model(found: Found) -> Found:
    """What was found in the section `model`, with paths from the root of the recipe."""
    return ((("model", *path), message) for path, message in found)


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


def _unusable(layer: Choice | Residual, path: Path) -> Found:
    """What of a layer in a list is of no use there, with its place."""
    if isinstance(layer, Residual):
        for index, item in enumerate(layer.layers):
            yield from _unusable(item, (*path, *layer.inner, index))
        return
    if layer.name in NOT_IN_A_LIST:
        yield path, f"`{layer.name}` {NOT_IN_A_LIST[layer.name]}."
    for name, why in NOT_SET.items():
        if layer.arguments.get(name) is True:
            yield (*path, layer.name, name), f"`{name}` {why}."
    for name in WRAPPED:
        inner, place = layer.arguments.get(name), (*path, layer.name, name)
        if isinstance(inner, Choice):
            yield from _unusable(inner, place)
            if layer.name == "bidirectional" and "return_sequences" not in _arguments(inner):
                yield place, "expected a recurrent layer: `lstm`, `gru` or `simple_rnn`."


def _arguments(layer: Choice) -> Mapping[str, Argument]:
    return catalog.entry("layers", layer.name).arguments


def _name_clashes(model: ModelSection) -> Found:
    """Names that two layers would have, with the place of the second."""
    seen = {*TAKEN, *(f"{name}_output" for name, head in model.outputs.items() if not head.output)}
    seen |= {"output"} if model.output is None and not model.outputs else set()
    for path, name in layer_names(model):
        if name in seen:
            yield path, f"another part of the network is called `{name}`. Give it another `name`."
        seen.add(name)


def layer_names(model: ModelSection) -> Found:
    """The name of each layer, as it is when the network is built, after its place."""
    for name, part in model.parts.items():
        merge = () if part.merge is None else [(("parts", name, "merge"), part.merge)]
        yield from _counted([*merge, *_named(part.layers, ("parts", name, "layers"))], f"{name}_")
    for name, head in model.outputs.items():
        own = () if head.output is None else [(("outputs", name, "output"), head.output)]
        yield from _counted([*_named(head.layers, ("outputs", name, "layers")), *own], f"{name}_")
    output = () if model.output is None else [(("output",), model.output)]
    yield from _counted([*_named(model.layers, ("layers",)), *output])


def _counted(items: Sequence[tuple[Path, Choice]], prefix: str = "") -> Found:
    """The names of layers that are counted together; those of a part begin with its own."""
    counts: dict[str, int] = {}
    for path, layer in items:
        for inner in layer.arguments.values():
            if isinstance(inner, Choice) and inner.kind == "layers":
                counts[inner.name] = counts.get(inner.name, 0) + 1
        count = counts.get(layer.name, 0)
        counts[layer.name] = count + 1
        own = f"{prefix}{layer.name}_{count}" if count else f"{prefix}{layer.name}"
        yield path, layer.arguments.get("name", own)


def _named(layers: Layers, path: Path) -> Iterator[tuple[Path, Choice]]:
    for index, layer in enumerate(layers):
        if isinstance(layer, Residual):
            yield from _named(layer.layers, (*path, index, *layer.inner))
        else:
            yield (*path, index), layer


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
