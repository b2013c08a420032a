"""Data files made wrong at random: npz archives, and tables as CSV, JSON lines and Parquet."""

import bz2
import gzip
import io
import json
import pathlib
import random
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from mutations import cut, flip, put_in, take_out
from pyarrow import parquet

# The source, what the name of the file ends in after it, the content, and the arguments.
Case = tuple[str, str, bytes, dict[str, Any]]
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


class Evil:
    """Unpickling it leaves a file behind."""

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return pathlib.Path.touch, (pathlib.Path("unpickled"),)


def arrays(dice: random.Random) -> dict[str, np.ndarray]:
    """Rows and targets of some shape and type; sound, so that it is the mutation that counts."""
    count = dice.choice((6, 20, 50))
    shape = dice.choice(((count, 2), (count, 5), (count,), (count, 4, 4), (count, 4, 4, 1)))
    size = int(np.prod(shape))
    x = np.arange(size, dtype="float64").reshape(shape) % 17
    kind = dice.choice(("float32", "float64", "uint8", "int64", ">f8", "bool", "float16"))
    labels: list[Any] = [
        np.arange(count) % 2,
        np.arange(count) % 3,
        np.where(np.arange(count) % 2, "oak", "ash"),
        np.arange(count) / 7,
        (np.arange(count) % 2)[:, None],
        np.stack([np.arange(count) / 3] * 2, axis=1),
    ]
    made = {"x": x.astype(kind), "y": dice.choice(labels)}
    if dice.random() < 0.3:
        made |= {"x_test": made["x"][:4], "y_test": made["y"][:4]}
    return made


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def archive(members: list[tuple[str, bytes]], method: int) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as file:
        for name, content in members:
            file.writestr(name, content)
    return stream.getvalue()


def header(text: str, version: tuple[int, int] = (1, 0)) -> bytes:
    """The beginning of an npy file, with any header."""
    body = text.encode("utf-8", "surrogatepass") + b"\n"
    length = struct.pack("<H" if version == (1, 0) else "<I", len(body) & 0xFFFF)
    return b"\x93NUMPY" + bytes(version) + length + body


SHAPES = [
    "(1000000000000,)", "(1000000000000, 2)", "(20, -2)", "(-1,)", "()", "(0, 2)", "(20, 0)",
    "(2**40,)", "(9999999999999999999999,)", "(1.5,)", "('a',)", "(20, 2), 3", "[20, 2]", "None",
    "(True, True)", "(20,) * 9", "(" + "1," * 40 + ")", "(" * 300 + ")" * 300, "(19, 2)", "(21, 2)",
]  # fmt: skip
DTYPES = [
    "'|O'", "'<f9'", "'<U1000000000'", "'<U3'", "'|S4'", "'<c16'", "'<M8[s]'", "'|V8'", "'>i2'",
    "'<f2'", "'|b1'", "[('a', '<f4'), ('b', '|O')]", "[('a', '<f4', (99999, 99999))]", "''", "3",
    "None", "'('", "'f4,f4'", "'<f16'", "'|S0'", "{}", "'\\ud800'",
]  # fmt: skip


def lying_header(made: dict[str, np.ndarray], dice: random.Random) -> bytes:
    """An archive in which one array claims to be what it is not."""
    members = [(f"{name}.npy", npy(array)) for name, array in made.items()]
    index = dice.randrange(len(members))
    name, content = members[index]
    text = (
        f"{{'descr': {dice.choice([*DTYPES, repr('<f4')])}, 'fortran_order': "
        f"{dice.choice(('False', 'True', '7', 'x'))}, 'shape': {dice.choice(SHAPES)}, }}"
    )
    version = dice.choice(((1, 0), (1, 0), (2, 0), (3, 0), (9, 9)))
    new = header(text + " " * dice.choice((0, 10, 9000, 60000)), version) + content[128:]
    members[index] = (name, new)
    return archive(members, dice.choice(METHODS))


def bomb(made: dict[str, np.ndarray], dice: random.Random) -> bytes:
    """Little that unfolds to much."""
    zeros = bytes(dice.choice((1 << 20, 1 << 26)))
    shape = f"({len(zeros) // 4},)"
    kinds: list[Callable[[], bytes]] = [
        lambda: header(f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}") + zeros,
        # The length of the header itself is four bytes in version 2.
        lambda: b"\x93NUMPY\x02\x00" + struct.pack("<I", len(zeros)) + zeros.replace(b"\0", b" "),
        lambda: b"\x93NUMPY\x02\x00" + struct.pack("<I", 0xFFFFFFFF) + b" " * 100,
        lambda: zeros,
    ]
    members = [("x.npy", dice.choice(kinds)()), ("y.npy", npy(made["y"]))]
    method = dice.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
    return archive(members, method)


