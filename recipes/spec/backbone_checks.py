"""What must hold between `model.backbone` and the data, known without Keras."""

from .backbones import APPLICATIONS
from .fields import shown
from .network import SOURCES, Found
from .schema import Recipe


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
