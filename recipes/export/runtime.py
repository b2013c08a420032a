"""ONNX and LiteRT files as functions of arrays, without Keras or TensorFlow."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np

from ..errors import RequestError, first_line
from .extras import library
from .interface import Interface
from .kinds import Format

# Ports by name -> arrays, to ports by name -> arrays; all have the same number of rows.
Compute = Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]
SERVE = "serve"


def opened(where: str, content: bytes, interface: Interface) -> Compute:
    """A file as a function.

    Args:
        where: what messages call it.
        content: its bytes, which were looked through; see `onnx_file` and `litert_file`.

    Raises:
        RequestError: the runtime is not installed or refuses the file.
    """
    with explained(where):
        compute = (
            _onnx(content, interface)
            if interface.format is Format.ONNX
            else _litert(content, interface)
        )

    def call(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        with explained(where):
            return compute(inputs)

    return in_batches(call, interface.batch)


@contextmanager
def explained(where: str) -> Iterator[None]:
    """Turn any error of a runtime into an error about the file."""
    try:
        yield
    except RequestError as error:
        raise RequestError(f"{where}: {error}") from None
    except Exception as error:
        raise RequestError(f"{where}: cannot be run: {first_line(error)}") from None


def _onnx(content: bytes, interface: Interface) -> Compute:
    runtime = library("onnxruntime")
    runtime.set_default_logger_severity(4)  # errors come as exceptions
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    names = [port.port for port in interface.outputs]

    def compute(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return dict(zip(names, session.run(names, dict(inputs)), strict=True))

    return compute


def _litert(content: bytes, interface: Interface) -> Compute:
    made = library("ai_edge_litert.interpreter").Interpreter(model_content=content)
    runner = made.get_signature_runner(SERVE)
    names = [port.port for port in interface.outputs]

    def compute(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        found = runner(**inputs)
        # The arrays are the interpreter's own, which the next call overwrites.
        return {name: np.array(found[name]) for name in names}

    return compute


def in_batches(compute: Compute, size: int | None) -> Compute:
    """A function of `size` rows as one of any number: the last rows are repeated to fill up."""
    if size is None:
        return compute

    def every(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        rows = len(next(iter(inputs.values())))
        parts: list[dict[str, np.ndarray]] = []
        for first in range(0, rows, size):
            chosen = np.minimum(np.arange(first, first + size), rows - 1)
            parts.append(compute({name: array[chosen] for name, array in inputs.items()}))
        return {name: np.concatenate([part[name] for part in parts])[:rows] for name in parts[0]}

    return every
