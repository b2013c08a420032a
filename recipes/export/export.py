"""Export a subject: convert it, compare the file with Keras, and write it whole or not at all."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ... import disk
from ..build.saved_model import load_weights
from ..errors import RequestError
from ..record.strict_json import strict
from ..run.evidence import spread
from . import convert_litert, convert_onnx, convert_saved_model, onnx_columns
from .arrays import plain
from .carriers import attach, read_proof
from .check import BATCH, BOUNDS, Check, compared, latency, size_of
from .cut import predicted, takes_words
from .encode import cannot
from .interface import Interface, Preprocessing
from .kinds import LIGHT, Format, Precision
from .predictor import computed_by, inputs_of
from .proof import Part
from .quiet import quiet
from .runtime import Compute
from .served import Served, served
from .subject import Subject


@dataclass(frozen=True)
class Options:
    """How a file is written.

    Attributes:
        precision: of weights; other than float32 for ONNX and LiteRT alone.
        batch: rows that the file takes at a time; None for any number.
        bound: the largest difference from Keras that is allowed, relative to the largest output or
            to 1; None for that of the precision, see `check.BOUNDS`.
        allow_difference: write the file whatever the difference is.
        vectors: rows that the file carries with their predictions.
        timed: whether latency is measured.
    """

    precision: Precision = Precision.FLOAT32
    batch: int | None = None
    bound: float | None = None
    allow_difference: bool = False
    vectors: int = 4
    timed: bool = True


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

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "path": str(self.path),
            "interface": self.interface.to_json(),
            "check": self.check.to_json(),
            "note": self.note,
        }


def export(
    subject: Subject, path: str | os.PathLike[str], kind: Format, options: Options
) -> Exported:
    """Write a model as a file that carries its proof.

    Raises:
        RequestError: the format cannot hold the model, or the file differs from Keras by more than
            is allowed; nothing was written.
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


class CannotConvert(RequestError):
    """The format cannot hold this part of the model."""


def _check_options(subject: Subject, target: Path, kind: Format, options: Options) -> None:
    if os.path.lexists(target):
        raise RequestError(f"{target}: already exists and is not overwritten.")
    if kind not in LIGHT and options.precision is not Precision.FLOAT32:
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


def _choices(subject: Subject, kind: Format) -> list[Preprocessing]:
    """Where columns may become numbers, best first."""
    table, words = subject.cut.divided, takes_words(subject.cut.whole)
    features = subject.parts[Part.DATA].get("features", ())
    tokens = [each["name"] for each in features if each.get("output") == "tokens"]
    if tokens and kind not in (Format.KERAS, Format.WEIGHTS):
        raise RequestError(
            f"{kind}: column `{tokens[0]:.60}` is split by tensorflow-text, whose operations only "
            "a process that imports it has. Export it as keras."
        )
    if kind not in LIGHT:
        return [Preprocessing.INSIDE if table or words else Preprocessing.NONE]
    reason = cannot(subject.parts[Part.DATA].get("features", ()))
    if words and not table:
        raise RequestError(
            f"{kind}: the model takes words, and what makes numbers of them cannot be taken out of "
            "it. Export it as saved_model or keras."
        )
    if words and reason is not None:
        raise RequestError(f"{kind}: {reason}. Export it as saved_model or keras.")
    if words:
        inside = kind is Format.ONNX and onnx_columns.can_hold(subject.parts[Part.DATA])
        return [*([Preprocessing.INSIDE] if inside else []), Preprocessing.BESIDE]
    if table and reason is None:
        return [Preprocessing.INSIDE, Preprocessing.BESIDE]
    return [Preprocessing.INSIDE if table else Preprocessing.NONE]