def pickled(made: dict[str, np.ndarray], dice: random.Random) -> bytes:
    objects = np.array([Evil(), None, {"a": 1}], dtype=object)
    name = dice.choice(sorted(made))
    stream = io.BytesIO()
    np.savez(stream, **{**made, name: objects})
    return stream.getvalue()


def odd_members(made: dict[str, np.ndarray], dice: random.Random) -> bytes:
    """Names and members that no `numpy.savez` writes."""
    members = [(f"{name}.npy", npy(array)) for name, array in made.items()]
    odd = [
        ("x.npy", npy(made["x"][:3])),
        ("x", b"raw bytes"),
        ("../x.npy", npy(made["x"])),
        ("/x.npy", npy(made["x"])),
        ("x.npy/", b""),
        ("\u202e.npy", b"\x93NUMPY"),
        ("a\x07b.npy", npy(made["x"])),
        ("n" * 3000 + ".npy", b""),
        ("inner.npz", archive(members, zipfile.ZIP_STORED)),
    ]
    dice.shuffle(members)
    members.insert(dice.randrange(3), dice.choice(odd))
    if dice.random() < 0.3:
        members.pop(dice.randrange(len(members)))
    return archive(members, dice.choice(METHODS))


def wrong_values(made: dict[str, np.ndarray], dice: random.Random) -> bytes:
    """Arrays that are whole and make no sense as rows or targets."""
    x, y = made["x"], made["y"]
    ways: list[Callable[[], dict[str, Any]]] = [
        lambda: {"x": np.where(x == 1, np.nan, x), "y": y},
        lambda: {"x": np.where(x == 1, np.inf, x), "y": y},
        lambda: {"x": x.astype("float64") * 1e300, "y": y},
        lambda: {"x": x, "y": y[:-1]},
        lambda: {"x": x, "y": y[:1].repeat(len(y), axis=0)},
        lambda: {"x": x[:0], "y": y[:0]},
        lambda: {"x": x[:1], "y": y[:1]},
        lambda: {"x": x.astype("complex64"), "y": y},
        lambda: {"x": x.astype("U8"), "y": y},
        lambda: {"x": x, "y": np.arange(len(x)) * 10**17},
        lambda: {"x": x, "y": np.array(["\x1b[31m", "\u202e"] * len(x))[: len(x)]},
        lambda: {"x": x, "y": np.array(["w" * 5000, "v"] * len(x))[: len(x)]},
        lambda: {"x": x, "y": np.array([b"\xff", b"a"] * len(x))[: len(x)]},
        lambda: {"x": np.zeros((len(x),) + (1,) * 30), "y": y},
        lambda: {"x": np.array(3.0), "y": np.array(1)},
        lambda: {"x": x.astype("datetime64[s]"), "y": y},
        lambda: {"x": np.ones(len(x), dtype=[("a", "<f4"), ("b", "<i4")]), "y": y},
    ]
    with np.errstate(all="ignore"):
        return _saved(dice.choice(ways)(), dice)


def _saved(made: dict[str, Any], dice: random.Random) -> bytes:
    stream = io.BytesIO()
    dice.choice((np.savez, np.savez_compressed))(stream, **made)
    return stream.getvalue()


def damaged(made: dict[str, np.ndarray], dice: random.Random) -> bytes:
    content = _saved(made, dice)
    for _ in range(dice.choice((1, 1, 2, 5))):
        content = dice.choice((flip, flip, flip, cut, take_out, put_in))(content, dice)
    return content


def not_an_archive(made: dict[str, np.ndarray], dice: random.Random) -> bytes:
    return dice.choice([b"", b"PK", npy(made["x"]), bz2.compress(b"x" * 99), b"a,b\n1,2\n",
                        b"PK\x03\x04" + bytes(40), b"PK\x05\x06" + bytes(18)])  # fmt: skip


NPZ = [damaged, damaged, damaged, lying_header, lying_header, bomb, pickled, odd_members,
       wrong_values, wrong_values, not_an_archive]  # fmt: skip


