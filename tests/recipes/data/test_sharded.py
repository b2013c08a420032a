"""Processes share out the rows of each batch, each row to one of them."""

from itertools import chain

import numpy as np
import pytest

from keras_recipes.models.shards import Sharing
from keras_recipes.recipes.data.evaluation import evaluation_dataset
from keras_recipes.recipes.data.loaded import Split
from keras_recipes.recipes.data.order import training_dataset
from keras_recipes.recipes.data.sharded import check_shards
from keras_recipes.recipes.errors import DataError

ROWS = np.arange(23, dtype="float32")
SPLIT = Split(ROWS[:, None], ROWS)


def rows_of(dataset):
    return [element.batch[1].numpy().tolist() for element in dataset]


@pytest.mark.parametrize(("processes", "shards"), [(2, 2), (2, 4), (3, 3)])
def test_processes_together_have_the_batches_of_one(processes, shards):
    whole = training_dataset(SPLIT, batch_size=10, seed=1, drop_remainder=True).dataset
    expected = [y.numpy().tolist() for _, y in whole]
    parts = [
        rows_of(
            training_dataset(
                SPLIT,
                batch_size=10,
                seed=1,
                drop_remainder=True,
                sharing=Sharing(shards, processes=processes, process=process),
            ).dataset
        )
        for process in range(processes)
    ]
    assert [list(chain(*step)) for step in zip(*parts, strict=True)] == expected


def test_an_epoch_begins_at_any_step_for_each_process():
    sharing = Sharing(2, processes=2, process=1)
    found = training_dataset(SPLIT, batch_size=7, seed=1, drop_remainder=True, sharing=sharing)
    assert rows_of(found.from_step(2)) == rows_of(found.dataset)[2:]


def test_each_row_is_evaluated_once():
    parts = [
        rows_of(evaluation_dataset(SPLIT, 10, Sharing(4, processes=4, process=process)))
        for process in range(4)
    ]
    together = [list(chain(*step)) for step in zip(*parts, strict=True)]
    assert list(chain(*together)) == ROWS.tolist()
    assert [len(step) for step in together] == [10, 10, 3]


def test_a_shard_without_rows_is_refused():
    with pytest.raises(DataError, match="the last batch of an epoch has 3 rows"):
        check_shards(23, 10, False, Sharing(4))
    with pytest.raises(DataError, match="a global batch of 2 rows"):
        check_shards(23, 2, True, Sharing(4))
    check_shards(23, 10, True, Sharing(4))
    check_shards(23, 10, False, Sharing(3))
