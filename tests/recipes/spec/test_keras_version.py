"""What the installed version of Keras lacks is refused by name, without importing Keras."""

import pytest

from keras_recipes.recipes.errors import RecipeError
from keras_recipes.recipes.spec import catalog, keras_version, load
from keras_recipes.recipes.spec.json_schema import json_schema

SOUND = {"name": "x", "data": {"source": "iris"}, "model": {"layers": ["flatten"]}}


@pytest.fixture
def use(monkeypatch):
    """Makes another version of Keras look installed; None for none."""
    return lambda version: monkeypatch.setattr(keras_version, "installed", lambda: version)


@pytest.mark.parametrize(
    ("version", "minor"),
    [
        ("3.13.2", "3.13"),
        ("3.15.0", "3.15"),
        ("3.14.0rc1", "3.14"),
        ("3.9.2", "3.13"),
        ("3.20.1", "3.15"),
        ("4.0", "3.15"),
    ],
)
def test_other_versions_are_looked_up_as_the_nearest(version, minor):
    assert keras_version.nearest(version) == minor
    assert keras_version.tested(version) == version.startswith(minor)


def test_the_installed_version_is_that_of_keras():
    import keras

    assert keras_version.installed() == keras.__version__


def test_a_name_that_keras_lacks_is_refused_with_its_line(tmp_path, use):
    recipe = tmp_path / "new.yaml"
    recipe.write_text(
        "data: {source: iris}\n"
        "epochs: 1\n"
        "model:\n"
        "  layers:\n"
        "    - contrast_limited_adaptive_histogram_equalization\n"
        "    - flatten\n"
        "optimizer: {schedule_free_adam_w: {}}\n"
    )
    use("3.14.0")
    load(recipe)
    use("3.13.2")
    with pytest.raises(RecipeError) as caught:
        load(recipe)
    layer, optimizer = map(str, caught.value.problems)
    assert layer.startswith(f"{recipe}:5:7 model.layers[0]: `contrast_limited_adaptive")
    assert (
        "` is a layer of Keras 3.14 and newer; installed is 3.13.2. Install `keras>=3.14`" in layer
    )
    assert optimizer.startswith(
        f"{recipe}:7:35 optimizer.schedule_free_adam_w: `schedule_free_adam"
    )
    assert "` is an optimizer of Keras 3.14" in optimizer


def test_an_argument_that_keras_lacks_is_refused_with_its_line(tmp_path, use):
    recipe = tmp_path / "new.yaml"
    recipe.write_text(
        "data: {source: iris}\n"
        "epochs: 1\n"
        "model:\n"
        "  layers:\n"
        "    - dense:\n"
        "        units: 3\n"
        "        kernel_initializer:\n"
        "          he_normal:\n"
        "            input_axes: [0]\n"
    )
    use("3.15.1")
    load(recipe)
    use("3.14.1")
    with pytest.raises(RecipeError) as caught:
        load(recipe)
    (problem,) = map(str, caught.value.problems)
    assert problem.startswith(f"{recipe}:9:25 model.layers[0].dense.kernel_initializer.he_normal")
    assert (
        "`input_axes` is an argument of `he_normal` in Keras 3.15; installed is 3.14.1. "
        "Install `keras>=3.15`, or leave it out."
    ) in problem


def test_without_metadata_of_keras_nothing_is_refused_for_its_version(use):
    use(None)
    load({**SOUND, "optimizer": "schedule_free_adam_w"})


def test_the_json_schema_is_of_the_installed_version(use):
    use("3.15.1")
    newest = json_schema()["$defs"]
    use("3.13.0")
    oldest = json_schema()["$defs"]
    assert "optimizers.schedule_free_adam_w" in newest
    assert "optimizers.schedule_free_adam_w" not in oldest
    assert "input_axes" in newest["initializers.he_normal"]["properties"]
    assert "input_axes" not in oldest["initializers.he_normal"]["properties"]


def test_what_a_version_dropped_is_said_so(use, monkeypatch):
    gone = catalog.Entry("losses", "gone", "keras.losses.Gone", keras=("3.13", "3.14"))
    monkeypatch.setitem(catalog.tables()["losses"], "gone", gone)
    use("3.15.1")
    assert keras_version.missing_name("losses", "gone") == (
        "`gone` is a loss of Keras 3.13 to 3.14; installed is 3.15.1. "
        "Install `keras==3.14.*`, or use another."
    )
    use("3.13.1")
    assert keras_version.missing_name("losses", "gone") is None
