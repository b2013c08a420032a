"""A training with a program that an earlier one compiled is what it is with one of its own."""

import pytest

from keras_recipes.recipes.record.directory import RunDirectory
from keras_recipes.recipes.run.programs import Programs, is_plain
from keras_recipes.recipes.run.reproduce import compare_runs
from keras_recipes.recipes.run.train import train
from keras_recipes.recipes.spec import load

SMALL = {
    "name": "small",
    "data": {"source": "iris", "scale": "standardize", "batch_size": 32},
    "model": {"layers": [{"dense": {"units": 4}}, {"dropout": {"rate": 0.2}}]},
    "optimizer": {"sgd": {"momentum": 0.9}},
    "learning_rate": 0.1,
    "gradient_clipping": {"global_norm": 1.0},
    "epochs": 2,
}


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The programs of a training, and the model that they are of."""
    programs = Programs()
    train(
        load(SMALL), out=tmp_path_factory.mktemp("first") / "run", progress=False, programs=programs
    )
    (model,) = programs._models.values()
    return programs, model


def test_another_rate_has_the_same_program_and_the_result_of_its_own(kept, tmp_path):
    programs, model = kept
    traced = model.train_function, model.test_function
    other = load(SMALL, {"learning_rate": 0.03})
    train(other, out=tmp_path / "kept", progress=False, programs=programs)
    assert (model.train_function, model.test_function) == traced
    assert list(programs._models.values()) == [model]
    train(other, out=tmp_path / "alone", progress=False)
    assert compare_runs(RunDirectory(tmp_path / "kept"), RunDirectory(tmp_path / "alone")) == []


def test_another_schedule_has_the_same_program_and_the_result_of_its_own(tmp_path):
    """Also a schedule of another kind, and one whose length follows from the run's."""
    programs, traced = Programs(), []
    for name, rate in {
        "cosine": {"cosine": {"initial_learning_rate": 0.1, "decay_steps": "100%"}},
        "held": {
            "warmup_stable_decay": {
                "learning_rate": 0.2, "warmup_steps": 1, "stable_steps": 2, "decay_steps": 4
            }
        },
        "short": {"cosine": {"initial_learning_rate": 0.1, "decay_steps": 4}},
    }.items():  # fmt: skip
        recipe = load(SMALL, {"learning_rate": rate})
        train(recipe, out=tmp_path / name, progress=False, programs=programs)
        train(recipe, out=tmp_path / f"{name} alone", progress=False)
        runs = RunDirectory(tmp_path / name), RunDirectory(tmp_path / f"{name} alone")
        assert compare_runs(*runs) == []
        (model,) = programs._models.values()
        traced.append((model.train_function, model.test_function))
    assert len(set(traced)) == 1


def test_a_rate_without_a_schedule_has_another_program(kept, tmp_path):
    programs = Programs()
    for name, rate in {
        "number": 0.1,
        "schedule": {"cosine": {"initial_learning_rate": 0.1, "decay_steps": 4}},
    }.items():
        recipe = load(SMALL, {"learning_rate": rate})
        train(recipe, out=tmp_path / name, progress=False, programs=programs)
    assert len(programs._models) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"precision": "auto"},
        {"weight_averaging": {"decay": 0.9}},
        {"phases": [{"epochs": 2}]},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_changes_a_model_beside_its_variables_keeps_no_program(changes):
    assert is_plain(load(SMALL))
    assert not is_plain(load(SMALL, changes))
