"""Export a subject: convert it, compare the file with Keras, and write it whole or not at all."""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ... import disk
from ..errors import RequestError
from . import convert_litert, convert_onnx, convert_saved_model, onnx_columns
from .check import Check
from .compare import checked_file
from .cut import takes_words
from .encode import cannot
from .interface import Interface, PreprocessingPlace
from .kinds import LIGHT, Format, WeightPrecision
from .options import CannotConvert, ExportOptions
from .proof import ProofPart
from .served import Served, served
from .subject import Subject


@dataclass(frozen=True)
class Exported:
    """A file that was written.

    Attributes:
        path: of the file or folder.
        interface: what it takes and gives.
        check: how it compares with Keras.
        note: what is worth knowing, such as why columns become numbers beside the file.
    """

    path: Path
    interface: Interface
    check: Check
    note: str = ""

    def lines(self) -> list[str]:
        """All of it for people, a line each."""
        i = self.interface
        rows = "any number of rows" if i.batch is None else f"{i.batch} rows at a time"
        takes = ", ".join(f"{p.port} {list(p.shape)} {p.dtype}" for p in i.inputs[:20])
        return [
            f"{self.path}: {i.format}, {i.precision}, {rows}, preprocessing {i.preprocessing}",
            f"takes {takes}" + f" and {len(i.inputs) - 20} more" * (len(i.inputs) > 20),
            *([self.note] if self.note else []),
            *self.check.lines(),
        ]

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "path": str(self.path),
            "interface": self.interface.to_json(),
            "check": self.check.to_json(),
            "note": self.note,
        }


def export(
    subject: Subject, path: str | os.PathLike[str], kind: Format, options: ExportOptions
) -> Exported:
    """Write a model as a file that carries its proof.

    Raises:
        RequestError: the format cannot hold the model, the file differs from Keras by more than
            is allowed, or it cannot be written; nothing was written.
    """
    target = Path(path)
    _check_options(subject, target, kind, options)
    failed = ""
    for choice in _choices(subject, kind):
        try:
            return _written(subject, target, kind, options, choice, failed)
        except CannotConvert as error:
            failed = str(error)
    raise RequestError(f"{target}: {failed}")


def _check_options(subject: Subject, target: Path, kind: Format, options: ExportOptions) -> None:
    if os.path.lexists(target):
        raise RequestError(f"{target}: already exists and is not overwritten.")
    if kind not in LIGHT and options.precision is not WeightPrecision.FLOAT32:
        raise RequestError(
            f"--precision {options.precision}: is for onnx and litert; {kind} keeps the weights "
            "as they are."
        )
    if kind in (Format.KERAS, Format.WEIGHTS) and options.batch is not None:
        raise RequestError(f"--batch: is for onnx, litert and saved_model; not for {kind}.")
    if options.batch is not None and options.batch < 1:
        raise RequestError(f"--batch: expected a number of rows, >= 1. Received {options.batch}.")
    if options.vectors < 1:
        raise RequestError(f"--vectors: expected at least 1 row. Received {options.vectors}.")


def _choices(subject: Subject, kind: Format) -> list[PreprocessingPlace]:
    """Where columns may become numbers, best first."""
    table, words = subject.cut.divided, takes_words(subject.cut.whole)
    features = subject.parts[ProofPart.DATA].get("features", ())
    tokens = [each["name"] for each in features if each.get("output") == "tokens"]
    if tokens and kind not in (Format.KERAS, Format.WEIGHTS):
        raise RequestError(
            f"{kind}: column `{tokens[0]:.60}` is split by tensorflow-text, whose operations only "
            "a process that imports it has. Export it as keras."
        )
    if kind not in LIGHT:
        return [PreprocessingPlace.INSIDE if table or words else PreprocessingPlace.NONE]
    reason = cannot(subject.parts[ProofPart.DATA].get("features", ()))
    if words and not table and not subject.alike:
        raise RequestError(
            f"{kind}: the model is the mean of parts, as of folds, that have each learned the "
            "columns from rows of their own, so that no numbers can be made of words for all of "
            "them. Export it as saved_model or keras, or the run of one part, such as RUN/folds/1."
        )
    if words and not table:
        raise RequestError(
            f"{kind}: the model takes words, and what makes numbers of them cannot be taken out of "
            "it. Export it as saved_model or keras."
        )
    if words and reason is not None:
        raise RequestError(f"{kind}: {reason}. Export it as saved_model or keras.")
    if words:
        inside = kind is Format.ONNX and onnx_columns.can_hold(subject.parts[ProofPart.DATA])
        return [*([PreprocessingPlace.INSIDE] if inside else []), PreprocessingPlace.BESIDE]
    if table and reason is None:
        return [PreprocessingPlace.INSIDE, PreprocessingPlace.BESIDE]
    return [PreprocessingPlace.INSIDE if table else PreprocessingPlace.NONE]


