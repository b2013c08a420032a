"""What a file of rows holds: its columns, its target and task, as `init` writes them down.

A kind of file is a row of `KINDS`: how it is listed, and how it is outlined.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..spec.choices import Arguments
from ..spec.image_folders import listing as pictures_by_class
from ..spec.wording import listed, shown
from .features import FEATURES, Date, Feature
from .frame import Frame, plain
from .image_folder import IMAGE, LABEL
from .infer import infer
from .load import load_data
from .loaded import Data
from .npz import opened
from .opening import read
from .sources import SOURCES
from .split import Splits
from .table import NO_TABLE, TableOptions
from .table_files import guessed_dialect
from .targets import Task, doubt

SEED = 1
# Names that targets often have.
USUAL = ("target", "label", "labels", "class", "y", "y_train", "outcome", "response")


@dataclass(frozen=True)
class Column:
    """A column of a table, as a recipe writes it.

    Attributes:
        name: of the column.
        entry: what stands below `features`: the name of a feature, one with arguments, or `drop`.
        reason: why, in a phrase.
    """

    name: str
    entry: str | Mapping[str, object]
    reason: str


@dataclass(frozen=True)
class Outline:
    """What a recipe says of a file.

    Attributes:
        source: name of the source.
        arguments: of the source, the path among them.
        target: column that is predicted; None where the source says it itself.
        without_target: rows that have none.
        data: what was loaded, split as the recipe splits it.
        asked: the task, where the targets leave it in doubt; else None.
        columns: of a table.
        dates: names of the columns that hold dates.
    """

    source: str
    arguments: Arguments
    target: str | None
    without_target: int
    data: Data
    asked: Task | None
    columns: tuple[Column, ...] = ()
    dates: tuple[str, ...] = ()


@dataclass(frozen=True)
class Listing:
    """What may be predicted.

    Attributes:
        notes: name and kind of each column or array.
        suggestion: the one that is a target most likely.
    """

    notes: tuple[str, ...]
    suggestion: str


def outline(
    path: Path, target: str, limit: int | None = None, encoding: str | None = None
) -> Outline:
    """Look at a file, to predict one of its columns or arrays.

    Args:
        limit: use at most this number of rows.
        encoding: of a table of text.

    Raises:
        DataError: the file cannot be read, or the target cannot be predicted.
    """
    kind = _kind(path)
    return KINDS[kind].outline({"path": str(path), **_dialect(kind, path, encoding)}, target, limit)


def listing(path: Path, encoding: str | None = None) -> Listing:
    """What a file has to predict."""
    kind = _kind(path)
    return KINDS[kind].listing({"path": str(path), **_dialect(kind, path, encoding)})


def _dialect(kind: str, path: Path, encoding: str | None) -> dict[str, str]:
    """How a table of text is written, where not as usual."""
    if kind == "csv":
        return guessed_dialect(path, encoding)
    if encoding is not None:
        raise DataError(f"{path}: is no table of text; leave out the encoding.")
    return {}


def _kind(path: Path) -> str:
    name = path.name.lower().removesuffix(".gz")
    if path.is_dir():
        return "image_folder"
    for suffix, kind in SUFFIXES.items():
        if name.endswith(suffix):
            return kind
    raise DataError(f"{path}: expected a file that ends in {listed(list(SUFFIXES))}.")


def _table_outline(arguments: Arguments, target: str, limit: int | None) -> Outline:
    kind = _kind(Path(arguments["path"]))
    column = _table(arguments).select([target]).typed()[target]
    missing = 0 if isinstance(column, np.ndarray) else column.null_count
    options = TableOptions((target,), drop_missing_target=missing > 0)
    data, asked = _loaded(kind, arguments, options, limit)
    rows: Frame = data.train.x
    found = {name: infer(rows, name) for name in rows.columns}
    return Outline(
        kind,
        arguments,
        target,
        missing,
        data,
        asked,
        tuple(Column(name, _entry(each.feature), each.reason) for name, each in found.items()),
        tuple(name for name, each in found.items() if isinstance(each.feature, Date)),
    )


def _loaded(
    kind: str, arguments: Arguments, options: TableOptions, limit: int | None
) -> tuple[Data, Task | None]:
    """The data, and its task where the recipe has to say it."""
    source = read(kind, arguments, None, None, options)
    asked: Task | None = None
    if doubt(source.y, source.task):
        asked = "classification" if source.task == "regression" else "regression"
    data = load_data(
        kind,
        arguments,
        splits=Splits(),
        seed=SEED,
        limit=limit,
        task=asked,
        table=options,
    )
    return data, asked


def _entry(feature: Feature | None) -> str | dict[str, object]:
    """A feature as a recipe writes it, without the arguments that have their defaults."""
    if feature is None:
        return "drop"
    name = next(name for name, kind in FEATURES.items() if kind is type(feature))
    given = {each.name: getattr(feature, each.name) for each in fields(feature)}
    usual = {each.name: each.default for each in fields(feature)}
    arguments = {key: value for key, value in given.items() if value != usual[key]}
    return {name: arguments} if arguments else name


def _folder_outline(arguments: Arguments, target: str, limit: int | None) -> Outline:
    path = arguments["path"]
    if target != LABEL:
        raise DataError(
            f"{path}: what a folder of pictures has to predict is {LABEL!r}, the folder that a "
            f"picture is in. Received {shown(target)}."
        )
    data, asked = _loaded("image_folder", arguments, TableOptions((LABEL,)), limit)
    found = infer(data.train.x, IMAGE)
    columns = (Column(IMAGE, _entry(found.feature), found.reason),)
    return Outline("image_folder", arguments, LABEL, 0, data, asked, columns)


def _folder_listing(arguments: Arguments) -> Listing:
    classes = pictures_by_class(arguments["path"])["train"]
    return Listing(
        tuple(f"{plain(name)}: {len(found)} pictures" for name, found in classes.items()), LABEL
    )


def _table(arguments: Arguments) -> Frame:
    found = SOURCES[_kind(Path(arguments["path"]))](**arguments)
    assert isinstance(found, Frame)
    return found


def _table_listing(arguments: Arguments) -> Listing:
    table = _table(arguments).typed()
    notes = []
    usable = []
    for name in table.columns:
        try:
            found = infer(table, name)
        except DataError:
            notes.append(f"{plain(name)}: numbers and words")
            continue
        what = "no feature" if found.feature is None else found.feature.describe()
        notes.append(f"{plain(name)}: {what}; {found.reason}")
        if found.feature is not None:
            usable.append(name)
    return Listing(tuple(notes), _likely(usable or list(table.columns)))


def _likely(names: Sequence[str]) -> str:
    """The name that a target has most likely: a usual one, else the last."""
    return next((name for name in names if name.lower() in USUAL), names[-1])


def _arrays_outline(arguments: Arguments, target: str, limit: int | None) -> Outline:
    path = Path(arguments["path"])
    names = _shapes(path)
    if target not in names:
        raise DataError(f"{path}: has no array {shown(target)}; it has {listed(list(names))}.")
    # `y` goes with `x`, `y_train` with `x_train`, `labels` with the only other array.
    partners = [name for name in names if name != target and name == f"x{target[1:]}"]
    others = [name for name in names if name != target and not name.endswith("test")]
    rows = (partners or others or [""])[0]
    if not rows or (not partners and len(others) > 1):
        raise DataError(
            f"{path}: cannot tell which array has the rows of {shown(target)}; it has "
            f"{listed(list(names))}. Call them `x` and `y`, or write the recipe yourself."
        )
    given = dict(arguments)
    given |= {key: name for key, name in (("x", rows), ("y", target)) if key != name}
    if {"x_test", "y_test"} <= set(names):
        given |= {"x_test": "x_test", "y_test": "y_test"}
    data, asked = _loaded("npz", given, NO_TABLE, limit)
    return Outline("npz", given, None, 0, data, asked)


def _arrays_listing(arguments: Arguments) -> Listing:
    shapes = _shapes(Path(arguments["path"]))
    return Listing(
        tuple(f"{plain(name)}: shape {shape}" for name, shape in shapes.items()),
        _likely(list(shapes)),
    )


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    with opened(path) as file:
        found = {name: file[name].shape for name in file.files}
    if not found:
        raise DataError(f"{path}: has no arrays.")
    return found


@dataclass(frozen=True)
class FileKind:
    """A kind of file.

    Attributes:
        listing: what may be predicted, by the arguments of the source.
        outline: what a recipe says of it.
    """

    listing: Callable[[Arguments], Listing]
    outline: Callable[[Arguments, str, int | None], Outline]


TABLE = FileKind(_table_listing, _table_outline)
KINDS: dict[str, FileKind] = {
    "csv": TABLE,
    "jsonl": TABLE,
    "parquet": TABLE,
    "npz": FileKind(_arrays_listing, _arrays_outline),
    "image_folder": FileKind(_folder_listing, _folder_outline),
}
# End of a name, `.gz` aside -> source.
SUFFIXES = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".parquet": "parquet", ".npz": "npz"}
