"""Tables as numbers: from the cache, from a file, in memory, the same bits and weights."""

import numpy as np
import pytest
from tables import write_table

import keras_recipes
from keras_recipes.recipes.build import encoding, preprocessing
from keras_recipes.recipes.build.encoding import encoded
from keras_recipes.recipes.build.inputs import data_of
from keras_recipes.recipes.build.stored_block import StoredBlock
from keras_recipes.recipes.data import cache, stored
from keras_recipes.recipes.errors import DataError
from keras_recipes.recipes.record.directory import RunDirectory
from keras_recipes.recipes.run.reproduce import compare_runs

ROWS = 700


@pytest.fixture(autouse=True)
def small_tables(monkeypatch):
    """Small tables are kept too, and become numbers some rows at a time."""
    monkeypatch.setattr(stored, "MOST_UNCACHED", 0)
    monkeypatch.setattr(encoding, "MOST_UNCACHED", 0)
    monkeypatch.setattr(encoding, "PIECE", 64)
    monkeypatch.setattr(preprocessing, "BATCH", 128)


@pytest.fixture
def path(tmp_path):
    return write_table("flights", tmp_path, ROWS)


@pytest.fixture
def little_memory(monkeypatch):
    return lambda: monkeypatch.setenv("KERAS_RECIPES_MEMORY", "1 KB")


def recipe(path, **data):
    return keras_recipes.load(
        {
            "name": "small",
            "seed": 3,
            "data": {
                "source": {"csv": {"path": str(path)}},
                "target": "arr_delay",
                "missing_target": "drop",
                "task": "regression",
                "features": {
                    "*": "auto",
                    "tailnum": {"category": {"output": "embedding"}},
                    "dest": {"text": {"output": "multi_hot"}},
                    "distance": {"numeric": {"scale": "log"}},
                },
                "validation": 0.1,
                "test": 0.1,
                "batch_size": 64,
                **data,
            },
            "model": {"layers": [{"dense": {"units": 4, "activation": "relu"}}]},
            "optimizer": "adam",
            "learning_rate": 0.01,
            "steps_per_execution": 2,
            "epochs": 2,
            "checkpoints": {"every": "1 steps"},
        }
    )


def blocks(data):
    splits = [data.train, data.validation, data.test]
    return [{name: block[:] for name, block in split.x.items()} for split in splits]


def assert_same(first, second):
    for one, other in zip(first, second, strict=True):
        assert list(one) == list(other)
        assert {"matrix", "categories"} < {*one}
        for name in one:
            assert one[name].dtype == other[name].dtype
            assert one[name].tobytes() == other[name].tobytes(), name


def test_numbers_are_the_same_bits_wherever_they_are(path, monkeypatch, little_memory):
    made = recipe(path)
    with monkeypatch.context() as patch:
        patch.setenv("KERAS_RECIPES_CACHE", "off")
        expected = blocks(encoded(data_of(made))[0])
    assert_same(blocks(encoded(data_of(made))[0]), expected)
    with monkeypatch.context() as patch:
        patch.setattr(preprocessing.Preprocessing, "encoded", None)  # the next time nothing is made
        found = encoded(data_of(made))[0]
    assert isinstance(found.train.x["matrix"], np.ndarray)
    assert_same(blocks(found), expected)

    cache_files = [file for place, *_ in cache.entries() for file in place.iterdir()]
    for file in cache_files:
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.unlink()
        file.write_bytes(content)
    assert_same(blocks(encoded(data_of(made))[0]), expected)

    little_memory()
    monkeypatch.setenv("KERAS_RECIPES_CACHE", str(path.parent / "other"))
    for _ in range(2):
        found = encoded(data_of(made))[0]
        assert isinstance(found.train.x["matrix"], StoredBlock)
        assert_same(blocks(found), expected)


def test_rows_that_are_drawn_anew_are_other_numbers(path):
    first = encoded(data_of(recipe(path)))[0].train.x["matrix"]
    found = encoded(data_of(recipe(path, bootstrap_seed=1)))[0].train.x["matrix"]
    assert found.shape == first.shape
    assert not np.array_equal(found, first)


def test_a_table_larger_than_memory_trains_and_resumes_as_one_in_memory(
    eager, path, tmp_path, signalled, little_memory
):
    made = recipe(path)
    made.train(out=tmp_path / "whole", progress=False)
    little_memory()
    out = tmp_path / "killed"
    stopped = 0
    for _ in range(9):
        signalled(12)
        result = made.train(out=out, progress=False, resume=True)
        if result.status != "interrupted":
            break
        stopped += 1
    assert stopped >= 1
    assert result.status == "completed"
    assert compare_runs(RunDirectory(tmp_path / "whole"), RunDirectory(out)) == []


def test_rows_of_a_stored_block(tmp_path):
    numbers = np.arange(60, dtype="float32").reshape(20, 3)
    np.save(tmp_path / "n.npy", numbers)
    block = StoredBlock(tmp_path / "n.npy")
    for rows in ([3, 4, 5, 0, 19, 19], [], [7]):
        chosen = np.array(rows, "int32")
        assert np.array_equal(block.gather(chosen).numpy(), numbers[rows])
        assert np.array_equal(block.take(chosen)[:], numbers[rows])
    again = block.take(np.array([4, 2, 9])).take(np.array([2, 0]))
    assert np.array_equal(again[:], numbers[[9, 4]])
    assert np.array_equal(block[5:9], numbers[5:9])
    (tmp_path / "n.npy").write_bytes((tmp_path / "n.npy").read_bytes()[:-8])
    with pytest.raises(DataError, match="was cut while it was in use"):
        block[:]
