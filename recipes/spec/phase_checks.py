"""What must hold between the phases of a recipe and its other keys."""

import re

from .choices import Choice, Residual
from .fields import closest, listed
from .network import Found
from .nodes import is_list
from .schema import Recipe

# Sources whose columns bring layers of their own, or whose rows come with a model.
UNKNOWN = frozenset({"csv", "jsonl", "parquet", "image_folder", "arrays"})


def phases_add_up(recipe: Recipe) -> Found:
    """The epochs of a recipe with phases are those of the phases."""
    total = sum(phase.epochs for phase in recipe.phases)
    if recipe.phases and recipe.epochs != total:
        yield (
            ("epochs",),
            f"the phases have {total} epochs together. Leave `epochs` out, or give {total}. "
            f"Received {recipe.epochs}.",
        )


def phases_unfreeze_what_is_frozen(recipe: Recipe) -> Found:
    """Gradual unfreezing needs frozen layers, and an epoch for each stage."""
    for index, phase in enumerate(recipe.phases):
        if phase.gradual is None:
            continue
        place = ("phases", index, "gradual")
        if phase.freeze is False:
            yield place, "unfreezes frozen layers, and the phase has none: give `freeze`."
        elif phase.gradual >= phase.epochs:
            yield (
                place,
                f"{phase.gradual} groups after the frozen beginning need more than the "
                f"{phase.epochs} epochs of the phase. Received {phase.gradual}.",
            )


def rates_are_used(recipe: Recipe) -> Found:
    """Where every phase has a learning rate of its own, another one is for nothing."""
    rates = [phase.learning_rate for phase in recipe.phases]
    if rates and None not in rates and recipe.learning_rate is not None:
        yield (
            ("learning_rate",),
            "every phase has a `learning_rate` of its own, so that this one is never used.",
        )


def frozen_layers_exist(recipe: Recipe) -> Found:
    """A pattern of frozen layers matches one, as far as names are known without Keras."""
    known = known_layers(recipe)
    if known is None:
        return
    for index, phase in enumerate(recipe.phases):
        patterns = phase.freeze if is_list(phase.freeze) else [phase.freeze]
        for number, pattern in enumerate(patterns):
            if not isinstance(pattern, str) or any(re.search(pattern, name) for name in known):
                continue
            place = ("phases", index, "freeze")
            close = closest(pattern, known) or known[:12]
            yield (
                (*place, number) if is_list(phase.freeze) else place,
                f"`{pattern}` matches no layer of the model. There are {listed(close)}.",
            )


def known_layers(recipe: Recipe) -> list[str] | None:
    """Names of the layers; None where others come with data, a backbone or `fit`."""
    section = recipe.data
    table = section.features is not None or section.target is not None
    if recipe.model.backbone is not None or table or section.source.name in UNKNOWN:
        return None
    found: list[str] = []
    counts: dict[str, int] = {}

    def add(layer: Choice | Residual) -> None:
        if isinstance(layer, Residual):
            if layer.shortcut == "projection":
                found.append("projection")
            for inner in layer.layers:
                add(inner)
            return
        count = counts.get(layer.name, 0)
        counts[layer.name] = count + 1
        counted = f"{layer.name}_{count}" if count else layer.name
        found.append(str(layer.arguments.get("name", counted)))

    for layer in recipe.model.layers:
        add(layer)
    output = recipe.model.output
    found.append("output" if output is None else str(output.arguments.get("name", output.name)))
    return found
