"""What the program of a SavedModel may do before it is loaded: compute, and nothing with files."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2

from .carried import damaged, whole
from .kinds import PROGRAM

# Operations that reach out of the program: to files, to Python, to the network.
OUTSIDE = frozenset({
    "CheckpointExists", "DebugIdentityV2", "EagerPyFunc", "ExperimentalDatasetToTFRecord",
    "DatasetToTFRecord", "FixedLengthRecordReaderV2", "IdentityReaderV2", "LMDBReader",
    "LoadDataset",
    "LookupTableExportV3", "MatchingFiles", "MergeV2Checkpoints", "PrintV2", "PyFunc",
    "PyFuncStateless", "ReadFile", "Restore", "RestoreSlice", "RestoreV2", "RpcCall", "RpcClient",
    "Save", "SaveDataset", "SaveDatasetV2", "SaveSlices", "SaveV2", "ShardedFilename",
    "SnapshotDataset", "SnapshotDatasetV2", "TFRecordDataset", "TFRecordDatasetV2",
    "TFRecordReaderV2", "TextLineDataset", "TextLineReaderV2", "WholeFileReaderV2", "WriteFile",
    "WriteGraphSummary", "WriteScalarSummary", "WriteSummary", "CreateSummaryFileWriter",
})  # fmt: skip
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


def _savers(meta: Any) -> Iterable[str]:
    found = meta.saver_def
    return found.save_tensor_name, found.restore_op_name, found.filename_tensor_name


def _check(folder: Path, nodes: Iterable[Any]) -> None:
    """Refuse nodes that reach outside, or call what saves and restores variables."""
    for node in nodes:
        if node.op in OUTSIDE:
            raise damaged(folder, f"has the operation {node.op}, which a prediction does not need")
        called = [value.func.name for value in node.attr.values() if value.HasField("func")]
        if any(name.startswith(SAVERS) for name in called):
            raise damaged(folder, "calls what saves and restores its variables")
