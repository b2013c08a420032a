"""A model card says what the run has recorded, in Markdown that does nothing."""

import json
import shutil

import pytest

import keras_recipes
from keras_recipes.recipes.export.card import card, escaped


def test_a_card_has_the_figures_of_the_run(iris):
    text = card(iris)
    result = json.loads((iris / "result.json").read_text())
    assert f"{result['test']['accuracy']:.4f}" in text
    assert all(f"- {escaped(finding)}" in text for finding in result["findings"])
    manifest = json.loads((iris / "manifest.json").read_text())
    assert manifest["fingerprints"]["data"] in text
    assert manifest["versions"]["keras"].replace("_", "\\_") in text
    recipe = text.partition("```yaml\n")[2].partition("\n```")[0]
    assert recipe == (iris / "recipe.yaml").read_text().rstrip("\n")
    # Recall and precision of each class.
    assert text.count("| recall | precision |") == 2


def test_a_card_has_the_figures_of_each_category(titanic):
    text = card(titanic)
    shown = json.loads((titanic / "evidence.json").read_text())["test"]["slices"]
    assert {each["column"] for each in shown} == {"pclass"}
    for each in shown:
        mean, low, high = (f"{each[key]:.4f}" for key in ("mean", "low", "high"))
        line = f"| pclass | {each['value']} | {each['rows']} | {mean} | {low} | {high} |"
        assert line in text.partition("By category, test rows")[2]


def test_names_from_a_file_are_no_markup(iris, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(iris, run)
    found = json.loads((run / "result.json").read_text())
    found.pop("files")
    found["findings"] = ["<script>alert(1)</script> [a](b)\n# head"]
    (run / "result.json").write_text(json.dumps(found))
    text = card(run)
    assert "<script>" not in text
    assert "\n# head" not in text


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(keras_recipes.RequestError, match="not a run directory"):
        card(tmp_path)
