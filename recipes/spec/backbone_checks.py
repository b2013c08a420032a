"""What must hold between `model.backbone` and the data, known without Keras."""

import re

from .backbones import APPLICATIONS
from .network import Found
from .network_shapes import SOURCES
from .schema import Recipe
from .wording import shown


def backbones_take_pictures(recipe: Recipe) -> Found:
    """A backbone takes pictures of its least size, and scales them itself."""
    backbone, data = recipe.model.backbone, recipe.data
    if backbone is None:
        return
    place = ("model", "backbone")
    if data.scale != "none":
        yield (
            ("data", "scale"),
            f"the backbone scales its input itself, and would get it scaled twice. Leave `scale` "
            f"out. Received {shown(data.scale)}.",
        )
    if data.window is not None or data.targets == "inputs":
        key = "window" if data.window is not None else "targets"
        yield ("data", key), "cannot be used with a backbone, which takes one picture a row."
    if recipe.pretraining is not None:
        yield ("pretraining",), "initializes a network of dense layers, without a backbone."
    application = APPLICATIONS.get(backbone.name)
    shape = SOURCES.get(data.source.name)
    if application is None or shape is None or data.features is not None or shape == (None,):
        return
    if len(shape) == 1:
        yield (
            place,
            f"`{backbone.name}` takes pictures (height, width, channels), and a row of "
            f"`{data.source.name}` has shape {shape}.",
        )
        return
    size = backbone.arguments.get("size") or shape[:2]
    if any(side is not None and side < application.least for side in size):
        yield (
            place,
            f"`{backbone.name}` takes pictures of {application.least} x {application.least} and "
            f"more, and these have {size[0]} x {size[1]}. Give it a `size` to resize them to: "
            f"`{backbone.name}: {{size: [{application.least}, {application.least}]}}`.",
        )


def freezes_backbone(pattern: str) -> bool:
    """Whether a pattern of frozen layers freezes all of the backbone."""
    return re.search(pattern, "backbone") is not None


def cached_features_stay_the_same(recipe: Recipe) -> Found:
    """Features can be cached where each row has the same ones in every epoch."""
    if not recipe.model.cache_features:
        return
    place = ("model", "cache_features")
    if recipe.model.backbone is None:
        yield place, "there is no `backbone` whose features could be cached."
        return
    if recipe.model.lora is not None:
        yield place, "`model.lora` trains the backbone, so that its features change."
    if recipe.data.augment:
        yield place, "`data.augment` gives a row other pixels, and features, in each epoch."
    if not recipe.phases:
        yield (
            place,
            "the backbone is trained, so that its features change. Freeze it: "
            f"`phases: [{{epochs: {recipe.epochs}, freeze: backbone}}]`.",
        )
    for index, phase in enumerate(recipe.phases):
        patterns = [phase.freeze] if isinstance(phase.freeze, str) else phase.freeze
        frozen = isinstance(patterns, list) and any(map(freezes_backbone, patterns))
        if not frozen or phase.gradual is not None:
            yield (
                ("phases", index, "freeze"),
                "`cache_features` needs the whole backbone frozen in every phase: "
                "`freeze: backbone`.",
            )
