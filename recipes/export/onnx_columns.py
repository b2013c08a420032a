"""Columns of words and numbers in front of an ONNX network, by operations of ONNX.

They compute what the Keras layers of `build/column_layers.py` compute of numbers and categories.
Dates and texts need operations that ONNX lacks; in place of them the network takes numbers.
"""

from collections.abc import Collection, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from .described import CategoryColumn, Described, Feature, NumericColumn
from .encode import MATRIX, block_of, input_name
from .extras import library
from .interface import Port

LABELS = "ai.onnx.ml"
# The columns that ONNX has operations for, see `can_hold`.
Column = NumericColumn | CategoryColumn


def can_hold(described: Described) -> bool:
    """Whether ONNX has the operations for all columns of a run, as its `data.json` has them."""
    features: Sequence[Feature] = described.get("features", ())
    return described.get("window") is None and all(
        f["kind"] == "numeric" or (f["kind"] == "category" and f["output"] != "hashing")
        for f in features
    )


def put_in_front(
    path: Path, features: Sequence[Column], columns: Sequence[Port], inputs: Sequence[Port]
) -> None:
    """Let a network take raw columns.

    Args:
        path: of the network.
        features: what was learned of each column.
        columns: the ports of the raw columns.
        inputs: the ports of the network.
    """
    onnx = library("onnx")
    network = onnx.load(str(path), load_external_data=False)
    graph = _Graph(onnx)
    blocks: dict[str, list[str]] = {}
    by_name = {port.name: port for port in columns}
    for index, feature in enumerate(features):
        made = graph.column(feature, by_name[input_name(feature["name"])])
        blocks.setdefault(block_of(index, feature), []).extend(made)
    ends = {name: graph.joined(name, parts, blocks, inputs) for name, parts in blocks.items()}
    versions = {each.domain: each.version for each in network.opset_import}
    needed = {"": versions.get("", 18), LABELS: versions.get(LABELS, 3)}
    front = onnx.helper.make_model(
        graph.made(columns, list(ends.values())),
        opset_imports=[onnx.helper.make_opsetid(*pair) for pair in needed.items()],
        ir_version=network.ir_version,
    )
    pairs = [(f"{end.port}_numbers", end.port) for end in ends.values()]
    onnx.save(onnx.compose.merge_models(front, network, io_map=pairs), str(path))


class _Graph:
    """The nodes and constants of a graph that is being built."""

    def __init__(self, onnx: ModuleType) -> None:
        self.onnx = onnx
        self.nodes: list[object] = []
        self.constants: list[object] = []

    def add(self, operation: str, *inputs: str, **attributes: object) -> str:
        """One more node; the name of what it gives."""
        name = f"columns/{len(self.nodes)}"
        made = self.onnx.helper.make_node(operation, list(inputs), [name], name=name, **attributes)
        self.nodes.append(made)
        return name

    def constant(self, value: object, dtype: str) -> str:
        """One more constant; its name."""
        name = f"columns/constant_{len(self.constants)}"
        array = np.asarray(value, dtype)
        self.constants.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def cast(self, name: str, dtype: str) -> str:
        """A value in another type."""
        return self.add("Cast", name, to=self._type(dtype))

    def column(self, feature: Column, port: Port) -> list[str]:
        """A raw column as columns of numbers, each (rows, width)."""
        if feature["kind"] == "numeric":
            return self._numeric(feature, port)
        number = self.add(
            "LabelEncoder", port.port, domain=LABELS, keys_strings=list(feature["vocabulary"]),
            values_int64s=list(range(1, len(feature["vocabulary"]) + 1)), default_int64=0,
        )  # fmt: skip
        if feature["output"] == "embedding":
            return [number]
        return [self._one_hot(number, len(feature["vocabulary"]) + 1, not feature["unseen"])]

    def _one_hot(self, number: str, width: int, without_first: bool) -> str:
        """Whole numbers (rows, 1) as columns of 0 and 1."""
        flat = self.add("Reshape", number, self.constant([-1], "int64"))
        ends = self.constant([0, 1], "float32")
        found = self.add("OneHot", flat, self.constant([width], "int64"), ends)
        if not without_first:
            return found
        bounds = [self.constant([value], "int64") for value in (1, width, 1)]
        return self.add("Slice", found, *bounds)

    def _numeric(self, feature: NumericColumn, port: Port) -> list[str]:
        kind = "float64" if feature["double"] else "float32"
        missing = self.add("IsNaN", port.port)
        found = self.add("Where", missing, self.constant(feature["fill"], kind), port.port)
        if feature["log"]:
            one = self.constant(1, kind)
            size = self.add("Log", self.add("Add", self.add("Abs", found), one))
            found = self.add("Mul", self.add("Sign", found), size)
        if feature["boundaries"]:
            bounds = self.constant([feature["boundaries"]], "float32")
            over = self.cast(self.add("GreaterOrEqual", found, bounds), "int64")
            bins = self.add("ReduceSum", over, self.constant([1], "int64"))
            found = self._one_hot(bins, len(feature["boundaries"]) + 1, False)
        elif (feature["offset"], feature["divisor"]) != (0.0, 1.0):
            factor = 1.0 / feature["divisor"]
            scaled = self.add("Mul", found, self.constant(factor, kind))
            found = self.add("Add", scaled, self.constant(-feature["offset"] * factor, kind))
        parts = [self.cast(found, "float32")]
        return [*parts, self.cast(missing, "float32")] if feature["indicator"] else parts

    def joined(
        self, block: str, parts: list[str], blocks: Collection[str], inputs: Sequence[Port]
    ) -> Port:
        """Join the parts of a block, in the type of its input; return that input."""
        end = inputs[0] if len(blocks) == 1 else next(p for p in inputs if p.name == block)
        kind = "float32" if block == MATRIX else "int64"
        whole = self.add("Concat", *parts, axis=1)
        cast = whole if end.dtype == kind else self.cast(whole, end.dtype)
        self.nodes.append(self.onnx.helper.make_node("Identity", [cast], [f"{end.port}_numbers"]))
        return end

    def made(self, columns: Sequence[Port], ends: Sequence[Port]) -> Any:
        """The graph from raw columns to blocks."""
        value = self.onnx.helper.make_tensor_value_info
        given = [value(p.port, self._type(p.dtype), [None, 1]) for p in columns]
        blocks = [value(f"{p.port}_numbers", self._type(p.dtype), [None, *p.shape]) for p in ends]
        return self.onnx.helper.make_graph(
            self.nodes, "columns", given, blocks, initializer=self.constants
        )

    def _type(self, dtype: str) -> int:
        if dtype == "string":
            return self.onnx.TensorProto.STRING
        return self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
