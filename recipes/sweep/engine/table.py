"""Name of an algorithm -> its oracle."""

import os
from collections.abc import Callable
from pathlib import Path

from ..spec.records import Sweep
from .asha import Asha
from .base import SweepOracle
from .bayesian import BayesianSearch
from .coarse_to_fine import CoarseToFine
from .median import Median
from .searches import GridSearch, HyperbandSearch, RandomSearch

ORACLES: dict[str, Callable[[Sweep], SweepOracle]] = {
    "random": RandomSearch,
    "grid": GridSearch,
    "bayesian": BayesianSearch,
    "hyperband": HyperbandSearch,
    "coarse_to_fine": CoarseToFine,
    "asha": Asha,
    "median": Median,
}


def make_oracle(sweep: Sweep, project_dir: str | os.PathLike) -> SweepOracle:
    """The oracle that a sweep asks for.

    Args:
        sweep: the sweep.
        project_dir: folder of the oracle's own files.
    """
    oracle = ORACLES[sweep.algorithm.name](sweep)
    folder = Path(project_dir)
    oracle._set_project_dir(str(folder.parent), folder.name)
    return oracle
