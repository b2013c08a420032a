"""The network of a first recipe for pictures: convolutions, sized by what there is."""

from collections.abc import Iterator

import numpy as np

from ..data.image_feature import FittedImage
from .starter_size import Size

SIZES = (
    Size(500, (32,), 0.3, 16, 60, 0.002),
    Size(5_000, (64,), 0.3, 32, 30, 0.002),
    Size(50_000, (64,), 0.3, 64, 12, 0.002),
    Size(np.inf, (128,), 0.3, 128, 8, 0.002),
)
# Pictures are halved until a side is shorter than this, with twice the filters each time.
SMALLEST, FILTERS, MOST_FILTERS = 12, 16, 128
# After more halvings than this the places of a picture are averaged, which needs fewer weights.
MOST_FLAT = 3


def convolutions(feature: FittedImage) -> Iterator[str]:
    """Layers from pixels to one vector a picture."""
    side, filters, halvings = min(feature.size), FILTERS, 0
    while side >= SMALLEST or not halvings:
        options = f"filters: {filters}, kernel_size: 3, padding: same, activation: relu"
        yield f"    - conv2d: {{{options}}}"
        if side >= SMALLEST:
            yield "    - max_pooling2d"
        side, filters, halvings = side // 2, min(2 * filters, MOST_FILTERS), halvings + 1
    yield "    - flatten" if halvings <= MOST_FLAT else "    - global_average_pooling2d"


def augmentation() -> Iterator[str]:
    """What most photographs gain by, for the reader to decide: a mirrored digit is none."""
    yield "  # More of few pictures, as docs/augmentation.md says; leave out what changes a class:"
    yield "  # augment:"
    yield "  #   - random_flip: {mode: horizontal}"
    yield "  #   - random_translation: {height_factor: 0.1, width_factor: 0.1}"
