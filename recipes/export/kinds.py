"""The formats of exported models, and the numbers that they compute in."""

import os
from enum import StrEnum
from pathlib import Path

from ..errors import RequestError


class Format(StrEnum):
    """What a file is."""

    ONNX = "onnx"
    LITERT = "litert"
    SAVED_MODEL = "saved_model"
    KERAS = "keras"
    WEIGHTS = "weights"


class WeightPrecision(StrEnum):
    """What the weights of a file are stored in; int8 files compute in whole numbers too."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    INT8 = "int8"


SUFFIXES = {
    Format.ONNX: ".onnx",
    Format.LITERT: ".tflite",
    Format.SAVED_MODEL: "",
    Format.KERAS: ".keras",
    Format.WEIGHTS: ".weights.h5",
}
# The file that makes a folder a SavedModel.
PROGRAM = "saved_model.pb"
# Formats that run without TensorFlow, and whose weights can be smaller than 32 bits.
LIGHT = (Format.ONNX, Format.LITERT)


def is_exported(path: str | os.PathLike[str]) -> bool:
    """Whether a path leads to an exported model, rather than to a run or a recipe."""
    name = os.fspath(path)
    if os.path.isdir(name):
        return os.path.isfile(os.path.join(name, PROGRAM))
    return os.path.isfile(name) and any(name.endswith(end) for end in SUFFIXES.values() if end)


def format_of(path: str | os.PathLike[str]) -> Format:
    """The format of a file that is to be read.

    Raises:
        RequestError: there is none, or it is of another kind.
    """
    name = os.fspath(path)
    if not os.path.lexists(name):
        raise RequestError(f"{name}: there is no such file.")
    if os.path.isfile(os.path.join(name, PROGRAM)):
        return Format.SAVED_MODEL
    for kind, suffix in SUFFIXES.items():
        if suffix and name.endswith(suffix) and os.path.isfile(name):
            return kind
    raise RequestError(f"{name}: expected an exported model: {expected()}.")


def asked_format(path: str | os.PathLike[str], asked: str | None = None) -> Format:
    """The format to write, as it is asked for or as the name of the file has it.

    Raises:
        RequestError: the two contradict each other.
    """
    name = os.fspath(path)
    by_name = next((k for k, end in SUFFIXES.items() if end and name.endswith(end)), None)
    if by_name is None and not Path(name).suffix:
        by_name = Format.SAVED_MODEL
    kind = by_name if asked is None else Format(asked)
    if kind is None:
        raise RequestError(f"{name}: expected a name that says the format: {expected()}.")
    if by_name is not None and kind is not by_name:
        raise RequestError(f"{name}: is the name of a {by_name} file, and the format is {kind}.")
    if by_name is None and SUFFIXES[kind]:
        raise RequestError(f"{name}: a {kind} file ends in `{SUFFIXES[kind]}`.")
    return kind


def expected() -> str:
    """The names of files that are exported models, for a message."""
    ends = ", ".join(f"`{end}`" for end in SUFFIXES.values() if end)
    return f"{ends}, or the folder of a SavedModel"
