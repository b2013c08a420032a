"""Files that are damaged in any way are refused or read, and never break anything."""

import io
import warnings
import zipfile

import numpy as np
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from keras_recipes.recipes.data import Splits, load_data, read_rows
from keras_recipes.recipes.data.features import Category, Numeric, Text
from keras_recipes.recipes.data.fitted import FittedNumeric
from keras_recipes.recipes.data.table import NO_TABLE, TableOptions
from keras_recipes.recipes.errors import DataError

TABLE = b'size,colour,price\n1,red,a\n2.5,"sea, green",b\n3,"a ""b""",a\n1e3,blue,b\n'
KINDS = [None, {"size": Numeric(), "colour": Category()}, {"*": "auto", "colour": Text()}]


def npz_of(savez, **arrays):
    stream = io.BytesIO()
    savez(stream, **arrays)
    return stream.getvalue()


X, Y = np.arange(40, dtype="float32").reshape(20, 2), np.arange(20) % 2
PLAIN, PACKED = npz_of(np.savez, x=X, y=Y), npz_of(np.savez_compressed, x=X, y=Y)
HEADER = PLAIN.index(b"\x93NUMPY")
DESCRIBED = {"input_shape": [2], "features": [], "target": []}

SLICES = st.lists(
    st.tuples(st.integers(0, 1000), st.integers(0, 8), st.binary(max_size=8)), max_size=4
)
CALM = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def mutated(content, slices, span=None):
    """The content with some slices replaced, inside of `span` where it is given."""
    first, last = span or (0, len(content))
    for place, length, new in slices:
        start = first + place % max(1, last - first)
        content = content[:start] + new + content[start + length :]
    return content


def load(source, path, features=None):
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # NumPy's, about odd headers
            data = load_data(
                source,
                {"path": str(path)},
                splits=Splits(validation=None, test=None),
                scale="standardize",
                table=NO_TABLE if source == "npz" else TableOptions(("price",), features),
            )
    except DataError as caught:
        message = str(caught)
    else:
        message = "none"
        if source == "npz":
            assert np.isfinite(data.train.x).all()
        for feature in data.features:
            if isinstance(feature, FittedNumeric):
                assert np.isfinite([feature.fill, feature.offset, feature.divisor]).all()
        assert len(data.train.x) == len(data.train.y)
    assert 0 < len(message) < 2000


@CALM
@given(slices=SLICES, kinds=st.sampled_from(KINDS))
def test_csv_bytes(tmp_path, slices, kinds):
    path = tmp_path / "table.csv"
    path.write_bytes(mutated(TABLE, slices))
    load("csv", path, kinds)


CELL = st.text(st.sampled_from('19.e-+_, "\n\r\0\taé\ufeff;infNa'), max_size=6)


@CALM
@given(
    cells=st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=4),
    kinds=st.sampled_from(KINDS),
)
def test_csv_cells(tmp_path, cells, kinds):
    path = tmp_path / "table.csv"
    lines = ["size,colour,price", *(",".join(row) for row in cells)]
    path.write_text("\n".join(lines), newline="")
    load("csv", path, kinds)


@CALM
@given(content=st.binary(max_size=200))
def test_any_bytes(tmp_path, content):
    for source in ("csv", "jsonl", "parquet", "npz"):
        path = tmp_path / f"t.{source}"
        path.write_bytes(content)
        load(source, path)


JSON = b'{"size": 1, "colour": "red", "price": "a"}\n{"size": 2.5, "colour": null, "price": "b"}\n'


def parquet_of():
    stream = io.BytesIO()
    rows = {"size": [1.0, 2, None], "colour": ["a", "b", None], "price": ["x", "y", "x"]}
    parquet.write_table(pa.table(rows), stream)
    return stream.getvalue()


@CALM
@given(slices=SLICES, same=st.booleans())
def test_bytes_of_other_tables(tmp_path, slices, same):
    if same:
        slices = [(place, len(new), new) for place, _, new in slices]
    for source, content in (("jsonl", JSON), ("parquet", parquet_of())):
        path = tmp_path / f"t.{source}"
        path.write_bytes(mutated(content, slices))
        load(source, path)


@CALM
@given(packed=st.booleans(), slices=SLICES, same=st.booleans())
def test_npz_bytes(tmp_path, packed, slices, same):
    if same:  # replace, not insert: the archive's directory keeps its places
        slices = [(place, len(new), new) for place, _, new in slices]
    path = tmp_path / "file.npz"
    path.write_bytes(mutated(PACKED if packed else PLAIN, slices))
    load("npz", path)


WORDS = [b"(20, 2)", b"'<f4'", b"False", b"'descr'", b"{", b"}", b"\x01\x00", b"NUMPY"]
NEW = [b"(99**9,)", b"(-1, 2)", b"'|O'", b"'<f9'", b"[]", b"None", b"(", b"'\\", b"#", b"\xff",
       b"\x02\x00", b"\x03\x00", b"(1.5,)", b"'<U4'", b"[('a','<f4')]", b"'>f8'"]  # fmt: skip


def npy_of(old, new):
    stream = io.BytesIO()
    np.save(stream, X)
    return stream.getvalue().replace(old, new)


@CALM
@given(old=st.sampled_from(WORDS), new=st.sampled_from(NEW), slices=SLICES)
def test_headers(tmp_path, old, new, slices):
    content = mutated(npy_of(old, new), slices[:1], (6, 130))
    path = tmp_path / "file.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", content)
        archive.writestr("y.npy", npy_of(b"(20, 2)", b"(20, 1)"))
    load("npz", path)
    single = tmp_path / "file.npy"
    single.write_bytes(content)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            assert read_rows(single, DESCRIBED).shape[1:] == (2,)
    except DataError:
        pass
