"""The one list of training parts, and what is held against it: recipes, catalog, arguments."""

from dataclasses import fields

import pytest

from keras_recipes.models import GradientClipping, TrainingParts, WeightDecay
from keras_recipes.models.training_parts import OPTIMIZER_SETTINGS, PART_NAMES, part_classes
from keras_recipes.recipes.spec import Recipe, catalog
from keras_recipes.schedules import Linear


def test_a_recipe_has_a_key_for_each_part():
    keys = Recipe.model_fields
    for row in fields(TrainingParts):
        # The momentum is an argument of the optimizer.
        if row.name != "momentum":
            default = keys[row.name].default
            assert (tuple(default) if isinstance(default, list) else default) == row.default


def test_the_sections_of_the_catalog_are_the_parts_with_a_class():
    assert set(catalog.PARTS) == set(part_classes()) - {"momentum"}
    for name in catalog.PARTS:
        cls = part_classes()[name]
        assert catalog.entry(name, name).class_path == f"{cls.__module__}.{cls.__qualname__}"


def test_each_setting_of_an_optimizer_names_a_part():
    assert set(OPTIMIZER_SETTINGS.values()) <= set(PART_NAMES)


def test_none_and_defaults_are_not_active():
    assert TrainingParts().active() == {}
    assert TrainingParts.of(dict.fromkeys(PART_NAMES)) == TrainingParts()
    clipping = GradientClipping(1.0)
    parts = TrainingParts(gradient_clipping=clipping, gradient_accumulation=2)
    assert parts.active() == {"gradient_clipping": clipping, "gradient_accumulation": 2}


def test_schedules_are_found_in_the_parts():
    momentum, rate = Linear(0.9, 10), Linear(0.1, 10)
    assert TrainingParts(momentum=momentum).schedules() == [momentum]
    parts = TrainingParts(weight_decay=WeightDecay(rate), momentum=momentum)
    assert parts.schedules() == [momentum, rate]
    assert TrainingParts(weight_decay=WeightDecay(0.1)).schedules() == []


def test_an_unknown_part_is_an_error():
    with pytest.raises(TypeError, match="sharpness"):
        TrainingParts.of({"sharpness": 1})
