"""Data sets of hubs: TensorFlow Datasets and Hugging Face, each an optional extra."""

import contextlib
import importlib
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike

from ..errors import DataError
from ..spec.wording import shown
from .delimited import MOST_OF_MEMORY
from .frame import Frame, plain
from .npz import memory
from .python_columns import from_columns

BATCH = 1024
# Arrays by the names of features, which may nest.
Batch = Mapping[str, Any]
# A column: numbers, or texts of which some are missing.
Cells = np.ndarray | list[object]
# A name with a namespace would let TensorFlow Datasets fetch and run the code of a builder.
TFDS_NAME = re.compile(r"[a-z][a-z0-9_]*(/[A-Za-z0-9_.+-]+)?(:[0-9*][0-9.*]*)?")
HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
# Files that `Dataset.save_to_disk` writes, of one data set and of several splits.
SAVED = ("state.json", "dataset_dict.json")


def tfds(
    name: str | None = None,
    path: str | None = None,
    split: str = "train",
    data_dir: str | None = None,
) -> Frame:
    """A data set of TensorFlow Datasets, whose features are columns; needs the extra `tfds`.

    Labels of a `ClassLabel` are the names of their classes, and nested features are called
    `outer/inner`.

    Args:
        name: the data set, also with configuration and version: `mnist`, `glue/cola:2.0.0`.
        path: instead, the folder of a prepared data set, with its `dataset_info.json`.
        split: a split or a part of it: `train`, `test[:10%]`.
        data_dir: the folder of prepared data sets, by default that of the library.
    """
    where = _where("tfds", name, path, TFDS_NAME)
    library = _library("tensorflow_datasets", "tfds")
    with _failing(where):
        if path is None:
            builder = library.builder(name, data_dir=data_dir)
            builder.download_and_prepare()
        else:
            builder = library.builder_from_directory(path)
        # Files are read one after the other, so that the rows have an order.
        reading = library.ReadConfig(interleave_cycle_length=1)
        dataset = builder.as_dataset(split=split, shuffle_files=False, read_config=reading)
        batches = [
            _flat(batch) for batch in _bounded(library.as_numpy(dataset.batch(BATCH)), where)
        ]
        names = _flat(dict(builder.info.features))
    if not batches:
        raise DataError(f"{where}: the split `{shown(split)[1:-1]}` has no rows.")
    columns = {key: np.concatenate([batch[key] for batch in batches]) for key in batches[0]}
    labels = {key: getattr(names.get(key), "names", None) for key in columns}
    return from_columns(
        {key: _named(_decoded(c, where, key), labels[key]) for key, c in columns.items()}, where
    )


def huggingface(
    name: str | None = None,
    path: str | None = None,
    split: str = "train",
    config: str | None = None,
    revision: str | None = None,
) -> Frame:
    """A data set of the Hugging Face hub, or of a folder; needs the extra `huggingface`.

    Labels of a `ClassLabel` are the names of their classes; images are arrays, and must be of one
    size.

    Args:
        name: the data set on the hub, `imdb` or `owner/name`.
        path: instead, a folder of csv, json lines or Parquet files, or of `save_to_disk`.
        split: a split or a part of it: `train`, `test[:10%]`.
        config: the configuration of the data set, if it has several.
        revision: a commit of the data set, so that it cannot change.
    """
    where = _where("huggingface", name, path, HUB_NAME)
    library = _library("datasets", "huggingface")
    with _failing(where):
        found = _loaded(library, name, path, split, config, revision)
        size = found.data.nbytes
        if size > memory() * MOST_OF_MEMORY:
            raise DataError(f"{where}: its rows take {size / 2**30:.1f} GiB, too much for memory.")
        kinds = {key: type(feature).__name__ for key, feature in found.features.items()}
        table = found.with_format("arrow")[:]
        columns: dict[str, object] = {}
        for key, kind in kinds.items():
            if kind == "Image":
                columns[key] = _images(found[key], where, key)
            elif kind == "ClassLabel":
                numbers = np.asarray(table[key].fill_null(-1))
                columns[key] = _named(numbers, found.features[key].names)
            else:
                one = from_columns(table.select([key]), where)
                columns[key] = one[key]
    if not len(table):
        raise DataError(f"{where}: the split `{shown(split)[1:-1]}` has no rows.")
    return from_columns(columns, where)