def npz_case(dice: random.Random) -> Case:
    """An archive, and the arguments it is read with."""
    made = arrays(dice)
    arguments: dict[str, Any] = {}
    if "x_test" in made and dice.random() < 0.8:
        arguments = {"x_test": "x_test", "y_test": "y_test"}
    if dice.random() < 0.2:
        arguments["task"] = dice.choice(("classification", "regression"))
    if dice.random() < 0.1:
        arguments[dice.choice(("x", "y"))] = dice.choice(("X", "", "../x", "y", "\x07", "z" * 999))
    return "npz", "", dice.choice(NPZ)(made, dice), arguments


CELLS = [
    "", " ", "1", "-0", "1e3", "1e39", "1e999", "nan", "inf", "-Infinity", "1_000", "0x10", "1,5",
    '"1,5"', '"', '""', '"a""b"', '"a\nb"', "a\rb", "é", "٣", "\uff11", "\u202e", "\x00",
    "\x1b[31m", "=1+1", "'", "#", "\ufeff", "\x85", "9" * 400, "0." + "1" * 999, "w" * 140_000,
    "None", "true", "2020-01-01", "1" + " " * 50, "\t", ";", "1;2", "\u2028", "\U0001f600",
]  # fmt: skip


def table(dice: random.Random) -> list[list[str]]:
    """A sound table: numbers, words, and a target."""
    count = dice.choice((4, 12, 60))
    target = dice.choice((lambda i: "ab"[i % 2], lambda i: str(i % 3), lambda i: str(i / 7)))
    colours = ("red", "blue", "sea green")
    rows = [[str(i * 1.5), colours[i % 3], str(i % 5), target(i)] for i in range(count)]
    return [["size", "colour", "rank", "price"], *rows]


def strange_cells(rows: list[list[str]], dice: random.Random) -> list[list[str]]:
    for _ in range(dice.choice((1, 1, 3, 20))):
        row = dice.choice(rows)
        if row:
            row[dice.randrange(len(row))] = dice.choice(CELLS)
    return rows


def ragged(rows: list[list[str]], dice: random.Random) -> list[list[str]]:
    row = dice.randrange(len(rows))
    rows[row] = dice.choice([rows[row][:-1], [*rows[row], "x"], [], [""], rows[row] * 2000])
    return rows


def fewer(rows: list[list[str]], dice: random.Random) -> list[list[str]]:
    return dice.choice([rows[:1], rows[1:], rows[:2], rows[:3], [], rows[:1] * 4])


def wide(rows: list[list[str]], dice: random.Random) -> list[list[str]]:
    extra = dice.choice((100, 3000))
    names = [f"c{i}" for i in range(extra)]
    return [[*rows[0], *names], *([*row, *["1"] * extra] for row in rows[1:])]


def same_names(rows: list[list[str]], dice: random.Random) -> list[list[str]]:
    first = dice.choice((["size", "size"], ["", "size"], ["price", "price"], ["\x07", "x" * 5000]))
    rows[0][:2] = first
    return rows


def csv_text(rows: list[list[str]], delimiter: str, dice: random.Random) -> bytes:
    """The table as bytes, in some encoding and with some ends of lines."""
    text = dice.choice(("\n", "\n", "\r\n", "\r")).join(delimiter.join(row) for row in rows)
    ways = (*["utf-8"] * 8, "utf-8-sig", "utf-16", "utf-32", "latin-1", "cp037")
    return text.encode(dice.choice(ways), "replace")


def csv_case(dice: random.Random) -> Case:
    """A table, the arguments it is read with, and its `target`, `features` and `task`."""
    rows = table(dice)
    for _ in range(dice.choice((0, 0, 1, 1, 2))):
        rows = dice.choice((strange_cells, strange_cells, ragged, fewer, wide, same_names))(
            rows, dice
        ) or [[""]]
    delimiter = dice.choice((",", ",", ",", ";", "\t", "|"))
    content = csv_text(rows, delimiter, dice)
    if dice.random() < 0.3:
        for _ in range(dice.choice((1, 2, 6))):
            content = dice.choice((flip, cut, take_out, put_in))(content, dice)
    arguments = {"delimiter": delimiter, **columns(dice)}
    if dice.random() < 0.1:
        arguments["delimiter"] = dice.choice((";", "\t", "|", "", ",,", '"', "\n", " ", "\x00"))
    return ("csv", *squeezed(content, dice), arguments)


