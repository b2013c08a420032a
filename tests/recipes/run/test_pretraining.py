"""A recipe's pretraining: what it gives to the model, what is kept of it, and what is refused."""

import copy
import itertools
import json
import signal

import keras
import numpy as np
import pytest

import keras_recipes
from keras_recipes.pretraining import (
    DBN,
    RBM,
    Bernoulli,
    Initialization,
    Layer,
    MomentumSGD,
    PersistentCD,
    Regularization,
    TrajectoryTempering,
)
from keras_recipes.recipes import RecipeError, RequestError
from keras_recipes.recipes.build.experiment import experiment
from keras_recipes.recipes.build.inputs import data_of, flat
from keras_recipes.recipes.record.directory import RunDirectory
from keras_recipes.recipes.report.page import write_report
from keras_recipes.recipes.run import rbm_cache
from keras_recipes.recipes.run.pretrain import Pretrainer, estimated, evaluated_rows
from keras_recipes.recipes.spec.pretraining import LogProbabilitySection
from keras_recipes.schedules import PiecewiseConstant

SMALL = {
    "name": "pretrained",
    "seed": 3,
    "data": {"source": "digits", "scale": "minmax", "batch_size": 64, "limit": 300},
    "pretraining": {
        "dbn": {
            "layers": [
                {"units": 12},
                {"units": 8, "estimator": {"persistent_cd": {"chains": 10}}, "output": "sample"},
            ],
            "epochs": 3,
            "batch_size": 50,
            "stddev": 0.05,
            "momentum": {"piecewise_constant": {"boundaries": ["1 epochs"], "values": [0.5, 0.9]}},
            "regularization": {"l2": 1e-3},
        }
    },
    "model": {
        "layers": [
            {"dense": {"units": 12, "activation": "sigmoid"}},
            {"dropout": {"rate": 0.2}},
            {"dense": {"units": 8, "activation": "sigmoid"}},
        ]
    },
    "learning_rate": 1e-30,
    "epochs": 1,
}


def changed(**sections):
    """The small recipe with keys of its network's section, or of others, changed."""
    made = copy.deepcopy(SMALL)
    for name, keys in sections.items():
        target = made["pretraining"]["dbn"] if name == "dbn" else made.setdefault(name, {})
        target.update(keys)
    return made


def built(recipe, tmp_path):
    made = keras_recipes.load(recipe)
    return experiment(made, data_of(made), tmp_path)


def weights(directory):
    return keras.models.load_model(directory / "model.keras", compile=False).get_weights()


def rbm_weights(work):
    return [np.asarray(part) for rbm in work.dbn.rbms for part in rbm.weights]


