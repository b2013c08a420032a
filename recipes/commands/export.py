"""Verbs on exported models: export, verify."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import RequestError
from .options import (
    Arguments,
    Verbs,
    add_json,
    add_plugins,
    add_run,
    add_verb,
    check_run,
    print_json,
)

if TYPE_CHECKING:
    from ..export.kinds import Format

FORMATS = ("onnx", "litert", "saved_model", "keras", "weights")
PRECISIONS = ("float32", "float16", "int8")


def add(verbs: Verbs) -> None:
    text = "write a run's model as a file for another program, checked against Keras"
    exporting = add_verb(verbs, "export", export, text)
    add_run(exporting)
    text = "override of the run's recipe, such as the path of data that was moved"
    exporting.add_argument("overrides", metavar="KEY=VALUE", nargs="*", help=text)
    exporting.add_argument(
        "--format", choices=FORMATS, help="what to write (default: as the name of the file says)"
    )
    exporting.add_argument(
        "-o", "--out", metavar="FILE", help="file or folder to write (default: RUN/model.SUFFIX)"
    )
    exporting.add_argument(
        "--precision", choices=PRECISIONS, default="float32",
        help="of the weights, for onnx and litert; int8 is calibrated on training rows",
    )  # fmt: skip
    exporting.add_argument(
        "--batch", metavar="N", type=int, help="take N rows at a time (default: any number)"
    )
    exporting.add_argument(
        "--bound", metavar="X", type=float,
        help="largest difference from Keras that is allowed, relative to the largest output or "
        "to 1 (default: 1e-4 for float32, 1e-2 for float16, 0.5 for int8)",
    )  # fmt: skip
    exporting.add_argument(
        "--allow-difference", action="store_true", help="write the file whatever the difference is"
    )
    exporting.add_argument(
        "--vectors", metavar="N", type=int, default=4,
        help="rows of held-out data that the file carries, for `verify` (default: 4)",
    )  # fmt: skip
    exporting.add_argument(
        "--card", action="store_true",
        help="write a model card in Markdown instead, from what the run has recorded",
    )  # fmt: skip
    add_plugins(exporting)
    add_json(exporting)
    text = "check that an exported file is what was exported, and predicts what it did"
    verifying = add_verb(verbs, "verify", verify, text)
    verifying.add_argument(
        "file", metavar="FILE", help="a .onnx, .tflite, .keras or .weights.h5 file, or a SavedModel"
    )
    add_json(verifying)


def export(arguments: Arguments) -> int:
    """A checked file, or a model card."""
    if arguments.card:
        return _card(arguments)
    from ..export.kinds import WeightPrecision

    path, kind = _place(arguments)
    check_run(arguments.run)
    from ..export.export import export as write
    from ..export.options import ExportOptions
    from ..export.subject import of_run

    options = ExportOptions(
        precision=WeightPrecision(arguments.precision),
        batch=arguments.batch,
        bound=arguments.bound,
        allow_difference=arguments.allow_difference,
        vectors=arguments.vectors,
    )
    subject = of_run(arguments.run, arguments.overrides, plugins=arguments.plugin)
    found = write(subject, path, kind, options)
    if arguments.json:
        print_json(found.to_json())
        return 0
    for line in found.lines():
        print(line)
    return 0


def _place(arguments: Arguments) -> tuple[Path, "Format"]:
    """Where to write, and what."""
    from ..export.kinds import SUFFIXES, Format, asked_format

    if arguments.out is None:
        kind = Format(arguments.format or Format.ONNX)
        name = f"model{SUFFIXES[kind]}" if SUFFIXES[kind] else "saved_model"
        if kind is Format.KERAS:
            name = "exported.keras"  # model.keras is the run's own
        return Path(arguments.run, name), kind
    return Path(arguments.out), asked_format(arguments.out, arguments.format)


def _card(arguments: Arguments) -> int:
    from ... import disk
    from ..export.card import card

    text = card(arguments.run)
    path = Path(arguments.out or os.path.join(arguments.run, "CARD.md"))
    try:
        disk.write_text_once(path, text)
    except FileExistsError:
        raise RequestError(f"{path}: already exists and is not overwritten.") from None
    except OSError as error:
        raise RequestError(f"{path}: cannot be written: {disk.cause(error)}.") from None
    print(path)
    return 0


def verify(arguments: Arguments) -> int:
    """Status 0 where the file is what was exported, else 1."""
    from ..export.verify import verify as check

    found = check(arguments.file)
    if arguments.json:
        print_json(found.to_json())
    else:
        for line in found.lines():
            print(line)
    return 0 if found.ok else 1
