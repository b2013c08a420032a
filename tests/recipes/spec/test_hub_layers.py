"""Layers of KerasHub in a recipe: checked without it, and its absence is an error with its line."""

import importlib.util
import subprocess
import sys

import pytest

from keras_recipes.recipes.cli import main
from keras_recipes.recipes.errors import RecipeError
from keras_recipes.recipes.spec import catalog, extras
from keras_recipes.recipes.spec.extras import missing_extras
from keras_recipes.recipes.spec.hub_layers import HUB_LAYERS
from keras_recipes.recipes.spec.load import load

TEXT = """\
name: x
data: {source: mnist}
model:
  layers:
    - transformer_encoder: {intermediate_dim: 8, num_heads: 2}
    - residual: [{transformer_decoder: {intermediate_dim: 8, num_heads: 2}}]
    - flatten
"""
ENCODER = "transformer_encoder: {intermediate_dim: 8, num_heads: 2}"


def problem(change: tuple[str, str], tmp_path) -> str:
    (tmp_path / "recipe.yaml").write_text(TEXT.replace(*change))
    with pytest.raises(RecipeError) as error:
        load(tmp_path / "recipe.yaml")
    return str(error.value)


def test_a_recipe_is_checked_without_the_package(tmp_path):
    (tmp_path / "recipe.yaml").write_text(TEXT)
    code = (
        "import sys; from keras_recipes.recipes.spec.load import load; load('recipe.yaml'); "
        "print({'keras', 'keras_hub', 'tensorflow'} & set(sys.modules))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert found.stdout == "set()\n"


@pytest.mark.parametrize(
    ("written", "place", "words"),
    [
        ("transformer_encoder: {num_heads: 2}", "transformer_encoder.intermediate_dim", "missing"),
        (
            "transformer_encoder",
            "layers[0]",
            "write `transformer_encoder: {intermediate_dim: ...}`",
        ),
        (ENCODER.replace("8", "0"), "transformer_encoder.intermediate_dim", "Received 0"),
        (ENCODER.replace("num_heads", "heads"), "transformer_encoder.heads", "`num_heads`"),
        (ENCODER.replace("2}", "40}"), "layers[0]", "its 28 channels are fewer than its 40"),
        (ENCODER.replace("2}", "2, dropout: 1}"), "transformer_encoder.dropout", "< 1"),
        (ENCODER.replace("2}", "2, activation: os.system}"), ".activation", "is an import path"),
        (ENCODER.replace("2}", "2, kernel_initializer: /etc/x}"), ".kernel_init", "is no"),
        (
            "token_and_position_embedding: {sequence_length: 0, vocabulary_size: 9, "
            "embedding_dim: 2}",
            "sequence_length",
            "> 0",
        ),
        ("rotary_embedding: {rope_type: /etc/x}", "rope_type", "`yarn`"),
        ("rotary_embedding: {feature_axis: -1, max_wavelength: 0}", "max_wavelength", "> 0"),
        ("position_embedding: {sequence_length: 28}", "layers[0]", "`positional_embedding`"),
        ("sine_position_encoding", "layers[0]", "`positional_embedding: {kind: sinusoidal}`"),
        ("transformer_encodr", "layers[0]", "Did you mean `transformer_encoder`"),
    ],
)
def test_a_mistake_has_its_line(written, place, words, tmp_path):
    reported = problem((ENCODER, written), tmp_path)
    assert reported.split(": ")[0].split(":")[1] == "5"
    assert place in reported
    assert words in reported


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ("{rotary_embedding: {}}, {dense: {units: 3}}, rotary_embedding", "in pairs"),
        (
            "reshape: {target_shape: [784]}}, {token_and_position_embedding: {vocabulary_size: 9, "
            "sequence_length: 100, embedding_dim: 2}}, {identity: {}",
            "they have 784 steps, and `sequence_length` is 100",
        ),
    ],
)
def test_shapes_are_known(layer, words, tmp_path):
    layer = layer if layer.startswith("{") else f"{{{layer}}}"
    whole = TEXT[TEXT.index("  layers:") :]
    assert words in problem((whole, f"  layers: [{layer}, flatten]\n"), tmp_path)


def test_no_argument_takes_a_path():
    """What is text is one of a few words, or the name of an activation or an initializer."""
    words = {"rope_type", "activation", "kernel_initializer", "bias_initializer"}
    words |= {"embeddings_initializer"}
    found = {
        key
        for row in HUB_LAYERS.values()
        for key, argument in row["arguments"].items()
        if isinstance(argument.get("default"), str)
    }
    assert found == words


def test_where_it_is_not_installed_each_layer_says_so(tmp_path, monkeypatch, capsys):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        extras.importlib.util, "find_spec", lambda name: None if name == "keras_hub" else find(name)
    )
    (tmp_path / "recipe.yaml").write_text(TEXT)
    found = [str(one) for one in missing_extras(load(tmp_path / "recipe.yaml"))]
    needs = "needs the package `keras_hub`: `pip install 'keras-recipes[hub]'`."
    assert [one.split("recipe.yaml:")[1] for one in found] == [
        f"5:28 model.layers[0].transformer_encoder: {needs}",
        f"6:40 model.layers[1].residual[0].transformer_decoder: {needs}",
    ]
    monkeypatch.chdir(tmp_path)
    for words in (["validate", "recipe.yaml"], ["train", "recipe.yaml", "-q", "--out", "run"]):
        assert main(words) == 2
        assert "model.layers[0].transformer_encoder: needs the package" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_others_need_nothing(monkeypatch):
    monkeypatch.setattr(extras.importlib.util, "find_spec", lambda name: None)
    recipe = {"name": "x", "data": {"source": "iris"}, "model": {"layers": ["flatten"]}}
    assert missing_extras(load(recipe)) == []
    inner = {"time_distributed": {"layer": "rotary_embedding"}}
    recipe["model"] = {"parts": {"one": {"from": "rows", "layers": [inner, "flatten"]}}}
    [found] = missing_extras(load({**recipe, "data": {"source": "arrays"}}))
    place = "model.parts.one.layers[0].time_distributed.layer.rotary_embedding"
    assert found.path == place


def test_the_table_is_in_the_catalog():
    named = {name for name, entry in catalog.tables()["layers"].items() if entry.of_hub}
    assert named == set(HUB_LAYERS)
