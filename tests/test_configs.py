"""Every recipe that ships: its header, its place in the docs, and a shortened run of it."""

import re
from pathlib import Path

import numpy as np
import pytest
from images import write_folder
from tables import COLUMNS, write_table

import keras_recipes
from keras_recipes.recipes import TrainingFailed
from keras_recipes.recipes.cli import main

ROOT = Path(__file__).parent.parent
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
NAMES = [path.stem for path in CONFIGS]

# MNIST is not bundled: digits have the same form of data, less of it.
DIGITS = ["data.source=digits", "data.validation=15%", "data.batch_size=32"]
RBMS = [*DIGITS, "pretraining.dbn.epochs=1", "pretraining.dbn.jit_compile=false"]
STAND_IN = {
    "mnist_mlp": DIGITS,
    "digits_dbn": ["pretraining.dbn.epochs=1"],
    "digits_rbm_trajectory": ["pretraining.dbn.epochs=2"],
    "mnist_dbn": RBMS,
    "mnist_dbn_dropout": RBMS,
    "mnist_few_labels": [*RBMS, "data.num_labeled=50"],
    "mnist_autoencoder": [*RBMS, "model.output.dense.units=64"],
    "mnist_rbm_ais": [*RBMS, "pretraining.dbn.log_probability.temperatures=20"],
    "mnist_rbm_density": [
        *RBMS,
        "pretraining.dbn.log_probability.temperatures=20",
        "pretraining.dbn.log_probability.sweeps=4",
    ],
    "digits_augmented": ["data.batch_size=16"],
    "optimizers_compared": ["data.batch_size=32"],
    "ensemble": ["ensemble.members=2"],
    "wine_folds": ["data.folds=2"],
    "diamonds": ["data.batch_size=32"],
    "movies": ["data.batch_size=32"],
    "movies_graph": ["data.batch_size=32"],
    "two_heads": ["data.batch_size=32"],
    "flights": ["data.batch_size=32"],
    # A short stand-in for the run that it begins with, as `own_data` trains it.
    "transfer_finetune": ["phases=[{epochs: 1, freeze: backbone}, {epochs: 1}]"],
    **{
        name: ["data.limit=null", "data.window.inputs=48", "data.window.horizon=8"]
        for name in COLUMNS
        if name.startswith("elecdemand")
    },
}
# Recipes of tables that do not ship; they train on made-up ones.
TABLES = sorted(COLUMNS)
# Recipes of a table that another one is called after.
SAME_TABLE = {
    "movies_graph": "movies",
    "two_heads": "diamonds",
    **dict.fromkeys(
        ("elecdemand_convolution", "elecdemand_gru", "elecdemand_transformer"), "elecdemand"
    ),
}
# Recipes whose point is that they fail.
FAILS = {"exploding_gradients"}
# Recipes whose runs have a test of their own.
ELSEWHERE = {"overfitting", "overfitting_mended", "underfitting", "underfitting_mended"} | {
    "dead_units", "dead_units_mended", "divergence_rolled_back", "initializer_zeros",
    "vanishing_gradients", "vanishing_gradients_mended", "exploding_gradients_clipped",
    "exploding_recurrent", "exploding_recurrent_clipped",
}  # fmt: skip


def header(path: Path) -> str:
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        lines.append(line)
    return "\n".join(lines)


def test_all_recipes_are_seen():
    assert len(CONFIGS) == 63


@pytest.mark.parametrize("path", CONFIGS, ids=NAMES)
def test_header_tells_what_source_command_and_what_to_expect(path):
    text = header(path)
    for part in ("Shows:", "Source:", f"Run:    keras-recipes train {path.stem}", "Expect:"):
        assert part in text, part
    # The expectation has a metric and a time.
    expect = text[text.index("Expect:") :]
    assert re.search(r"\d.*\bs\b", expect.replace("\n", " ")), expect
    assert f"name: {path.stem}\n" in path.read_text(encoding="utf-8")


