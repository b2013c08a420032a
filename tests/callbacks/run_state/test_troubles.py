"""A disk that stays full is told of once a training, and once it is not full any more."""

import errno
import os

from keras_recipes.callbacks.run_state.position import Position
from keras_recipes.callbacks.run_state.store import CheckpointStore
from keras_recipes.callbacks.run_state.troubles import Troubles

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
DENIED = OSError(errno.EACCES, os.strerror(errno.EACCES))


def test_each_cause_is_told_once_a_training(tmp_path, capsys):
    troubles, store = Troubles(), CheckpointStore(tmp_path / "state", 3)
    for error in (FULL, FULL, DENIED):
        troubles.not_written(Position(), error, store)
    troubles.begin()
    troubles.not_written(Position(), DENIED, store)
    told = capsys.readouterr().err.splitlines()
    assert ["No space left" in line for line in told] == [True, False, False]
    assert ["Permission denied" in line for line in told] == [False, True, True]
    assert told == troubles.story


def test_a_disk_that_is_well_again_is_told_of_once(tmp_path, capsys):
    troubles, store = Troubles(), CheckpointStore(tmp_path / "state", 3)
    troubles.written()
    troubles.not_written(Position(), FULL, store)
    troubles.written()
    troubles.written()
    assert [line.count("written again") for line in capsys.readouterr().err.splitlines()] == [0, 1]
