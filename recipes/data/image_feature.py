"""Columns of pictures: paths of files, or their content."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import numpy as np

from ...arguments import check_int, invalid
from ...messages import logger
from ..errors import DataError
from ..spec.image_folders import is_picture
from .cell_types import is_binary, is_text
from .frame import Frame, counted, plain
from .image_files import BrokenPicture, Examined, Given, examined

# Pictures that decide what a column is; more change nothing.
SAMPLE = 256
# What pictures of different sizes, or larger ones than most networks take, are brought to.
DEFAULT_SIZE, LARGEST_COMMON = (128, 128), 512
MOST_SIDE = 4096
# A column in which more of the sampled cells than this are pictures was meant as pictures.
MOSTLY = 0.5


@dataclass(frozen=True)
class FittedImage:
    """A column of pictures, of which each enters the network as pixels (height, width, channels).

    Attributes:
        size: height and width.
        channels: 1 for grey, 3 for red, green and blue.
        fit: how a picture of another shape is brought to the size.
        corrupt: whether a picture that cannot be decoded is an error, or its row is left out.
    """

    name: str
    size: tuple[int, int]
    channels: int
    fit: Literal["resize", "crop", "pad"] = "resize"
    corrupt: Literal["refuse", "skip"] = "refuse"
    kind: Literal["image"] = "image"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        return (*self.size, self.channels)

    @property
    def width(self) -> int:
        """Columns of the matrix that a cell becomes: none."""
        return 0


# Any fitted feature; the others are defined in a module that imports this one.
Fitted = TypeVar("Fitted")


@dataclass(frozen=True)
class Image:
    """A column of pictures: paths of PNG, JPEG, GIF (first frame) and BMP files, or their bytes.

    Args:
        size: height and width that pictures are brought to; by default the size that a sample of
            the training rows has in common, up to 512 x 512, else 128 x 128.
        channels: 1 for grey, 3 for red, green and blue, the last axis of a row's shape; by default
            1 where a sample of the training rows is grey.
        fit: how a picture of another shape is brought to the size: `resize` stretches it, `crop`
            cuts out the middle of the right shape first, `pad` adds black borders.
        corrupt: `refuse` pictures that cannot be decoded, or `skip` their rows.
    """

    size: Sequence[int] | None = None
    channels: Literal[1, 3] | None = None
    fit: Literal["resize", "crop", "pad"] = "resize"
    corrupt: Literal["refuse", "skip"] = "refuse"

    def __post_init__(self) -> None:
        if self.size is not None:
            if len(self.size) != 2:
                raise invalid("size", "height and width, such as [96, 96]", list(self.size))
            for side in self.size:
                check_int("size", side, ge=1, le=MOST_SIDE)
        if self.channels not in (None, 1, 3):
            raise invalid("channels", "1 for grey or 3 for colours", self.channels)

    def describe(self) -> str:
        """A phrase for people."""
        if self.size is None or self.channels is None:
            return "image"
        return f"image, {self.size[0]} x {self.size[1]} x {self.channels}, {self.fit}"

    def learn(self, name: str, rows: Frame) -> FittedImage:
        """The size and the channels, from the training rows where they are not given.

        It is what other features call `fit`, which is an argument of this one.

        Raises:
            DataError: the column cannot hold pictures.
        """
        pictures_of(rows, name)
        size, grey = self.size, self.channels == 1
        if size is None or self.channels is None:
            found, grey_found = common(sample_of(rows, name))
            size = size or found or DEFAULT_SIZE
            grey = grey if self.channels is not None else grey_found
        return FittedImage(name, (size[0], size[1]), 1 if grey else 3, self.fit, self.corrupt)


def inferred_image(rows: Frame, name: str) -> tuple[Image | None, str] | None:
    """The feature of a column that holds pictures, with the reason; None where it holds others.

    The feature is None too where the cells name pictures and no file is there.
    """
    column = rows[name]
    if isinstance(column, np.ndarray) or not (is_binary(column) or is_text(column)):
        return None
    known = column.drop_null()
    if not is_binary(column):
        few = known[: SAMPLE * 4].to_pylist()
        if not few or not all(is_picture(cell) for cell in few):
            return None
    found = sample_of(rows, name)
    readable = int((found.sizes[:, 0] > 0).sum())
    if readable <= MOSTLY * len(found.sizes):
        what = "bytes that are no pictures" if is_binary(column) else "names of pictures"
        problem = next(iter(found.problems.values()), "all are missing")
        count = f"{len(found.problems)} of {len(found.sizes)}"
        reason = f"it holds {what}; {count} that were looked at cannot be read: the first {problem}"
        return None, reason
    size, grey = common(found)
    feature = Image(list(size or DEFAULT_SIZE), 1 if grey else 3)
    sizes = "all of one size" if size else f"of different sizes, up to {found.sizes.max()}"
    return feature, f"{'grey ' * grey}pictures {sizes}"


def sample_of(rows: Frame, name: str) -> Examined:
    """What was found of some of the pictures, from the first row to the last."""
    chosen = np.unique(np.linspace(0, len(rows) - 1, SAMPLE).astype("int64"))
    return examined(pictures_of(rows.take(chosen), name))


def common(found: Examined) -> tuple[tuple[int, int] | None, bool]:
    """The size of all pictures, None where they differ or are large; whether all are grey."""
    known = found.sizes[:, 0] > 0
    if not known.any():
        return None, False
    sizes = np.unique(found.sizes[known], axis=0)
    one = len(sizes) == 1 and sizes.max() <= LARGEST_COMMON
    size = (int(sizes[0, 0]), int(sizes[0, 1])) if one else None
    return size, bool(found.grey[known].all())


def pictures_of(rows: Frame, name: str) -> list[Given]:
    """The pictures of a column: paths, or bytes; what is neither says so when it is read.

    Raises:
        DataError: the column holds numbers.
    """
    column = rows[name]
    if isinstance(column, np.ndarray) or not (is_binary(column) or is_text(column)):
        if not isinstance(column, np.ndarray) and column.null_count == len(column):
            return [BrokenPicture(MISSING)] * len(column)
        raise DataError(
            f"{rows.where}: column `{plain(name)}` holds numbers; expected paths of pictures, or "
            "their bytes."
        )
    if is_binary(column):
        return [BrokenPicture(MISSING) if cell is None else cell for cell in column.to_pylist()]
    place = _Place(rows.folder, rows.links)
    return [place.of(cell) for cell in column.to_pylist()]


# Pictures that a message names.
MOST_SHOWN = 20
MISSING = "the cell is empty"


class _Place:
    """Where paths lead: below a folder, or anywhere where the user gave them in Python.

    Args:
        folder: that paths are relative to and must not leave; None for any path.
        links: whether links below the folder may lead out of it.
    """

    def __init__(self, folder: str | None, links: bool) -> None:
        self.folder, self.links = folder, links
        self.root = "" if folder is None else os.path.realpath(folder)
        self.inside: dict[str, bool] = {}

    def of(self, cell: str | None) -> Given:
        if not cell:
            return BrokenPicture(MISSING)
        if self.folder is None:
            return cell
        if os.path.isabs(cell) or ".." in cell.replace("\\", "/").split("/"):
            return BrokenPicture("leads out of the folder of its table; such paths are not read")
        path = os.path.join(self.folder, cell)
        if not self.links and not self._stays(path):
            return BrokenPicture("is a link out of the folder of its table, and is not read")
        return path

    def _stays(self, path: str) -> bool:
        try:
            folder = os.path.dirname(path)
            if folder not in self.inside:
                self.inside[folder] = self._below(folder)
            return self.inside[folder] and (not os.path.islink(path) or self._below(path))
        except ValueError:  # a name that no file can have
            return False

    def _below(self, path: str) -> bool:
        real = os.path.realpath(path)
        return os.path.commonpath([real, self.root]) == self.root


def looked_at(rows: Frame, features: Sequence[object]) -> Frame:
    """The rows with what was found of their columns of pictures."""
    found = {
        feature.name: examined(pictures_of(rows, feature.name))
        for feature in features
        if isinstance(feature, FittedImage)
    }
    return replace(rows, pictures=found) if found else rows


def picture_faults(rows: Frame) -> dict[int, str]:
    """Row -> which of its pictures cannot be read, and why."""
    found: dict[int, str] = {}
    for name, pictures in rows.pictures.items():
        for row, problem in pictures.problems.items():
            found.setdefault(row, f"{name_of(rows, name, row)}: {problem}.")
    return found


def name_of(rows: Frame, name: str, row: int) -> str:
    """How a message names a picture: by its file, or by the place of its cell."""
    column = rows[name]
    if not isinstance(column, np.ndarray) and is_text(column) and column[row].as_py():
        return plain(str(column[row].as_py()))
    return f"{rows.locate(row)}, column `{plain(name)}`"


def refuse_pictures(problems: Sequence[str], where: str, features: Sequence[object]) -> None:
    """Raise a `DataError` about pictures that cannot be read; only warn where they are skipped."""
    pictures = [feature for feature in features if isinstance(feature, FittedImage)]
    count = counted(len(problems), "picture")
    if not problems:
        return
    if all(feature.corrupt == "skip" for feature in pictures):
        first = problems[0]
        logger.warning(f"{where}: {count} cannot be read and left out; the first is {first}")
        return
    lines = [f"  {problem}" for problem in problems[:MOST_SHOWN]]
    if len(problems) > MOST_SHOWN:
        lines.append(f"  and {len(problems) - MOST_SHOWN} more.")
    name = next(feature.name for feature in pictures if feature.corrupt == "refuse")
    mend = (
        "Mend or remove them; or leave their rows out: "
        f"`features: {{'*': auto, {plain(name)}: {{image: {{corrupt: skip}}}}}}` below `data`."
    )
    raise DataError("\n".join([f"{where}: {count} cannot be read:", *lines, mend]))


def skipping(features: Sequence[Fitted]) -> tuple[Fitted, ...]:
    """The same features, of which those of pictures skip what cannot be read."""
    return tuple(
        replace(each, corrupt="skip") if isinstance(each, FittedImage) else each
        for each in features
    )
