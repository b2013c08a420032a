"""The data sources that a recipe can name: sets of scikit-learn and Keras, and the user's files."""

import contextlib
import importlib
import os
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from ..errors import DataError
from ..spec.choices import Arguments
from ..spec.date_formats import date_format_problem
from ..spec.tfrecord_features import RecordFeature
from .frame import Frame
from .hubs import huggingface, tfds
from .image_folder import Tables, image_folder
from .jsonl import read_jsonl
from .notation import Notation
from .npy import npy
from .npz import npz
from .several import several
from .source import Source, Task, checked
from .table_files import open_delimited, open_parquet

# Where nothing answers, a download should not hang for minutes.
SECONDS_TO_ANSWER = 20


def digits() -> Source:
    """1,797 images of handwritten digits, 8 x 8 pixels from 0 to 16, flat; 10 classes."""
    return _of_sklearn("digits", "classification", pixels=True)


def iris() -> Source:
    """150 flowers, 4 measures, 3 classes."""
    return _of_sklearn("iris", "classification")


def wine() -> Source:
    """178 wines, 13 measures, 3 classes."""
    return _of_sklearn("wine", "classification")


def breast_cancer() -> Source:
    """569 tumours, 30 measures, 2 classes."""
    return _of_sklearn("breast_cancer", "classification")


def diabetes() -> Source:
    """442 patients, 10 measures; how far the disease has progressed after a year."""
    return _of_sklearn("diabetes", "regression")


def mnist() -> Source:
    """60,000 + 10,000 handwritten digits, 28 x 28 pixels, 10 classes."""
    cached = _cache() / "mnist.npz"
    if cached.is_file():
        # Keras downloads again what differs from its own encoding of the set by a single byte; a
        # file that somebody put here is used as it is. Its content is in the fingerprint.
        return npz(str(cached), "x_train", "y_train", "x_test", "y_test")
    return _of_keras("mnist", "mnist.npz", "classification")


def fashion_mnist() -> Source:
    """60,000 + 10,000 pieces of clothing, 28 x 28 pixels, 10 classes."""
    files = "its four .gz files in a folder fashion-mnist"
    return _of_keras("fashion_mnist", files, "classification")


def cifar10() -> Source:
    """50,000 + 10,000 photographs, 32 x 32 pixels of 3 colours, 10 classes."""
    files = "cifar-10-python.tar.gz, renamed to cifar-10-batches-py-target_archive,"
    return _of_keras("cifar10", files, "classification")


def cifar100() -> Source:
    """50,000 + 10,000 photographs, 32 x 32 pixels of 3 colours, 100 classes."""
    files = "cifar-100-python.tar.gz, renamed to cifar-100-python-target_archive,"
    return _of_keras("cifar100", files, "classification")


def california_housing() -> Source:
    """20,640 districts, 8 measures; the median price of a house."""
    files = "california_housing.npz"
    return _of_keras("california_housing", files, "regression", version="large")


def csv(
    path: str,
    delimiter: str | None = None,
    encoding: str = "utf-8",
    decimal: Literal[".", ","] = ".",
    date_format: str | None = None,
    thousands: Literal[",", ".", "'", " "] | None = None,
) -> Frame:
    """A table of text whose first line names the columns; it may be compressed by gzip.

    Args:
        path: the file; or a pattern such as `part-*.csv` for several with the same columns.
        delimiter: character between cells; by default a tab in `.tsv` files, else a comma.
        encoding: of the file, such as `cp949`, `latin-1` or `utf-16`. A byte order mark at its
            beginning takes precedence.
        decimal: mark in front of the fraction of a number. With `,` a point may stand between the
            thousands of a number that has a comma too, as in `1.234,50`.
        date_format: of dates, such as `%d.%m.%Y`, which are read as those of ISO 8601 then; other
            cells stay as they are.
        thousands: mark between the thousands of a number, as in `1,234.50`; without it such cells
            are words.
    """
    problem = None if date_format is None else date_format_problem(date_format)
    if problem is not None:
        raise DataError(f"{path}: `date_format`: {problem}")
    if thousands == decimal:
        raise DataError(f"{path}: `thousands` and `decimal` are the same mark, {thousands!r}.")
    notation = Notation(decimal, date_format, thousands)
    return several(path, lambda each: open_delimited(each, delimiter, encoding, notation))


def jsonl(path: str) -> Frame:
    """One JSON object a line, whose keys name the columns; it may be compressed by gzip.

    Args:
        path: the file; or a pattern such as `part-*.jsonl` for several with the same columns.
    """
    return several(path, read_jsonl)


def parquet(path: str) -> Frame:
    """A Parquet file.

    Args:
        path: the file; or a pattern such as `part-*.parquet` for several with the same columns.
    """
    return several(path, open_parquet)


def tfrecord(path: str, features: Mapping[str, Arguments]) -> Frame:
    """TFRecord files of `tf.train.Example`, also compressed by gzip; each feature is a column.

    Args:
        path: the file; or a pattern such as `train-*.tfrecord` for several.
        features: name -> `{shape: [28, 28], dtype: uint8}` of the values in a record: `float32`,
            `int64` or `string` as `tf.train.Example` stores them, or another type of numbers whose
            bytes are one string. Without a shape it is one value, which a record may lack; without
            a type `float32`.
    """
    # TensorFlow parses the records, and takes seconds to import.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from .tfrecord import read_tfrecord

    described = {
        name: RecordFeature(tuple(given.get("shape", ())), given.get("dtype", "float32"))
        for name, given in features.items()
    }
    return several(path, lambda each: read_tfrecord(each, described))


SOURCES: dict[str, Callable[..., Source | Frame | Tables]] = {
    "digits": digits,
    "iris": iris,
    "wine": wine,
    "breast_cancer": breast_cancer,
    "diabetes": diabetes,
    "npz": npz,
    "npy": npy,
    "csv": csv,
    "jsonl": jsonl,
    "parquet": parquet,
    "image_folder": image_folder,
    "tfrecord": tfrecord,
    "tfds": tfds,
    "huggingface": huggingface,
    "mnist": mnist,
    "fashion_mnist": fashion_mnist,
    "cifar10": cifar10,
    "cifar100": cifar100,
    "california_housing": california_housing,
}


def _of_sklearn(name: str, task: Task, *, pixels: bool = False) -> Source:
    from sklearn import datasets

    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return checked(x, y, name, task=task, pixels=pixels)


def _of_keras(name: str, files: str, task: Task, **arguments: str) -> Source:
    """A set of `keras.datasets`: from Keras's cache, else downloaded by Keras.

    Args:
        files: what to put into the cache where there is no network.
    """
    keras_datasets = importlib.import_module("keras.datasets")
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SECONDS_TO_ANSWER)
    try:
        # Keras reports a download on stdout, which belongs to results.
        with contextlib.redirect_stdout(sys.stderr):
            (x, y), test = getattr(keras_datasets, name).load_data(**arguments)
    # Keras raises what its download met as a bare Exception, and a broken file can raise anything.
    except Exception as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise DataError(
            f"{name}: is neither in Keras's cache nor could be downloaded ({reason}). Go online, "
            f"or put {files} into {_cache()}."
        ) from None
    finally:
        socket.setdefaulttimeout(before)
    source = checked(x, y, name, task=task)
    own = checked(test[0], test[1], f"{name}, test", task=task)
    return Source(source.x, source.y, task, source.pixels, (own.x, own.y))


def _cache() -> Path:
    home = os.environ.get("KERAS_HOME")
    return (Path(home) if home else Path.home() / ".keras") / "datasets"
