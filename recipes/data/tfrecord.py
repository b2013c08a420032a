"""TFRecord files of `tf.train.Example`, parsed by TensorFlow into columns."""

import gzip
import math
import os
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import tensorflow as tf

from ..errors import DataError
from ..spec.csv_header import opened, readable, refuse_device
from ..spec.tfrecord_features import RAW_TYPES, RecordFeature
from ..spec.wording import listed, shown
from .columns import Column
from .delimited import MOST_OF_MEMORY
from .frame import Frame, plain
from .npz import memory

# Records that are parsed at a time.
BATCH = 4096
# Length of a record and its checksum stand before it, another checksum behind it.
HEADER, FOOTER = 12, 4
GZIP = b"\x1f\x8b\x08"
# What TensorFlow raises on bytes that are no record; it may fail to write them in a message.
UNPARSED = (tf.errors.OpError, UnicodeDecodeError)
# What `tf.train.Example` holds.
STORED = {"float32": tf.float32, "int64": tf.int64, "string": tf.string}


def read_tfrecord(path: Path, features: Mapping[str, RecordFeature]) -> Frame:
    """The rows of a file of `tf.train.Example` records, also compressed by gzip.

    A feature of one value a record becomes a column in which a record may lack it; one of more
    becomes a column of arrays.

    Raises:
        DataError: a record is damaged, or does not have the features as described.
    """
    with readable(path):
        refuse_device(path)
        count = _check_lengths(path)
    if not count:
        raise DataError(f"{path}: has no records.")
    parts: dict[str, list[Column]] = {name: [] for name in features}
    first = 0
    for serialized in _batches(path):
        batch = _Batch(path, first, _parsed(serialized, features, path, first))
        for name, feature in features.items():
            parts[name].append(batch.column(name, feature))
        first += len(serialized)
    columns = {name: _joined(found) for name, found in parts.items()}
    return Frame(columns, str(path), "record {} (from 0)".format)


def _check_lengths(path: Path) -> int:
    """The number of records, by their lengths: TensorFlow would allocate what a length claims."""
    count, size = 0, 0
    most = memory() * MOST_OF_MEMORY
    with opened(path) as file:
        while header := file.read(HEADER):
            length = struct.unpack("<Q", header[:8])[0] if len(header) == HEADER else 0
            size += length
            if size > most:
                raise DataError(
                    f"{path}: its first {count + 1} records claim {size / 2**30:.1f} GiB, which do "
                    f"not fit into the memory of this machine, {memory() / 2**30:.1f} GiB; or "
                    f"record {count} (from 0) is damaged."
                )
            if len(header) < HEADER or not _skipped(file, length + FOOTER):
                raise DataError(f"{path}: record {count} (from 0) is cut short.")
            count += 1
    return count


def _skipped(file: BinaryIO, size: int) -> bool:
    """Skip `size` bytes; whether the file had them."""
    if not isinstance(file, gzip.GzipFile):
        left = os.fstat(file.fileno()).st_size - file.tell()
        file.seek(min(size, left), os.SEEK_CUR)
        return size <= left
    while size > 0:
        found = len(file.read(min(size, 1 << 20)))
        if not found:
            return False
        size -= found
    return True


def _batches(path: Path) -> Iterator[tf.Tensor]:
    with open(path, "rb") as file:
        packed = file.read(3) == GZIP
    dataset = _records(path, packed).batch(BATCH)
    options = tf.data.Options()
    options.deterministic = True
    iterator = iter(dataset.with_options(options))
    first = 0
    while True:
        try:
            found = next(iterator)
        except StopIteration:
            return
        except tf.errors.OpError:
            raise DataError(
                f"{path}: record {_first_damaged(path, packed, first)} (from 0) is damaged: its "
                "checksum is wrong. Is this a TFRecord file?"
            ) from None
        first += len(found)
        yield found


def _records(path: Path, packed: bool) -> tf.data.TFRecordDataset:
    return tf.data.TFRecordDataset(str(path), compression_type="GZIP" if packed else "")


def _first_damaged(path: Path, packed: bool, first: int) -> int:
    """The number of the record whose checksum is wrong, which is `first` or later."""
    count = 0
    try:
        for _ in _records(path, packed):
            count += 1
    except tf.errors.OpError:
        pass
    return max(first, count)


def _parsed(
    serialized: tf.Tensor, features: Mapping[str, RecordFeature], path: Path, first: int
) -> dict[str, tf.RaggedTensor]:
    described = {
        name: tf.io.RaggedFeature(STORED[_stored(feature)]) for name, feature in features.items()
    }
    _refuse_damaged(serialized, path, first)
    try:
        # TensorFlow annotates tensors of any kind.
        found: Any = tf.io.parse_example(serialized, described)
        return found
    except UNPARSED:
        pass
    for row in range(len(serialized)):
        for name in features:
            try:
                tf.io.parse_single_example(serialized[row], {name: described[name]})
            except UNPARSED as error:
                raise DataError(
                    _no_example(path, first + row, name, features[name], error)
                ) from None
    raise DataError(f"{path}: its records cannot be parsed.")


