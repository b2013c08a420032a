"""A place in a training."""

from dataclasses import asdict

import pytest

from keras_recipes.callbacks.run_state.fit import Position


class TestPosition:
    def test_a_last_execution_may_be_short(self):
        place = Position(steps_per_execution=4).at_epoch(2).at_step(4, 6).at_step(8, 6)
        assert (place.step, place.total) == (6, 6)
        assert str(place) == "after step 6 of epoch 3"
        assert str(place.after_epoch(2, False)) == "after epoch 3"
        assert Position(**asdict(place)) == place

    def test_an_execution_begins_only_where_one_did(self):
        place = Position(steps_per_execution=4).at_step(4, 10)
        for steps in (1, 2, 4):
            place.check(steps)
        with pytest.raises(ValueError, match="With `steps_per_execution=3` no execution begins"):
            place.check(3)
        Position(step=10, steps=10).check(3)
