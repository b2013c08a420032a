"""A run in experiment trackers: each epoch once, whatever happens, and training as without."""

import json
import math
import threading
from pathlib import Path

import keras
import numpy as np
import pytest
from small_runs import SMALL, train_small, without_reports

import keras_recipes
from keras_recipes.callbacks.event_records import EventFile, histogram_summary
from keras_recipes.recipes.record.directory import RunDirectory, read_result
from keras_recipes.recipes.record.metrics import read_metrics
from keras_recipes.recipes.record.result import Result
from keras_recipes.recipes.run import tracking
from keras_recipes.recipes.run.prepare import prepare_run
from keras_recipes.recipes.run.recipe import train_recipe
from keras_recipes.recipes.run.reproduce import compare_runs
from keras_recipes.recipes.run.tracker import Sender, TrackedRun
from keras_recipes.recipes.run.wandb_tracker import BLOCK, CHUNK, logged_in, logged_steps, records

pytestmark = pytest.mark.usefixtures("eager")
ARTIFACTS = {"recipe.yaml", "report.html", "model.keras"}
HISTOGRAMS = {"callbacks": [{"tensorboard_log": {"histograms": 2}}]}


class Memory:
    """A tracker that keeps everything in this process."""

    def __init__(self, had=()):
        self.had, self.runs, self.rows, self.endings = set(had), [], [], []
        self.histograms = []

    def begin(self, run):
        self.runs.append(run)
        return {*self.had, *(epoch for epoch, _ in self.rows)}

    def log(self, epoch, values, histograms):
        self.rows.append((epoch, values))
        if histograms:
            self.histograms.append((epoch, histograms))

    def end(self, ending):
        self.endings.append(ending)


class Killed(BaseException):
    """Ends a process where it is."""