def _written(
    subject: Subject,
    target: Path,
    kind: Format,
    options: Options,
    choice: Preprocessing,
    before: str,
) -> Exported:
    beside = choice is Preprocessing.BESIDE
    # The operations of ONNX, where they are put in front of a network, read the words.
    front = not beside and kind is Format.ONNX and takes_words(subject.cut.whole)
    model = subject.cut.network if beside or front else subject.cut.whole
    source = served(model, options.batch)
    inputs = served(subject.cut.whole, options.batch).inputs if front else source.inputs
    interface = Interface(
        kind, options.precision, options.batch, choice, inputs, source.outputs, subject.columns
    )
    found: list[Check] = []

    def save(place: Path) -> None:
        with quiet():
            _convert(subject, source, place, kind, options)
        if front:
            features = subject.parts[Part.DATA]["features"]
            try:
                onnx_columns.put_in_front(place, features, inputs, source.inputs)
            except Exception as error:
                raise CannotConvert(f"its columns cannot be joined to it: {error}") from None
        found.append(_checked(subject, interface, source, place, target, options))

    if kind is Format.SAVED_MODEL:
        with disk.new_folder(target) as folder:
            save(folder)
    else:
        disk.write_whole(target, save)
    words = beside and takes_words(subject.cut.whole)
    note = f"{kind} has no operations for words such as these: " if words else ""
    if beside:
        note += (
            "columns become numbers beside the network, by what the file carries of each; "
            "`load_predictor` does it, other programs read it from the metadata."
        )
        note += f" Inside it could not be: {before}" if before else ""
    return Exported(target, interface, found[0], note)


def _convert(subject: Subject, source: Served, place: Path, kind: Format, options: Options) -> None:
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


def _checked(
    subject: Subject,
    interface: Interface,
    source: Served,
    place: Path,
    target: Path,
    options: Options,
) -> Check:
    """Compare a file with Keras, and write its proof into it."""
    described = subject.parts[Part.DATA]
    content = place.read_bytes() if interface.format in LIGHT else b""
    try:
        compute = (
            _weights(source, place)
            if interface.format is Format.WEIGHTS
            else computed_by(place, content, interface)
        )
    except RequestError as error:
        raise CannotConvert(f"{interface.format}: the file was written, and {error}") from None

    def exported(rows: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        made = compute(inputs_of(rows, interface, described))
        return {port.name: made[port.port] for port in interface.outputs}

    wanted, made = _over(subject.keras_outputs, subject.rows), _over(exported, subject.rows)
    largest, mean, scale = compared(wanted, made)
    bound = BOUNDS[options.precision] if options.bound is None else options.bound
    rows = len(next(iter(subject.rows.values())))
    check = Check(subject.split, rows, largest, mean, scale, bound)
    if not options.allow_difference:
        check.refuse(str(target))
    metrics = {}
    if subject.measure is not None:
        metrics = {"keras": subject.measure(wanted), "exported": subject.measure(made)}
    times = {}
    if options.timed:
        times = latency(subject.keras_outputs, exported, subject.rows, options.batch or BATCH)
    sizes = {"keras": _keras_size(source), "exported": size_of(place)}
    check = replace(check, metrics=metrics, size=sizes, latency=times, batch=options.batch or BATCH)
    chosen = spread(rows, options.vectors)
    few = {name: array[chosen] for name, array in subject.rows.items()}
    vectors = {
        "rows": {name: plain(array) for name, array in few.items()},
        "outputs": {name: plain(array) for name, array in exported(few).items()},
        "keras": {name: plain(array) for name, array in subject.keras_outputs(few).items()},
    }
    parts = {
        **subject.parts,
        Part.INTERFACE: interface.to_json(),
        Part.CHECK: strict(check.to_json()),
        Part.VECTORS: vectors,
    }
    attach(interface.format, place, parts)
    _, carried, proof = read_proof(place)
    changed = proof.changed(carried.body)
    if changed:
        raise RequestError(f"{target}: the file was written, and read back otherwise: {changed}.")
    return check


# Rows that are predicted at a time.
STEP = 256


def _over(predict: Any, rows: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Predictions for many rows."""
    count = len(next(iter(rows.values())))
    parts = [
        predict({name: array[first : first + STEP] for name, array in rows.items()})
        for first in range(0, count, STEP)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _keras_size(source: Served) -> int:
    """Bytes of the weights of a Keras model."""
    return int(
        sum(np.prod(w.shape) * np.dtype(str(w.dtype)).itemsize for w in source.model.weights)
    )


def _weights(source: Served, place: Path) -> Compute:
    """The weights of a file in a copy of the network."""
    copy = keras.models.clone_model(source.model)
    load_weights(copy, place)

    def compute(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        found = predicted(copy, {port.name: inputs[port.port] for port in source.inputs})
        return {port.port: found[port.name] for port in source.outputs}

    return compute
