"""Names of the parts of a machine as recipes write them."""

from typing import Any

from .estimators import ContrastiveDivergence, FastPersistentCD, PersistentCD
from .hidden_units import HIDDEN
from .penalties import Penalty
from .tempering import ParallelTempering
from .units import VISIBLE

# Kind -> name -> class.
MACHINE_PARTS: dict[str, dict[str, Any]] = {
    "visible_units": VISIBLE,
    "hidden_units": HIDDEN,
    "estimators": {
        "contrastive_divergence": ContrastiveDivergence,
        "persistent_cd": PersistentCD,
        "fast_persistent_cd": FastPersistentCD,
        "parallel_tempering": ParallelTempering,
    },
    "penalty": {"penalty": Penalty},
}
