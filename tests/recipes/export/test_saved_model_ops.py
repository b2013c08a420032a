"""SavedModels from strangers: what reaches out of the program is refused before it is loaded."""

import pytest
import tensorflow as tf

from keras_recipes.recipes.errors import RequestError
from keras_recipes.recipes.export import saved_model_folder
from keras_recipes.recipes.export.saved_model_ops import check_program


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
