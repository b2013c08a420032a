"""What must hold between the phases of a recipe and its other keys."""

import re
from collections.abc import Iterator, Sequence

from .choices import Choice, Residual
from .network import Found, layer_names, lists_of_layers
from .nodes import Path, is_list
from .schema import Recipe
from .tables import GIVEN, TABLES
from .wording import closest, listed


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
    """Where every phase has a learning rate of its own, that of the recipe would not be used."""
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
    section, model = recipe.data, recipe.model
    table = section.features is not None or section.target is not None
    given = section.source.name == GIVEN or section.source.name in TABLES
    if model.backbone is not None or table or given:
        return None
    found = [name for _, name in layer_names(model)]
    found += [name for path, layers in lists_of_layers(model) for name in _added(layers, path)]
    return found if model.output is not None else [*found, "output"]


def _added(layers: Sequence[Choice | Residual], path: Path) -> Iterator[str]:
    """Names of the linear layers that residual blocks have on the way around."""
    for index, layer in enumerate(layers):
        if isinstance(layer, Residual):
            place = (*path, index)
            if layer.shortcut == "projection":
                part = [str(path[1])] if path[0] in ("parts", "outputs") else []
                steps = [str(step) for step in place if isinstance(step, int)]
                yield "_".join([*part, "residual", *steps, "projection"])
            yield from _added(layer.layers, (*place, *layer.inner))
