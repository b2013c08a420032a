"""What `data.augment` needs of the rest of a recipe: pictures, and targets that can be mixed."""

from math import prod

from .augmentations import MIXING, OF_COLOURS
from .choices import Choice, Layers
from .network import Found
from .network_shapes import SOURCES
from .schema import Recipe
from .shape_rules import Shape

FLAT = (
    "a row is {} numbers, and no picture. If it is one, let the network begin with its shape: "
    "`reshape: {{target_shape: [height, width, channels]}}`."
)


def mixes(recipe: Recipe) -> bool:
    """Whether the targets of training rows are mixed with those of others."""
    return any(choice.name in MIXING for choice in recipe.data.augment)


def picture_shape(row: Shape, layers: Layers) -> Shape | None:
    """Height, width and channels of the picture in a row; None where a row is no picture.

    Rows of one axis are pictures where the network begins with a `reshape` to one.

    >>> picture_shape((28, 28), [])
    (28, 28, 1)
    >>> picture_shape((64,), [Choice("layers", "reshape", {"target_shape": [8, 8, 1]})])
    (8, 8, 1)
    """
    if len(row) == 1 and layers and isinstance(layers[0], Choice) and layers[0].name == "reshape":
        row = _resolved(tuple(layers[0].arguments["target_shape"]), row[0])
    if len(row) == 2:
        return (*row, 1)
    return row if len(row) == 3 else None


def _resolved(target: tuple[int, ...], size: int | None) -> Shape:
    """The target of a reshape, with the size that -1 stands for."""
    known = prod(item for item in target if item != -1)
    rest = None if size is None or known == 0 else size // known
    return tuple(rest if item == -1 else item for item in target)


def pictures_can_be_augmented(recipe: Recipe) -> Found:
    """Augmentations need pictures, and targets that do not depend on how these are turned."""
    place = ("data", "augment")
    if not recipe.data.augment:
        return
    if recipe.data.targets == "inputs":
        yield (
            place,
            "with `targets: inputs` the rows are their own targets, which stay as they are.",
        )
    if _has_no_pictures(recipe):
        yield place, "augmentations change pictures, and no column is one."
        return
    row = SOURCES.get(recipe.data.source.name)
    shape = None if row is None else picture_shape(row, recipe.model.layers)
    if row is not None and shape is None:
        yield place, FLAT.format(row[0])
    elif shape is not None:
        yield from colours_fit(recipe, shape[-1])


def _has_no_pictures(recipe: Recipe) -> bool:
    """Whether a table says of each of its columns what it is, and none is a picture."""
    given = (recipe.data.features or {"*": "auto"}).values()
    kinds = {item.name if isinstance(item, Choice) else item for item in given}
    return recipe.data.target is not None and not kinds & {"auto", "image"}


def colours_fit(recipe: Recipe, channels: int | None) -> Found:
    """Changes of colours need three channels."""
    for index, choice in enumerate(recipe.data.augment):
        coloured = choice.name in OF_COLOURS or any(
            choice.arguments.get(name) is not None for name in ("saturation_factor", "hue_factor")
        )
        if coloured and channels not in (3, None):
            yield (
                ("data", "augment", index, choice.name),
                f"changes colours, and pictures have {channels} channel"
                f"{'' if channels == 1 else 's'}. It needs 3.",
            )


def mixed_targets_fit_loss(recipe: Recipe) -> Found:
    """Mixed targets are no class numbers, and need a second row to be mixed with."""
    if not mixes(recipe):
        return
    if recipe.loss is not None and recipe.loss.name.startswith("sparse_"):
        dense = recipe.loss.name.removeprefix("sparse_")
        yield (
            ("loss",),
            f"`{recipe.loss.name}` takes one class a row, and `data.augment` mixes them. Use "
            f"`{dense}`, or leave `loss` out.",
        )
    if recipe.data.balance == "class_weights":
        yield (
            ("data", "balance"),
            "`class_weights` weighs each row by its class, and `data.augment` mixes classes. Use "
            "`resample` or `focal`, or leave out what mixes.",
        )
    if recipe.data.batch_size == 1:
        yield ("data", "batch_size"), "`data.augment` mixes rows of a batch; it needs 2 or more."
