"""The pages of techniques: whole, made by their scripts, and true where mathematics says so."""

import importlib
import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest

import keras_recipes
from keras_recipes.recipes.spec.loader import parse
from keras_recipes.recipes.sweep.spec import load_sweep

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "techniques"
# What the scripts share.
SHARED = {"bowl", "common", "make", "training"}
NAMES = sorted(path.stem for path in FOLDER.glob("*.md") if path.stem != "index")


@pytest.fixture(scope="module", autouse=True)
def scripts():
    """The folder of the scripts on the path, as for one that is run."""
    sys.path.insert(0, str(FOLDER))
    before = set(sys.modules)
    yield
    sys.path.remove(str(FOLDER))
    for name in set(sys.modules) - before:
        if (
            getattr(sys.modules[name], "__file__", None)
            and FOLDER in Path(sys.modules[name].__file__).parents
        ):
            del sys.modules[name]


def test_every_script_has_its_page_and_the_index_lists_it():
    made = importlib.import_module("make").NAMES
    assert sorted(made) == NAMES
    assert {path.stem for path in FOLDER.glob("*.py")} == SHARED | set(NAMES)
    index = (FOLDER / "index.md").read_text(encoding="utf-8").splitlines()
    assert set(made) <= set(index)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_has_claim_recipe_command_picture_and_numbers(name):
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    for part in ("**The claim.**", "```yaml", "    keras-recipes ", "does not hold"):
        assert part in text, part
    picture = ROOT / "docs" / "pictures" / "techniques" / f"{name}.png"
    assert f"](../pictures/techniques/{name}.png)" in text
    assert 5_000 < picture.stat().st_size < 100_000
    source = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    parts = text.split("<!-- numbers: ")[1:]
    assert parts
    for part in parts:
        key, _, rest = part.partition(" -->")
        rows = [line for line in rest[: rest.index("<!-- end -->")].splitlines() if line]
        assert f'"{key}"' in source
        assert len(rows) > 2, f"`make techniques` writes the numbers of {key}"
        assert set(rows[1]) <= set("| -"), rows[1]
        assert len({row.count("|") for row in rows}) == 1


@pytest.mark.parametrize("name", NAMES)
def test_the_recipe_in_a_page_is_sound(name):
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    tree = parse(block, name).plain()
    if "recipe" in tree:
        load_sweep({"name": "x", "objective": {"maximize": "val_accuracy"}, **tree})
    else:
        default = {"name": "x", "data": {"source": "digits"}, "model": {"layers": []}}
        keras_recipes.load({**default, **tree})


@pytest.mark.parametrize("name", NAMES)
def test_commands_name_recipes_and_overrides_that_there_are(name):
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    for line in text.splitlines():
        if not line.startswith("    keras-recipes "):
            continue
        _, verb, *words = shlex.split(line)
        if verb == "sweep":
            assert (ROOT / "configs" / "sweeps" / f"{words[0]}.yaml").is_file()
            continue
        words = words[: words.index("--entries")] if "--entries" in words else words
        recipes = [word for word in words if "=" not in word]
        overrides = [word for word in words if "=" in word]
        for recipe in recipes:
            assert keras_recipes.load(recipe, overrides).name == recipe


def test_a_table_is_written_between_its_markers(tmp_path, monkeypatch):
    common = importlib.import_module("common")
    monkeypatch.setattr(common, "FOLDER", tmp_path)
    page = tmp_path / "x.md"
    page.write_text("before\n\n<!-- numbers: t -->\n\nold\n\n<!-- end -->\n\nafter\n")
    for _ in range(2):
        common.write_page("x", {"t": (("a", "b"), [["1", "2"]])})
    assert page.read_text() == (
        "before\n\n<!-- numbers: t -->\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n"
        "<!-- end -->\n\nafter\n"
    )


def test_mean_and_deviation():
    common = importlib.import_module("common")
    assert common.percent([0.5, 0.7]) == "60.0 ± 14.1"
    assert common.spread([1.0, float("nan")]) == "not finite in 1 of 2"


