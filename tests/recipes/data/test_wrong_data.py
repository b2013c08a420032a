"""Every wrong input ends in one `DataError` that says what is wrong, and where."""

import io
import os
import zipfile

import numpy as np
import pytest

from keras_recipes.recipes.data import Splits, features, load_data
from keras_recipes.recipes.data.features import Category, Date, Numeric
from keras_recipes.recipes.data.order import steps_per_epoch
from keras_recipes.recipes.data.table import TableOptions
from keras_recipes.recipes.errors import DataError

TABLE = b"size,colour,price\n1,red,a\n2,blue,b\n3,red,a\n4,blue,b\n"
MANY = b"size,price\n" + b"1,a\n2,b\n" * 10
NONE = Splits(validation=None, test=None)


def load(name, arguments, **more):
    return load_data(name, arguments, **{"splits": NONE, **more})


def table(path, arguments=(), features=None, **more):
    """Load a CSV file whose column `price` is predicted."""
    options = TableOptions(("price",), features)
    return load("csv", {"path": str(path), **dict(arguments)}, table=options, **more)


NUMBERS = {"size": Numeric()}
CSV = [
    # bytes, what differs from the defaults, fragments of the message
    (b"", {}, "is empty"),
    (b"\n\n", {}, "is empty"),
    (b"size,price\n", {}, "a header and no rows"),
    (b"size,size,price\n1,2,a\n", {}, "two columns are called `size`"),
    (b"size,,price\n1,2,a\n", {}, "column 2 has no name"),
    (b"size,price\n1,a\n2\n", {}, "line 3 has 1 cell; the header has 2"),
    (b"size,price\n1,a\n\n2,b,c\n", {}, "line 4 has 3 cells"),
    (b'size,price\n"1\n",a\n"2,b\n', {}, "line 4 is no CSV"),
    (b'size,price\n"1"x,a\n', {}, "line 2 is no CSV"),
    (b"size,price\n1,\xff\xfe\n", {}, "is not UTF-8"),
    (b"size,prize\n1,a\n", {}, "has no column `price`; it has `size` or `prize`. Did you mean"),
    (
        TABLE,
        {"features": {"colour": Numeric()}},
        ("line 2, column `colour`: expected a number", "`features: {colour: category}`"),
    ),
    (TABLE, {"features": {"color": Category()}}, "has no column `color`"),
    (TABLE, {"features": {"price": Category()}}, "no column is left to learn from"),
    (TABLE, {"arguments": {"delimiter": ";"}}, "has no column `price`"),
    (TABLE, {"arguments": {"delimiter": ""}}, "one character"),
    (TABLE, {"arguments": {"delimiter": ",,"}}, "one character"),
    (TABLE, {"arguments": {"delimiter": '"'}}, "neither a quote"),
    (TABLE, {"task": "regression"}, "line 2, column `price`: expected a number"),
    (b"price\na\nb\n", {}, "no column is left"),
    (b"size,price\n1,a\ninf,b\n", {"features": NUMBERS}, 'Received "inf"'),
    (b"size,price\n1,a\n1e39,b\n", {"features": NUMBERS}, 'Received "1e39"'),
    (b"size,price\n1,a\n1_000,b\n", {"features": NUMBERS}, 'Received "1_000"'),
    (b"size,price\n1,a\n0x10,b\n", {"features": NUMBERS}, "line 3, column `size`"),
    (
        b'size,price\n1,a\n"1,5",b\n',
        {"features": NUMBERS},
        ('Received "1,5"', "`decimal: ','` of the source `csv` would read them as numbers"),
    ),
    (
        TABLE,
        {"arguments": {"date_format": "%d.%m"}},
        "expected a day, a month and a year, each once",
    ),
    (TABLE, {"arguments": {"decimal": ",", "thousands": ","}}, "are the same mark"),
    (
        b"size;price\n1;3\n2;2,5\n3;2,5\n",
        {"arguments": {"delimiter": ";"}},
        ('the target `price` has words such as "2,5"', "`decimal: ','`", "`task: classification`"),
    ),
    (
        b"size;price\n" + b"3;a\n4;b\n" * 30 + b"2,5;a\n",
        {"arguments": {"delimiter": ";"}},
        ('line 62, column `size`: the cell is "2,5"', "`decimal: ','` of the source `csv`"),
    ),
    # Among many numbers a word is a slip, whatever the recipe says.
    (MANY + b"x,b\n", {}, ('line 22, column `size`: the cell is "x"', "20 of 21 cells")),
    (MANY.replace(b"a", b"1").replace(b"b", b"2") + b"1,n/b\n", {}, "line 22, column `price`"),
    (b"size,price\n1,a\n2,\n", {}, "line 3, column `price`: the row has no target"),
    (b"size,price\n1,a\n2,\n3,\n", {}, "2 rows of 3 without a target"),
    (b"size,price\n1,a\n2,a\n", {}, "all rows have the class a"),
    (b"size,price\n,a\n,b\n", {}, "all training rows miss it"),
    (b"size,price\n7,a\n7,b\n", {}, "all training rows have 7"),
    (b"size,price\n,a\n,b\n", {"features": NUMBERS}, "no number in the training rows"),
    (
        b"size,price\n2024-01-05,a\n5.1.2024,b\n",
        {"features": {"size": Date()}},
        (
            'line 3, column `size`: expected a date such as 2013-01-31. Received "5.1.2024"',
            "`date_format: '%d.%m.%Y'` of the source `csv` would read such dates",
        ),
    ),
    (b"size,price\n2024-13-05,a\n2024-01-05,b\n", {}, "column `size`"),
]


