"""The text of a first recipe, from the outline of a file."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from ..data.frame import plain
from ..data.image_feature import FittedImage
from ..data.outline import SEED, Column, Outline
from ..data.table import OTHERS
from ..spec.dump import Writer

# With more columns than this a recipe would be hard to read.
MOST_COLUMNS = 60
MOST_NAMED = 6
# Pictures are halved until a side is shorter than this, with twice the filters each time.
SMALLEST_SIDE, FILTERS, MOST_FILTERS = 12, 16, 128
# After more halvings than this the places of a picture are averaged, which needs fewer weights.
MOST_FLATTENED = 3


@dataclass(frozen=True)
class Size:
    """What fits a number of training rows.

    Attributes:
        below: for fewer rows than this.
        units: of each hidden layer.
        dropout: after each hidden layer.
        batch_size: rows an update.
        epochs: at most; early stopping may end them.
        rate: learning rate of the first update, for Adam.
    """

    below: float
    units: tuple[int, ...]
    dropout: float
    batch_size: int
    epochs: int
    rate: float


SIZES = (
    Size(500, (16,), 0.0, 16, 60, 0.01),
    Size(5_000, (64,), 0.3, 32, 40, 0.003),
    Size(50_000, (128, 64), 0.2, 64, 30, 0.002),
    Size(np.inf, (256, 128), 0.1, 256, 15, 0.002),
)
# With a column of pictures.
PICTURE_SIZES = (
    Size(500, (32,), 0.3, 16, 60, 0.002),
    Size(5_000, (64,), 0.3, 32, 30, 0.002),
    Size(50_000, (64,), 0.3, 64, 12, 0.002),
    Size(np.inf, (128,), 0.3, 128, 8, 0.002),
)


def recipe_text(outline: Outline, path: Path, limit: int | None = None) -> str:
    """The recipe as commented YAML.

    Args:
        path: where the recipe will be.
        limit: for `data.limit`.
    """
    rows = len(outline.data.train)
    sizes = SIZES if _picture(outline) is None else PICTURE_SIZES
    size = next(each for each in sizes if rows < each.below)
    lines = [*_head(outline, path), *_data(outline, path, limit, size), *_model(outline, size)]
    return "\n".join(lines) + "\n"


def baseline(outline: Outline) -> str:
    """What the best constant prediction reaches on the training rows, in words."""
    data = outline.data
    if data.task == "classification":
        counts = np.bincount(data.train.y, minlength=len(data.classes))
        most = _short(data.classes[int(counts.argmax())])
        return f"always `{most}` has an accuracy of {counts.max() / counts.sum():.1%}"
    if data.task == "multilabel":
        means = data.train.y.mean(axis=0)
        right = np.maximum(means, 1 - means).mean()
        return f"the more frequent of 0 and 1 is right for {right:.1%} of the labels"
    deviation = np.std(data.train.y, axis=0, dtype="float64").mean()
    return f"always the mean has an RMSE of {float(deviation):.4g}"


def _head(outline: Outline, path: Path) -> Iterator[str]:
    what = outline.target or outline.arguments.get("y", "y")
    name = Path(outline.arguments["path"]).name
    yield f"# {_short(what)} of {_short(name)}: a first recipe, written by `keras-recipes init`."
    yield "#"
    yield f"# Run:    keras-recipes train {_short(path)}"
    yield f"# Beat:   {baseline(outline)}"
    yield "# Next:   `keras-recipes check-data` looks for what may be wrong with the rows"
    yield f"seed: {SEED}"


def _data(outline: Outline, path: Path, limit: int | None, size: Size) -> Iterator[str]:
    data = outline.data
    arguments = {**outline.arguments, "path": _from(path, outline.arguments["path"])}
    yield "data:"
    yield f"  source: {_flow({outline.source: arguments})}"
    if outline.target is not None:
        yield _commented(f"  target: {_flow(outline.target)}", _targets(outline))
    if outline.asked is not None:
        values = f"{len(np.unique(data.train.y))} different values"
        yield _commented(f"  task: {outline.asked}", f"inferred, from {values}")
    if outline.without_target:
        yield _commented("  missing_target: drop", f"{outline.without_target} rows have no target")
    yield from _features(outline.columns)
    if outline.target is None and data.train.x.ndim > 1:
        yield f"  scale: {'minmax' if data.train.x.ndim > 2 else 'standardize'}"
    folder = outline.source == "image_folder"  # which may have parts of its own
    yield "  validation: auto" if folder else "  validation: 15%"
    yield "  test: auto" if folder or "x_test" in arguments else "  test: 15%"
    for name in outline.dates[:1]:
        yield "  # To test on the latest rows, as a forecast is tested:"
        yield f"  # split_by: {_flow({'time': name})}"
    if limit is not None:
        yield f"  limit: {limit}"
    if _picture(outline) is not None:
        yield from _augmentation()
    yield f"  batch_size: {min(size.batch_size, max(1, len(data.train) // 4))}"


def _augmentation() -> Iterator[str]:
    """What most photographs gain by, for the reader to decide: a mirrored digit is none."""
    yield "  # More of few pictures, as docs/augmentation.md says; leave out what changes a class:"
    yield "  # augment:"
    yield "  #   - random_flip: {mode: horizontal}"
    yield "  #   - random_translation: {height_factor: 0.1, width_factor: 0.1}"


def _features(columns: tuple[Column, ...]) -> Iterator[str]:
    if not columns:
        return
    if len(columns) > MOST_COLUMNS or any(column.name == OTHERS for column in columns):
        yield f"  # {len(columns)} columns; `train --dry-run` prints what each is taken for."
        yield "  features: auto"
        return
    yield "  # As inferred from the training rows. `drop` leaves a column out."
    yield "  features:"
    for column in columns:
        yield _commented(f"    {_flow(column.name)}: {_flow(column.entry)}", column.reason)


def _model(outline: Outline, size: Size) -> Iterator[str]:
    data = outline.data
    yield f"# Sized to {len(data.train)} training rows."
    yield "model:"
    yield "  layers:"
    if outline.target is None and data.train.x.ndim > 2:
        yield "    - flatten"
    picture = _picture(outline)
    if picture is not None:
        yield from convolutions(picture)
    for units in size.units:
        yield f"    - dense: {{units: {units}, activation: relu, kernel_initializer: he_normal}}"
        if size.dropout:
            yield f"    - dropout: {{rate: {size.dropout}}}"
    yield "optimizer: adam"
    yield "learning_rate:"
    yield f"  cosine: {{initial_learning_rate: {size.rate}, decay_steps: 100%}}"
    yield "weight_decay: {rate: 0.01}"
    if len(data.classes) == 2:
        yield "metrics: [accuracy, auc]"
    yield f"epochs: {size.epochs}"
    yield "callbacks:"
    patience = max(5, size.epochs // 4)
    yield (
        f"  - early_stopping: {{monitor: val_loss, patience: {patience}, "
        "restore_best_weights: true}"
    )


def convolutions(feature: FittedImage) -> Iterator[str]:
    """Layers from pixels to one vector a picture."""
    side, filters, halvings = min(feature.size), FILTERS, 0
    while side >= SMALLEST_SIDE or not halvings:
        options = f"filters: {filters}, kernel_size: 3, padding: same, activation: relu"
        yield f"    - conv2d: {{{options}}}"
        if side >= SMALLEST_SIDE:
            yield "    - max_pooling2d"
        side, filters, halvings = side // 2, min(2 * filters, MOST_FILTERS), halvings + 1
    yield "    - flatten" if halvings <= MOST_FLATTENED else "    - global_average_pooling2d"


def _picture(outline: Outline) -> FittedImage | None:
    """The column of pictures, if there is one."""
    found = (each for each in outline.data.features if isinstance(each, FittedImage))
    return next(found, None)


def _targets(outline: Outline) -> str:
    data = outline.data
    if data.classes:
        names = ", ".join(_short(name) for name in data.classes[:MOST_NAMED])
        more = ", ..." if len(data.classes) > MOST_NAMED else ""
        return f"{len(data.classes)} classes: {names}{more}"
    return f"numbers from {data.train.y.min():.6g} to {data.train.y.max():.6g}"


def _short(value: object) -> str:
    """A value from a file in a comment: in one line, without control characters."""
    return plain(str(value))


def _commented(line: str, comment: str) -> str:
    """A line with a comment, whatever a cell that it quotes holds."""
    return f"{line:<38}  # {_short_line(comment)}"


def _short_line(text: str) -> str:
    return "".join(char for char in " ".join(text.split()) if char.isprintable())


def _flow(value: object) -> str:
    """A value as YAML in one line."""
    text = yaml.dump(
        value, Dumper=Writer, default_flow_style=True, allow_unicode=True, sort_keys=False,
        width=float("inf"),
    )  # fmt: skip
    text = text.removesuffix("\n").removesuffix("\n...")
    # A name with a line break in it; JSON is YAML, and has none.
    return json.dumps(value) if "\n" in text else text


def _from(recipe: Path, file: str) -> str:
    """The path of a file as a recipe names it: from its own folder if it is below that."""
    folder, place = os.path.abspath(recipe.parent), os.path.abspath(file)
    if os.path.commonpath([folder, place]) == folder:
        return os.path.relpath(place, folder)
    return place