def test_gradient_descent_zigzags_as_the_condition_number_says():
    """The slower coordinate keeps (k - 1) / (k + 1) of itself, and no rate does better."""
    bowl = importlib.import_module("bowl")
    for high in (1.0, 3.0, 10.0, 100.0):
        rate = bowl.best_rate((1.0, high))
        factors = abs(1.0 - rate), abs(1.0 - rate * high)
        assert max(factors) == pytest.approx(bowl.best_factor(high), abs=1e-12)
        for other in np.linspace(0.01, 2.0 / high, 50):
            assert max(abs(1 - other), abs(1 - other * high)) >= max(factors) - 1e-12


def test_a_way_crosses_the_floor_at_each_update_beyond_the_inverse_of_the_curvature():
    bowl, keras = importlib.import_module("bowl"), importlib.import_module("keras")
    points = bowl.way(keras.optimizers.SGD(0.15), (1.0, 1.0), (1.0, 10.0), 4)
    np.testing.assert_allclose(points[:, 1], (-0.5) ** np.arange(5), rtol=1e-5)
    assert bowl.turns(points) == 4
    assert bowl.turns(bowl.way(keras.optimizers.SGD(0.05), (1.0, 1.0), (1.0, 10.0), 4)) == 0


def small_network(losses):
    draw = np.random.default_rng(0)
    shapes = ((6, 5), (5,), (5, 3), (3,))
    weights = [draw.normal(size=shape) for shape in shapes]
    return losses.Network(weights, draw.uniform(size=(40, 6)), draw.integers(3, size=40))


def test_the_derivative_of_accuracy_is_zero_and_that_of_the_loss_is_not():
    losses = importlib.import_module("losses")
    net = small_network(losses)
    assert losses.zero_share(net, 1e-7, "accuracy", 1) == 1.0
    assert losses.zero_share(net, 1e-4, "loss", 1) == 0.0
    # It is a staircase: far away accuracy does change, in steps of one row.
    accuracies, values = losses.along(net, np.linspace(-20.0, 20.0, 400))
    stairs = np.unique(accuracies) * len(net.classes)
    assert len(stairs) > 3
    np.testing.assert_allclose(stairs, np.round(stairs), atol=1e-9)
    assert len(np.unique(values)) > 390


def test_numerical_and_automatic_gradients_agree():
    losses, check = importlib.import_module("losses"), importlib.import_module("gradient_check")
    net = small_network(losses)
    assert check.relative_error(net, 1e-5, True, "float64", 1) < 1e-8
    # The error of the central difference is of order h^2, that of the forward one of order h.
    for central, ratio in ((True, 100.0), (False, 10.0)):
        errors = [check.relative_error(net, h, central, "float64", 1) for h in (1e-2, 1e-3)]
        assert errors[0] / errors[1] == pytest.approx(ratio, rel=0.2)


def test_a_program_trains_what_the_command_trains(tmp_path):
    """Curves and test accuracy against those of a run, for a second seed, with another schedule."""
    training = importlib.import_module("training")
    own = ["data.limit=300", "epochs=3", "model.layers=[{dense: {units: 8, activation: tanh}}]"]
    rate = "learning_rate={cosine: {initial_learning_rate: 0.3, decay_steps: 100%}}"
    program = training.Program("minibatch_gradient_descent", own)
    program.train(seed=1, rate=0.1)
    course = program.train([rate], seed=2)
    recipe = training.load("minibatch_gradient_descent", [*own, rate], seed=2)
    result = recipe.train(out=tmp_path / "run", progress=False)
    assert course.last("loss") == pytest.approx(result.train["loss"], rel=1e-4)
    assert course.last("val_loss") == pytest.approx(result.validation["loss"], rel=1e-4)
    assert course.accuracy == pytest.approx(result.test["accuracy"], abs=0.03)
    again = program.train([rate], seed=2)
    np.testing.assert_array_equal(again.outputs, course.outputs)
    assert program.train([rate], seed=2, epochs=2).curves["loss"].tolist() == (
        course.curves["loss"][:2].tolist()
    )
