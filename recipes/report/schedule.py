"""The learning rate over the whole run as a picture, before anything is trained."""

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..errors import RequestError
from ..spec import Recipe
from .curves import COLOURS

FORMATS = (".png", ".svg")
# A picture is some 1000 pixels wide; more points than this show nothing more.
MOST_POINTS = 4000


def plot_schedule(recipe: Recipe, path: Path) -> None:
    """Draw the learning rate of every optimizer update of a recipe's run.

    Args:
        path: PNG or SVG file to write.

    Raises:
        RequestError: the data or schedule cannot be used, or the file cannot be written.
    """
    if path.suffix not in FORMATS:
        raise RequestError(f"{path}: a picture ends in {' or '.join(FORMATS)}.")
    steps_per_epoch, steps, rates = learning_rates(recipe)
    picture = Figure(figsize=(8, 4.5), layout="constrained")
    axes = picture.subplots()
    axes.plot(steps, rates, color=COLOURS[0])
    axes.set_title(recipe.name)
    axes.set_xlabel("optimizer update")
    axes.set_ylabel("learning rate")
    axes.set_ylim(bottom=0)
    axes.set_xlim(0, max(1, steps_per_epoch * recipe.epochs))
    axes.grid(alpha=0.3)
    _epochs_above(axes, steps_per_epoch)
    try:
        picture.savefig(path, dpi=130)
    except OSError as error:
        raise RequestError(f"{path}: cannot be written: {error.strerror}.") from None


def learning_rates(recipe: Recipe) -> tuple[int, list[int], list[float]]:
    """Updates an epoch, the updates that are drawn, and the learning rate of each."""
    from ..build.inputs import data_of
    from ..run.backend import use_tensorflow

    data = data_of(recipe)
    use_tensorflow()
    import numpy as np

    from ..build.data.steps import steps_per_epoch
    from ..build.experiment import optimizer
    from ..build.objects import Builder

    length = steps_per_epoch(len(data.train.y), recipe.data.batch_size, recipe.data.drop_remainder)
    total = length * recipe.epochs
    steps = np.unique(np.linspace(0, total - 1, min(total, MOST_POINTS)).astype("int64"))
    rate = optimizer(recipe, Builder(recipe, length))._learning_rate
    values = rate(steps) if callable(rate) else np.full(len(steps), float(rate))
    return length, steps.tolist(), [float(value) for value in np.asarray(values)]


def _epochs_above(axes: Axes, steps_per_epoch: int) -> None:
    def to_epochs(step: Any) -> Any:
        return step / steps_per_epoch

    def to_steps(epoch: Any) -> Any:
        return epoch * steps_per_epoch

    axes.secondary_xaxis("top", functions=(to_epochs, to_steps)).set_xlabel("epoch")
