"""The scikit-learn face: in a pipeline, cloned, searched."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler

from keras_recipes.pretraining import RBM, MomentumSGD, RBMTransformer


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 80)
    return (random.random((80, 6)) < 0.2 + 0.6 * labels[:, None]).astype("float32"), labels


def test_it_is_the_rbm(data):
    rows, _ = data
    face = RBMTransformer(4, n_iter=2, random_state=3).fit(rows)
    rbm = RBM(4, seed=3)
    rbm.compile(MomentumSGD(0.1, 0.5))
    rbm.fit(rows, batch_size=10, epochs=2, verbose=0, diagnostics=0)
    np.testing.assert_array_equal(face.transform(rows), rbm.transform(rows))
    np.testing.assert_array_equal(face.score_samples(rows), rbm.score_samples(rows))
    assert face.components_.shape == (4, 6)
    assert face.n_features_in_ == 6
    assert list(face.get_feature_names_out())[:2] == ["rbmtransformer0", "rbmtransformer1"]
    assert face.inverse_transform(face.transform(rows)).shape == rows.shape


def test_a_seed_is_drawn_as_in_scikit_learn(data):
    def fitted(state):
        return RBMTransformer(3, n_iter=1, random_state=state).fit(data[0]).components_

    state = np.random.RandomState(0)
    first, second = fitted(state), fitted(state)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, fitted(np.random.RandomState(0)))
    assert not np.array_equal(fitted(None), fitted(None))


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.coo_array])
def test_sparse_rows_are_dense_rows(data, kind):
    rows = kind(data[0])
    made, dense = (RBMTransformer(3, n_iter=1).fit(given) for given in (rows, data[0]))
    np.testing.assert_array_equal(made.transform(rows), dense.transform(data[0]))
    np.testing.assert_array_equal(made.score_samples(rows), dense.score_samples(data[0]))


def test_in_a_pipeline_that_is_cloned_and_searched(data):
    pipeline = Pipeline(
        [("rbm", RBMTransformer(4, n_iter=40, learning_rate=0.5)), ("top", LogisticRegression())]
    )
    search = GridSearchCV(clone(pipeline), {"rbm__n_components": [6]}, cv=2, refit=False)
    assert search.fit(*data).best_score_ > 0.6
    assert pipeline.get_params()["rbm__n_components"] == 4


def test_behind_a_scaler_that_other_rows_were_fitted_on(data):
    random, labels = np.random.default_rng(1), data[1]
    rows = random.normal(size=(80, 6)) + labels[:, None]
    pipeline = Pipeline(
        [
            ("scale", MinMaxScaler()),
            ("rbm", RBMTransformer(4, n_iter=2)),
            ("top", LogisticRegression()),
        ]
    )
    # The held-out rows of each fold leave the range of the others.
    search = GridSearchCV(pipeline, {"rbm__n_components": [3]}, cv=4, error_score="raise")
    assert search.fit(rows, labels).best_score_ > 0.5
    rbm = RBMTransformer(4, n_iter=1).fit(data[0])
    outside, nearest = data[0] * 1.5 - 0.2, np.clip(data[0] * 1.5 - 0.2, 0, 1)
    np.testing.assert_array_equal(rbm.transform(outside), rbm.transform(nearest))
    np.testing.assert_array_equal(rbm.score_samples(outside), rbm.score_samples(nearest))
    # Of a scaler's rounding, 1.0000000000000002.
    RBMTransformer(4, n_iter=1).fit(data[0] * (1 + 1e-7))
    with pytest.raises(ValueError, match="must lie in"):
        RBMTransformer(4, n_iter=1).fit(data[0] * 1.01)


def test_misuse_is_refused(data):
    with pytest.raises(ValueError, match="not fitted yet"):
        RBMTransformer(4).transform(data[0])
    with pytest.raises(ValueError, match="`units` must be >= 1"):
        RBMTransformer(0).fit(data[0])
    with pytest.raises(ValueError, match="Invalid parameter 'rate'"):
        RBMTransformer(4).set_params(rate=1)
