"""SavedModels from strangers: what reaches out of the program is refused before it is loaded."""

import inspect
import re

import pytest
import tensorflow as tf

from keras_recipes.recipes.errors import RequestError
from keras_recipes.recipes.export import saved_model_folder
from keras_recipes.recipes.export.saved_model_ops import check_program, reaches_outside


class Writes(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec((None,), "float32")])
    def serve(self, x):
        tf.io.write_file("stolen.txt", "x")
        return {"y": x}


@pytest.fixture(scope="module")
def writes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("writes") / "model"
    module = Writes()
    tf.saved_model.save(module, str(folder), signatures={"serve": module.serve})
    return folder


def test_a_program_that_writes_a_file_is_refused(writes):
    with pytest.raises(RequestError, match="the operation WriteFile"):
        check_program(writes)


@pytest.mark.parametrize("content", [b"", b"\xff" * 50, b"garbage"], ids=range(3))
def test_what_is_no_program_is_refused(tmp_path, content):
    (tmp_path / "saved_model.pb").write_bytes(content)
    with pytest.raises(RequestError, match="damaged or hostile"):
        check_program(tmp_path)


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(b"")
    (folder / "link").symlink_to("/etc/passwd")
    with pytest.raises(RequestError, match="leads out of the folder"):
        saved_model_folder.read(folder)


# Names of what an operation takes that lead to a file or to another process.
LEADS = re.compile(r"file|path|^pattern|prefix|director|address|dir$|checkpoint|destination")
# Of these the name means something else: a regular expression, the paths of a beam search.
HARMLESS = {"RegexFullMatch", "RegexReplace", "StaticRegexFullMatch", "StaticRegexReplace",
            "CTCBeamSearchDecoder"}  # fmt: skip


def test_every_operation_of_tensorflow_that_takes_a_file_is_refused():
    taken = {
        name: list(inspect.signature(getattr(tf.raw_ops, name)).parameters)
        for name in dir(tf.raw_ops)
        if name[0].isupper()
    }
    lead = {name for name, words in taken.items() if any(map(LEADS.search, words))} - HARMLESS
    assert len(lead) > 40
    assert [name for name in sorted(lead) if not reaches_outside(name)] == []


def test_what_a_prediction_computes_with_is_not_refused():
    matrices, words = ["MatMul", "Conv2D", "Softmax"], ["HashTableV2", "LookupTableFindV2"]
    rest = ["ReadVariableOp", "StringSplitV2", "StaticRegexReplace", "While", "PartitionedCall"]
    common = [*matrices, *words, *rest]
    assert not any(map(reaches_outside, common))
