"""A user's own classes through every verb: the example of the documentation."""

import json
import re
import sys
from pathlib import Path

import pytest

from keras_recipes.recipes.cli import main
from keras_recipes.recipes.spec import catalog, plugins

DOCS = Path(__file__).parents[3] / "docs" / "recipe.md"


def forget():
    """As in a new process."""
    plugins._loaded.clear()
    for table in catalog.tables().values():
        for name in [name for name, entry in table.items() if entry.plugin is not None]:
            del table[name]
    sys.modules.pop("my_layers", None)
    import keras

    registered = keras.saving.get_custom_objects()
    for name in [name for name in registered if name.startswith("my_layers>")]:
        del registered[name]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The files of the documentation's example."""
    text = DOCS.read_text(encoding="utf-8").partition("## Your own classes")[2]
    code, recipe = (re.search(f"```{kind}\n(.*?)```", text, re.S)[1] for kind in ("python", "yaml"))
    (tmp_path / "my_layers.py").write_text(code)
    (tmp_path / "mine.yaml").write_text(recipe)
    (tmp_path / "rows.csv").write_text("a,b,c,d\n5.1,3.5,1.4,0.2\n")
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    forget()


def test_a_run_with_a_plugin_through_every_verb(folder, capsys):
    plugin = ["--plugin", "my_layers"]
    assert main(["train", "mine.yaml", *plugin, "--out", "run", "-q"]) == 0
    forget()
    for words in ("evaluate run", "predict run rows.csv", "resume run", "reproduce run -q"):
        assert main(words.split()) == 2, words
        said = capsys.readouterr().err
        assert said == "run: this run was made with --plugin my_layers; give it again.\n", words
    assert json.loads((folder / "run/manifest.json").read_text())["plugins"] == ["my_layers"]
    assert (folder / "run/recipe.yaml").read_text().startswith("# Needs: --plugin my_layers\n")
    for words in ("evaluate run", "predict run rows.csv", "resume run", "reproduce run -q"):
        forget()
        assert main([*words.split(), "--plugin", "my_layers.py"]) == 0, words
    forget()
    warm = ["initialize.weights=run", *plugin, "--out", "warm", "-q"]
    assert main(["train", "mine.yaml", *warm]) == 0


def test_an_ensemble_with_a_plugin(folder, capsys):
    words = ["train", "mine.yaml", "epochs=1", "ensemble={members: 2}", "--out", "run", "-q"]
    assert main([*words, "--plugin", "my_layers"]) == 0
    forget()
    assert main(["evaluate", "run"]) == 2
    assert main(["evaluate", "run", "--plugin", "my_layers"]) == 0
    assert "member 2: " in capsys.readouterr().out
