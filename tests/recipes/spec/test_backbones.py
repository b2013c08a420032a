"""Backbones in a recipe: their names and arguments are Keras's, and mistakes have their line."""

import inspect
from typing import Any

import pytest
import yaml

from keras_recipes.recipes.errors import RecipeError
from keras_recipes.recipes.spec import dump, load
from keras_recipes.recipes.spec.backbones import APPLICATIONS, Pixels

TEXT = """\
name: x
data:
  source: cifar10
model:
  backbone: {mobilenet_v2: {weights: null, alpha: 0.35}}
  layers: [global_average_pooling2d]
"""


def test_the_table_is_that_of_keras():
    import keras

    for name, row in APPLICATIONS.items():
        function: Any = getattr(keras.applications, row.cls)
        assert set(row.arguments) <= set(inspect.signature(function).parameters), name
        module = inspect.getmodule(function)
        if row.pixels is Pixels.RAW:
            continue
        given = module.preprocess_input(__import__("numpy").full((1, 1, 1, 3), 255.0))
        signed, caffe = abs(given - 1).max() < 1e-6, given.max() > 3
        expected = Pixels.SIGNED if signed else Pixels.CAFFE if caffe else Pixels.TORCH
        assert row.pixels is expected, name


def test_it_is_written_and_read_again():
    recipe = load(yaml.safe_load(TEXT))
    assert recipe.model.backbone.arguments == {"weights": None, "alpha": 0.35}
    assert load(yaml.safe_load(dump(recipe))) == recipe
    bare = load(yaml.safe_load(TEXT), ["model.backbone=vgg16"])
    assert bare.model.backbone.name == "vgg16"
    assert load(yaml.safe_load(TEXT), ["model.backbone=null"]).model.backbone is None


def test_files_are_relative_to_the_recipe(tmp_path):
    file = tmp_path / "x.yaml"
    file.write_text(TEXT.replace("weights: null", "weights: w.weights.h5"))
    assert load(file).model.backbone.arguments["weights"] == str(tmp_path / "w.weights.h5")
    file.write_text(TEXT.replace("weights: null", "weights: imagenet"))
    assert load(file).model.backbone.arguments["weights"] == "imagenet"
    file.write_text(TEXT.replace("mobilenet_v2: {weights: null, alpha: 0.35}", "saved: {path: r}"))
    assert load(file).model.backbone.arguments["path"] == str(tmp_path / "r")


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ("mobilenet_v2", "mobilnet_v2", "5: model.backbone.mobilnet_v2", "`mobilenet_v2`"),
        ("alpha: 0.35", "alphas: 0.35", "5: model.backbone.mobilenet_v2.alphas", "`alpha`?"),
        (
            "alpha: 0.35",
            "inference: 1",
            "5: model.backbone.mobilenet_v2.inference",
            "true or false",
        ),
        ("alpha: 0.35", "alpha: 0", "5: model.backbone.mobilenet_v2.alpha", "number > 0"),
        ("null", "3", "5: model.backbone.mobilenet_v2.weights", "expected `imagenet`"),
        ("null", "http://a/b", "5: model.backbone.mobilenet_v2.weights", "expected `imagenet`"),
        (
            "alpha: 0.35",
            "size: [9]",
            "5: model.backbone.mobilenet_v2",
            "a height and a width",
        ),
        ("{mobilenet_v2: {weights: null, alpha: 0.35}}", "3", "5: model.backbone", "expected a"),
        ("mobilenet_v2: {weights: null, alpha: 0.35}", "saved: {}", "5:", "is missing"),
        ("mobilenet_v2: {weights: null, alpha: 0.35}", "hub: {}", "5: model.backbone", "one of"),
        (
            "mobilenet_v2: {weights: null, alpha: 0.35}",
            "hub: {name: 'hf://a/b'}",
            "5: model.backbone.hub.name",
            "expected the name of a preset",
        ),
        ("cifar10", "cifar10\n  scale: minmax", "4: data.scale", "would get it scaled twice"),
        ("cifar10", "digits", "5: model.backbone", "takes pictures (height, width, channels)"),
        ("cifar10", "mnist", "5: model.backbone", "Give it a `size`"),
        ("mobilenet_v2: {weights: null, alpha: 0.35}", "xception", "5:", "of 71 x 71 and more"),
        ("global_average_pooling2d", "{embedding: {input_dim: 3, output_dim: 1}}", "6:", "axis"),
    ],
)
def test_each_mistake_is_reported_with_its_line(tmp_path, old, new, place, message):
    file = tmp_path / "x.yaml"
    file.write_text(TEXT.replace(old, new))
    with pytest.raises(RecipeError) as caught:
        load(file)
    line, _, path = place.partition(": ")
    reported = [str(problem) for problem in caught.value.problems]
    (said,) = (text for text in reported if text.startswith(f"{file}:{line.strip(':')}:"))
    assert f" {path}" in said
    assert message in said
