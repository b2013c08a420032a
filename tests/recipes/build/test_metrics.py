"""Every metric of the catalog with every form of targets: it trains, or is refused at its line."""

import keras
import numpy as np
import pytest
from sklearn import metrics as sk

from keras_recipes.recipes.build.experiment import experiment
from keras_recipes.recipes.build.inputs import data_of
from keras_recipes.recipes.build.metrics import metrics
from keras_recipes.recipes.build.objects import Builder
from keras_recipes.recipes.build.task import task_of
from keras_recipes.recipes.errors import RecipeError
from keras_recipes.recipes.spec import catalog, load

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 3)).astype("float32")
LABELS = np.arange(24) % 3
LOGITS = {"from_logits": True}
# Form: (loss, targets).
FORMS = {
    "labels": (None, LABELS),
    "labels of logits": ({"sparse_categorical_crossentropy": LOGITS}, LABELS),
    "two labels": (None, LABELS % 2),
    "one-hot": ("categorical_crossentropy", LABELS),
    "binary": ("binary_crossentropy", LABELS % 2),
    "binary of logits": ({"binary_crossentropy": LOGITS}, LABELS % 2),
    "multilabel": (None, RNG.integers(0, 2, (24, 3))),
    "values": (None, RNG.normal(size=(24, 2))),
    "a value": (None, RNG.normal(size=24)),
}
NEEDED = {
    "num_classes": lambda units: max(units, 2),
    "target_class_ids": lambda units: [0, 1],
    "recall": lambda units: 0.5,
    "precision": lambda units: 0.5,
    "specificity": lambda units: 0.5,
    "sensitivity": lambda units: 0.5,
}
ALWAYS = {"auc", "f1_score", "precision", "recall", "accuracy", "mean_squared_error"}


def recipe_of(form, names):
    loss, y = FORMS[form]
    units = 1 if y.ndim == 1 else y.shape[1]
    units = units if y.dtype.kind == "f" or y.ndim == 2 else int(y.max()) + 1
    found = []
    for name in names:
        rows = catalog.entry("metrics", name).arguments
        needed = {key: make(units) for key, make in NEEDED.items() if key in rows}
        found.append({name: needed} if needed else name)
    return load(
        {
            "name": "x",
            "data": {"source": "arrays", "validation": None, "test": None, "batch_size": 24},
            "model": {"layers": []},
            "metrics": found,
            "epochs": 1,
            **({"loss": loss} if loss else {}),
        }
    )


def data_for(recipe, form):
    return data_of(recipe, (X, FORMS[form][1]))


def fits(form, name):
    """Whether a metric is built for a form; one that is refused has its line in the message."""
    recipe = recipe_of(form, [])
    task = task_of(recipe, data_for(recipe, form))
    try:
        recipe = recipe_of(form, [name])
        metrics(recipe, task, Builder(recipe, 1))
    except RecipeError as error:
        return "metrics[0]" not in str(error)
    return True


# The others are proved less often.
QUICK = ("multilabel", "values")
# Of a negative prediction they are no number.
POSITIVE = {"kl_divergence", "mean_squared_logarithmic_error", "poisson"}


@pytest.mark.parametrize(
    "form",
    [pytest.param(form, marks=[] if form in QUICK else [pytest.mark.slow]) for form in FORMS],
)
def test_every_metric_trains_or_is_refused(form, tmp_path):
    fitting = [name for name in catalog.names("metrics") if fits(form, name)]
    kept = {"values": {"mean_squared_error"}, "a value": {"mean_squared_error"}}
    assert kept.get(form, ALWAYS) <= set(fitting)
    assert not {"mean", "sum"} & set(fitting)
    recipe = recipe_of(form, fitting)
    built = experiment(recipe, data_for(recipe, form), tmp_path)
    history = built.model.fit(built.training.dataset, shuffle=False, verbose=0).history
    assert set(fitting) <= set(history)
    assert all(np.isfinite(history[name][0]) for name in {*fitting} - POSITIVE), history
    if form in QUICK:
        return
    # A compiled model that is saved whole holds its metrics.
    built.model.saves_network = False
    built.model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    values = again.evaluate(built.training.dataset, verbose=0, return_dict=True)
    assert set(fitting) <= set(values)


