"""Networks of text from presets of KerasHub, and the tokenizers that belong to them."""

import hashlib
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from ...models.sequence_layers import masked_mean
from ...models.token_layers import TextTokens, TokenInputs, TokenMask
from ..errors import RecipeError, RequestError
from ..spec import Recipe
from ..spec.tokens import token_columns
from .hub_library import text_library
from .hub_preset import Preset, preset_of
from .objects import first_paragraph

# From rows to the input of a network, and from its outputs and the rows to one tensor.
Front = Callable[[keras.KerasTensor], keras.KerasTensor]
Behind = Callable[[Any, keras.KerasTensor], keras.KerasTensor]
# Inputs of a network of text; some take `segment_ids` too.
TAKEN = frozenset({"token_ids", "padding_mask"})
# Attributes of networks: the index of the step that represents the whole text.
WHOLE = ("cls_token_index", "start_token_index")


@dataclass(frozen=True)
class Tokenizer:
    """What makes tokens of the texts of a recipe.

    Attributes:
        layer: of KerasHub.
        digest: SHA-256 of its config and its files.
    """

    layer: keras.Layer
    digest: str

    def tokens(self, length: int) -> TextTokens:
        """A layer from texts (rows, 1) to the numbers of their tokens (rows, length)."""
        return TextTokens(self.layer, length)


def tokenizer_of(recipe: Recipe) -> Tokenizer | None:
    """The tokenizer of the preset of a recipe; None where no column enters as tokens.

    Raises:
        RecipeError: KerasHub, tensorflow-text or the preset is not there, or has none.
    """
    choice = recipe.model.backbone
    if choice is None or choice.name != "hub" or not token_columns(recipe):
        return None
    try:
        preset = preset_of(choice)
        text_library()
        layer = preset.tokenizer()
        with tempfile.TemporaryDirectory() as folder:
            preset.fetched(lambda: layer.save_assets(folder))
            digest = _digest(layer, Path(folder))
    except (RequestError, OSError, ValueError) as error:
        place = ("model", "backbone", "hub", "path" if "path" in choice.arguments else "name")
        raise RecipeError([recipe.problem(place, first_paragraph(str(error)))]) from None
    return Tokenizer(layer, digest)


def _digest(layer: keras.layers.Layer, folder: Path) -> str:
    config = {**layer.get_config(), "name": None, "dtype": None}
    found = hashlib.sha256(json.dumps([type(layer).__name__, config], default=str).encode())
    for file in sorted(folder.iterdir()):
        found.update(file.name.encode() + file.read_bytes())
    return found.hexdigest()


def text_network(preset: Preset, network: Any, output: str) -> tuple[keras.Model, Front, Behind]:
    """A network of text, with what stands in front of it and behind it.

    Args:
        output: `pooled`, `mean` or `sequence`.

    Returns:
        The network, what makes its inputs of numbers of tokens, and what makes the output of what
        it gives and of the numbers of tokens.

    Raises:
        RequestError: the tokenizer of the preset is that of another network.
    """
    layer = preset.tokenizer()
    _refuse_another(preset, network, layer)
    longest = getattr(network, "max_sequence_length", None)
    pooled = isinstance(network.output, dict) and "pooled_output" in network.output
    whole = next((getattr(network, name) for name in WHOLE if hasattr(network, name)), None)
    if output != "pooled" and pooled:
        # Without the layers of the pooled output, which is not used.
        steps = network.output["sequence_output"]
        network = keras.Model(network.input, steps, name=network.name)
    inputs = TokenInputs(
        getattr(layer, "pad_token_id", None) or 0,
        "segment_ids" in {tensor.name for tensor in network.inputs},
        name="token_inputs",
    )

    def front(numbers: keras.KerasTensor) -> keras.KerasTensor:
        length = numbers.shape[1]
        if longest is not None and length > longest:
            raise ValueError(
                f"reads {longest} tokens of a text at most. Give the column of text `length: "
                f"{longest}` or less. Received {length}."
            )
        return inputs(numbers)

    def behind(found: Any, numbers: keras.KerasTensor) -> keras.KerasTensor:
        if output == "pooled" and pooled:
            return found["pooled_output"]
        steps = found["sequence_output"] if isinstance(found, dict) else found
        if output == "sequence":
            return TokenMask(name="token_mask")([steps, numbers])
        if output == "pooled" and whole is not None:
            return steps[:, whole]
        return masked_mean(steps, keras.ops.greater_equal(numbers, 0))

    return network, front, behind


def _refuse_another(preset: Preset, network: keras.Model, layer: keras.layers.Layer) -> None:
    """Raise where a tokenizer gives tokens that the network does not know."""
    kind = getattr(layer, "backbone_cls", None)
    if kind is not None and not isinstance(network, kind):
        raise RequestError(
            f"`{preset.name}` has a `{type(layer).__name__}`, and its network is a "
            f"`{type(network).__name__}`: they do not belong together."
        )
    rows = getattr(getattr(network, "token_embedding", None), "input_dim", None)
    size = layer.vocabulary_size()
    if rows is not None and size > rows:
        raise RequestError(
            f"the tokenizer of `{preset.name}` has {size} tokens, and its network knows {rows}: "
            "they do not belong together."
        )
