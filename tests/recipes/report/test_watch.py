"""A page that follows a run which trains, and what it says of a run that began as another one."""

import json
import os
import socket

import pytest
from pages import elements, write_run

from keras_recipes.recipes.cli import main
from keras_recipes.recipes.commands import runs as verbs
from keras_recipes.recipes.record.lock import LOCK
from keras_recipes.recipes.report.page import write_report


def line(epoch):
    return json.dumps({"epoch": epoch, "loss": 1.0 / epoch, "val_loss": 2.0 / epoch}) + "\n"


def test_a_page_follows_a_run_that_grows(tmp_path, monkeypatch, capsys):
    run = write_run(tmp_path / "run", epochs=0, lines=[], status="running", test={}, validation={})
    owner = {"process": os.getpid(), "machine": socket.gethostname()}
    (run / LOCK).write_text(json.dumps(owner))
    page, seen = run / "report.html", []

    def train_on(seconds):
        """An epoch in each pause, one pause without any, and the end."""
        seen.append(page.read_text(encoding="utf-8"))
        epoch = len(seen)
        if epoch == 3:
            return
        if epoch > 4:
            (run / LOCK).unlink()
            result = json.loads((run / "result.json").read_text())
            result |= {"status": "completed", "epochs": 4, "best_epoch": 4}
            (run / "result.json").write_text(json.dumps(result))
            return
        with open(run / "metrics.jsonl", "a") as file:
            file.write(line(epoch))

    monkeypatch.setattr(verbs.time, "sleep", train_on)
    assert main(["report", str(run), "--watch"]) == 0
    assert capsys.readouterr().out.strip() == str(page)
    assert "No epoch was finished." in seen[0]
    assert all('http-equiv="refresh" content="2"' in each for each in seen)
    # Nothing was trained in the third pause, and the page is the same.
    assert seen[3] == seen[2] != seen[1]
    assert "has not ended" in seen[4]
    found = elements(page)
    assert "refresh" not in page.read_text(encoding="utf-8").split("<title>")[0]
    assert found.trace("epoch", "validation")["x"] == [1, 2, 4]
    assert "The run was completed: 4 epochs" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("branched", "says"),
    [
        (
            {"run": "/elsewhere/trials/0002", "batches": 30, "steps": 30},
            "It trained 70 of 100 steps; the first 30 are those of 0002.",
        ),
        ({"run": "<script>", "steps": 30}, "are those of &lt;script&gt;."),
        ({"run": 3, "steps": "many"}, None),
        (["x"], None),
        (None, None),
    ],
    ids=["a trial", "hostile", "no number", "no mapping", "none"],
)
def test_a_run_that_began_as_another_one_says_what_it_trained(tmp_path, branched, says):
    run = write_run(tmp_path / "run", steps=100)
    manifest = {} if branched is None else {"branched": branched}
    (run / "manifest.json").write_text(json.dumps(manifest))
    page = write_report([run]).read_text(encoding="utf-8").split("<nav")[0]
    assert (says in page) if says else ("It trained" not in page)