@pytest.mark.parametrize(("content", "more", "fragments"), CSV)
def test_csv(tmp_path, content, more, fragments):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        table(path, **more)
    assert str(path) in str(caught.value)
    for fragment in [fragments] if isinstance(fragments, str) else fragments:
        assert fragment in str(caught.value)


def test_the_line_of_a_cell_counts_lines_of_the_file(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text('size,price\n\n"1","a\nb"\n\nx,c\n')
    with pytest.raises(DataError, match="line 6, column `size`"):
        table(path, features=NUMBERS)


def test_a_table_and_its_target_belong_together(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(TABLE)
    with pytest.raises(DataError, match=r"`target: NAME` below `data`. It has `size`, `colour` or"):
        load("csv", {"path": str(path)})
    with pytest.raises(DataError, match="iris: has its own targets, and no columns"):
        load("iris", {}, table=TableOptions(("price",)))


def test_too_many_words(tmp_path, monkeypatch):
    path = tmp_path / "table.csv"
    path.write_text("id,price\n" + "".join(f"n{i},{i % 2}\n" for i in range(1001)))
    monkeypatch.setattr(features, "MOST_CATEGORIES", 1000)
    with pytest.raises(DataError, match="`id` has 1001 categories with 1 rows or more"):
        table(path, features={"id": Category()})


def saved(path, **arrays):
    np.savez(path, **arrays)
    return {"path": str(path)}


X, Y = np.arange(20, dtype="float32").reshape(10, 2), np.arange(10) % 2
NPZ = [
    ({"y": Y}, "has no array `x`; it has `y`"),
    ({}, "has no array `x`; it has none"),
    ({"X": X, "y": Y}, "it has `X` or `y`"),
    ({"x": X, "y": Y[:-1]}, "10 rows and 9 targets"),
    ({"x": X.astype(str), "y": Y}, "holds text"),
    ({"x": X.astype(complex), "y": Y}, "complex128 values"),
    ({"x": X.astype("M8[s]"), "y": Y}, "datetime64"),
    ({"x": np.array([{}] * 10), "y": Y}, ("array `x`", "Python objects")),
    ({"x": X, "y": np.array([{}] * 10)}, ("array `y`", "Python objects")),
    ({"x": np.where(X == 7, np.nan, X), "y": Y}, "rows: nan at [3, 1]. Leave"),
    ({"x": np.where(X > 17, np.inf, X), "y": Y}, "inf at [9, 0], and 1 more such values"),
    ({"x": X.astype(float) * 1e300, "y": Y}, "larger than 3.4e38"),
    ({"x": X, "y": Y / 0.7}, None),  # a regression: the control
    ({"x": X, "y": np.where(Y, np.nan, 0.0)}, "targets: nan at [1]"),
    ({"x": np.zeros((0, 2)), "y": np.zeros(0)}, "at least one row"),
    ({"x": np.zeros((10, 0)), "y": Y}, "at least one row"),
    ({"x": np.float32(1), "y": Y}, "at least one row"),
    ({"x": X, "y": np.int64(1)}, "one value a row"),
    ({"x": X, "y": np.zeros((10, 2, 2))}, "one value a row"),
    ({"x": X, "y": np.zeros((10, 0))}, "one value a row"),
    ({"x": X, "y": np.eye(10, dtype=int) * 2}, "are no classes"),
    ({"x": X, "y": np.zeros(10, int)}, "all rows have the class 0"),
]


@pytest.mark.parametrize(("arrays", "fragments"), NPZ)
def test_npz(tmp_path, arrays, fragments):
    arguments = saved(tmp_path / "file.npz", **arrays)
    if fragments is None:
        assert load("npz", arguments).task == "regression"
        return
    with np.errstate(over="ignore"), pytest.raises(DataError) as caught:
        load("npz", arguments)
    assert arguments["path"] in str(caught.value)
    for fragment in [fragments] if isinstance(fragments, str) else fragments:
        assert fragment in str(caught.value)


@pytest.mark.parametrize(
    ("y", "arguments", "fragment"),
    [
        (Y + 0.5, {"task": "classification"}, "not whole numbers"),
        (np.where(Y, 1e300, 0.0), {"task": "classification"}, "above 2\\*\\*53"),
        (np.where(Y, np.nan, 0.0), {"task": "classification"}, "nan at \\[1\\]"),
        (np.where(Y, "a", "b"), {"task": "regression"}, "holds text"),
        (Y, {"x_test": "x"}, "belong together"),
        (Y, {"x_test": "x", "y_test": "z"}, "has no array `z`"),
        (np.arange(10) * 3, {"x_test": "x", "y_test": "new"}, "class 5 is not among the training"),
        (np.linspace(0, 1, 10), {"x_test": "wide", "y_test": "y"}, "rows have shape \\(3,\\)"),
        (np.linspace(0, 1, 10), {"x_test": "x", "y_test": "two"}, "targets have shape \\(2,\\)"),
    ],
)
def test_npz_with_arguments(tmp_path, y, arguments, fragment):
    more = {"new": np.full(10, 5), "wide": np.zeros((10, 3)), "two": np.zeros((10, 2))}
    file = saved(tmp_path / "file.npz", x=X, y=y, **more)
    splits = Splits(validation=None, test="auto" if "x_test" in arguments else None)
    with pytest.raises(DataError, match=fragment):
        load("npz", {**file, **arguments}, splits=splits)


def header_of(shape, dtype="<f4"):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        stream, {"descr": dtype, "fortran_order": False, "shape": shape}
    )
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "fragment"),
    [
        (b"", "is no npz file"),
        (b"x,y\n1,2\n", "is no npz file"),
        (b"PK\x03\x04", "is no npz file"),
        ({"x.npy": b"no array"}, "is damaged"),
        ({"x.npy": b""}, "is damaged"),
        ({"x.npy": header_of((10**6, 10**6))}, "claims 4000000000000 bytes from"),
        ({"x.npy": header_of((-5, 2))}, "is damaged"),
        ({"x.npy": header_of((5, 2))}, "is damaged"),
        ({"x.npy": header_of((5, 2)).replace(b"<f4", b"q?4")}, "is damaged"),
        ({"x.npy": header_of((5, 2)).replace(b"{", b"(")}, "is damaged"),
    ],
)
def test_bytes_that_are_no_npz(tmp_path, content, fragment):
    path = tmp_path / "file.npz"
    if isinstance(content, dict):
        with zipfile.ZipFile(path, "w") as archive:
            for name, inner in content.items():
                archive.writestr(name, inner)
    else:
        path.write_bytes(content)
    with pytest.raises(DataError, match=fragment):
        load("npz", {"path": str(path)})


