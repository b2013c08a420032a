"""The hash of a run's data."""

import numpy as np

from keras_recipes.recipes.data import Splits, load_data


def test_the_fingerprint_sees_everything():
    x, y = np.arange(20.0).reshape(10, 2), np.array(list("ab") * 5)
    flipped = x.copy()
    flipped[9, 1] += 1

    def fingerprint(x, y, test=0.2, seed=0):
        splits = Splits(0.2, test)
        return load_data("arrays", {}, splits=splits, seed=seed, arrays=(x, y)).fingerprint

    same = [fingerprint(x, y), fingerprint(x.copy(), y), fingerprint(x.tolist(), y.tolist())]
    assert len(set(same)) == 1
    others = [
        fingerprint(flipped, y),
        fingerprint(x, np.where(y == "a", "c", y)),
        fingerprint(x, y, seed=1),
        fingerprint(x, y, test=0.3),
        fingerprint(x.astype("int32"), y),
        fingerprint(x.reshape(10, 1, 2), y),
    ]
    assert len({same[0], *others}) == 1 + len(others)
