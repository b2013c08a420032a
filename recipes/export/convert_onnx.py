"""A model as an ONNX file."""

import importlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from ..errors import RequestError, first_line
from .extras import library
from .kinds import WeightPrecision
from .served import Served

OPSET = 18


def write(
    served: Served,
    path: Path,
    precision: WeightPrecision,
    calibration: Mapping[str, np.ndarray],
) -> None:
    """Write an ONNX file.

    Args:
        calibration: rows of the training split, by port, for int8.

    Raises:
        RequestError: an operation of the model is none of ONNX's.
    """
    model = _converted(served)
    if precision is WeightPrecision.FLOAT16:
        model = _halved(model)
    library("onnx").save(model, str(path))
    if precision is WeightPrecision.INT8:
        _quantize(path, served, calibration)


def _converted(served: Served) -> Any:
    converter = library("tf2onnx")
    # Keras adapts tf2onnx to NumPy 2, as its own export to ONNX does.
    importlib.import_module("keras.src.export.tf2onnx_lib").patch_tf2onnx()
    function = tf.function(served.function(), input_signature=served.specs)
    try:
        concrete = function.get_concrete_function()
        # Behind the inputs come the constants that the function has captured, which are frozen.
        given = [tensor.name for tensor in concrete.inputs[: len(served.inputs)]]
        ends = [concrete.structured_outputs[port.port].name for port in served.outputs]
        frozen = library("tf2onnx.tf_loader").from_function(concrete, given, ends)
        ports = [port.port for port in (*served.inputs, *served.outputs)]
        model, external = converter.convert.from_graph_def(
            frozen,
            input_names=given,
            output_names=ends,
            opset=OPSET,
            custom_op_handlers={"Erfc": (_erfc, [])},
            tensors_to_rename=dict(zip([*given, *ends], ports, strict=True)),
        )
    except Exception as error:
        raise RequestError(f"ONNX cannot hold this model: {first_line(error)}") from None
    if external:
        raise RequestError("ONNX: the model is too large for one file.")
    return model


def _erfc(graph: Any, node: Any, name: str, arguments: Any) -> None:
    """erfc(x) as 1 - erf(x): TensorFlow's GELU has erfc, and ONNX has only erf."""
    dtype, shape = graph.get_dtype(node.output[0]), graph.get_shape(node.output[0])
    number = library("tf2onnx.utils").map_onnx_to_numpy_type(dtype)
    one = graph.make_const(f"{name}/one", np.ones((), number))
    erf = graph.make_node("Erf", [node.input[0]], shapes=[shape], dtypes=[dtype])
    ends = [one.output[0], erf.output[0]]
    graph.remove_node(node.name)
    graph.make_node("Sub", ends, outputs=node.output, shapes=[shape], dtypes=[dtype])


def _halved(model: Any) -> Any:
    """The model with weights and arithmetic of 16 bits; inputs and outputs stay as they are."""
    convert = library("onnxruntime.transformers.float16").convert_float_to_float16
    return convert(model, keep_io_types=True)


def _quantize(path: Path, served: Served, calibration: Mapping[str, np.ndarray]) -> None:
    quantization = library("onnxruntime.quantization")
    size = served.batch or len(next(iter(calibration.values())))
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder, "plain.onnx")
        path.replace(plain)
        try:
            quantization.quantize_static(
                str(plain),
                str(path),
                _Reader(calibration, size),
                per_channel=True,
                weight_type=quantization.QuantType.QInt8,
                activation_type=quantization.QuantType.QUInt8,
                # Weights of 7 bits: with 8, sums of two products overflow the 16 bits that
                # processors without VNNI have for them.
                reduce_range=True,
            )
        except Exception as error:
            message = f"ONNX: the model cannot be quantized: {first_line(error)}"
            raise RequestError(message) from None


class _Reader:
    """Rows that ranges of numbers are measured on, as onnxruntime reads them: `get_next`."""

    def __init__(self, calibration: Mapping[str, np.ndarray], size: int):
        rows = len(next(iter(calibration.values())))
        self.batches = iter(
            [
                {name: array[first : first + size] for name, array in calibration.items()}
                for first in range(0, max(rows - size + 1, 1), size)
            ]
        )

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next batch; None at the end."""
        return next(self.batches, None)
