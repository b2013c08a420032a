"""The command line: what each verb prints, and its exit status."""

import csv
import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from keras_recipes.recipes.cli import main, parse, parser

WRONG = "name: x\nepochs: 0\ndata: {source: digts}\nmodel: {layers: []}\n"


def test_list_names_every_recipe_with_its_first_line(capsys):
    assert main(["list"]) == 0
    output = capsys.readouterr().out
    assert "digits_mlp" in output
    assert "Handwritten digits with a small network: the quickstart" in output


def test_show_prints_the_resolved_recipe(capsys):
    assert main(["show", "minibatch_gradient_descent", "seed=7"]) == 0
    output = capsys.readouterr().out
    assert "seed: 7" in output
    assert "extends" not in output
    assert "drop_remainder: false" in output


def test_copy_gives_a_file_to_edit_and_overwrites_nothing(tmp_path, capsys):
    assert main(["copy", "digits_mlp", "mine.yaml"]) == 0
    text = (tmp_path / "mine.yaml").read_text(encoding="utf-8")
    assert text.startswith("# Handwritten digits")
    assert main(["copy", "digits_mlp", "mine.yaml"]) == 2
    assert "already exists" in capsys.readouterr().err
    assert main(["copy", "digits_mlp", str(tmp_path)]) == 0
    assert main(["validate", "mine.yaml", "digits_mlp.yaml"]) == 0


def test_validate_reports_every_mistake_of_every_recipe(tmp_path, capsys):
    (tmp_path / "a.yaml").write_text(WRONG)
    (tmp_path / "b.yaml").write_text(WRONG)
    assert main(["validate", "a.yaml", "iris_none", "b.yaml", "digits_mlp"]) == 2
    captured = capsys.readouterr()
    assert captured.out == "digits_mlp: ok\n"
    lines = captured.err.splitlines()
    assert len(lines) == 5
    assert (
        lines[0] == "a.yaml:2:9 epochs: expected a whole number > 0 and <= 1000000000. Received 0."
    )


def test_validate_takes_overrides(capsys):
    assert main(["validate", "digits_mlp", "epochs=0"]) == 2
    assert "override `epochs`" in capsys.readouterr().err


def test_overrides_stand_anywhere(capsys):
    for words in (["seed=7", "epochs=3"], ["--plugin", "plugin_of_mine", "seed=7", "epochs=3"]):
        request = parse(["show", "digits_mlp", *words])
        assert request.overrides == ["seed=7", "epochs=3"]
        for verb in ("validate", "plot"):
            request = parse([verb, "seed=7", "digits_mlp", *words, "iris_mlp"])
            assert request.overrides == ["seed=7", *words[-2:]]
            assert request.recipes == ["digits_mlp", "iris_mlp"]
    request = parse(["train", "-q", "--out", "run", "seed=7", "digits_mlp"])
    assert (request.recipe, request.overrides, request.quiet) == ("digits_mlp", ["seed=7"], True)
    request = parse(["resume", "run", "--quiet", "epochs=7"])
    assert (request.run, request.overrides) == ("run", ["epochs=7"])
    wrong = ["show digits_mlp --quite", "list seed=7", "resume a -q b"]
    for words in (line.split() for line in wrong):
        with pytest.raises(SystemExit) as caught:
            parse(words)
        assert caught.value.code == 2
        assert "unrecognized arguments" in capsys.readouterr().err


