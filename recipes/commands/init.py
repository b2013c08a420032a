"""The verb that writes a first recipe for a file of rows: init."""

import os
from dataclasses import asdict
from pathlib import Path

from ... import disk
from ..errors import RequestError
from .options import Arguments, Verbs, add_json, add_verb, print_json, print_line


def add(verbs: Verbs) -> None:
    text = "write a first recipe for a table or a folder of pictures, commented, to edit"
    starting = add_verb(verbs, "init", init, text)
    starting.add_argument(
        "file",
        metavar="FILE",
        help=".csv, .tsv, .jsonl, .parquet or .npz; text may be gzipped; or a folder of pictures "
        "with a folder for each class",
    )
    starting.add_argument(
        "--target", metavar="NAME", help="what is predicted; without it the columns are listed"
    )
    starting.add_argument(
        "--out", metavar="FILE", default="recipe.yaml", help="default: recipe.yaml"
    )
    starting.add_argument(
        "--limit", metavar="ROWS", type=int, help="use at most this number of rows"
    )
    starting.add_argument(
        "--encoding", metavar="NAME", help="of a table of text, as cp1252; default: utf-8"
    )
    add_json(starting)


def init(arguments: Arguments) -> int:
    """Write a recipe; without a target, list what may be one."""
    target = arguments.target
    if target is None and os.path.isdir(arguments.file):
        target = "label"
    if target is None:
        return _list(arguments)
    from ..data.outline import outline
    from .starter import baseline, recipe_text

    out = Path(arguments.out)
    if out.suffix not in (".yaml", ".yml"):
        raise RequestError(f"{out}: the name of a recipe ends in .yaml.")
    if os.path.lexists(out):
        raise RequestError(
            f"{out}: already exists and is not overwritten. Name another with --out."
        )
    if arguments.limit is not None and arguments.limit < 1:
        raise RequestError(f"--limit: expected a number of rows. Received {arguments.limit}.")
    found = outline(Path(arguments.file), target, arguments.limit, arguments.encoding)
    _write(out, recipe_text(found, out, arguments.limit))
    task, rows, words = found.data.task, len(found.data.train), baseline(found)
    print_line(arguments, f"{out}: {task}, {rows} training rows; {words}")
    print_line(arguments, f"keras-recipes train {out}")
    if arguments.json:
        print_json({"recipe": str(out), "task": task, "training_rows": rows, "baseline": words})
    return 0


def _write(out: Path, text: str) -> None:
    """Write the recipe where nothing is yet, and check it."""
    from ..spec import load

    try:
        disk.write_text_once(out, text)
    except FileExistsError:
        raise RequestError(f"{out}: already exists and is not overwritten.") from None
    except OSError as error:
        raise RequestError(f"{out}: cannot be written: {error.strerror}.") from None
    try:
        load(out)
    except BaseException:
        disk.remove_file(out)
        raise


def _list(arguments: Arguments) -> int:
    from ..data.outline import listing
    from ..data.table import note_lines

    found = listing(Path(arguments.file), arguments.encoding)
    if arguments.json:
        print_json(asdict(found))
        return 0
    for line in note_lines(found.notes):
        print(line.removeprefix("column "))
    print(f"Say what is predicted; most likely: --target {found.suggestion!r}")
    return 0
