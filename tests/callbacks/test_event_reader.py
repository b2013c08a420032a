"""Histograms are read as they were written, also while the file grows and where it is damaged."""

import numpy as np
import pytest

from keras_recipes.callbacks.event_reader import HEADER, NewHistograms, records
from keras_recipes.callbacks.event_records import (
    FILE_NAME,
    EventFile,
    histogram,
    histogram_summary,
    scalar_summary,
)

FIRST, SECOND = np.arange(7.0), np.array([-1.0, 2.0, 2.0])


@pytest.fixture
def folder(tmp_path):
    """Values of two steps, the second of them written again by a training that was resumed."""
    file = EventFile(tmp_path)
    file.write(scalar_summary({"loss": 2.0}), 1)
    file.write(histogram_summary({"kernel": FIRST, "bias": SECOND}), 1)
    file.write(histogram_summary({"kernel": FIRST}), 2)
    EventFile(tmp_path, first_step=2).write(histogram_summary({"kernel": SECOND}), 2)
    return tmp_path


def test_the_last_of_each_step_is_read_once(folder):
    reader = NewHistograms(folder / FILE_NAME)
    found = reader.read()
    assert {step: set(named) for step, named in found.items()} == {
        1: {"kernel", "bias"},
        2: {"kernel"},
    }
    np.testing.assert_array_equal(found[1]["kernel"], histogram(FIRST, 30))
    np.testing.assert_array_equal(found[2]["kernel"], histogram(SECOND, 30))
    assert reader.read() == {}
    EventFile(folder).write(histogram_summary({"kernel": FIRST}), 3)
    assert list(reader.read()) == [3]
    assert NewHistograms(folder / "no such file").read() == {}


def test_records_are_those_that_tensorflow_reads(folder):
    import tensorflow as tf

    path = folder / FILE_NAME
    wanted = list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
    assert list(records(path.read_bytes())) == wanted


def test_nothing_is_read_behind_a_record_that_a_kill_has_cut_or_that_is_damaged(folder):
    content = (folder / FILE_NAME).read_bytes()
    whole = list(records(content))
    for cut in (1, HEADER, HEADER + 1, len(whole[-1])):
        assert list(records(content[:-cut])) == whole[:-1]
        # A resumed training writes behind what is left of the record.
        assert list(records(content[:-cut] + content)) == whole[:-1]
    for place in (0, HEADER - 1, HEADER, len(whole[0])):
        damaged = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        assert list(records(damaged)) == []


def test_a_record_is_read_once_it_is_whole(folder):
    content = (folder / FILE_NAME).read_bytes()
    growing = folder / "growing"
    reader = NewHistograms(growing)
    found = []
    for end in range(0, len(content) + 1, 100):
        growing.write_bytes(content[:end])
        found += reader.read().items()
    growing.write_bytes(content)
    found += reader.read().items()
    assert [step for step, _ in found] == [1, 2, 2]
