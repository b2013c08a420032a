"""Folders of pictures, class by class, looked at without opening a picture. Standard library alone.

The recipe language checks with it, and `recipes/data/image_folder.py` reads with it.
"""

import os
from collections.abc import Iterator, Mapping

from ..errors import DataError
from .wording import listed, shown

# Ends of the names of pictures that TensorFlow decodes.
SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".bmp")
# Names of folders that hold a part of the rows.
PARTS = {"train": "train", "test": "test", "validation": "validation", "valid": "validation"}
# Part -> class -> pictures, as paths relative to the folder.
Listing = Mapping[str, Mapping[str, list[str]]]
MOST_LISTED = 12
CLASSES = (
    "A folder of pictures has a folder for each class, `FOLDER/cats/1.png`, or those below `train` "
    "and `test`; where a table has the classes, name it: `labels: FILE.csv`."
)


def is_picture(name: str) -> bool:
    """Whether a name is that of a picture.

    >>> is_picture("a/cat.JPG"), is_picture("a/.cat.jpg")
    (True, False)
    """
    base = name.rpartition("/")[2]
    return base.lower().endswith(SUFFIXES) and not base.startswith(".")


def listing(folder: str, fewest: int = 2) -> Listing:
    """The pictures of a folder by part and class, all in the order of their names.

    With folders `train` and `test`, or `validation`, these are the parts; else all are `train`.
    Hidden files, and those that are no pictures by the end of their names, do not count.

    Args:
        fewest: classes that there must be to learn from.

    Raises:
        DataError: there is no such folder, a class has no picture, there are too few classes, or
            a part has a class that training lacks.
    """
    names = _folders(folder)
    parts = {PARTS[name]: name for name in names if name in PARTS}
    if "train" not in parts or len(parts) < 2:
        return {"train": _classes(folder, "", names, fewest)}
    others = [name for name in names if name not in parts.values()]
    if others:
        raise DataError(
            f"{folder}: has the parts {_few(sorted(parts.values()))}, and beside them "
            f"{_few(others)}. Move these elsewhere."
        )
    found = {
        part: _classes(folder, name, _folders(os.path.join(folder, name)), fewest)
        for part, name in parts.items()
    }
    for part, classes in found.items():
        new = sorted(set(classes) - set(found["train"]))
        if new:
            raise DataError(
                f"{os.path.join(folder, parts[part])}: has the classes {_few(new)}, which `train` "
                f"lacks; that has {_few(list(found['train']))}."
            )
    return found


def own_part(asked: float, where: str) -> str:
    """What is wrong where a part of the rows is to validate and a folder has a validation part."""
    part = f"{asked} rows are" if isinstance(asked, int) else f"{100 * asked:g} % of the rows is"
    return (
        f"{part} asked for, and {where} has a validation part of its own. Leave `validation` out "
        "to use that, or move its folder elsewhere."
    )


def pictures_below(folder: str, start: str = "") -> Iterator[str]:
    """Paths, relative to `folder`, of all pictures below it, or below its folder `start`."""
    for entry in _entries(os.path.join(folder, start)):
        path = f"{start}/{entry.name}" if start else entry.name
        # A link to a folder above would be a circle.
        if entry.is_dir(follow_symlinks=False):
            yield from pictures_below(folder, path)
        elif is_picture(entry.name) and entry.is_file():
            yield path


def _classes(folder: str, part: str, names: list[str], fewest: int) -> dict[str, list[str]]:
    where = os.path.join(folder, part) if part else folder
    if not names:
        loose = any(is_picture(entry.name) for entry in _entries(where))
        what = "has pictures, and no folder of a class" if loose else "is empty"
        raise DataError(f"{where}: {what}. {CLASSES}")
    found = {
        name: list(pictures_below(folder, f"{part}/{name}" if part else name)) for name in names
    }
    empty = [name for name, pictures in found.items() if not pictures]
    if empty:
        raise DataError(
            f"{where}: {_few(empty)} {'has' if len(empty) == 1 else 'have'} no picture "
            f"({', '.join(SUFFIXES)}). Add some, or remove the folder."
        )
    if len(found) < fewest and part in ("", "train"):
        raise DataError(
            f"{where}: has one class only, {_few(names)}; there is nothing to learn. {CLASSES}"
        )
    return found


def _folders(folder: str) -> list[str]:
    return [entry.name for entry in _entries(folder) if entry.is_dir()]


def _entries(folder: str) -> list["os.DirEntry[str]"]:
    """What is in a folder and not hidden, in the order of names."""
    try:
        with os.scandir(folder) as entries:
            found = sorted((e for e in entries if not e.name.startswith(".")), key=lambda e: e.name)
    except FileNotFoundError:
        raise DataError(f"{folder}: there is no such folder.") from None
    except NotADirectoryError:
        raise DataError(f"{folder}: is a file; expected a folder of pictures.") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"{shown(folder)[1:-1]}: cannot be read: {reason}.") from None
    for entry in found:
        try:
            entry.name.encode()
        except UnicodeError:
            name = entry.name.encode(errors="surrogateescape")
            raise DataError(f"{folder}: the name {name!r} is no UTF-8. Rename it.") from None
    return found


def _few(names: list[str]) -> str:
    more = f" and {len(names) - MOST_LISTED} more" * (len(names) > MOST_LISTED)
    return f"{listed([shown(name)[1:-1] for name in names[:MOST_LISTED]])}{more}"