def trained_often(name: str) -> bool:
    """Whether every test run trains a recipe; of those that are much alike, one does."""
    return name in OFTEN or not name.startswith(ALIKE)


ALIKE = ("mnist_", "schedule_", "initializer_", "weight_decay_", "gradient_clipping_", "layer_")
OFTEN = {
    "mnist_mlp",
    "schedule_piecewise",
    "schedule_plateau",
    "weight_decay_l2",
}
TRAINED = [
    pytest.param(name, marks=[] if trained_often(name) else [pytest.mark.slow])
    for name in NAMES
    if name not in ELSEWHERE
]


@pytest.mark.parametrize("name", NAMES)
def test_says_nothing_that_the_language_does_not_know(name):
    assert keras_recipes.load(name).name == name


def own_data(name: str, folder: Path) -> list[str]:
    """Overrides that give a recipe whose table does not ship a made-up one."""
    if name == "mnist_folder":
        classes = [str(digit) for digit in range(10)]
        made = write_folder(folder / "mnist", classes, 16, ("train", "test"), (28, 28), 1)
        return [f"data.source.image_folder.path={made}"]
    if name.startswith("transfer_"):
        return digits_of_two_halves(name, folder)
    if name not in TABLES:
        return []
    return [f"data.source.csv.path={write_table(name, folder)}"]


def digits_of_two_halves(name: str, folder: Path) -> list[str]:
    """Overrides with pictures like those of MNIST, and a run to begin with."""
    path = folder / "digits.npz"
    draw = np.random.default_rng(0)
    x, y = draw.integers(0, 256, (160, 28, 28)).astype("uint8"), np.arange(160) % 5
    np.savez(path, x=x, y=y, x_test=x[:20], y_test=y[:20])
    given = [f"data.source.npz.path={path}"]
    if name == "transfer_pretrain":
        return given
    low = keras_recipes.load("transfer_pretrain", [*given, "epochs=1"])
    low.train(out=folder / "low", progress=False)
    return [*given, f"model.backbone.saved.path={folder / 'low'}"]


@pytest.mark.parametrize("name", TRAINED)
def test_trains_shortened(name, tmp_path):
    overrides = ["epochs=2", "data.limit=150", *STAND_IN.get(name, []), *own_data(name, tmp_path)]
    recipe = keras_recipes.load(name, overrides)
    if name in FAILS:
        with pytest.raises(TrainingFailed, match="gradient_clipping"):
            keras_recipes.load(name, ["epochs=20"]).train(out=tmp_path / "run", progress=False)
        return
    result = recipe.train(out=tmp_path / "run", progress=False)
    assert result.status == "completed"
    assert result.epochs == 2 * max(1, len(result.members), len(result.folds))
    assert (result.test or result.validation)["loss"] > 0


@pytest.mark.parametrize("name", TABLES)
def test_where_a_table_comes_from_is_said_if_it_is_not_there(name, capsys):
    recipe = keras_recipes.load(name)
    path = Path(recipe.data.source.arguments["path"])
    assert path.parent == ROOT / "configs"
    table = SAME_TABLE.get(name, name)
    assert path.name in (f"{table}.csv", f"{table}.csv.gz")
    for verb in ("validate", "train"):
        assert main([verb, name]) == 2
        reported = capsys.readouterr().err
        # A recipe that extends another has the line of that one.
        assert f"{name}.yaml:" in reported or f"{table}.yaml:" in reported
        assert "there is no such file. Source: `" in reported
        assert "of the R package" in reported
        assert "add `data.source.csv.path=FILE`" in reported


def test_where_a_folder_comes_from_is_said_if_it_is_not_there(capsys):
    for verb in ("validate", "train"):
        assert main([verb, "mnist_folder"]) == 2
        said = capsys.readouterr().err
        assert "Source: MNIST" in said
        assert "data.source.image_folder.path=" in said
