"""A run that is interrupted at any place and resumed is the run that never was."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import keras
import pytest
from small_runs import as_if_killed

import keras_recipes
from keras_recipes.recipes import RequestError
from keras_recipes.recipes.record.directory import RunDirectory
from keras_recipes.recipes.run.reproduce import compare_runs
from keras_recipes.recipes.run.run_callbacks import in_batches
from keras_recipes.recipes.run.stored_recipe import Change, differences

BASE = {
    "name": "small",
    "seed": 5,
    "data": {"source": "iris", "scale": "standardize", "batch_size": 32},
    "model": {"layers": [{"dense": {"units": 6, "activation": "relu"}}]},
    "optimizer": {"sgd": {"momentum": 0.9}},
    "learning_rate": 0.1,
    "steps_per_execution": 2,
    "epochs": 4,
    "checkpoints": {"every": "1 steps"},
}
CONSTANT = {
    "polynomial": {
        "initial_learning_rate": 0.01,
        "end_learning_rate": 0.01,
        "decay_steps": "100%",
    }
}
COSINE = {"cosine": {"initial_learning_rate": 0.1, "decay_steps": "100%"}}
DROPOUT = [{"dense": {"units": 6}}, "batch_normalization", {"dropout": {"rate": 0.3}}]
RECIPES = {
    "dropout": {"model": {"layers": DROPOUT}},
    "plateau": {
        "learning_rate": {"plateau": {"schedule": COSINE}},
        "callbacks": [
            {"reduce_on_plateau": {"monitor": "loss", "patience": 1, "min_delta": 0.5}},
            {"early_stopping": {"monitor": "val_loss", "patience": 1, "min_delta": 0.2}},
            {"top_checkpoints": {"k": 2}},
        ],
    },
    "averaged": {
        "weight_averaging": {"decay": 0.9},
        "gradient_clipping": {"percentile": {"percentile": 30, "history": 8}},
        "callbacks": [{"divergence_guard": {"limit": 1.12}}],
    },
    "accumulated": {
        "gradient_accumulation": 3,
        "steps_per_execution": 1,
        "precision": "mixed_float16",
    },
    "phased": {
        "model": {"layers": DROPOUT},
        "epochs": 5,
        "phases": [
            {"epochs": 2, "freeze": "^dense$", "learning_rate": COSINE},
            {"epochs": 2, "optimizer": "fresh"},
            {"epochs": 1, "freeze": "batch"},
        ],
        "callbacks": [{"early_stopping": {"patience": 1, "min_delta": 5.0}}],
    },
    "augmented": {
        "data": {
            "source": "digits",
            "limit": 150,
            "batch_size": 32,
            "augment": [
                {"random_translation": {"height_factor": 0.2, "width_factor": 0.2}},
                "mix_up",
            ],
        },
        "model": {"layers": [{"reshape": {"target_shape": [8, 8]}}, "flatten"]},
        "learning_rate": 0.001,
    },
}
OFTEN = ("averaged", "plateau", "augmented", "phased")


def recipe(name="dropout", **changes):
    return keras_recipes.load({**BASE, **RECIPES[name], **changes})


def train(made, out, **options):
    return made.train(out=out, progress=False, **options)


def same(first, second):
    """No file differs, and every epoch has its line once."""
    epochs = [json.loads(line)["epoch"] for line in (second / "metrics.jsonl").open()]
    assert epochs == list(range(1, len(epochs) + 1))
    return compare_runs(RunDirectory(first), RunDirectory(second))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name,
            marks=[]
            if name in ("averaged", "plateau", "augmented", "phased")
            else [pytest.mark.slow],
        )
        for name in RECIPES
    ],
)
def test_interrupted_again_and_again(eager, signalled, tmp_path, name):
    made = recipe(name)
    train(made, tmp_path / "whole")
    stopped = []
    for _ in range(30):
        # Every fifth place is in a step, in validation, or between two epochs.
        signalled(5)
        result = train(made, tmp_path / "killed", resume=True)
        if result.status != "interrupted":
            break
        assert result.exit_status == 143
        assert (tmp_path / "killed" / "model.keras").is_file()
        stopped.append(result.reason)
    assert len(stopped) >= 2
    assert result.status == "completed"
    assert same(tmp_path / "whole", tmp_path / "killed") == []


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_interrupted_once_at_each_place(eager, signalled, tmp_path, name):
    made = recipe(name)
    train(made, tmp_path / "whole")
    for place in range(1, 60):
        out = tmp_path / str(place)
        signalled(place)
        if train(made, out).status == "completed":
            break
        signalled(0)
        train(made, out, resume=True)
        assert same(tmp_path / "whole", out) == []
    assert place > 8


@pytest.fixture(scope="module")
def finished(tmp_path_factory, eager_module):
    """A completed run, not to be changed."""
    out = tmp_path_factory.mktemp("runs") / "small"
    train(recipe(), out)
    return out


def test_a_finished_run_says_so_and_does_nothing(finished, capsys):
    before = (finished / "model.keras").read_bytes()
    result = keras_recipes.resume(finished, progress=False)
    assert result.status == "completed"
    assert "this run is completed; there is nothing to resume" in capsys.readouterr().err
    assert (finished / "model.keras").read_bytes() == before
    assert not (finished / "run.lock").exists()


def test_a_run_that_was_killed_while_it_wrote_its_report_keeps_no_part_of_it(finished):
    part = finished / ".writing-999999-report.html"
    part.touch()
    assert keras_recipes.resume(finished, progress=False).status == "completed"
    assert not part.exists()


def test_a_changed_recipe_is_refused_key_by_key(finished):
    changes = {"epochs": 6, "optimizer.sgd.momentum": 0.5, "learning_rate": COSINE}
    with pytest.raises(RequestError) as error:
        keras_recipes.resume(finished, changes, progress=False)
    written = str(error.value)
    assert "epochs: 4 -> 6" in written
    assert "optimizer.sgd.momentum: 0.9 -> 0.5" in written
    assert "learning_rate" in written
    assert "--allow-change epochs" in written
    assert json.loads((finished / "result.json").read_text())["epochs"] == 4


def test_more_epochs_go_on_where_it_ended(eager, tmp_path):
    train(recipe(), tmp_path / "short")
    train(recipe(epochs=6), tmp_path / "long")
    result = keras_recipes.resume(
        tmp_path / "short", {"epochs": 6}, allow_change=["epochs"], progress=False
    )
    assert result.epochs == 6
    assert same(tmp_path / "long", tmp_path / "short") == []
    manifest = json.loads((tmp_path / "short" / "manifest.json").read_text())
    (resumed,) = manifest["resumed"]
    assert resumed["changes"] == [{"key": "epochs", "before": 4, "after": 6}]
    with pytest.raises(RequestError, match=r"its recipe was changed .*epochs"):
        from keras_recipes.recipes.run.reproduce import reproduce

        reproduce(tmp_path / "short", progress=False)


def test_a_checkpoint_of_another_network_is_refused(finished):
    changes = {"model.layers": [{"dense": {"units": 7}}], "epochs": 6}
    with pytest.raises(RequestError, match="it is of another model or optimizer"):
        keras_recipes.resume(finished, changes, allow_change=["model", "epochs"], progress=False)
    with pytest.raises(RequestError, match="a recipe has no key `epoch`"):
        keras_recipes.resume(finished, {"epochs": 9}, allow_change=["epoch"], progress=False)
    assert json.loads((finished / "result.json").read_text())["status"] == "completed"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"epochs": 2}, "asks for 2: nothing is left to train. Ask for more, as `epochs="),
        ({"learning_rate": 0.5}, "nothing is left to train with another learning_rate."),
    ],
)
def test_a_change_that_no_update_would_see_is_refused(finished, changes, words):
    before = (finished / "recipe.yaml").read_bytes(), (finished / "result.json").read_bytes()
    with pytest.raises(RequestError, match=re.escape(words)):
        keras_recipes.resume(finished, changes, allow_change=list(changes), progress=False)
    assert before == (
        (finished / "recipe.yaml").read_bytes(),
        (finished / "result.json").read_bytes(),
    )


def test_more_patience_continues_after_a_stop(eager, tmp_path):
    made = recipe("plateau")
    stopped = train(made, tmp_path / "run")
    assert stopped.epochs < 4
    callbacks = [{"early_stopping": {"monitor": "val_loss", "patience": 50}}]
    result = keras_recipes.resume(
        tmp_path / "run", {"callbacks": callbacks}, allow_change=["callbacks"], progress=False
    )
    assert result.epochs == 4
    assert result.reason == "all 4 epochs were trained"


@pytest.mark.slow
def test_how_often_it_is_stored_may_change(eager, signalled, tmp_path):
    train(recipe(), tmp_path / "whole")
    signalled(4)
    train(recipe(), tmp_path / "run")
    signalled(0)
    change = {"checkpoints": {"every": 5, "keep": 1}, "description": "Another."}
    keras_recipes.resume(tmp_path / "run", change, progress=False)
    assert same(tmp_path / "whole", tmp_path / "run") == []


CELLS = [
    f"{'' if row % 5 == 0 else row % 7},{'' if row % 11 == 0 else f'c{row % 40}'},"
    f"a {'good' if row % 3 else 'bad'} word,{'ab'[row % 2]}"
    for row in range(120)
]


def test_a_table_with_missing_cells_an_embedding_and_text(eager, signalled, tmp_path):
    (tmp_path / "t.csv").write_text("\n".join(["n,c,t,y", *CELLS]))
    features = {"n": "numeric", "c": {"category": {"output": "embedding"}}}
    features["t"] = {"text": {"output": "embedding", "dimensions": 3, "length": 4}}
    source = {"csv": {"path": str(tmp_path / "t.csv")}}
    data = {"source": source, "target": "y", "features": features, "batch_size": 32}
    made = recipe(data=data)
    train(made, tmp_path / "whole")
    for place in (5,):
        signalled(place)
        assert train(made, tmp_path / f"run{place}").status == "interrupted"
        signalled(0)
        keras_recipes.resume(tmp_path / f"run{place}", progress=False)
        assert same(tmp_path / "whole", tmp_path / f"run{place}") == []


def test_before_the_first_checkpoint_it_begins_again(eager, tmp_path, capsys):
    train(recipe(), tmp_path / "whole")
    out = tmp_path / "killed"
    train(recipe(), out)
    as_if_killed(out)
    with (out / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 9')
    for state in (out / "checkpoints" / "state").iterdir():
        for file in state.iterdir():
            file.unlink()
        state.rmdir()
    train(recipe(), out, resume=True)
    assert (
        "ended before its first checkpoint; training starts from the beginning"
        in capsys.readouterr().err
    )
    assert same(tmp_path / "whole", out) == []


def test_resuming_in_a_missing_directory_starts_a_run(eager, tmp_path, capsys):
    assert train(recipe(), tmp_path / "new", resume=True).status == "completed"
    assert (
        "there is no run to resume; training starts from the beginning" in capsys.readouterr().err
    )


def test_what_is_no_run_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(RequestError, match=r"not a run directory, and not empty: .*thesis"):
        train(recipe(), tmp_path, resume=True)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(RequestError, match="there is no run to resume"):
        keras_recipes.resume(tmp_path / "absent")


def test_damaged_checkpoints(eager, signalled, tmp_path, capsys):
    """The newest sound one is taken; when none is, that is an error that says what is there."""
    train(recipe(), tmp_path / "whole")
    out = tmp_path / "run"
    signalled(6)
    train(recipe(), out)
    signalled(0)
    states = sorted((out / "checkpoints" / "state").iterdir())
    assert len(states) == 3
    content = {path: (path / "arrays.npz").read_bytes() for path in states}
    for path in states:
        (path / "arrays.npz").write_bytes(b"")
    with pytest.raises(RequestError) as error:
        train(recipe(), out, resume=True)
    assert all(path.name in str(error.value) for path in states)
    (states[0] / "arrays.npz").write_bytes(content[states[0]])
    assert train(recipe(), out, resume=True).status == "completed"
    assert f"{states[2].name}: arrays.npz has 0 bytes" in capsys.readouterr().err
    found = [line for line in same(tmp_path / "whole", out) if "findings" not in line]
    assert found == []


def test_changed_data_is_refused(eager, tmp_path):
    table = tmp_path / "t.csv"

    def rows(shift):
        lines = "\n".join(f"{i % 7},{(i + shift) % 3},{'ab'[i % 2]}" for i in range(60))
        table.write_text(f"u,v,y\n{lines}\n")

    rows(0)
    data = {"source": {"csv": {"path": str(table)}}, "target": "y", "batch_size": 16}
    made = recipe(data=data)
    train(made, tmp_path / "run")
    rows(1)
    longer = {"epochs": 5}
    with pytest.raises(RequestError, match="the data has changed since this run was started"):
        keras_recipes.resume(tmp_path / "run", longer, allow_change=["epochs"], progress=False)
    result = keras_recipes.resume(
        tmp_path / "run", longer, allow_change=["epochs", "data"], progress=False
    )
    assert result.epochs == 5


@pytest.mark.slow
def test_an_ensemble_keeps_the_members_that_are_finished(eager, signalled, tmp_path):
    made = recipe(ensemble={"members": 2}, epochs=2)
    train(made, tmp_path / "whole")
    signalled(13)
    result = train(made, tmp_path / "killed")
    assert result.status == "interrupted"
    assert result.exit_status == 143
    first = tmp_path / "killed" / "members" / "1" / "model.keras"
    before = first.stat().st_mtime_ns
    signalled(0)
    result = train(made, tmp_path / "killed", resume=True)
    assert result.status == "completed"
    assert first.stat().st_mtime_ns == before
    found = compare_runs(RunDirectory(tmp_path / "whole"), RunDirectory(tmp_path / "killed"))
    assert found == []


def test_differences_of_recipes():
    first = recipe()
    assert differences(first, recipe()) == []
    assert differences(first, recipe(seed=6)) == [Change("seed", 5, 6)]
    more = recipe(callbacks=[{"early_stopping": {"patience": 2}}])
    assert str(differences(first, more)[0]).startswith("callbacks: [] -> ")


def test_steps_are_updates():
    assert in_batches("500 steps", 4) == "2000 steps"
    assert in_batches("2 epochs", 4) == "2 epochs"
    assert in_batches(5, 4) == 5
    assert in_batches("auto", 4) == "auto"


@pytest.mark.parametrize(
    "every", [0, -1, True, "0 epochs", "1.5 epochs", "10%", "often", "5 hours", None, ["1 epochs"]]
)
def test_a_wrong_interval_is_reported_with_its_place(every):
    with pytest.raises(RequestError, match=r"checkpoints\.every.*expected how often"):
        recipe(checkpoints={"every": every})


@pytest.mark.parametrize(
    "every", ["auto", 0.5, 10, "3 epochs", "1 step", "5 minutes", "30 seconds"]
)
def test_an_interval_survives_being_written(every):
    made = recipe(checkpoints={"every": every})
    from keras_recipes.recipes.spec import dump

    assert f"every: {every}".rstrip("s") in dump(made)


class TestInitialize:
    """A warm start is another training, which begins with given weights."""

    @pytest.fixture(autouse=True)
    def _eager(self, eager):
        pass

    def rates(self, out):
        return [json.loads(line)["step"] for line in (out / "metrics.jsonl").open()]

    def test_weights_of_a_run(self, finished, tmp_path):
        made = recipe(initialize={"weights": str(finished)}, learning_rate=1e-30, epochs=1)
        result = train(made, tmp_path / "warm")
        trained = json.loads((finished / "result.json").read_text())
        assert result.validation["accuracy"] == pytest.approx(
            trained["validation"]["accuracy"], abs=0.1
        )
        assert self.rates(tmp_path / "warm") == [4]
        manifest = json.loads((tmp_path / "warm" / "manifest.json").read_text())
        assert len(manifest["fingerprints"]["weights"]) == 64

    def test_the_step_continues_where_that_is_asked_for(self, finished, tmp_path):
        section = {"weights": str(finished), "reset_step": False}
        train(recipe(initialize=section, epochs=1), tmp_path / "warm")
        assert self.rates(tmp_path / "warm") == [20]

    @pytest.mark.parametrize("rate", [0.01, CONSTANT], ids=["number", "schedule"])
    @pytest.mark.parametrize("kind", ["run", "file"])
    def test_the_learning_rate_is_that_of_the_recipe(self, finished, tmp_path, rate, kind):
        weights = finished
        if kind == "file":
            weights = tmp_path / "compiled.keras"
            model = keras.models.load_model(finished / "model.keras", compile=False)
            model.compile(keras.optimizers.SGD(0.5, momentum=0.9))
            model.save(weights)
        section = {"weights": str(weights), "reset_step": False}
        train(recipe(initialize=section, learning_rate=rate, epochs=1), tmp_path / "warm")
        row = json.loads((tmp_path / "warm" / "metrics.jsonl").read_text())
        assert row["learning_rate"] == pytest.approx(0.01)

    def test_a_reduced_rate_that_was_taken_over_is_resumed_too(self, signalled, tmp_path):
        """The process that resumes builds the model with the rate of the recipe again."""
        cut = {"reduce_lr_on_plateau": {"monitor": "loss", "patience": 1, "min_delta": 9.0}}
        first = recipe(learning_rate=0.1, callbacks=[cut], epochs=3)
        train(first, tmp_path / "first")
        section = {"weights": str(tmp_path / "first"), "reset_step": False}
        made = recipe(learning_rate=0.1, initialize=section, epochs=2)
        train(made, tmp_path / "whole")
        row = json.loads((tmp_path / "whole" / "metrics.jsonl").read_text().splitlines()[0])
        assert row["learning_rate"] < 0.1
        signalled(5)
        assert train(made, tmp_path / "killed").status == "interrupted"
        signalled(0)
        train(made, tmp_path / "killed", resume=True)
        assert same(tmp_path / "whole", tmp_path / "killed") == []

    @pytest.mark.parametrize("name", ["absent.keras", "absent.weights.h5", "weights.txt"])
    def test_a_wrong_file_is_reported(self, tmp_path, name):
        with pytest.raises(RequestError, match=r"initialize.weights"):
            train(recipe(initialize={"weights": name}), tmp_path / "run")
        assert not (tmp_path / "run").exists()

    def test_weights_of_another_network_are_reported(self, finished, tmp_path):
        made = recipe("plateau", initialize={"weights": str(finished)})
        with pytest.raises(RequestError, match="the weights do not fit"):
            train(made, tmp_path / "run")


KEPT = """
import sys, time
from pathlib import Path
from keras_recipes.recipes.record.lock import locked
with locked(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(60)
"""


def test_a_second_process_is_refused_and_the_lock_dies_with_its_owner(finished):
    process = subprocess.Popen(
        [sys.executable, "-c", KEPT, str(finished)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "locked\n"
    with pytest.raises(
        RequestError, match=f"another process is working on this run: process {process.pid}"
    ):
        keras_recipes.resume(finished, progress=False)
    process.kill()
    process.wait()
    assert (finished / "run.lock").exists()
    assert keras_recipes.resume(finished, progress=False).status == "completed"
    assert not (finished / "run.lock").exists()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_processes_that_are_killed(tmp_path, number):
    """As a user does it: the command line, killed, and `keras-recipes resume`."""
    command = [sys.executable, "-m", "keras_recipes"]
    train = [*command, "train", "digits_mlp", "epochs=40", "checkpoints.every=7 steps", "--quiet"]
    subprocess.run([*train, "--out", str(tmp_path / "whole")], check=True)
    out = tmp_path / "killed"
    process = subprocess.Popen([*train, "--out", str(out)], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 300
    state = out / "checkpoints" / "state" / "state-00000004"
    while not state.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, number)
    _, errors = process.communicate(timeout=300)
    assert "Traceback" not in errors
    expected = {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGINT: 130}
    assert process.returncode == expected[number]
    done = subprocess.run([*command, "resume", str(out)], capture_output=True, text=True)
    assert done.returncode == 0
    assert "continues after" in done.stderr
    assert same(tmp_path / "whole", out) == []