def _loaded(
    library: ModuleType,
    name: str | None,
    path: str | None,
    split: str,
    config: str | None,
    revision: str | None,
) -> Any:
    if path is None:
        return library.load_dataset(name, config, split=split, revision=revision)
    if not any((Path(path) / file).is_file() for file in SAVED):
        return library.load_dataset(path, config, split=split)
    saved = library.load_from_disk(path)
    if isinstance(saved, Mapping):
        if split not in saved:
            raise DataError(f"{path}: has no split `{shown(split)[1:-1]}`, but {list(saved)}.")
        return saved[split]
    return saved


def _where(source: str, name: str | None, path: str | None, allowed: re.Pattern[str]) -> str:
    """What messages call a data set.

    Raises:
        DataError: not exactly one of name and path is given, or the name is none.
    """
    if (name is None) == (path is None):
        raise DataError(f"{source}: give either `name`, of a data set, or `path`, of a folder.")
    if path is not None:
        return path
    if name is None or not allowed.fullmatch(name):
        raise DataError(f"{source}: expected the name of a data set. Received {shown(name)}.")
    return f"{source} {name}"


def _library(module: str, extra: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise DataError(
            f"the source `{extra}` needs the package `{module}`: "
            f"`pip install 'keras-recipes[{extra}]'`."
        ) from None


@contextlib.contextmanager
def _failing(where: str) -> Iterator[None]:
    """Turns what a library raises, which can be anything, into a `DataError`."""
    try:
        # Both libraries report a download on stdout, which belongs to results.
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except DataError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        raise DataError(f"{where}: cannot be opened: {reason}") from None


def _flat(values: Batch, above: str = "") -> dict[str, Any]:
    """Nested values by names such as `outer/inner`."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        inner = f"{above}{name}"
        if hasattr(value, "items"):
            found.update(_flat(dict(value.items()), f"{inner}/"))
        else:
            found[inner] = value
    return found


def _bounded(batches: Iterable[Batch], where: str) -> Iterator[Batch]:
    """Batches, as long as all of them fit into memory."""
    size = 0
    for batch in batches:
        size += sum(np.asarray(value).nbytes for value in _flat(batch).values())
        if size > memory() * MOST_OF_MEMORY:
            raise DataError(f"{where}: its rows do not fit into the memory of this machine.")
        yield batch


def _decoded(column: np.ndarray, where: str, name: str) -> Cells:
    """A column whose bytes are text as text."""
    if column.dtype != object:
        return column
    try:
        return [value.decode() if isinstance(value, bytes) else value for value in column]
    except UnicodeDecodeError:
        raise DataError(f"{where}: column `{plain(name)}` holds bytes that are no text.") from None


def _named(column: Cells, names: Sequence[str] | None) -> Cells:
    """Class numbers as the names of the classes, missing where a number is negative."""
    if not names or not isinstance(column, np.ndarray) or column.ndim != 1:
        return column
    classes = pa.array(list(names), pa.string())
    return classes.take(pa.array(column, pa.int64(), mask=column < 0)).to_pylist()


def _images(images: Sequence[ArrayLike], where: str, name: str) -> np.ndarray:
    arrays = [np.asarray(image) for image in images]
    shapes = {array.shape for array in arrays}
    if len(shapes) > 1:
        few = sorted(map(str, shapes))[:3]
        raise DataError(
            f"{where}: the images of `{plain(name)}` have {len(shapes)} different shapes, such as "
            f"{', '.join(few)}; expected one."
        )
    return np.stack(arrays)
