"""The scikit-learn face: in a pipeline, cloned, searched."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from keras_recipes.pretraining import RBM, MomentumSGD, RBMTransformer


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 80)
    return (random.random((80, 6)) < 0.2 + 0.6 * labels[:, None]).astype("float32"), labels


def test_it_is_the_machine(data):
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


def test_in_a_pipeline_that_is_cloned_and_searched(data):
    pipeline = Pipeline(
        [("rbm", RBMTransformer(4, n_iter=40, learning_rate=0.5)), ("top", LogisticRegression())]
    )
    search = GridSearchCV(clone(pipeline), {"rbm__n_components": [6]}, cv=2, refit=False)
    assert search.fit(*data).best_score_ > 0.6
    assert pipeline.get_params()["rbm__n_components"] == 4


def test_misuse_is_refused(data):
    with pytest.raises(ValueError, match="not trained yet"):
        RBMTransformer(4).transform(data[0])
    with pytest.raises(ValueError, match="`units` must be >= 1"):
        RBMTransformer(0).fit(data[0])
    with pytest.raises(ValueError, match="`rate` is none of"):
        RBMTransformer(4).set_params(rate=1)