def _refuse_damaged(serialized: tf.Tensor, path: Path, first: int) -> None:
    """Raise a `DataError` where a record is no message of its kind.

    `parse_example` allocates what the length of a list claims, up to 4 GiB, and may end the process
    there; the parser of protocol buffers does not.
    """

    def decode(records: tf.Tensor) -> None:
        tf.io.decode_proto(records, "tensorflow.Example", [], [], sanitize=True)

    try:
        decode(serialized)
    except UNPARSED:
        for row in range(len(serialized)):
            try:
                decode(serialized[row : row + 1])
            except UNPARSED:
                raise DataError(
                    f"{path}: record {first + row} (from 0) is no `tf.train.Example`."
                ) from None
        raise DataError(f"{path}: its records cannot be parsed.") from None


def _no_example(path: Path, row: int, name: str, feature: RecordFeature, error: Exception) -> str:
    reason = shown(" ".join(str(error).split("[Op:")[0].split())[-120:])
    return (
        f"{path}: record {row} (from 0) is no `tf.train.Example` with values of `{plain(name)}` "
        f"that are stored as {_stored(feature)}: {reason}."
    )


def _stored(feature: RecordFeature) -> str:
    """How the values of a feature are stored: bytes of an array are one string."""
    return "string" if feature.dtype in RAW_TYPES else feature.dtype


@dataclass(frozen=True)
class _Batch:
    """Some parsed records.

    Attributes:
        first: number of the first of them in the file.
        parsed: name -> values of each record, as a ragged tensor.
    """

    path: Path
    first: int
    parsed: Mapping[str, tf.RaggedTensor]

    def column(self, name: str, feature: RecordFeature) -> Column:
        """The values of a feature."""
        ragged = self.parsed[name]
        values, lengths = ragged.flat_values.numpy(), ragged.row_lengths().numpy()
        if feature.dtype in RAW_TYPES:
            self._check(name, lengths, 1)
            return self._raw(name, feature, values)
        size = math.prod(feature.shape)
        if not feature.shape:
            return self._scalars(name, values, lengths)
        self._check(name, lengths, size)
        if feature.dtype == "string":
            raise DataError(f"{self.path}: `{plain(name)}`: words have no shape; leave it out.")
        return values.reshape((len(lengths), *feature.shape))

    def _scalars(self, name: str, values: np.ndarray, lengths: np.ndarray) -> pa.Array:
        """One value a record, null where it is missing."""
        if (lengths > 1).any():
            self._check(name, lengths, 1)
        places = np.cumsum(lengths) - 1
        missing = lengths == 0
        if values.dtype != object:
            found = values[np.where(missing, 0, places)] if len(values) else np.zeros(len(lengths))
            made = pa.array(found.astype("float64" if values.dtype.kind == "f" else "int64"))
            return pa.array(made.to_pylist(), made.type, mask=missing) if missing.any() else made
        texts = iter(self._text(name, value) for value in values)
        return pa.array(["" if gone else next(texts) for gone in missing], pa.string())

    def _text(self, name: str, value: bytes) -> str:
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise DataError(
                f"{self.path}: `{plain(name)}` holds bytes that are no UTF-8 text. Describe the "
                f"numbers in them: a `shape`, and as `dtype` one of {listed(sorted(RAW_TYPES))}."
            ) from None

    def _raw(self, name: str, feature: RecordFeature, values: Sequence[bytes]) -> np.ndarray:
        dtype = np.dtype(feature.dtype).newbyteorder("<")
        size = math.prod(feature.shape) * dtype.itemsize
        for row, value in enumerate(values):
            if len(value) != size:
                raise DataError(
                    f"{self.path}: record {self.first + row} (from 0): `{plain(name)}` has "
                    f"{len(value)} bytes; expected {size}, for {feature.dtype} of shape "
                    f"{tuple(feature.shape)}."
                )
        joined = np.frombuffer(b"".join(values), dtype)
        return joined.reshape((len(values), *feature.shape)).astype(feature.dtype)

    def _check(self, name: str, lengths: np.ndarray, size: int) -> None:
        wrong = np.flatnonzero(lengths != size)
        if len(wrong):
            row = int(wrong[0])
            raise DataError(
                f"{self.path}: record {self.first + row} (from 0): `{plain(name)}` has "
                f"{lengths[row]} values; expected {size}."
            )


def _joined(parts: Sequence[Column]) -> Column:
    arrays = [part for part in parts if isinstance(part, np.ndarray)]
    if arrays:
        return np.concatenate(arrays)
    return pa.concat_arrays([part for part in parts if not isinstance(part, np.ndarray)])
