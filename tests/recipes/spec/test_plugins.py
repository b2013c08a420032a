"""Plugins: which modules may be one, and what is said of those that may not. Without Keras."""

import sys
from dataclasses import replace

import pytest

from keras_recipes.recipes.errors import RecipeError, RequestError
from keras_recipes.recipes.spec import catalog, load, plugins

FUNCTION = "def twice(x):\n    return 2 * x\n\n\n"
SOUND = FUNCTION + "KERAS_RECIPES = {'activations': {'twice': twice}}\n"
RECIPE = {
    "name": "x",
    "data": {"source": "iris"},
    "model": {"layers": [{"dense": {"units": 2, "activation": "twice"}}]},
}


@pytest.fixture(autouse=True)
def _as_before(monkeypatch):
    """Whatever a test loads is gone after it."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    modules = set(sys.modules)
    yield
    plugins._loaded.clear()
    for table in catalog.tables().values():
        for name in [name for name, entry in table.items() if entry.plugin is not None]:
            del table[name]
    for name in set(sys.modules) - modules:
        if (
            getattr(sys.modules[name], "__file__", None)
            and "/pytest-" in sys.modules[name].__file__
        ):
            del sys.modules[name]


@pytest.mark.parametrize("asked", ["beside", "beside.py", "./beside.py", "{folder}/beside.py"])
def test_a_module_of_the_working_directory_or_a_file_is_a_plugin(asked, tmp_path):
    (tmp_path / "beside.py").write_text(SOUND)
    asked = asked.format(folder=tmp_path)
    recipe = load(RECIPE, plugins=[asked])
    assert plugins.plugins_of(recipe) == [asked]
    assert plugins.is_loaded("beside")
    assert plugins.is_loaded("elsewhere/beside.py")
    load(RECIPE, plugins=[asked, "beside"])


def test_a_plugin_that_a_recipe_does_not_use_is_not_recorded(tmp_path):
    (tmp_path / "beside.py").write_text(SOUND)
    assert plugins.plugins_of(load("digits_mlp", plugins=["beside"])) == []


def test_an_installed_plugin_is_known_without_a_word(tmp_path, monkeypatch):
    (tmp_path / "installed_one.py").write_text(SOUND)
    info = tmp_path / "installed_one-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: installed-one\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[keras_recipes.plugins]\nmine = installed_one\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert plugins.plugins_of(load(RECIPE)) == ["installed_one"]


BROKEN = {
    "absent": (None, "there is no module `plug`, neither installed nor in the working directory"),
    "raises": ("x = 1\nraise ValueError('no luck')\n", "ValueError: no luck ({file}, line 2)."),
    "imports": ("import no_such_thing\n", "No module named 'no_such_thing' ({file}, line 1)."),
    "syntax": ("x = 1\nif\n", "SyntaxError: invalid syntax ({file}, line 2)."),
    "exits": ("import sys\nsys.exit(3)\n", "SystemExit: 3 ({file}, line 2)."),
    "no table": ("x = 1\n", "{file} has no table `KERAS_RECIPES`"),
    "a list": ("KERAS_RECIPES = []\n", "{file} has no table `KERAS_RECIPES`"),
    "a kind": ("KERAS_RECIPES = {'layer': {}}\n", 'has the kind "layer"; a plugin may bring'),
    "a section": ("KERAS_RECIPES = {'weight_decay': {}}\n", 'has the kind "weight_decay"'),
    "no mapping": ("KERAS_RECIPES = {'layers': 3}\n", "is not a mapping of names to classes"),
    "a name": (FUNCTION + "KERAS_RECIPES = {'activations': {'A B': twice}}\n", 'name "A B"'),
    "no class": (FUNCTION + "KERAS_RECIPES = {'layers': {'twice': twice}}\n", "is not a class"),
    "no function": ("KERAS_RECIPES = {'activations': {'a': int}}\n", "is not a function"),
    "no layer": (
        "class A:\n    pass\n\n\nKERAS_RECIPES = {'layers': {'a': A}}\n",
        "`a` is not a subclass of `keras.layers.Layer`",
    ),
    "inside": (
        "def f():\n    def g(x):\n        return x\n    return g\n"
        "KERAS_RECIPES = {'activations': {'g': f()}}\n",
        "does not stand at the top of its module",
    ),
    "clash": (
        FUNCTION + "KERAS_RECIPES = {'activations': {'relu': twice}}\n",
        "`relu` is a name of keras-recipes already; choose another",
    ),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_what_is_wrong_with_a_plugin_is_said(text, message, tmp_path):
    file = tmp_path / "plug.py"
    if text is not None:
        file.write_text(text)
    with pytest.raises(RequestError) as caught:
        load(RECIPE, plugins=["plug"])
    assert str(caught.value).startswith("--plugin plug: ")
    assert message.format(file=file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_two_plugins_do_not_share_a_name(tmp_path):
    for name in ("one", "two"):
        (tmp_path / f"{name}.py").write_text(SOUND)
    with pytest.raises(RequestError, match="`twice` is a name of --plugin one already"):
        load(RECIPE, plugins=["one", "two"])


def test_a_file_takes_the_place_of_no_other_module(tmp_path):
    (tmp_path / "json.py").write_text(SOUND)
    with pytest.raises(RequestError, match=r"another module is called `json`\. Rename the file"):
        load(RECIPE, plugins=["./json.py"])
    with pytest.raises(RequestError, match=r"there is no file absent\.py"):
        load(RECIPE, plugins=["absent.py"])


def test_a_callback_of_a_plugin_may_monitor_what_it_logs_itself():
    recipe = {
        "name": "x",
        "data": {"source": "iris"},
        "model": {"layers": []},
        "callbacks": [{"mine": {"monitor": "its_own_value"}}],
    }
    own = catalog.entry("callbacks", "early_stopping")
    entry = replace(own, name="mine", plugin="beside")
    catalog.tables()["callbacks"]["mine"] = entry
    assert load(recipe).callbacks[0].name == "mine"
    catalog.tables()["callbacks"]["mine"] = replace(entry, plugin=None)
    with pytest.raises(RecipeError, match="`its_own_value` is not logged"):
        load(recipe)
    del catalog.tables()["callbacks"]["mine"]