def measured(form, names, y, outputs):
    """Values of metrics on targets and outputs of a form."""
    recipe = recipe_of(form, names)
    task = task_of(recipe, data_for(recipe, form))
    found = {}
    for metric in metrics(recipe, task, Builder(recipe, 1)):
        metric.update_state(task.encode(y), outputs)
        found[metric.name] = float(metric.result())
    return found


def softmax(logits):
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def test_two_classes_are_measured_by_the_second():
    y, logits = LABELS % 2, RNG.normal(size=(24, 2)).astype("float32")
    p = softmax(logits)[:, 1]
    expected = {
        "precision": sk.precision_score(y, p > 0.5),
        "recall": sk.recall_score(y, p > 0.5),
        "f1_score": sk.f1_score(y, p > 0.5),
        "auc": sk.roc_auc_score(y, p),
    }
    # The area is a sum over 200 thresholds.
    near = {"abs": 0.01}
    assert measured("two labels", expected, y, softmax(logits)) == pytest.approx(expected, **near)
    assert measured("binary", expected, y, p[:, None]) == pytest.approx(expected, **near)
    single = np.log(p / (1 - p))[:, None]
    assert measured("binary of logits", expected, y, single) == pytest.approx(expected, **near)


@pytest.mark.parametrize("form", ["labels", "labels of logits", "one-hot"])
def test_several_classes_are_averaged(form):
    logits = RNG.normal(size=(24, 3)).astype("float32")
    p, y = softmax(logits), LABELS
    expected = {
        "f1_score": sk.f1_score(y, p.argmax(1), average="macro"),
        "auc": sk.roc_auc_score(y, p, multi_class="ovr"),
        "precision": sk.precision_score(np.eye(3)[y], p > 0.5, average="micro"),
        "mean_squared_error": np.square(np.eye(3)[y] - p).mean(),
    }
    outputs = logits if "logits" in form else p
    assert measured(form, expected, y, outputs) == pytest.approx(expected, abs=0.01)


def test_labels_are_measured_each_on_its_own():
    y, p = FORMS["multilabel"][1], RNG.random((24, 3)).astype("float32")
    expected = {
        "f1_score": sk.f1_score(y, p > 0.5, average="macro"),
        "auc": sk.roc_auc_score(y, p, average="macro"),
        "accuracy": (y == (p > 0.5)).mean(),
    }
    assert measured("multilabel", expected, y, p) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(
    ("form", "metric", "reason"),
    [
        ("labels", "binary_accuracy", "decides between two classes, and there are 3"),
        ("labels", {"f1_score": {"average": None}}, "a log takes one"),
        ("labels", {"mean_io_u": {"num_classes": 4}}, "`num_classes` must be 3"),
        ("labels", {"auc": {"num_labels": 5}}, "`auc` cannot compare 3 classes"),
        ("multilabel", "sparse_categorical_accuracy", "a row has several labels"),
        ("values", "auc", "the targets are numbers to predict"),
        ("multilabel", "pearson_correlation", "labels of a row are all equal"),
        ("a value", "cosine_similarity", "a row has only one"),
    ],
)
def test_the_reason_is_reported(form, metric, reason):
    recipe = recipe_of(form, [])
    name, arguments = (metric, {}) if isinstance(metric, str) else next(iter(metric.items()))
    recipe = load(
        {
            "name": "x",
            "data": {"source": "arrays"},
            "model": {"layers": []},
            "metrics": [{name: arguments} if arguments else name],
        }
    )
    task = task_of(recipe, data_for(recipe, form))
    with pytest.raises(RecipeError, match=reason):
        metrics(recipe, task, Builder(recipe, 1))
