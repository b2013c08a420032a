"""Recipes of tables against scikit-learn, on the same rows.

Run:    python benchmarks/tables.py --data FOLDER [--only credit titanic]

FOLDER holds credit.csv, titanic.csv, diamonds.csv, movies.csv and flights.csv.gz; the recipes of
these names say where each comes from. The package splits the rows: all sides learn from its
training rows and are measured on its test rows; the recipe alone sees the validation rows, to stop
by. The baselines have the default settings of scikit-learn; gradient boosting gets the words of the
titles of films as 50 components. The seconds of a recipe are those of all of `train`, reading and
report included; those of a baseline are of its preprocessing, fit and predictions.
"""

import argparse
import os
import tempfile
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import pyarrow as pa
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import (
    accuracy_score,
    mean_absolute_error,
    roc_auc_score,
    root_mean_squared_error,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

import keras_recipes
from keras_recipes.recipes.build.inputs import data_of
from keras_recipes.recipes.data import Data
from keras_recipes.recipes.data.cell_types import floats, words
from keras_recipes.recipes.data.fitted import FeatureKind
from keras_recipes.recipes.data.frame import Frame

FILES = {
    "credit": "credit.csv",
    "titanic": "titanic.csv",
    "diamonds": "diamonds.csv",
    "movies": "movies.csv",
    "flights": "flights.csv.gz",
}
LINE = "{:<9} {:<9} {:>8} {:>18} {:>8}   {}".format


@dataclass(frozen=True)
class Columns:
    """Columns of a split by kind; dates become a number of days and categories of their parts."""

    numbers: np.ndarray
    categories: np.ndarray
    texts: list[str]


@dataclass(frozen=True)
class Table:
    """Training and test rows as scikit-learn takes them."""

    data: Data

    @cached_property
    def train(self) -> Columns:
        """The rows to learn from."""
        return self.columns(self.data.train.x)

    @cached_property
    def test(self) -> Columns:
        """The rows to measure on."""
        assert self.data.test is not None
        return self.columns(self.data.test.x)

    def columns(self, rows: Frame) -> Columns:
        """The columns that enter the recipe's network."""
        numbers, categories, texts = [], [], []
        for feature in self.data.features:
            column = rows[feature.name]
            match feature.kind:
                case FeatureKind.NUMERIC:
                    numbers.append(floats(column))
                case FeatureKind.CATEGORY:
                    categories.append(words(column))
                case FeatureKind.TEXT:
                    texts = words(column).tolist()
                case FeatureKind.DATE:
                    times = np.array([word[:19] for word in words(column)], "datetime64[h]")
                    days = times.astype("datetime64[D]").astype(int)
                    numbers.append(days.astype(float))
                    categories += [(days % 7).astype(str), (times.astype(int) % 24).astype(str)]
        rows_of = len(rows)
        return Columns(
            np.stack(numbers, axis=1),
            np.stack(categories, axis=1).astype(object) if categories else np.empty((rows_of, 0)),
            texts,
        )

    def for_trees(self) -> tuple[np.ndarray, np.ndarray, int]:
        """Matrices for gradient boosting, and how many first columns are categories."""
        # It takes at most 255 categories; those that are never seen become missing.
        coder = OrdinalEncoder(
            max_categories=250, handle_unknown="use_encoded_value", unknown_value=-1
        ).fit(self.train.categories)
        reduced = make_pipeline(TfidfVectorizer(), TruncatedSVD(50, random_state=0))
        if self.train.texts:
            reduced.fit(self.train.texts)

        def matrix(part: Columns) -> np.ndarray:
            coded = coder.transform(part.categories)
            text = [reduced.transform(part.texts)] if part.texts else []
            return np.hstack([coded, part.numbers, *text])

        return matrix(self.train), matrix(self.test), self.train.categories.shape[1]

    def for_linear(self) -> tuple[Any, Any]:
        """Sparse matrices: standardized numbers, indicators, one-hot categories, TF-IDF."""
        scaler = make_pipeline(
            SimpleImputer(strategy="median", add_indicator=True), StandardScaler()
        )
        scaler.fit(self.train.numbers)
        coder = OneHotEncoder(min_frequency=5, handle_unknown="infrequent_if_exist")
        coder.fit(self.train.categories)
        text = TfidfVectorizer(min_df=2)
        if self.train.texts:
            text.fit(self.train.texts)

        def matrix(part: Columns) -> Any:
            blocks = [scaler.transform(part.numbers), coder.transform(part.categories)]
            if part.texts:
                blocks.append(text.transform(part.texts))
            return sparse.hstack([sparse.csr_array(block) for block in blocks]).tocsr()

        return matrix(self.train), matrix(self.test)


@dataclass(frozen=True)
class Side:
    """What one side reaches on the test rows, and the seconds that it took."""

    metrics: dict[str, float]
    seconds: float


def scores(data: Data, outputs: np.ndarray) -> dict[str, float]:
    """Metrics of predicted numbers, or of the probabilities of classes or labels."""
    assert data.test is not None
    y = data.test.y
    if data.task == "regression":
        outputs = outputs.reshape(len(y))
        return {
            "RMSE": root_mean_squared_error(y, outputs),
            "MAE": mean_absolute_error(y, outputs),
        }
    if data.task == "multilabel":
        return {
            "AUC": float(roc_auc_score(y, outputs, average="macro")),
            "accuracy": float(((outputs > 0.5) == y).mean()),
        }
    return {
        "AUC": float(roc_auc_score(y, outputs[:, 1])),
        "accuracy": float(accuracy_score(y, outputs.argmax(axis=1))),
    }


def recipe_side(recipe: Any, data: Data) -> Side:
    """The recipe as `keras-recipes train` trains it; the saved model predicts the raw test rows."""
    assert data.test is not None
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        result = recipe.train(out=Path(folder) / "run", progress=False)
        seconds = time.perf_counter() - started
        outputs = result.predict(pa.table(dict(data.test.x.columns))).outputs
    return Side(scores(data, outputs), seconds)


def trees_side(data: Data) -> Side:
    """Gradient boosting on numbers with their holes and on categories."""
    started = time.perf_counter()
    train, test, categories = Table(data).for_trees()
    settings = {"categorical_features": list(range(categories)), "random_state": 0}
    if data.task == "regression":
        model: Any = HistGradientBoostingRegressor(**settings)
    else:
        model = HistGradientBoostingClassifier(**settings)
    return fitted(model, data, train, test, started)


def linear_side(data: Data) -> Side:
    """Ridge or logistic regression."""
    started = time.perf_counter()
    train, test = Table(data).for_linear()
    model = Ridge() if data.task == "regression" else LogisticRegression(max_iter=2000)
    return fitted(model, data, train, test, started)


def fitted(model: Any, data: Data, train: Any, test: Any, started: float) -> Side:
    """A model's figures; one model for each of several labels."""
    if data.task == "multilabel":
        model = OneVsRestClassifier(model)
    model.fit(train, data.train.y)
    outputs = model.predict(test) if data.task == "regression" else model.predict_proba(test)
    return Side(scores(data, outputs), time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description="Recipes of tables against scikit-learn.")
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--only", nargs="*", choices=list(FILES), default=list(FILES))
    arguments = parser.parse_args()
    print(LINE("table", "metric", "recipe", "gradient boosting", "linear", "seconds of each"))
    for name in arguments.only:
        path = str((arguments.data / FILES[name]).absolute())
        recipe = keras_recipes.load(name, {"data.source.csv.path": path})
        data = data_of(recipe)
        sides = recipe_side(recipe, data), trees_side(data), linear_side(data)
        seconds = ", ".join(f"{side.seconds:.0f}" for side in sides)
        for metric in sides[0].metrics:
            figures = [f"{side.metrics[metric]:.4g}" for side in sides]
            print(LINE(name, metric, *figures, seconds), flush=True)


if __name__ == "__main__":
    main()