def same(left, right):
    return all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run and the cache it filled."""
    root = tmp_path_factory.mktemp("pretrained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_RECIPES_CACHE", str(root / "cache"))
        result = keras_recipes.load(SMALL).train(out=root / "run", progress=False)
    assert result.status == "completed"
    return root


def test_the_model_starts_from_what_the_parts_give_by_themselves(run):
    """The recipe against the classes, put together by hand; the rate of 0 keeps the weights."""
    recipe = keras_recipes.load(SMALL)
    rows = flat(data_of(recipe), data_of(recipe).train.x)
    steps = -(-len(rows) // 50)
    estimators = [None, PersistentCD(10)]
    layers = [
        Layer(
            RBM(
                units,
                estimator=estimator,
                regularization=Regularization(l2=1e-3),
                initialization=Initialization(0.05),
                seed=3 + index,
            ),
            MomentumSGD(0.1, PiecewiseConstant([steps], [0.5, 0.9])),
            epochs=3,
            batch_size=50,
        )
        for index, (units, estimator) in enumerate(zip((12, 8), estimators, strict=True))
    ]
    dbn = DBN(layers)
    dbn.pretrain(rows, verbose=0)
    wanted = [part for rbm in dbn.rbms for part in (rbm.kernel, rbm.hidden_bias)]
    assert same(weights(run / "run")[:4], [np.asarray(part) for part in wanted])


def test_the_run_tells_what_came_from_where(run):
    found = json.loads((run / "run" / "pretraining.json").read_text())
    assert [row.split(" <- ")[1] for row in found["handed"]] == [
        "rbm 0, weights",
        "rbm 0, hidden bias",
        "rbm 1, weights",
        "rbm 1, hidden bias",
    ]
    for layer in found["layers"]:
        assert not layer["cached"]
        assert len(layer["history"]["reconstruction_error"]) == 3
        assert len(layer["history"]["free_energy_gap"]) == 3
    manifest = json.loads((run / "run" / "manifest.json").read_text())
    assert manifest["fingerprints"]["pretraining"] == [layer["key"] for layer in found["layers"]]


def test_a_second_run_pays_nothing_and_gets_the_same_bits(run, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_RECIPES_CACHE", str(run / "cache"))
    monkeypatch.setattr(Pretrainer, "train", lambda *_: pytest.fail("an RBM was trained"))
    keras_recipes.load(SMALL).train(out=tmp_path / "again", progress=False)
    assert same(weights(run / "run"), weights(tmp_path / "again"))
    found = json.loads((tmp_path / "again" / "pretraining.json").read_text())
    assert all(layer["cached"] for layer in found["layers"])


@pytest.mark.parametrize(
    ("change", "known"),
    [
        ({"dbn": {"layers": [{"units": 12}, {"units": 8, "epochs": 4}]}}, [True, False]),
        ({"dbn": {"stddev": 0.06}}, [False, False]),
        ({"data": {"validation": "20%"}}, [False, False]),
        ({"data": {"batch_size": 32}}, [True, True]),
    ],
)
def test_only_what_decides_the_weights_decides_the_key(run, tmp_path, change, known):
    found = json.loads((run / "run" / "pretraining.json").read_text())
    work = built(changed(**change), tmp_path).pretraining
    keys = Pretrainer(work, RunDirectory(tmp_path)).keys
    assert [key == layer["key"] for key, layer in zip(keys, found["layers"], strict=True)] == known


@pytest.mark.parametrize("damage", ["flip", "cut", "entry"])
def test_a_damaged_entry_is_trained_again(run, tmp_path, monkeypatch, damage):
    monkeypatch.setenv("KERAS_RECIPES_CACHE", str(run / "cache"))
    key = json.loads((run / "run" / "pretraining.json").read_text())["layers"][0]["key"]
    store = rbm_cache.shared()
    whole = store.find(key)
    assert whole is not None
    path = store.path / key / ("entry.json" if damage == "entry" else "weights.npz")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content[: len(content) // 2] if damage != "flip" else content)
    assert store.find(key) is None
    assert store.keep(key, whole)
    again = store.find(key)
    assert again is not None
    assert same(again.weights, whole.weights)


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KERAS_RECIPES_CACHE", str(tmp_path / "file"))
    assert not rbm_cache.shared().keep("key", rbm_cache.CachedRBM([], {}, 0.0))
    assert rbm_cache.shared().find("key") is None


def test_pretraining_continues_where_it_was_left(run, tmp_path):
    """Left at every other look, and started again each time: the same RBMs, history and all."""
    directory = RunDirectory(tmp_path)
    for _ in range(30):
        made, looks = built(SMALL, tmp_path), itertools.count()
        work = Pretrainer(
            made.pretraining, directory, progress=False, asked=lambda looks=looks: next(looks) > 2
        )
        if work.run(made.model):
            break
    else:
        pytest.fail("pretraining never ended")
    store = rbm_cache.RBMStore(run / "run" / "pretraining")
    found = json.loads((run / "run" / "pretraining.json").read_text())
    finished = [part for layer in found["layers"] for part in store.find(layer["key"]).weights]
    assert same(rbm_weights(made.pretraining), finished)
    again = json.loads((tmp_path / "pretraining.json").read_text())
    for layer, other in zip(found["layers"], again["layers"], strict=True):
        assert layer["history"] == other["history"]


def test_a_signal_in_pretraining_ends_the_run_as_interrupted(tmp_path, monkeypatch):
    monkeypatch.setattr(
        Pretrainer, "run", lambda self, model: self.asked.__self__.receive(signal.SIGTERM)
    )
    result = keras_recipes.load(SMALL).train(out=tmp_path / "run", progress=False)
    assert result.status == "interrupted"
    assert "SIGTERM" in result.reason
    assert not (tmp_path / "run" / "model.keras").exists()


def test_few_labels_train_and_all_rows_pretrain():
    recipe = keras_recipes.load(changed(data={"num_labeled": 50, "limit": 400}))
    few, all_ = data_of(recipe), data_of(keras_recipes.load(changed(data={"limit": 400})))
    assert len(few.train) == 50
    assert np.array_equal(few.rows, all_.train.x)
    assert np.array_equal(few.validation.x, all_.validation.x)
    counts = np.bincount(few.train.y)
    whole = np.bincount(all_.train.y) * 50 / len(all_.train)
    assert np.all(np.abs(counts - whole) < 1)


@pytest.mark.parametrize("binarize", ["none", "sample", "dynamic", "round"])
def test_rows_are_binary_as_the_recipe_says(binarize, tmp_path):
    """What an RBM trains on, and the rows that its log-probability is of."""
    recipe = keras_recipes.load(changed(dbn={"binarize": binarize}))
    data = data_of(recipe)
    work = experiment(recipe, data, tmp_path).pretraining
    probabilities, binary = flat(data, data.rows), evaluated_rows(recipe, data)["training"]
    assert np.array_equal(work.rows, probabilities if binarize == "dynamic" else binary)
    assert work.dbn.rbms[0].visible == Bernoulli(sample_data=binarize == "dynamic")
    if binarize == "none":
        assert np.array_equal(binary, probabilities)
    elif binarize == "round":
        assert np.array_equal(binary, probabilities > 0.5)
    else:
        assert set(np.unique(binary)) == {0, 1}
        assert np.corrcoef(binary.ravel(), probabilities.ravel())[0, 1] > 0.6
        assert (binary[probabilities == 0] == 0).all()
        assert (binary[probabilities == 1] == 1).all()


@pytest.mark.slow
def test_an_autoencoder_undoes_its_encoder(tmp_path):
    layers = [
        {"dense": {"units": 12, "activation": "sigmoid"}},
        {"dense": {"units": 3}},
        {"dense": {"units": 12, "activation": "sigmoid"}},
    ]
    network = [{"units": 12}, {"units": 3, "hidden": "gaussian", "learning_rate": 0.01}]
    recipe = changed(
        data={"targets": "inputs"},
        dbn={"layers": network, "decoder": True},
        model={
            "layers": layers,
            "output": {"dense": {"units": 64, "activation": "sigmoid"}},
        },
    )
    recipe["metrics"] = ["mean_squared_error"]
    result = keras_recipes.load(recipe).train(out=tmp_path / "run", progress=False)
    up1, _, up2, _, down2, bias2, down1, bias1 = weights(tmp_path / "run")
    assert np.array_equal(up1, down1.T)
    assert np.array_equal(up2, down2.T)
    assert bias1.shape == (64,)
    assert bias2.shape == (12,)
    made = built(recipe, tmp_path)
    Pretrainer(made.pretraining, RunDirectory(tmp_path), progress=False).run(made.model)
    test = data_of(keras_recipes.load(recipe)).test
    again = made.pretraining.dbn.reconstruct(test.y)
    assert result.test["mean_squared_error"] == pytest.approx(np.mean((again - test.y) ** 2), 1e-4)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dbn": {"layers": [{"units": 0}]}}, "units: expected a whole number > 0"),
        ({"dbn": {"layers": []}}, "layers"),
        ({"dbn": {"estimator": {"contrastive_divergence": {"k": 0}}}}, "`k` must be >= 1"),
        ({"dbn": {"estimator": "cd"}}, "there is no `cd` among the estimators"),
        ({"dbn": {"layers": [{"units": 5}]}}, "has shape (64, 12) and the weights have shape (64"),
        ({"dbn": {"layers": [{"units": 12}] * 5}}, "3 Dense layers, and 5 need"),
        ({"dbn": {"dense_layers": ["dense", "hidden"]}}, "no Dense layer `hidden`"),
        (
            {"dbn": {"regularization": {"dropout": 1.0}}},
            "recipe pretraining.dbn.regularization: Argument `dropout` must be < 1. "
            "Received: dropout=1.0",
        ),
        ({"dbn": {"visible": {"softmax": {"categories": 7}}}}, "multiple of 7"),
        (
            {"dbn": {"visible": "gaussian", "binarize": "dynamic"}},
            "pretraining.dbn.binarize: `dynamic` draws rows of 0 and 1, for `visible: bernoulli`. "
            "Received: `visible: gaussian`",
        ),
        ({"data": {"scale": "none"}}, "must lie in [0, 1]"),
        ({"data": {"num_labeled": 10**6}}, "num_labeled: 1000000 rows are asked for"),
    ],
)
def test_mistakes_are_reported_before_the_first_step(change, words, tmp_path, monkeypatch):
    monkeypatch.setattr(Pretrainer, "train", lambda *_: pytest.fail("training began"))
    with pytest.raises((RecipeError, RequestError)) as caught:
        keras_recipes.load(changed(**change)).train(out=tmp_path / "run", progress=False)
    assert words in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_layer_of_another_activation_is_refused_or_converted(tmp_path):
    recipe = changed()
    recipe["model"]["layers"][0]["dense"]["activation"] = "tanh"
    with pytest.raises(RecipeError, match="has the activation 'tanh'"):
        built(recipe, tmp_path)
    recipe["pretraining"]["dbn"]["activation"] = "convert"
    assert built(recipe, tmp_path).pretraining is not None


def test_the_report_shows_the_rbms(run):
    text = write_report([run / "run"], run / "page.html").read_text()
    for words in ("free-energy gap", "filters of the first RBM", "fantasies", "rbm 1, weights"):
        assert words in text
    assert text.count('class="plot"') >= 7
    # Beside these three there are the worst rows.
    assert text.count("data:image/png") == 3 + 12


def test_the_pictures_are_what_the_rbms_do(run, tmp_path):
    made = built(SMALL, tmp_path)
    work = Pretrainer(made.pretraining, RunDirectory(run / "run"), progress=False)
    assert work.run(made.model)
    with np.load(run / "run" / "pretraining" / "pictures.npz") as arrays:
        dbn, held_out = made.pretraining.dbn, made.pretraining.validation
        assert np.array_equal(arrays["originals"], held_out[:12])
        assert np.allclose(arrays["reconstructions"], dbn.reconstruct(held_out[:12]), atol=1e-6)
        assert arrays["fantasies"].shape == (4, 12, 64)
        assert arrays["activity_0"].sum() == len(held_out) * 12


def test_validation_rows_beyond_the_range_of_the_training_rows(tmp_path):
    data = {"source": "wine", "limit": None, "batch_size": 32, "validation": 0.3}
    recipe = changed(data=data, dbn={"epochs": 1})
    made = built(recipe, tmp_path)
    held_out = made.pretraining.validation
    assert held_out.min() < -1e-3 or held_out.max() > 1.001
    directory = RunDirectory(tmp_path)
    assert Pretrainer(made.pretraining, directory, progress=False).run(made.model)


@pytest.mark.parametrize("estimator", [None, TrajectoryTempering(2)], ids=["cd", "trajectory"])
def test_log_z_from_both_sides_of_units_without_weights(estimator):
    """It is the sum of log(1 + exp(bias)), exactly, as no weights vary."""
    rbm = RBM(22, estimator=estimator, initialization=Initialization(0.0), seed=1)
    rbm.build((None, 21))
    bias = np.linspace(-1, 1, 22).astype("float32")
    rbm.hidden_bias.assign(bias)
    section = LogProbabilitySection(runs=4, temperatures=10, bracket=True, sweeps=4)
    found = estimated(rbm, np.repeat(np.eye(2, dtype="float32")[:, :1], 21, 1), section, 1)
    exact = 21 * np.log(2) + np.log1p(np.exp(bias)).sum()
    assert found.value == pytest.approx(exact, abs=1e-3)
    assert found.low <= found.high


def test_a_model_of_ones_own_starts_from_the_rbms_too(run, tmp_path):
    recipe = keras_recipes.load(changed(data={"scale": "none"}))
    rows = data_of(keras_recipes.load(SMALL))
    x, y = flat(rows, rows.train.x), rows.train.y
    inputs = keras.Input((64,))
    hidden = keras.layers.Dense(12, activation="sigmoid")(inputs)
    hidden = keras.layers.Dense(8, activation="sigmoid")(hidden)
    model = keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(hidden))
    recipe.fit(model, x, y, validation_data=(x[:50], y[:50]), progress=False)
    assert same(model.get_weights()[:4], weights(run / "run")[:4])