def test_a_recipe_may_have_any_file_name(tmp_path, capsys):
    text = "data: {source: iris}\nmodel: {layers: []}\n"
    for name in ("내레시피.yaml", "lr=0.1.yaml", "My (2).yaml"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert main(["validate", name]) == 0
        assert capsys.readouterr().out.startswith(f"{name}: ok")


@pytest.mark.parametrize("verb", ["train", "show", "plot", "validate", "sweep", "check-gradients"])
def test_a_missing_recipe_is_asked_for_by_example(verb, capsys):
    with pytest.raises(SystemExit) as caught:
        main([verb, "seed=3"])
    assert caught.value.code == 2
    assert f"for example `keras-recipes {verb} digits_" in capsys.readouterr().err


def test_a_copy_that_fails_leaves_no_file(tmp_path, monkeypatch, capsys):
    def full(file, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    assert main(["copy", "digits_mlp", "mine.yaml"]) == 2
    monkeypatch.undo()
    assert "cannot be written: No space left" in capsys.readouterr().err
    assert not (tmp_path / "mine.yaml").exists()


def test_a_failure_of_the_system_is_a_sentence(monkeypatch, capsys):
    from keras_recipes.recipes.commands import recipe_files

    def breaks(arguments):
        raise OSError(errno.EROFS, "Read-only file system", "a/b")

    monkeypatch.setattr(recipe_files, "list_recipes", breaks)
    assert main(["list"]) == 1
    said = "keras-recipes: a/b: the file system is read-only. Write to another place.\n"
    assert capsys.readouterr().err == said


def test_schema_is_json(capsys):
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "keras-recipes"


def test_train_evaluate_predict_report_plot(tmp_path, capsys):
    assert main(["train", "csv_example", "epochs=3", "--out", "run", "--quiet", "--json"]) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out.splitlines()[-1])
    assert result["status"] == "completed"
    assert captured.err == ""

    assert main(["evaluate", "run", "--json"]) == 0
    evaluated = json.loads(capsys.readouterr().out)
    assert evaluated["metrics"] == pytest.approx(result["test"])

    (tmp_path / "raw.csv").write_text(
        "weekday_only,district,seats,area_m2,rent,coffee_price\n"
        "no,harbour,60,120,1500,4.5\nyes,suburb,8,20,600,2.2\n"
    )
    assert main(["predict", "run", "raw.csv", "--out", "out.csv"]) == 0
    with open(tmp_path / "out.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["prediction"] for row in rows] == ["yes", "no"]

    assert main(["report", "run", "run", "--out", "both.html"]) == 0
    assert (tmp_path / "both.html").read_text().startswith("<!doctype html>")

    assert main(["plot", "digits_mlp", "--out", "rate.png"]) == 0
    assert (tmp_path / "rate.png").read_bytes().startswith(b"\x89PNG")
    both = ["plot", "digits_mlp", "schedule_one_cycle", "epochs=10", "--out", "rates.svg"]
    assert main(both) == 0
    assert "<svg" in (tmp_path / "rates.svg").read_text()


def test_find_lr_suggests_rates_and_draws_them(tmp_path, capsys):
    command = ["find-lr", "csv_example", "--steps", "60", "--max-lr", "100", "--json"]
    assert main([*command, "--out", "test.png"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(found["suggestions"]) == {"steepest", "valley"}
    assert all(1e-6 < rate < 100 for rate in found["suggestions"].values())
    assert (tmp_path / "test.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in tmp_path.iterdir()] == ["test.png"]


def test_a_dry_run_prints_what_decays_and_how_fast_each_layer_learns(tmp_path, capsys):
    assert main(["train", "layer_wise_rates", "weight_decay.rate=1e-4", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "20 epochs of 40 batches: 800 updates" in out
    kernel = next(line for line in out.splitlines() if line.startswith("dense_1/kernel"))
    assert kernel.split()[4:6] == ["x", "1"]
    assert "x 0.49" in kernel
    bias = next(line for line in out.splitlines() if line.startswith("output/bias"))
    assert "x 0 " in bias
    assert "x 2 " in bias
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["train", "digts_mlp"], "Did you mean `digits_mlp`"),
        (["train", "absent.yaml"], "there is no such file"),
        (["show", "digits_mlp", "epochs"], "expected `key.path=value`"),
        (["copy", "absent", "x.yaml"], "no recipe of this name ships"),
        (["evaluate", "absent"], "there is no such run directory"),
        (["evaluate", "."], "not a run directory"),
        (["predict", ".", "x.csv"], "not a run directory"),
        (["report", "."], "not a run directory"),
        (["plot", "digits_mlp", "--out", "x.jpg"], "ends in .png, .svg or .pdf"),
        (["plot", "digits_mlp", "--out", "absent/x.png"], "cannot be written"),
        (["find-lr", "digits_mlp", "--steps", "5"], "`steps` must be >= 20"),
        (["find-lr", "digits_mlp", "--min-lr", "1", "--max-lr", "0.1"], "must be > 0 and rise"),
        (["train", "digits_mlp", "--plugin", "no_such_module"], "cannot be imported"),
        (["train", "digits_mlp", "data.batch_size=5000"], "larger than the training split"),
    ],
)
def test_a_wrong_request_is_status_2_and_a_message(command, message, capsys, tmp_path):
    before = set(tmp_path.iterdir())
    assert main(command) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Traceback" not in captured.err
    assert {path for path in tmp_path.iterdir() if path.name != "runs"} == before
    assert not list(tmp_path.glob("runs/*"))


def test_a_wrong_run_directory_is_refused_before_tensorflow_is_imported():
    code = """
import sys, keras_recipes
from keras_recipes.recipes.cli import main
for words in (["evaluate", "absent"], ["predict", ".", "x.csv"], ["reproduce", "absent"]):
    assert main(words) == 2, words
for call in (lambda: keras_recipes.evaluate("."), lambda: keras_recipes.predict(".", "x.csv")):
    try:
        call()
    except keras_recipes.RequestError as error:
        print(error)
print([name for name in ("tensorflow", "keras", "numpy") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert all("not a run directory" in line for line in lines[:2])
    assert lines[2:] == ["[]"]
    assert done.stderr.count("there is no such run directory") == 2


def test_a_training_that_fails_is_status_1(capsys):
    assert main(["train", "exploding_gradients", "--quiet", "--out", "run"]) == 1
    assert capsys.readouterr().out.startswith("failed: The training loss became")


def test_an_internal_error_prints_no_traceback(capsys, monkeypatch):
    from keras_recipes.recipes.commands import recipe_files

    def breaks(arguments):
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(recipe_files, "list_recipes", breaks)
    assert main(["list"]) == 1
    error = capsys.readouterr().err
    assert "internal error" in error
    assert "ZeroDivisionError" in Path(error.rsplit(" ", 1)[1].strip()).read_text()


def test_no_verb_is_a_wrong_request(capsys):
    assert main([]) == 2
    assert "validate" in capsys.readouterr().out


def test_every_verb_has_a_handler_and_a_description():
    verbs = next(action for action in parser()._actions if action.dest == "verb").choices
    assert {"train", "resume", "sweep", "validate", "predict"} <= set(verbs)
    for name, verb in verbs.items():
        assert callable(verb.get_default("handler")), name
        assert verb.description.endswith("."), name


def test_a_closed_pipe_is_no_traceback():
    command = f"{sys.executable} -m keras_recipes schema | head -c 10"
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert "Traceback" not in done.stderr


def test_check_data_lists_what_may_be_wrong(tmp_path, capsys):
    # Each row stands twice; three columns of numbers tell the others apart.
    cells = [(i / 2, i * 7 % 100 / 2, i * 13 % 100 / 2) for i in range(100)]
    rows = [f"{a},{b},{c},same,{'yes' if a % 3 else 'no'}" for a, b, c in cells]
    (tmp_path / "table.csv").write_text("\n".join(["a,b,c,constant,answer", *rows, *rows]))
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        "name: recipe\nmodel: {layers: []}\n"
        f"data: {{source: {{csv: {{path: {tmp_path / 'table.csv'}}}}}, target: answer}}\n"
    )
    assert main(["check-data", str(recipe)]) == 1
    out = capsys.readouterr().out
    assert 'column `constant`: all training rows have "same", and is left out.' in out
    assert "recipe: 3 findings in 140 training, 30 validation, 30 test rows" in out
    assert main(["check-data", str(recipe), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)["findings"]
    assert {finding["kind"] for finding in found} == {"no information", "repeated rows"}
