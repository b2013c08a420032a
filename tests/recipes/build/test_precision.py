"""What layers of a recipe compute in, and what `auto` decides."""

import keras
import pytest

import keras_recipes
from keras_recipes.recipes.build import experiment as builds
from keras_recipes.recipes.build import precision
from keras_recipes.recipes.build.inputs import data_of
from keras_recipes.recipes.build.precision import Candidate, Precision

SMALL = {
    "name": "small",
    "data": {"source": "iris", "scale": "standardize"},
    "model": {
        "layers": [
            {"dense": {"units": 4}},
            "softmax",
            {"dense": {"units": 4, "dtype": "float32", "name": "mine"}},
        ]
    },
}


def built(tmp_path, **changes):
    recipe = keras_recipes.load({**SMALL, **changes})
    return builds.experiment(recipe, data_of(recipe), tmp_path)


@pytest.mark.parametrize("name", ["mixed_bfloat16", "mixed_float16"])
def test_sensitive_layers_compute_in_32_bits(tmp_path, name):
    found = built(tmp_path, precision=name)
    computes = {layer.name: layer.compute_dtype for layer in found.model.layers[1:]}
    half = name.removeprefix("mixed_")
    assert computes == {
        "scaling": "float32", "dense": half, "softmax": "float32", "mine": "float32",
        "output": "float32",
    }  # fmt: skip
    assert {weight.dtype for weight in found.model.trainable_weights} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"
    scaled = isinstance(found.model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (name == "mixed_float16")
    assert found.precision == Precision(name)


def test_without_units_for_16_bits_auto_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(precision, "candidate", lambda: Candidate(None, "this processor"))
    found = built(tmp_path, precision="auto")
    assert found.precision.name == "float32"
    assert str(found.precision) == (
        "precision: float32, since this processor has no units for 16-bit numbers"
    )


@pytest.mark.parametrize(
    ("times", "expected"),
    [([0.2, 0.1], "mixed_bfloat16"), ([0.1, 0.1], "float32"), ([0.1, 0.2], "float32")],
)
def test_auto_takes_what_is_faster(monkeypatch, times, expected):
    monkeypatch.setattr(precision, "candidate", lambda: Candidate("mixed_bfloat16", "a device"))
    monkeypatch.setattr(precision, "step_times", lambda steps: times)
    found = precision.decide(lambda name: None)
    assert found.name == expected
    assert found.reason.startswith("on a device a step in mixed_bfloat16 takes")


def test_auto_trains_both_and_starts_from_the_seed_again(tmp_path, monkeypatch):
    monkeypatch.setattr(precision, "candidate", lambda: Candidate("mixed_bfloat16", "a device"))
    monkeypatch.setattr(precision, "GAIN", 1e9)
    monkeypatch.setattr(precision, "TIMED_STEPS", 1)
    measured, said = (built(tmp_path, precision=name) for name in ("auto", "float32"))
    assert measured.precision.name == "float32"
    for one, two in zip(measured.model.get_weights(), said.model.get_weights(), strict=True):
        assert (one == two).all()


def test_a_run_keeps_what_auto_decided(tmp_path, monkeypatch):
    monkeypatch.setattr(precision, "candidate", lambda: Candidate("mixed_bfloat16", "a device"))
    recipe = keras_recipes.load({**SMALL, "precision": "auto"})
    found = builds.experiment(recipe, data_of(recipe), tmp_path, decided="float32")
    assert found.precision.name == "float32"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("processor\t: 0\nflags\t\t: fpu amx_bf16 avx2\n", {"fpu", "amx_bf16", "avx2"}),
        ("Features\t: fp asimd bf16\n", {"fp", "asimd", "bf16"}),
        ("nothing\n", set()),
    ],
)
def test_the_flags_of_the_processor(tmp_path, monkeypatch, text, expected):
    monkeypatch.setattr(precision, "CPU_INFO", tmp_path / "cpuinfo")
    assert precision.processor_flags() == frozenset()
    (tmp_path / "cpuinfo").write_text(text)
    assert precision.processor_flags() == expected
