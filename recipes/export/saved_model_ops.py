"""What the program of a SavedModel may do before it is loaded: compute, and nothing with files."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2

from .carried import damaged, whole
from .kinds import PROGRAM

# The kinds of operations that reach out of a program: to files, to Python, to the network, to other
# devices, to the terminal. Kinds, and not a list of names: TensorFlow has some 1,500 operations.
OUTSIDE = re.compile(
    r"Dataset|Iterator|Reader|File|Record|Summary|Event|Save|Restore|Checkpoint|Snapshot|Remap"
    r"|PyFunc|Rpc|Debug|Print|Abort|Send|Recv|Collective|Infeed|Outfeed|TPU|CandidateSampler"
)
# The functions that TensorFlow itself writes to save and restore the variables.
SAVERS = ("__inference__traced_save", "__inference__traced_restore")


def check_program(folder: Path) -> None:
    """Refuse a SavedModel whose program does more than compute.

    Raises:
        RequestError: with the operation, or with what is wrong with the file.
    """
    try:
        program = saved_model_pb2.SavedModel.FromString(whole(folder / PROGRAM))
    except DecodeError:
        raise damaged(folder / PROGRAM, "is no program of a SavedModel") from None
    if len(program.meta_graphs) != 1:
        raise damaged(folder / PROGRAM, f"has {len(program.meta_graphs)} programs; expected one")
    meta = program.meta_graphs[0]
    for asset in meta.asset_file_def:
        if "/" in asset.filename or "\\" in asset.filename or asset.filename.startswith("."):
            raise damaged(folder, f"reads {asset.filename!r:.80} as one of its assets")
    graph = meta.graph_def
    savers = {name.partition(":")[0].lstrip("^") for name in _savers(meta)}
    _check(folder, (node for node in graph.node if node.name not in savers))
    for function in graph.library.function:
        if not function.signature.name.startswith(SAVERS):
            _check(folder, function.node_def)


def reaches_outside(operation: str) -> bool:
    """Whether an operation of this name does more than compute.

    >>> reaches_outside("ReadFile"), reaches_outside("MatMul")
    (True, False)
    """
    return OUTSIDE.search(operation) is not None


def _savers(meta: Any) -> Iterable[str]:
    found = meta.saver_def
    return found.save_tensor_name, found.restore_op_name, found.filename_tensor_name


def _check(folder: Path, nodes: Iterable[Any]) -> None:
    """Refuse nodes that reach outside, or call what saves and restores variables."""
    for node in nodes:
        if reaches_outside(node.op):
            raise damaged(folder, f"has the operation {node.op}, which a prediction does not need")
        called = [value.func.name for value in node.attr.values() if value.HasField("func")]
        if any(name.startswith(SAVERS) for name in called):
            raise damaged(folder, "calls what saves and restores its variables")
