"""Cross-validation: a training for each fold, and predictions for the rows it validates on."""

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from operator import itemgetter

import keras
import numpy as np

from ..build.images import decodable
from ..build.inputs import data_of
from ..data import Data, Split
from ..data.head import Head
from ..errors import DataError
from ..inputs import Arrays
from ..record import directory as files
from ..record.directory import RunDirectory
from ..record.result import Metrics
from ..spec import Recipe
from ..spec.folds import each_fold
from ..spec.targets import ClassName
from .ensemble import assessed
from .predictions import Predictions
from .reload import measured, predicted
from .several import Several


class CrossValidation(Several):
    """The folds of a cross-validation.

    Args:
        arrays: `(x, y)` for a recipe whose data source is `arrays`.
    """

    word, folder = "fold", files.FOLDS

    def __init__(self, recipe: Recipe, directory: RunDirectory, arrays: Arrays | None = None):
        super().__init__(recipe, directory)
        self.arrays = arrays

    def recipes(self) -> list[Recipe]:
        """The recipe of each fold."""
        return each_fold(self.recipe)

    def measure(self, models: Sequence[keras.Model], data: Data) -> None:
        """Write `out_of_fold.csv`; the mean over folds, and the average on the test split."""
        *parts, average = models
        predicted = [
            self._validated(index, recipe, model)
            for index, (recipe, model) in enumerate(zip(self.recipes(), parts, strict=True), 1)
        ]
        text = out_of_fold(predicted, data.classes, data.heads)
        self.directory.write_text(files.OUT_OF_FOLD, text)
        mean, deviation = summary([part["validation"] for part in self.parts])
        assessment = assessed(self.recipe, data, average, self.directory)
        self.result = replace(
            self.result,
            validation=mean,
            validation_std=deviation,
            test=measured(self.recipe, data, average, "test"),
            quality=assessment.quality,
            threshold=assessment.threshold,
        )

    def _validated(
        self, index: int, recipe: Recipe, model: keras.Model
    ) -> tuple[Split, Predictions]:
        """The validation rows of a fold, and what its model predicts for them."""
        split = decodable(data_of(recipe, self.arrays)).validation
        if split is None:
            raise DataError(f"folds: fold {index} has no validation rows.")
        return split, predicted(self.place(index), model, split.x)


def summary(folds: Sequence[Metrics]) -> tuple[Metrics, Metrics]:
    """Mean and standard deviation of each metric over the folds: `sum (x - mean)^2 / (n - 1)`.

    >>> summary([{"loss": 1.0}, {"loss": 2.0}, {"loss": 3.0}])
    ({'loss': 2.0}, {'loss': 1.0})
    """
    values = {name: [fold[name] for fold in folds] for name in folds[0]}
    mean = {name: float(np.mean(each)) for name, each in values.items()}
    return mean, {name: float(np.std(each, ddof=1)) for name, each in values.items()}


def out_of_fold(
    parts: Sequence[tuple[Split, Predictions]],
    classes: Sequence[ClassName],
    heads: Sequence[Head] = (),
) -> str:
    """Row of the source, fold, target and prediction of each row that validated, as CSV.

    Rows are in the order of the source, from 0. Rows of the test split, and those that only train
    where folds are by time, are not among them. The targets of several outputs are called
    `OUTPUT_target`.
    """
    rows: list[list[object]] = []
    head: list[str] = []
    for index, (split, made) in enumerate(parts, start=1):
        names, cells = made.table()
        targets = _targets(split.y, classes, heads)
        numbers = np.arange(len(split)) if split.numbers is None else split.numbers
        head = ["row", "fold", *targets, *names]
        rows += [
            [number, index, *target, *row]
            for number, row, *target in zip(numbers.tolist(), cells, *targets.values(), strict=True)
        ]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(sorted(rows, key=itemgetter(0)))
    return text.getvalue()


def _targets(
    y: np.ndarray, classes: Sequence[ClassName], heads: Sequence[Head] = ()
) -> dict[str, list[object]]:
    """The targets in columns: the names of classes, or numbers."""
    if heads:
        return {
            f"{head.name}_{column}": cells
            for head in heads
            for column, cells in _targets(y[head.name], head.classes).items()
        }
    if classes:
        return {"target": [classes[number] for number in y.tolist()]}
    columns = y.reshape(len(y), -1).T.tolist()
    if len(columns) == 1:
        return {"target": columns[0]}
    return {f"target_{place}": cells for place, cells in enumerate(columns)}
