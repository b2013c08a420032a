"""Augmentations of pictures that a recipe can name, and what they need; known without Keras."""

from typing import Annotated

from . import catalog
from .arguments import validated
from .choices import ALIASES, Choice
from .fields import Field, failure
from .nodes import is_dict
from .strict import details, invalid
from .wording import did_you_mean, listed, shown

# Layers of Keras that draw a change for each picture.
OF_ONE_PICTURE = (
    "rand_augment", "random_brightness", "random_color_degeneration", "random_color_jitter",
    "random_contrast", "random_elastic_transform", "random_erasing", "random_flip",
    "random_gaussian_blur", "random_grayscale", "random_hue", "random_invert",
    "random_perspective", "random_posterization", "random_rotation", "random_saturation",
    "random_sharpness", "random_shear", "random_translation", "random_zoom", "solarization",
)  # fmt: skip
# Those that mix a picture with another one of the batch, and their targets too.
MIXING = ("cut_mix", "mix_up")
AUGMENTATIONS = (*OF_ONE_PICTURE, *MIXING)
# Those that change colours, which takes three of them.
OF_COLOURS = frozenset(
    {"random_color_degeneration", "random_grayscale", "random_hue", "random_saturation"}
)
LEFT_OUT = {
    "aug_mix": "chooses its operations once and keeps them for the whole run. Use `rand_augment`",
    "random_crop": "changes the size of training pictures alone. Use `random_translation`, which "
    "pads and crops, or `random_zoom`",
}
# Arguments of every layer that a recipe cannot give here, and why.
NOT_GIVEN = {
    "seed": "the recipe's own `seed` decides what is drawn for each epoch and row",
    "data_format": "the axes of a picture are height, width, channels",
    "dtype": "pictures are changed in 32-bit floats",
    "trainable": "an augmentation has no weights",
}


def _augmentation(value: object) -> Choice:
    """A choice among the layers that augment, without the arguments that a recipe cannot give."""
    written = next(iter(value)) if is_dict(value) and len(value) == 1 else value
    if isinstance(written, str):
        try:
            _check_name(ALIASES["layers"].get(written, written))
        except ValueError as error:
            raise invalid(details((written,) if is_dict(value) else (), error)) from None
    chosen = validated("layers", value)
    mistakes = [
        mistake
        for name, why in NOT_GIVEN.items()
        if name in chosen.arguments
        for mistake in details(
            (written, name) if isinstance(written, str) else (name,),
            failure("refused", f"{why}; leave `{name}` out."),
        )
    ]
    if mistakes:
        raise invalid(mistakes)
    return chosen


def _check_name(name: str) -> None:
    if name in LEFT_OUT:
        raise failure("refused", f"`{name}` {LEFT_OUT[name]}.")
    if name in AUGMENTATIONS:
        return
    known = [*AUGMENTATIONS, *ALIASES["layers"]]
    what = "is a layer for `model.layers`" if name in catalog.tables()["layers"] else "is unknown"
    hint = did_you_mean(name, known) or f"There are {listed(known)}."
    raise failure("name", f"`{shown(name)[1:-1]}` {what}, and no augmentation.", hint=hint)


Augmentation = Annotated[
    Choice, Field(_augmentation, "expected an augmentation.", {"x-choice": "augmentations"})
]
