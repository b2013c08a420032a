"""What a training would take of the memory, counted before it is taken."""

import pytest

from keras_recipes import load
from keras_recipes.recipes.build import capacity
from keras_recipes.recipes.errors import RecipeError


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"optimizer": "sgd"}, 2),
        ({"optimizer": {"sgd": {"momentum": 0.9}}}, 3),
        ({"optimizer": "adam", "weight_averaging": {"decay": 0.9}}, 5),
        ({"optimizer": "rmsprop", "gradient_accumulation": 4}, 4),
    ],
)
def test_training_keeps_more_than_the_weights(changes, expected):
    assert capacity.copies(load("digits_mlp", changes)) == expected


def test_processes_and_containers_divide_the_memory(monkeypatch, tmp_path):
    monkeypatch.setattr(capacity, "memory", lambda: 64.0 * capacity.GIBIBYTE)
    monkeypatch.setattr(capacity, "LIMITS", ())
    assert capacity.available() == 64 * capacity.GIBIBYTE
    (tmp_path / "max").write_text("max\n")
    (tmp_path / "limit").write_text(f"{8 * capacity.GIBIBYTE}\n")
    monkeypatch.setattr(capacity, "LIMITS", (tmp_path / "absent", tmp_path / "max"))
    assert capacity.available() == 64 * capacity.GIBIBYTE
    monkeypatch.setattr(capacity, "LIMITS", (tmp_path / "limit",))
    monkeypatch.setenv(capacity.PROCESSES, "4")
    assert capacity.available() == 2 * capacity.GIBIBYTE


def test_a_network_that_would_fit_alone_is_refused_where_training_does_not(monkeypatch, tmp_path):
    # 64 x 60,000,000 weights are 14.3 GiB: they fit 16 GiB, and their gradient does not.
    monkeypatch.setattr(capacity, "memory", lambda: 16.0 * capacity.GIBIBYTE)
    recipe = load("digits_mlp", {"optimizer": "sgd", "model.layers[0].dense.units": 60_000_000})
    with pytest.raises(RecipeError, match=r"take 28\.6 GiB up to here, and this machine has 16\.0"):
        recipe.train(out="run", progress=False)
    assert not (tmp_path / "run").exists()


def test_a_trial_knows_how_many_train_at_once(monkeypatch, tmp_path):
    from keras_recipes.recipes.sweep.run import pool

    asked = []
    monkeypatch.setattr(pool.subprocess, "Popen", lambda words, **more: asked.append(more["env"]))
    pool.Pool(tmp_path, 3)
    assert [env[capacity.PROCESSES] for env in asked] == ["3", "3", "3"]
