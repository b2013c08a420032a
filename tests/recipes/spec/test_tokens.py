"""Texts as tokens in a recipe: one column, for the network of a preset."""

import pytest

from keras_recipes.recipes.errors import RecipeError
from keras_recipes.recipes.spec import load
from keras_recipes.recipes.spec.missing_files import missing_backbone
from keras_recipes.recipes.spec.tokens import token_columns

TEXT = """\
name: x
data:
  source: {csv: {path: films.csv}}
  target: label
  features: {'*': auto, title: {text: {output: tokens, length: 8}}}
model:
  backbone: {hub: {path: preset}}
  layers: []
"""


def written(tmp_path, text):
    file = tmp_path / "x.yaml"
    file.write_text(text)
    return file


def test_the_column_of_tokens_is_known(tmp_path):
    assert token_columns(load(written(tmp_path, TEXT))) == ["title"]
    assert token_columns(load(written(tmp_path, TEXT.replace("output: tokens, ", "")))) == []


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ("  backbone: {hub: {path: preset}}\n", "", "5: data.features.title", "`output: int`"),
        ("hub: {path: preset}", "vgg16: {weights: null}", "5: data.features.title", "text preset"),
        (
            "title:",
            "plot: {text: {output: tokens}}, title:",
            "5: data.features.title.text.output",
            "takes one text, and `plot` enters as `tokens` already",
        ),
        ("path: preset", "path: preset, size: [8, 8]", "7: model.backbone.hub.size", "of pictures"),
        ("path: preset", "path: preset, output: last", "7: model.backbone.hub.output", "`mean`"),
        ("length: 8", "length: 2", "5: data.features.title.text.length", "3"),
        (
            "output: tokens, length: 8}}}\nmodel:\n  backbone: {hub: {path: preset}}",
            "length: 8}}}\nmodel:\n  backbone: {hub: {path: preset, output: mean}}",
            "7: model.backbone.hub.output",
            "no column enters as tokens",
        ),
    ],
)
def test_each_mistake_is_reported_with_its_line(tmp_path, old, new, place, message):
    assert old in TEXT
    file = written(tmp_path, TEXT.replace(old, new))
    with pytest.raises(RecipeError) as caught:
        load(file)
    line, _, path = place.partition(": ")
    said = [str(problem) for problem in caught.value.problems]
    (found,) = (text for text in said if text.startswith(f"{file}:{line}:") and message in text)
    assert f" {path}" in found


def test_a_folder_without_a_tokenizer_is_reported_before_keras_is_imported(tmp_path):
    recipe = load(written(tmp_path, TEXT))
    (problem,) = missing_backbone(recipe)
    assert "there is no such file or folder" in str(problem)
    (tmp_path / "preset").mkdir()
    (problem,) = missing_backbone(recipe)
    assert "7:" in str(problem)
    assert "has no `tokenizer.json`" in str(problem)
    (tmp_path / "preset" / "tokenizer.json").write_text("{}")
    assert missing_backbone(recipe) == []
