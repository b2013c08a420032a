"""A sweep so small that a trial takes a second or two, and a chief to play with."""

import pytest

RATE = "learning_rate.warmup.then.polynomial.initial_learning_rate"
TINY = {
    "name": "tiny",
    "recipe": "digits_mlp",
    "overrides": {
        "epochs": 2,
        "data.limit": 200,
        "model.layers": [{"dense": {"units": 4}}],
        "callbacks": [],
    },
    "objective": {"minimize": "val_loss"},
    "budget": {"trials": 3},
    "space": {
        RATE: {"log_uniform": {"min": 1e-3, "max": 1.0}},
        "data.batch_size": {"choice": [32, 64]},
    },
    "seed": 7,
}


@pytest.fixture(scope="session")
def tiny():
    """Makes the tiny sweep, with some keys another."""
    from keras_recipes.recipes.sweep.spec import load_sweep

    def make(**changes):
        overrides = {**TINY["overrides"], **changes.pop("overrides", {})}
        return load_sweep({**TINY, "overrides": overrides, **changes})

    return make


class Clock:
    """A clock that a test moves on."""

    def __init__(self):
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def make_chief(tiny, tmp_path, clock):
    """Makes a chief of the tiny sweep; made again, it is the chief after a kill."""
    from keras_recipes.recipes.sweep.engine.oracle_state import OracleState
    from keras_recipes.recipes.sweep.engine.search import Search, make_oracle
    from keras_recipes.recipes.sweep.run.chief import Chief
    from keras_recipes.recipes.sweep.run.leases import Leases

    def make(sweep=None, **arguments):
        search = Search(make_oracle(sweep or tiny(budget={"trials": 4})))
        leases = Leases(30.0, clock=clock)
        return Chief(search, OracleState(tmp_path / "oracle"), leases=leases, **arguments)

    return make
