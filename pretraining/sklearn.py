"""The RBM as a scikit-learn transformer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ..schedules.arguments import Schedule
from .momentum import MomentumSGD
from .rbm import RBM


class RBMTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """An `RBM` with scikit-learn's conventions, for those who come from `BernoulliRBM`.

    `fit` needs rows in [0, 1] for Bernoulli units. Rows to transform or score may lie outside, as
    they do behind a `MinMaxScaler` that was fitted on other rows; such a value counts as the nearer
    of 0 and 1. Sparse rows of SciPy are made dense, all at once.

    Args:
        n_components: hidden units.
        learning_rate, momentum: numbers or schedules of `MomentumSGD`.
        batch_size, n_iter: rows an update, and epochs.
        model_kwargs: other arguments of `RBM`, such as `{"hidden": "rectified"}`.
        verbose: show the progress bar.
        random_state: a seed, >= 0; a `RandomState` that each fit draws one from, or None for
            NumPy's own.

    Attributes:
        rbm_: the RBM.
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
        learning_rate: float | Schedule = 0.1,
        momentum: float | Schedule = 0.5,
        batch_size: int = 10,
        n_iter: int = 10,
        model_kwargs: Mapping[str, Any] | None = None,
        verbose: bool = False,
        random_state: int | np.random.RandomState | None = 0,
    ):
        self.n_components = n_components
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.batch_size = batch_size
        self.n_iter = n_iter
        self.model_kwargs = model_kwargs
        self.verbose = verbose
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Train on the rows of X."""
        seed = self.random_state
        if seed is None or isinstance(seed, np.random.RandomState):
            seed = check_random_state(seed).randint(np.iinfo("int32").max)
        rbm = RBM(self.n_components, seed=seed, **(self.model_kwargs or {}))
        rbm.compile(MomentumSGD(self.learning_rate, self.momentum))
        self.history_ = rbm.fit(
            _dense(X),
            batch_size=self.batch_size,
            epochs=self.n_iter,
            verbose="auto" if self.verbose else 0,
            diagnostics=0,
        ).history
        self.rbm_ = rbm
        self.n_features_in_ = rbm.width
        self.components_ = np.asarray(rbm.kernel).T
        return self

    def transform(self, X: ArrayLike) -> np.ndarray:
        """E[h | v] of each row."""
        return self._fitted().transform(_dense(X))

    def inverse_transform(self, X: ArrayLike) -> np.ndarray:
        """E[v | h] of each row of hidden states."""
        return self._fitted().inverse_transform(_dense(X))

    def score_samples(self, X: ArrayLike) -> np.ndarray:
        """Log pseudo-likelihood of each row, one-bit estimate."""
        return self._fitted().score_samples(_dense(X))

    @property
    def _n_features_out(self) -> int:
        return self._fitted().units

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "rbm_")

    def _fitted(self) -> RBM:
        check_is_fitted(self)
        return self.rbm_


def _dense(rows: Any) -> Any:
    """Rows as they are, those of a sparse matrix as an array."""
    return rows.toarray() if issparse(rows) else rows
