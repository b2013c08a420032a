"""Comparison of an exported file with Keras, whose result the file carries in its proof."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from ..build.saved_model import load_weights
from ..errors import RequestError
from ..record.strict_json import strict
from ..run.evidence import spread
from .arrays import plain
from .carriers import attach, read_proof
from .check import BATCH, BOUNDS, Check, compared, latency, size_of
from .cut import predicted
from .interface import Interface
from .kinds import LIGHT, Format
from .options import CannotConvert, ExportOptions
from .predictor import computed_by, inputs_of
from .proof import ProofPart
from .runtime import Compute
from .served import Served
from .subject import Subject


def checked_file(
    subject: Subject,
    interface: Interface,
    source: Served,
    place: Path,
    target: Path,
    options: ExportOptions,
) -> Check:
    """Compare a file with Keras, and write its proof into it."""
    described = subject.parts[ProofPart.DATA]
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

    of_keras, of_file = _over(subject.keras_outputs, subject.rows), _over(exported, subject.rows)
    largest, mean, scale = compared(of_keras, of_file)
    bound = BOUNDS[options.precision] if options.bound is None else options.bound
    rows = len(next(iter(subject.rows.values())))
    check = Check(subject.split, rows, largest, mean, scale, bound)
    if not options.allow_difference:
        check.refuse(str(target))
    metrics = {}
    if subject.measure is not None:
        metrics = {"keras": subject.measure(of_keras), "exported": subject.measure(of_file)}
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
        ProofPart.INTERFACE: interface.to_json(),
        ProofPart.CHECK: strict(check.to_json()),
        ProofPart.VECTORS: vectors,
    }
    attach(interface.format, place, parts)
    _, carried, proof = read_proof(place)
    changed = proof.changed(carried.body)
    if changed:
        raise RequestError(f"{target}: the file was written, and read back otherwise: {changed}.")
    return check


# Rows that are predicted at a time.
STEP = 256


def _over(predict: Compute, rows: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
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
