"""Columns of text that enter as the tokens of a text preset, known without Keras."""

from collections.abc import Iterator

from .choices import Choice
from .nodes import Path
from .schema import Recipe

Found = Iterator[tuple[Path, str]]
# Tokens of a text, with the first and the last one.
LEAST = 3


def token_columns(recipe: Recipe) -> list[str]:
    """Names of the columns that enter as tokens, as the recipe has them."""
    return list(_token_features(recipe))


def _token_features(recipe: Recipe) -> dict[str, Choice]:
    return {
        name: given
        for name, given in (recipe.data.features or {}).items()
        if isinstance(given, Choice)
        and given.name == "text"
        and given.arguments.get("output") == "tokens"
    }


def tokens_have_a_network(recipe: Recipe) -> Found:
    """Tokens are those of one column, for the network of a preset."""
    features, backbone = _token_features(recipe), recipe.model.backbone
    columns = list(features)
    hub = None if backbone is None or backbone.name != "hub" else backbone.arguments
    for name in columns if hub is None else ():
        yield (
            ("data", "features", name, "text", "output"),
            "`tokens` are those of a text preset, which the recipe does not have. Give it one, "
            "`backbone: {hub: {name: bert_tiny_en_uncased}}` below `model`, or use `output: int`.",
        )
    for name, feature in features.items():
        length = feature.arguments.get("length", LEAST)
        if isinstance(length, int) and length < LEAST:
            yield (
                ("data", "features", name, "text", "length"),
                f"expected at least {LEAST}: the first token, the last one, and one between.",
            )
    for name in columns[1:]:
        yield (
            ("data", "features", name, "text", "output"),
            f"a backbone takes one text, and `{columns[0]}` enters as `tokens` already.",
        )
    place = ("model", "backbone", "hub")
    if hub and columns and hub.get("size") is not None:
        yield (*place, "size"), "is that of pictures, and the network takes a text."
    if hub and not columns and "output" in hub:
        yield (
            (*place, "output"),
            "is that of a network of text, and no column enters as tokens. Name one below `data`: "
            "`features: {'*': auto, COLUMN: {text: {output: tokens, length: 64}}}`.",
        )
