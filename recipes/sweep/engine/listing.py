"""The trials of a search that are known before the first of them is trained."""

from keras_tuner.engine import trial as kt

from ..spec.algorithms import ALGORITHMS
from ..spec.records import Sweep
from .oracle import SweepOracle
from .search import make_oracle
from .trial import Trial

# Of a longer list only the first ones are compared with each other.
MOST_LISTED = 256


def listed(sweep: Sweep) -> list[Trial]:
    """The first trials of a search, in order; none where the algorithm learns from values."""
    if not ALGORITHMS[sweep.algorithm.name].predetermined:
        return []
    try:
        return _drawn(make_oracle(sweep))
    except Exception:
        # The search says so itself, when it draws the trial.
        return []


def _drawn(oracle: SweepOracle) -> list[Trial]:
    found: list[Trial] = []
    while len(found) < MOST_LISTED:
        # A worker that runs a trial would get the same one again.
        drawn = oracle.create_trial(f"worker {len(found)}")
        if drawn.status != kt.TrialStatus.RUNNING:
            break
        found.append(Trial(drawn.trial_id, dict(drawn.hyperparameters.values)))
    return found