def columns(dice: random.Random) -> dict[str, Any]:
    """What a recipe says of the columns, and of the task."""
    arguments: dict[str, Any] = {"target": "price"}
    if dice.random() < 0.5:
        kinds = ("auto", "drop", "numeric", "category", "date", "text")
        names = ("*", "size", "rank", "colour", "x" * 99)
        arguments["features"] = {
            name: dice.choice(kinds) for name in dice.sample(names, dice.randrange(1, 4))
        }
    if dice.random() < 0.2:
        arguments["task"] = dice.choice(("classification", "regression"))
    if dice.random() < 0.05:
        arguments["target"] = dice.choice(("", "Price", "p" * 3000, "\x1b[31m", "size"))
    return arguments


def squeezed(content: bytes, dice: random.Random) -> tuple[str, bytes]:
    """What the name of a file ends in after its kind, and its bytes: some are gzip, some broken."""
    if dice.random() < 0.7:
        return "", content
    packed = gzip.compress(content, mtime=0)
    ways: list[Callable[[], bytes]] = [
        lambda: packed,
        lambda: cut(packed, dice),
        lambda: flip(packed, dice),
        lambda: content,
        lambda: gzip.compress(content + bytes(1 << 24), mtime=0),
        lambda: packed + b"more",
    ]
    return ".gz", dice.choice(ways)()


VALUES: list[Any] = [
    None, True, "", " ", "1", 1, -0.0, 1e300, 10**25, [], [1, 2], {}, {"a": 1}, "\u0000", "\ud800",
    "w" * 100_000, [[]], {"a": {"b": []}}, "\x1b[31m", "\U0001f600", float("nan"), "2020-01-01",
]  # fmt: skip
LINES = ["", "{", "[]", "null", "1", '{"size": }', '{"size": 1, "size": 2}', "{}", "[" * 5000,
         '{"size": 1} {"size": 2}', '{"x": 1}', '"size"', "\ufeff{}"]  # fmt: skip


def jsonl_case(dice: random.Random) -> Case:
    """Rows as JSON objects, some with strange values, and some lines that are none."""
    names, *rows = table(dice)
    objects: list[dict[str, Any]] = [dict(zip(names, row, strict=True)) for row in rows]
    for row in objects:
        row["size"] = float(row["size"])
    for _ in range(dice.choice((0, 1, 1, 5))):
        dice.choice(objects)[dice.choice([*names, "more", ""])] = dice.choice(VALUES)
    lines = [json.dumps(row, ensure_ascii=dice.random() < 0.5) for row in objects]
    for _ in range(dice.choice((0, 0, 1, 2))):
        lines.insert(dice.randrange(len(lines) + 1), dice.choice(LINES))
    content = "\n".join(lines).encode("utf-8", "surrogatepass")
    if dice.random() < 0.3:
        content = dice.choice((flip, cut, take_out, put_in))(content, dice)
    return ("jsonl", *squeezed(content, dice), columns(dice))


def parquet_case(dice: random.Random) -> Case:
    """Columns of many types as Parquet, and its bytes made wrong."""
    names, *rows = table(dice)
    cells: dict[str, Any] = {
        name: list(each) for name, each in zip(names, zip(*rows, strict=True), strict=True)
    }
    count = len(rows)
    made = {name: pa.array(values) for name, values in cells.items()}
    made["size"] = pa.array([float(value) for value in cells["size"]])
    odd: list[Callable[[], pa.Array]] = [
        lambda: pa.array([[1, 2]] * count),
        lambda: pa.array([{"a": 1}] * count),
        lambda: pa.array([b"\xff\x00"] * count),
        lambda: pa.nulls(count),
        lambda: pa.array([None] * count, pa.string()),
        lambda: pa.array([2**63 - 1] * count),
        lambda: pa.array([float("inf")] * count),
        lambda: pa.array([0] * count, pa.timestamp("ns")),
        lambda: pa.array([0] * count, pa.duration("s")),
        lambda: pa.array(["\x1b[31m"] * count).dictionary_encode(),
        lambda: pa.array([2**64 - 1] * count, pa.uint64()),
    ]
    for _ in range(dice.choice((0, 1, 2))):
        made[dice.choice([*names, "more", "a/b", ""])] = dice.choice(odd)()
    stream = io.BytesIO()
    parquet.write_table(pa.table(made), stream, compression=dice.choice(("none", "snappy", "zstd")))
    content = stream.getvalue()
    for _ in range(dice.choice((0, 1, 1, 2, 5))):
        content = dice.choice((flip, flip, flip, cut, take_out, put_in))(content, dice)
    return "parquet", "", content, columns(dice)


CASES: tuple[Callable[[random.Random], Case], ...] = (
    npz_case, csv_case, jsonl_case, parquet_case,
)  # fmt: skip