def test_a_file_cut_short_at_any_byte(tmp_path):
    whole = tmp_path / "whole.npz"
    np.savez_compressed(whole, x=X, y=Y)
    content = whole.read_bytes()
    for length in range(0, len(content), 7):
        path = tmp_path / "short.npz"
        path.write_bytes(content[:length])
        with pytest.raises(DataError):
            load("npz", {"path": str(path)})


def test_an_array_larger_than_the_memory(tmp_path, monkeypatch):
    arguments = saved(tmp_path / "file.npz", x=X, y=Y)
    monkeypatch.setattr(os, "sysconf", lambda name: 8)
    with pytest.raises(DataError, match="this machine has"):
        load("npz", arguments)


@pytest.mark.parametrize("source", ["csv", "jsonl", "parquet", "npz"])
def test_files_that_cannot_be_opened(tmp_path, source):
    for path, fragment in [
        (tmp_path / "absent", "there is no such file"),
        (tmp_path, "is a directory"),
        ("a\0b", "cannot be read|is damaged"),
    ]:
        with pytest.raises(DataError, match=fragment):
            load(source, {"path": str(path)})


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission(tmp_path):
    path = tmp_path / "file.csv"
    path.write_bytes(TABLE)
    path.chmod(0)
    with pytest.raises(DataError, match="Permission denied"):
        table(path)


