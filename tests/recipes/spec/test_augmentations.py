"""`data.augment`: what it may hold, reported with the line, before TensorFlow is imported."""

import pytest

from keras_recipes.recipes.errors import RecipeError
from keras_recipes.recipes.spec import catalog, load
from keras_recipes.recipes.spec.augmentations import AUGMENTATIONS, LEFT_OUT, NOT_GIVEN
from keras_recipes.recipes.spec.choices import Choice
from keras_recipes.recipes.spec.json_schema import json_schema
from keras_recipes.recipes.spec.pictures import mixes, picture_shape

RESHAPE = [{"reshape": {"target_shape": [8, -1]}}, "flatten"]


def recipe(augment, data=None, layers=("flatten",), **keys):
    section = {"source": "mnist", **(data or {}), "augment": augment}
    return load({"name": "x", "data": section, "model": {"layers": list(layers)}, **keys})


WRONG = [
    (["dense"], {}, "data.augment[0]: `dense` is a layer for `model.layers`, and no augmentation"),
    ([{"random_flipp": {}}], {}, "augment[0].random_flipp: `random_flipp` is unknown"),
    (["random_flop"], {}, "Did you mean `random_flip`"),
    (["aug_mix"], {}, "augment[0]: `aug_mix` chooses its operations once"),
    ([{"random_crop": {"height": 3, "width": 3}}], {}, "Use `random_translation`"),
    ([{"random_flip": {"seed": 3}}], {},
     "augment[0].random_flip.seed: the recipe's own `seed` decides"),
    ([{"random_flip": {"data_format": "channels_first"}}], {}, "leave `data_format` out"),
    (["random_brightness"], {}, "`random_brightness` needs `factor`"),
    ([{"random_flip": {"modus": "horizontal"}}], {}, "there is no argument `modus` here"),
    ([{"a": 1, "b": 2}], {}, "It has 2 keys"),
    ([3], {}, "data.augment[0]: expected one of the layers"),
    ("random_flip", {}, "data.augment: expected a list"),
    (["random_flip"], {"data": {"source": "iris"}}, "data.augment: a row is 4 numbers"),
    (["random_flip"], {"data": {"source": "digits"}}, "`reshape: {target_shape: ["),
    (["random_flip"], {"data": {"targets": "inputs"}}, "the rows are their own targets"),
    (["random_flip"],
     {"data": {"source": {"csv": {"path": "t.csv"}}, "target": "y", "features": {"a": "numeric"}}},
     "data.augment: augmentations change pictures, and no column is one"),
    (["random_flip", {"random_hue": {"factor": 0.1}}], {},
     "augment[1].random_hue: changes colours, and pictures have 1 channel. It needs 3"),
    ([{"random_color_jitter": {"hue_factor": 0.1}}], {}, "changes colours"),
    (["mixup"], {"loss": "sparse_categorical_crossentropy"},
     "loss: `sparse_categorical_crossentropy` takes one class a row"),
    (["cut_mix"], {"data": {"batch_size": 1}}, "data.batch_size: `data.augment` mixes rows"),
]  # fmt: skip


@pytest.mark.parametrize(("augment", "keys", "reported"), WRONG, ids=[row[2] for row in WRONG])
def test_what_is_wrong_is_reported(augment, keys, reported):
    with pytest.raises(RecipeError) as caught:
        recipe(augment, **keys)
    assert reported in str(caught.value)


def test_every_mistake_is_reported_at_once():
    with pytest.raises(RecipeError) as caught:
        recipe(["dense", {"random_flip": {"seed": 1, "dtype": "float32"}}, "random_zoom"])
    assert len(caught.value.problems) == 4


def test_names():
    layers = catalog.names("layers")
    assert set(AUGMENTATIONS) | set(LEFT_OUT) <= set(layers)
    random = {name for name in layers if name.startswith("random_")}
    assert random <= set(AUGMENTATIONS) | set(LEFT_OUT)
    for name in AUGMENTATIONS:  # what decides the numbers cannot be given
        assert set(NOT_GIVEN) & set(catalog.entry("layers", name).arguments)


def test_other_spellings():
    made = recipe(["mixup", {"cutmix": {"factor": 0.5}}, "random_flip"])
    assert [choice.name for choice in made.data.augment] == ["mix_up", "cut_mix", "random_flip"]
    assert made == recipe(["mix_up", {"cut_mix": {"factor": 0.5}}, "random_flip"])
    assert mixes(made)
    assert not mixes(recipe(["random_flip"]))
    assert not mixes(recipe([]))


@pytest.mark.parametrize(
    ("row", "layers", "shape"),
    [
        ((28, 28), [], (28, 28, 1)),
        ((32, 32, 3), [], (32, 32, 3)),
        ((64,), [], None),
        ((64,), ["flatten"], None),
        ((64,), RESHAPE, (8, 8, 1)),
        ((None,), RESHAPE, (8, None, 1)),
        ((2, 3, 4, 5), [], None),
    ],
)
def test_which_rows_are_pictures(row, layers, shape):
    chosen = [
        Choice("layers", *next(iter(layer.items())))
        if isinstance(layer, dict)
        else Choice("layers", layer)
        for layer in layers
    ]
    assert picture_shape(row, chosen) == shape


def test_flat_rows_behind_a_reshape():
    assert recipe(["random_flip"], {"source": "digits"}, RESHAPE).data.augment


def test_the_schema_knows_the_names():
    choices = json_schema()["$defs"]["augmentations.choice"]["anyOf"]
    assert set(choices[1]["properties"]) == {*AUGMENTATIONS, "mixup", "cutmix"}
    assert "random_flip" in choices[0]["enum"]
    assert "random_rotation" not in choices[0]["enum"]