class KillAfter(keras.callbacks.Callback):
    """Raises after an epoch, when its line is written and sent, and its state is not stored."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def get_state(self):
        return {}

    def set_state(self, state):
        pass

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 == self.epoch:
            raise Killed


@pytest.fixture
def memory(monkeypatch):
    kept = Memory()
    monkeypatch.setitem(tracking.MAKERS, "mlflow", lambda: kept)
    monkeypatch.setattr(tracking, "installed", lambda name: True)
    return kept


def started(folder, lines, **changes):
    """Tracking of a run that has written lines, without a training."""
    folder.mkdir(exist_ok=True)
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "metrics.jsonl").write_text(text)
    recipe = keras_recipes.load({**SMALL, "tracking": ["mlflow"], **changes})
    return tracking.Tracking(recipe, RunDirectory(folder))


def attempt(recipe, out, kill=None):
    """Train on in `out`, up to an epoch after which the process is killed."""
    with prepare_run(recipe, out=out, resume=True) as prepared:
        tracked = tracking.Tracking(recipe, prepared.directory, ())
        # RunState stands before them, so that the state of the epoch would be stored already.
        after = [] if kill is None else [KillAfter(kill)]
        found = train_recipe(
            recipe, prepared, progress=False, callbacks=[*tracked.callbacks(), *after]
        )
    tracked.finish(found)
    return found


def killed_three_times(out):
    """A run of five epochs, killed after the second, the third and the fifth, then resumed."""
    changes = {"tracking": ["mlflow"], "epochs": 5, "checkpoints": {"every": "2 epochs"}}
    recipe = keras_recipes.load({**SMALL, **changes, **HISTOGRAMS})
    for epoch in (2, 3, 5):
        with pytest.raises(Killed):
            attempt(recipe, out, kill=epoch)
        wait_for_threads()
    return attempt(recipe, out)


def wait_for_threads():
    """Let what was sent before a kill arrive: more than a kill would, as the worse case."""
    for thread in threading.enumerate():
        if thread.name.startswith("tracker-"):
            thread.join(0.2)


def tensorboard_points(folder, name):
    """Steps and values of a curve, as TensorBoard shows it."""
    from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    events = EventAccumulator(str(folder))
    events.Reload()
    return [(each.step, float(make_ndarray(each.tensor_proto))) for each in events.Tensors(name)]


def test_trackers_have_each_epoch_once_as_the_run_has_it(tmp_path, monkeypatch, memory):
    without_reports(monkeypatch)
    plain = train_small(tmp_path / "plain", epochs=5)
    result = killed_three_times(tmp_path / "run")
    assert [epoch for epoch, _ in memory.rows] == [1, 2, 3, 4, 5]
    for (epoch, values), line in zip(memory.rows, read_metrics(tmp_path / "run"), strict=True):
        assert epoch == line.pop("epoch")
        assert values.keys() == line.keys()
        assert all(values[name] == line[name] for name in ("loss", "val_loss", "step"))
    assert len({run.id for run in memory.runs}) == 1
    assert len(memory.runs) == 4
    [ending] = memory.endings
    assert (ending.status, ending.epoch) == ("completed", 5)
    assert ending.values["test/loss"] == result.test["loss"]
    assert {path.name for path in ending.artifacts} == ARTIFACTS - {"report.html"}
    assert memory.runs[0].recipe["epochs"] == 5
    # Those that TensorBoard has, at the same epochs; a weight has each of its values in a bin.
    assert [epoch for epoch, _ in memory.histograms] == [2, 4]
    # Two layers of three units, on four columns.
    for _, named in memory.histograms:
        assert sorted(each[:, 2].sum() for each in named.values()) == [3, 3, 9, 12]
    for part in ("train", "validation"):
        points = tensorboard_points(tmp_path / "run" / "tensorboard" / part, "loss")
        key = "loss" if part == "train" else "val_loss"
        lines = [(line["epoch"], line[key]) for line in read_metrics(tmp_path / "run")]
        assert [step for step, _ in points] == [1, 2, 3, 4, 5]
        assert points == [(step, pytest.approx(value, rel=1e-6)) for step, value in lines]
    found = compare_runs(RunDirectory(Path(plain.directory)), RunDirectory(tmp_path / "run"))
    assert [line for line in found if "tracking" not in line and "recipe" not in line] == []


@pytest.mark.parametrize("method", ["begin", "log", "end"])
def test_a_tracker_that_raises_is_off_after_one_warning(tmp_path, capsys, memory, method):
    setattr(memory, method, lambda *given: exec("raise SystemExit('the server\\nis gone')"))
    tracked = started(tmp_path / "run", [{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0}])
    tracked.look()
    (tmp_path / "run/result.json").write_text('{"status": "completed"}')
    tracked.finish(Result("completed", str(tmp_path / "run"), epochs=2))
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("mlflow: SystemExit: the server The run is no longer sent to mlflow")
    assert (memory.rows == []) == (method != "end")


def test_weights_do_not_depend_on_a_tracker_that_fails(tmp_path, monkeypatch, memory):
    without_reports(monkeypatch)

    def begin(run):
        np.random.seed(7)
        raise OSError("no route to host")

    memory.begin = begin
    results = [
        keras_recipes.load(SMALL).train(out=tmp_path / str(at), progress=False, track=names)
        for at, names in enumerate(([], ["mlflow"]))
    ]
    assert [result.status for result in results] == ["completed", "completed"]
    assert compare_runs(*(RunDirectory(Path(result.directory)) for result in results)) == []
    recipes = [(tmp_path / str(at) / "recipe.yaml").read_bytes() for at in range(2)]
    assert recipes[0] == recipes[1]
    assert json.loads((tmp_path / "1/trackers.json").read_text())["added"] == ["mlflow"]
    assert not (tmp_path / "0/trackers.json").exists()
    # What it was given it keeps, and it may be given others, when it is resumed or completed.
    memory.begin = Memory.begin.__get__(memory)
    again = keras_recipes.resume(tmp_path / "0", track=["mlflow"], progress=False)
    assert again.status == "completed"
    assert [epoch for epoch, _ in memory.rows] == [1, 2]
    assert len(memory.endings) == 1


def test_only_new_lines_that_are_whole_are_sent(tmp_path, memory):
    tracked = started(tmp_path / "run", [{"epoch": 1, "loss": "NaN", "val_loss": "-Infinity"}])
    memory.had = {3}
    tracked.look()
    with open(tmp_path / "run/metrics.jsonl", "a") as file:
        file.write('{"epoch": 2, "loss": 0.5}\n{"epoch": 3, "loss": 0.25}\n{"epoch": 4')
    tracked.look()
    tracked.finish(Result("interrupted", str(tmp_path / "run"), epochs=3))
    [(first, values), second] = memory.rows
    assert (first, second) == (1, (2, {"loss": 0.5}))
    assert math.isnan(values["loss"])
    assert values["val_loss"] == -math.inf


def test_a_run_of_several_networks_is_one_run_with_the_curves_of_each(tmp_path, memory):
    run = tmp_path / "run"
    for index in (1, 2):
        run.mkdir(exist_ok=True)
        (run / f"members/{index}").mkdir(parents=True)
        line = {"epoch": 1, "loss": float(index)}
        (run / f"members/{index}/metrics.jsonl").write_text(json.dumps(line) + "\n")
        write_histograms(run / f"members/{index}", 1, np.arange(index))
    members = [{"directory": "", "epochs": 1, "validation": {}, "test": {}}] * 2
    result = Result("completed", str(run), epochs=2, members=members)
    (run / "result.json").write_text(json.dumps(result.to_json()))
    started(run, [], **HISTOGRAMS).finish(read_result(RunDirectory(run)))
    assert memory.rows == [(1, {"members_1/loss": 1.0, "members_2/loss": 2.0})]
    [(epoch, named)] = memory.histograms
    assert epoch == 1
    assert {name: each[:, 2].sum() for name, each in named.items()} == {
        "members_1/kernel": 1,
        "members_2/kernel": 2,
    }


@pytest.mark.parametrize("text", ["{", "[]", '{"id": 3, "added": []}', '{"id": "OR", "added": []}'])
def test_a_damaged_file_of_trackers_is_replaced(tmp_path, memory, text):
    started(tmp_path / "run", [])
    (tmp_path / "run/trackers.json").write_text(text)
    started(tmp_path / "run", [{"epoch": 1, "loss": 1.0}]).look()
    kept = json.loads((tmp_path / "run/trackers.json").read_text())
    assert tracking.ID.fullmatch(kept["id"])
    assert kept["added"] == []


def test_a_tracker_that_hangs_does_not_hold_up_the_end():
    blocked = threading.Event()
    hanging = Memory()
    hanging.log = lambda *given: blocked.wait()
    sender = Sender("mlflow", lambda: hanging, TrackedRun("0" * 32, "run", "small", {}))
    sender.send(1, {})
    sender.end(None, seconds=0.05)
    blocked.set()


def test_a_tracker_that_is_not_installed_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tracking.importlib.util, "find_spec", lambda name: None)
    tracked = started(tmp_path / "run", [{"epoch": 1, "loss": 1.0}])
    assert tracked.callbacks() == []
    assert "pip install 'keras-recipes[mlflow]'" in capsys.readouterr().err
    tracked.look()
    assert not (tmp_path / "run/trackers.json").exists()


def write_histograms(folder, step, values):
    """What `tensorboard_log` writes of a weight after an epoch."""
    file = EventFile(folder / "tensorboard/train", first_step=step)
    file.write(histogram_summary({"kernel": values}), step)


def attempts(folder, tracker, between=lambda: None):
    """A run of five epochs that was killed three times, sent to a tracker without a training.

    Epochs whose state was not stored have been trained again, and sent or not when it was killed.
    """
    for last in (2, 1, 3, 5):
        lines = [{"epoch": at, "loss": 1 / at, "seconds": at + last} for at in range(1, last + 1)]
        tracked = started(folder, lines, tracking=[tracker], **HISTOGRAMS)
        for step in range(2, last + 1, 2):
            write_histograms(folder, step, np.array([0.0, step, step]))
        tracked.look()
        if last < 5:
            # What a kill leaves: everything that was in the queue has arrived, and no ending.
            for sender in tracked._senders:
                sender._waiting.put(None)
                sender._thread.join()
            between()
    for name in ARTIFACTS:
        (folder / name).write_text(name)
    result = Result("completed", str(folder), epochs=5, test={"loss": 0.125})
    (folder / "result.json").write_text(json.dumps(result.to_json()))
    tracked.finish(result)
    tracked.finish(result)


def test_mlflow_has_each_epoch_once_after_three_kills(tmp_path, monkeypatch):
    pytest.importorskip("mlflow", reason="needs the extra `mlflow`", exc_type=ImportError)
    pytest.importorskip("sqlalchemy", reason="needs the extra `mlflow`", exc_type=ImportError)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    from mlflow import MlflowClient

    client = MlflowClient()
    experiment = client.create_experiment("small", (tmp_path / "artifacts").as_uri())
    attempts(tmp_path / "run", "mlflow")
    [run] = client.search_runs([experiment])
    assert (run.info.status, run.info.run_name) == ("FINISHED", "run")
    for name, value in {"loss": lambda at: 1 / at, "epoch": float}.items():
        rows = client.get_metric_history(run.info.run_id, name)
        assert sorted((row.step, row.value) for row in rows) == [(i, value(i)) for i in range(1, 6)]
    [row] = client.get_metric_history(run.info.run_id, "test/loss")
    assert (row.step, row.value) == (5, 0.125)
    assert run.data.params["model.layers.0.dense.units"] == "3"
    found = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert found == {*ARTIFACTS, "histograms"}
    folder = tmp_path / "artifacts" / run.info.run_id / "artifacts/histograms"
    assert {path.name for path in folder.iterdir()} == {"epoch_00002.json", "epoch_00004.json"}
    kernel = json.loads((folder / "epoch_00004.json").read_text())["kernel"]
    assert kernel["counts"] == [1, *[0] * 28, 2]
    assert (len(kernel["edges"]), kernel["edges"][0], kernel["edges"][-1]) == (31, 0.0, 4.0)


def test_wandb_offline_has_each_epoch_once_after_three_kills(tmp_path, monkeypatch):
    wandb = pytest.importorskip("wandb", reason="needs the extra `wandb`", exc_type=ImportError)
    for name in ("WANDB_DIR", "WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("WANDB_MODE", "offline")
    # Its own process lives on after a kill that is only simulated.
    attempts(tmp_path / "run", "wandb", wandb.teardown)
    wandb.teardown()
    parts = sorted(tmp_path.glob("wandb/offline-run-*/*.wandb"))
    assert len({path.name for path in parts}) == 1
    steps = [step for path in parts for step in logged_steps(path)]
    assert sorted(steps) == [1, 2, 3, 4, 5]
    drawn = [found for path in parts for found in logged_histograms(path)]
    assert [step for step, _ in drawn] == [2, 4]
    assert drawn[1][1]["values"] == [1, *[0] * 28, 2]
    assert len(drawn[1][1]["bins"]) == 31


def logged_histograms(path):
    """Step and content of each histogram of `kernel` in a file of an offline run."""
    from wandb.proto import wandb_internal_pb2 as messages

    for record in map(messages.Record.FromString, records(path.read_bytes())):
        found = {
            item.nested_key[1]: json.loads(item.value_json)
            for item in record.history.item
            if item.nested_key[0] == "histograms/kernel"
        }
        if found:
            yield record.history.step.num, found


def test_records_are_read_across_blocks_and_up_to_where_a_kill_has_cut():
    wanted = [b"a" * 10, b"b" * BLOCK * 2, b"c" * (BLOCK - 3000), b"d"]
    data = as_log(wanted)
    assert list(records(data)) == wanted
    for cut in (1, CHUNK.size, CHUNK.size + 1):
        assert list(records(data[:-cut])) == wanted[:-1]
    assert list(records(b"")) == []


def as_log(items):
    """A file of records as LevelDB's documentation says, after the header of seven bytes."""
    data = b"header!"
    for item in items:
        first = True
        while True:
            left = BLOCK - len(data) % BLOCK
            if left < CHUNK.size:
                data += b"\0" * left
                continue
            part, item = item[: left - CHUNK.size], item[left - CHUNK.size :]
            kind = {(1, 1): 1, (1, 0): 2, (0, 0): 3, (0, 1): 4}[first, not item]
            data += CHUNK.pack(0, len(part), kind) + part
            first = False
            if not item:
                break
    return data


def test_a_key_for_wandb_is_looked_for_and_never_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("WANDB_API_KEY", "WANDB_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    assert not logged_in()
    (tmp_path / "netrc").write_text("machine own.example login user password secret\n")
    assert not logged_in()
    monkeypatch.setenv("WANDB_BASE_URL", "https://own.example/x")
    assert logged_in()
    monkeypatch.setenv("WANDB_API_KEY", "key")
    assert logged_in()
