"""A folder of pictures as tables: the path of each picture and its class, or a table of labels."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from ..errors import DataError
from ..spec.image_folders import is_picture, listing, pictures_below
from ..spec.wording import listed
from .cell_types import is_text
from .frame import Frame
from .tables import read_table

# Names of the columns that a folder of classes has.
IMAGE, LABEL = "image", "label"


@dataclass(frozen=True)
class Tables:
    """Tables of the parts that a source has of its own.

    Attributes:
        parts: `train`, and `validation` and `test` where the source has them.
        typed: whether cells that look like numbers are numbers; a folder `01` is not 1.
    """

    parts: Mapping[str, Frame]
    typed: bool


def image_folder(path: str, labels: str | None = None) -> Tables:
    """Pictures in folders, PNG, JPEG, GIF and BMP; the target is `label` if no other is named.

    Args:
        path: a folder with one folder of pictures for each class; or with `train` and `test`, and
            perhaps `validation` or `valid`, that have those.
        labels: a table with a column of file names, relative to `path`, and more columns; its
            columns take the place of the classes.
    """
    if labels is not None:
        return Tables({"train": _labelled(path, labels)}, typed=True)
    parts = {part: _frame(path, classes) for part, classes in listing(path).items()}
    return Tables(parts, typed=False)


def _frame(folder: str, classes: Mapping[str, list[str]]) -> Frame:
    paths = [picture for pictures in classes.values() for picture in pictures]
    names = [name for name, pictures in classes.items() for _ in pictures]
    return of_paths(folder, paths, **{LABEL: names})


def of_paths(folder: str, paths: list[str], **columns: list[str]) -> Frame:
    """A table of pictures below a folder; links that the folder has may lead elsewhere."""
    arrays = {IMAGE: paths, **columns}
    return Frame(
        {name: pa.array(cells, pa.string()) for name, cells in arrays.items()},
        folder,
        locate=lambda row: paths[row],
        folder=folder,
        links=True,
    )


def _labelled(folder: str, labels: str) -> Frame:
    if not os.path.isdir(folder):
        raise DataError(f"{folder}: expected a folder of pictures.")
    table = read_table(Path(labels))
    for column in table.columns.values():
        if not isinstance(column, np.ndarray) and is_text(column):
            few = column[:100].to_pylist()
            if sum(is_picture(cell) for cell in few) * 2 > len(few):
                return replace(table, folder=folder)
    raise DataError(
        f"{labels}: no column has names of pictures, such as `cats/1.png`; it has "
        f"{listed(list(table.columns)[:12])}."
    )


def unlabelled(folder: str) -> Frame:
    """All pictures below a folder, whatever folders they are in."""
    paths = list(pictures_below(folder))
    if not paths:
        raise DataError(f"{folder}: has no picture.")
    return of_paths(folder, paths)


def single(path: Path) -> Frame:
    """One picture."""
    return of_paths(str(path.parent), [path.name])


def of_classes(folder: str) -> Frame:
    """The pictures of a folder of classes; one class is enough.

    Of a folder with parts these are the test pictures.
    """
    parts = listing(folder, fewest=1)
    return _frame(folder, parts.get("test", parts["train"]))
