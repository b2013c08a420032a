"""The machine as a scikit-learn transformer."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from .estimators import Estimator
from .hidden_units import Hidden
from .momentum import MomentumSGD
from .penalties import Penalty
from .rbm import RBM
from .units import Visible


class RBMTransformer:
    """An `RBM` with scikit-learn's conventions, for those who come from `BernoulliRBM`.

    It works in a `Pipeline` and with `clone`, without this package needing scikit-learn: its
    constructor keeps its arguments as they are, `fit` checks them, and what is learned has names
    that end in an underscore.

    `fit` wants rows in [0, 1] for Bernoulli units. Rows to transform or score may lie outside, as
    they do behind a `MinMaxScaler` that was fitted on other rows; such a value counts as the nearer
    of 0 and 1.

    Args:
        n_components: hidden units.
        learning_rate, momentum: numbers or schedules of `MomentumSGD`.
        batch_size, n_iter: rows an update, and epochs.
        visible, hidden, estimator, penalty, dropout, centring, stddev: as in `RBM`.
        verbose: show the progress bar.
        random_state: a seed, >= 0.

    Attributes:
        rbm_: the machine.
        components_: weights, hidden by visible units.
        history_: logs of each epoch, by name.
        n_features_in_: visible units.

    >>> rows = (np.arange(32).reshape(8, 4) % 3 == 0).astype("float32")
    >>> RBMTransformer(3, n_iter=2).fit_transform(rows).shape
    (8, 3)
    """

    def __init__(
        self,
        n_components: int = 256,
        *,
        learning_rate: Any = 0.1,
        momentum: Any = 0.5,
        batch_size: int = 10,
        n_iter: int = 10,
        visible: str | Visible = "bernoulli",
        hidden: str | Hidden = "bernoulli",
        estimator: Estimator | None = None,
        penalty: Penalty | None = None,
        dropout: float = 0.0,
        centring: float | None = None,
        stddev: float = 0.01,
        verbose: bool = False,
        random_state: int = 0,
    ):
        self.n_components = n_components
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.batch_size = batch_size
        self.n_iter = n_iter
        self.visible = visible
        self.hidden = hidden
        self.estimator = estimator
        self.penalty = penalty
        self.dropout = dropout
        self.centring = centring
        self.stddev = stddev
        self.verbose = verbose
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> RBMTransformer:
        """Train on the rows of X."""
        own = ("visible", "hidden", "estimator", "penalty", "dropout", "centring", "stddev")
        self.rbm_ = RBM(
            self.n_components,
            seed=self.random_state,
            **{name: getattr(self, name) for name in own},
        )
        self.rbm_.compile(MomentumSGD(self.learning_rate, self.momentum))
        fitted = self.rbm_.fit(
            X,
            batch_size=self.batch_size,
            epochs=self.n_iter,
            verbose="auto" if self.verbose else 0,
            diagnostics=0,
        )
        self.history_ = fitted.history
        self.n_features_in_ = self.rbm_.width
        self.components_ = np.asarray(self.rbm_.kernel).T
        return self

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Train, and E[h | v] of the same rows."""
        return self.fit(X).transform(X)

    def transform(self, X: Any) -> np.ndarray:
        """E[h | v] of each row."""
        return self._trained().transform(X)

    def inverse_transform(self, X: Any) -> np.ndarray:
        """E[v | h] of each row of hidden states."""
        return self._trained().inverse_transform(X)

    def score_samples(self, X: Any) -> np.ndarray:
        """Log pseudo-likelihood of each row, one-bit estimate."""
        return self._trained().score_samples(X)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The constructor's arguments."""
        names = list(inspect.signature(type(self).__init__).parameters)[1:]
        return {name: getattr(self, name) for name in names}

    def set_params(self, **params: Any) -> RBMTransformer:
        """Change constructor arguments by name.

        Raises:
            ValueError: there is no such argument.
        """
        known = self.get_params()
        for name, value in params.items():
            if name not in known:
                raise ValueError(f"Argument `{name}` is none of {', '.join(known)}.")
            setattr(self, name, value)
        return self

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the hidden units."""
        count = self._trained().units
        return np.array([f"rbmtransformer{index}" for index in range(count)], dtype=object)

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn asks a transformer for; only it calls this."""
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags

        return Tags(
            estimator_type=None,
            target_tags=TargetTags(required=False),
            transformer_tags=TransformerTags(preserves_dtype=["float32"]),
            input_tags=InputTags(),
        )

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "rbm_")

    def _trained(self) -> RBM:
        if not hasattr(self, "rbm_"):
            raise ValueError("This transformer is not trained yet: call `fit` first.")
        return self.rbm_
