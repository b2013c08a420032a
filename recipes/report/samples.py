"""A picture of training samples, as they are and as they are trained on."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from .curves import label, save_picture

# Pixels (height, width, channels), and what is written above them.
Panel = tuple[np.ndarray, str]


def plot_samples(
    lines: Sequence[Sequence[Panel]], span: tuple[float, float], title: str, path: Path
) -> None:
    """Draw a grid of pictures.

    Args:
        lines: the pictures, equally many in each line.
        span: pixel values that are drawn darkest and brightest.

    Raises:
        RequestError: the file cannot be written.
    """
    across = max(map(len, lines))
    picture = Figure(figsize=(1.6 * across, 1.8 * len(lines) + 0.5), layout="constrained")
    grid = picture.subplots(len(lines), across, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for places, line in zip(grid, lines, strict=True):
        for axes, (image, words) in zip(places, line, strict=False):
            shown = _shown(image, span)
            axes.imshow(shown, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axes.set_title(label(words), fontsize=8)
    picture.suptitle(label(title), fontsize=10)
    save_picture(picture, path)


def _shown(image: np.ndarray, span: tuple[float, float]) -> np.ndarray:
    """Pixels from 0 to 1, of one colour or of three."""
    low, high = span
    scaled = np.clip((image.astype("float32") - low) / max(high - low, 1e-12), 0, 1)
    return scaled if scaled.shape[-1] == 3 else scaled[..., 0]
