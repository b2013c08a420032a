"""Every sweep that ships: its header, its space, its place among the recipes."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from keras_recipes.recipes import RecipeError
from keras_recipes.recipes.spec.shipped import sweeps
from keras_recipes.recipes.spec.sweep_file import is_sweep
from keras_recipes.recipes.sweep.spec import load_sweep
from keras_recipes.recipes.sweep.spec.algorithms import ALGORITHMS
from keras_recipes.recipes.sweep.spec.file import json_schema

ROOT = Path(__file__).parents[4]
NAMES = [sweep.name for sweep in sweeps()]


def test_all_are_seen():
    assert NAMES == [
        "coarse_to_fine_textbook",
        "digits_architecture",
        "digits_learning_rate",
        "digits_schedules",
        "wsd_cooldowns",
    ]
    assert len(list((ROOT / "configs" / "sweeps").iterdir())) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_header_and_space(name):
    text = (ROOT / "configs" / "sweeps" / f"{name}.yaml").read_text(encoding="utf-8")
    for part in ("Shows:", "Source:", f"Run:    keras-recipes sweep {name}\n", "Expect:"):
        assert part in text, part
    assert f"\nname: {name}\n" in text
    assert re.match(r"# [^\n]+[.?]\n", text)
    made = load_sweep(name)
    assert made.name == name
    assert made.parameters


def test_the_textbooks_ranges():
    made = load_sweep("coarse_to_fine_textbook")
    ranges = {row.name: (row.domain.min, row.domain.max) for row in made.parameters}
    assert ranges == {"learning_rate": (1e-6, 1e-2), "weight_decay.rate": (1e-8, 1e-4)}
    assert made.algorithm.arguments["trials"][0] == 100


def test_what_is_a_sweep_and_what_a_recipe(tmp_path):
    assert is_sweep("digits_schedules")
    assert is_sweep(ROOT / "configs" / "sweeps" / "digits_schedules.yaml")
    assert not is_sweep("digits_mlp")
    assert not is_sweep(ROOT / "configs" / "digits_mlp.yaml")
    assert not is_sweep(tmp_path / "nowhere.yaml")


def test_an_unknown_name_has_the_closest(tmp_path):
    with pytest.raises(RecipeError, match="Did you mean `digits_schedules`"):
        load_sweep("digits_schedule")


def test_reading_a_sweep_imports_neither_keras_nor_keras_tuner():
    code = (
        "import sys; from keras_recipes.recipes.sweep.spec import load_sweep; "
        "load_sweep('digits_architecture'); "
        "print([m for m in ('keras', 'tensorflow', 'keras_tuner', 'numpy') if m in sys.modules])"
    )
    reported = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert reported.stdout.strip() == "[]"


def test_the_json_schema_names_every_section_and_every_domain():
    schema = json_schema()
    assert set(schema["required"]) == {"recipe", "space"}
    assert schema["properties"]["space"]["properties"]["learning_rate"]
    assert "seed" not in schema["properties"]["space"]["properties"]
    assert schema["properties"]["description"]["default"] == ""
    assert "default" not in schema["properties"]["recipe"]
    assert "default" not in schema["properties"]["constraints"]["items"]
    algorithms = schema["properties"]["algorithm"]["anyOf"][1]["properties"]
    assert set(algorithms) == set(ALGORITHMS)
    kinds = schema["$defs"]["space.entry"]["anyOf"]
    required = [kind["required"][0] for kind in kinds if "required" in kind]
    assert required == ["uniform", "log_uniform", "int", "choice", "fixed", "stack"]