def _written(
    subject: Subject,
    target: Path,
    kind: Format,
    options: ExportOptions,
    choice: PreprocessingPlace,
    before: str,
) -> Exported:
    beside = choice is PreprocessingPlace.BESIDE
    # The operations of ONNX, where they are put in front of a network, read the words.
    front = not beside and kind is Format.ONNX and takes_words(subject.cut.whole)
    model = subject.cut.network if beside or front else subject.cut.whole
    source = _in_order(served(model, options.batch), subject)
    inputs = served(subject.cut.whole, options.batch).inputs if front else source.inputs
    interface = Interface(
        kind, options.precision, options.batch, choice, inputs, source.outputs, subject.columns
    )
    found: list[Check] = []

    def save(place: Path) -> None:
        with _without_warnings():
            _convert(subject, source, place, kind, options)
        if front:
            features = subject.parts[ProofPart.DATA]["features"]
            try:
                onnx_columns.put_in_front(place, features, inputs, source.inputs)
            except Exception as error:
                raise CannotConvert(f"its columns cannot be joined to it: {error}") from None
        found.append(checked_file(subject, interface, source, place, target, options))

    try:
        if kind is Format.SAVED_MODEL:
            with disk.new_folder(target) as folder:
                save(folder)
        else:
            disk.write_whole(target, save)
    except OSError as error:
        why = f"{disk.cause(error)}. {disk.remedy(error)}".rstrip()
        raise RequestError(f"{target}: cannot be written: {why}") from None
    words = beside and takes_words(subject.cut.whole)
    note = f"{kind} has no operations for words such as these: " if words else ""
    if beside:
        note += (
            "columns become numbers beside the network, by what the file carries of each; "
            "`load_predictor` does it, other programs read it from the metadata."
        )
        note += f" Inside it could not be: {before}" if before else ""
    return Exported(target, interface, found[0], note)


def _in_order(source: Served, subject: Subject) -> Served:
    """Several outputs in the order of the run; Keras has them in that of their names."""
    names: list[str] = list(subject.parts[ProofPart.DATA].get("heads") or ())
    if not names:
        return source
    ordered = sorted(source.outputs, key=lambda port: names.index(port.name))
    return replace(source, outputs=tuple(ordered))


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Suppress the warnings of converters, such as their own deprecations."""
    before = logging.root.manager.disable
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(before)


def _convert(
    subject: Subject, source: Served, place: Path, kind: Format, options: ExportOptions
) -> None:
    """Write the model without its proof."""
    if kind is Format.SAVED_MODEL:
        convert_saved_model.write(source, place)
        return
    if kind is Format.KERAS:
        source.model.save(place)
        return
    if kind is Format.WEIGHTS:
        source.model.save_weights(place)
        return
    few = subject.calibration
    if source.model is subject.cut.whole and subject.cut.divided:
        few = {name: array[: len(next(iter(few.values())))] for name, array in subject.rows.items()}
    ports = {p.port: _shaped(few[p.name], p.shape, p.dtype) for p in source.inputs}
    writer = convert_onnx if kind is Format.ONNX else convert_litert
    try:
        writer.write(source, place, options.precision, ports)
    except RequestError as error:
        raise CannotConvert(str(error)) from None


def _shaped(array: np.ndarray, shape: tuple[int | None, ...], dtype: str) -> np.ndarray:
    array = array[:, None] if shape == (1,) and array.ndim == 1 else array
    return array.astype(dtype, copy=False)