def test_a_refused_open(tmp_path, monkeypatch):
    def refuse(*arguments, **more):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    for source in ("csv", "jsonl", "parquet", "npz"):
        with pytest.raises(DataError, match="cannot be read: Permission denied"):
            load(source, {"path": "file"})


ARRAYS = [
    ([[1, 2], [3]], [0, 1], "cannot be made an array"),
    ([[1, None], [3, 4]], [0, 1], "object values"),
    (None, [0, 1], "object values"),
    ([[1.0, 2.0], [3.0, 4.0]], [0, None], "object values"),
    (["a", "b"], [0, 1], "holds text"),
    ([[1.0], [2.0]], [b"\xff", b"a"], "cannot be made an array"),
    ({"a": 1}, [0, 1], "object values"),
    (object(), [0, 1], "object values"),
]


@pytest.mark.parametrize(("x", "y", "fragment"), ARRAYS)
def test_arrays(x, y, fragment):
    with pytest.raises(DataError, match=fragment):
        load("arrays", {}, arrays=(x, y))


def test_arrays_and_sources_do_not_mix():
    with pytest.raises(DataError, match="only Python can give"):
        load("arrays", {})
    with pytest.raises(DataError, match="only to the source `arrays`"):
        load("iris", {}, arrays=(X, Y))


@pytest.mark.parametrize(
    ("splits", "fragment"),
    [
        (Splits(validation=0.01, test=None), "validation: 0.01 of 20 rows is none"),
        (Splits(validation=None, test=20), "test: 20 rows are asked for and there are 20"),
        (Splits(validation=None, test=1000), "test: 1000 rows"),
        (Splits(validation=0.6, test=0.5), "validation: 12 rows are asked for and 10 are left"),
        (Splits(validation=None, test=19), "each of the 2 classes needs a row to learn from"),
        (Splits(validation=9, test=10), "each of the 2 classes needs a row"),
    ],
)
def test_splits_that_leave_nothing(splits, fragment):
    x, y = np.zeros((20, 1)), np.arange(20) % 2
    with pytest.raises(DataError, match=fragment):
        load("arrays", {}, splits=splits, arrays=(x, y))


def test_a_class_with_one_row():
    y = np.array(["oak"] * 10 + ["ash"] + ["elm"] * 10)
    with pytest.raises(DataError, match="test: class ash has a single row") as caught:
        load("arrays", {}, splits=Splits(None, 0.2), arrays=(np.zeros((21, 1)), y))
    assert "a file of its own" in str(caught.value)
    # Without a split to draw it is no mistake.
    assert load("arrays", {}, arrays=(np.zeros((21, 1)), y)).classes == ("ash", "elm", "oak")


def test_whole_numbers_that_look_like_a_regression():
    x = np.zeros((3000, 1))
    with pytest.raises(DataError, match="classes, or numbers to predict"):
        load("arrays", {}, arrays=(x, np.arange(3000)))
    with pytest.raises(DataError, match="task: regression"):
        load("arrays", {}, splits=Splits(None, 0.2), arrays=(x[:300], np.arange(300)))


@pytest.mark.parametrize(
    ("batch_size", "fragment"),
    [
        (101, "batch of 101 rows is larger than the training split of 100"),
        (0, "must be `all` or a number from 1"),
        (-1, "must be `all`"),
        (2.5, "must be `all`"),
        (True, "must be `all`"),
        ("some", "must be `all`"),
    ],
)
def test_batch_size(batch_size, fragment):
    with pytest.raises(DataError, match=fragment):
        steps_per_epoch(100, batch_size, False)
