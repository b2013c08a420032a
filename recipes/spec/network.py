"""Which layers cannot stand in a list, and the names of all layers, known without Keras."""

from collections.abc import Iterator, Mapping, Sequence

from . import catalog
from .catalog import Argument
from .choices import Choice, Layers, Residual
from .nodes import Path
from .schema import Recipe
from .sections import ModelSection

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
# Arguments that a layer in a list cannot have, and why.
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


def in_model(found: Found) -> Found:
    """What was found in the section `model`, with paths from the root of the recipe."""
    return ((("model", *path), message) for path, message in found)


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
