"""Batches for evaluation and prediction: the rows, in their order."""

import numpy as np
import pytest
import tensorflow as tf

from keras_recipes.recipes.data.evaluation import batches_of, evaluation_dataset
from keras_recipes.recipes.data.loaded import Split

KINDS = {
    "bytes": np.arange(20, dtype="uint8").reshape(10, 2),
    "64 bits": np.arange(20.0).reshape(10, 2),
    "pictures": np.arange(60, dtype="float32").reshape(10, 2, 3, 1),
    "words": np.array([f"word {n}" for n in range(10)], object).reshape(10, 1),
    "texts": np.array([f"text {n}" for n in range(10)]),
}


@pytest.mark.parametrize("rows", [1, 3, 4, 8, 9])
@pytest.mark.parametrize("kind", KINDS)
def test_batches_are_the_rows_in_their_order(kind, rows):
    """Of arrays, which are divided before they are tensors, and of tensors alike."""
    array = KINDS[kind][:rows]
    tensor = tf.constant(array.astype("str") if array.dtype.kind in "OU" else array)
    for given in (array, tensor):
        dataset = batches_of(given, 4)
        found = list(dataset)
        assert [len(batch) for batch in found] == [4] * (rows // 4) + [rows % 4] * (rows % 4 > 0)
        assert int(dataset.cardinality()) == len(found)
        assert tf.reduce_all(tf.concat(found, 0) == tensor)
        assert dataset.element_spec.shape[0] is None


def test_blocks_by_name_stay_together_and_beside_their_targets():
    blocks = {"a": KINDS["bytes"], "b": KINDS["words"]}
    found = list(evaluation_dataset(Split(blocks, {"y": np.arange(10)}), 4))
    assert [list(y["y"].numpy()) for _, y in found] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert [x["a"].numpy()[0, 0] for x, _ in found] == [0, 8, 16]
    assert [x["b"].numpy()[0, 0] for x, _ in found] == [b"word 0", b"word 4", b"word 8"]
