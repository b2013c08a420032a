"""The verbs runs, compare and report, on runs that no training made."""

import json

import pytest
from pages import write_run

from keras_recipes.recipes.cli import main
from keras_recipes.recipes.output import coloured


@pytest.fixture
def folder(tmp_path):
    for index, (status, accuracy) in enumerate(
        [("completed", 0.75), ("completed", 0.5), ("failed", 0.9)]
    ):
        write_run(
            tmp_path / f"run{index}",
            status=status,
            recipe=f"name: x\nepochs: {index}\n",
            test={"loss": 1.0, "accuracy": accuracy},
        )
    return tmp_path


def test_runs_are_sorted_and_filtered(folder, capsys):
    assert main(["runs", str(folder), "--sort", "metric", "--reverse"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["run", "run2", "run0", "run1"]
    assert "test accuracy" in lines[1]
    assert main(["runs", str(folder), "--status", "completed", "--match", "*1", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["runs"]
    assert (found["name"], found["metrics"]["accuracy"]) == ("run1", 0.5)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["runs", "absent"], "there is no such folder"),
        (["runs", ".", "--status", "asleep"], "expected one of completed"),
        (["compare", "run0"], "name two runs or more"),
        (["compare", "run0", "run1", "--figure", "x.svg", "--metric", "y"], "no run has 'y'"),
        (["compare", "absent", "other"], "there is no such run directory"),
    ],
)
def test_a_wrong_request_is_reported(folder, command, message, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    assert main(command) == 2
    assert message in capsys.readouterr().err
    assert not (folder / "x.svg").exists()


def test_a_comparison_in_each_form(folder, capsys):
    runs = [str(folder / f"run{index}") for index in range(3)]
    assert main(["compare", *runs, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["keys"] == {"epochs": ["0", "1", "2"]}
    assert [run["test"]["accuracy"] for run in found["runs"]] == [0.75, 0.5, 0.9]
    assert main(["compare", *runs, "--markdown"]) == 0
    assert "| run0 | completed | 3 | 1.0000 | 0.7500 |" in capsys.readouterr().out
    assert main(["compare", *runs, "--latex"]) == 0
    assert "run0 & completed & 3 & 1.0000 & 0.7500 & " in capsys.readouterr().out
    assert main(["compare", *runs]) == 0
    assert "keys of the recipes that differ" in capsys.readouterr().out


def test_names_are_escaped_in_each_form(tmp_path, capsys):
    runs = [str(write_run(tmp_path / name)) for name in ("a_b&c%", "x|<i>\x1b[2J")]
    assert main(["compare", *runs, "--latex"]) == 0
    assert r"a\_b\&c\%" in capsys.readouterr().out
    assert main(["compare", *runs, "--markdown"]) == 0
    assert r"x\|\<i\>?\[2J" in capsys.readouterr().out
    assert main(["compare", *runs]) == 0
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize("ending", ["svg", "pdf", "png"])
def test_a_figure_is_drawn(folder, ending, capsys):
    picture = folder / f"x.{ending}"
    runs = [str(folder / f"run{index}") for index in range(3)]
    assert main(["compare", *runs, "--figure", str(picture), "--quiet"]) == 0
    assert picture.read_bytes()[:4] in (b"<?xm", b"%PDF", b"\x89PNG")
    assert capsys.readouterr().err == ""


def test_damaged_runs_are_reported_and_the_others_compared(folder, capsys):
    (folder / "run1" / "result.json").write_text("{")
    assert main(["compare", str(folder / "run0"), str(folder / "run1")]) == 0
    found = capsys.readouterr()
    assert "is not valid JSON" in found.err
    assert "damaged" in found.out


def test_a_run_that_has_ended_is_followed_once(folder, capsys):
    page = folder / "page.html"
    assert main(["report", str(folder / "run0"), "-o", str(page), "--watch", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["page"] == str(page)
    assert 'http-equiv="refresh"' not in page.read_text()


class Terminal:
    def isatty(self):
        return True


def test_colours_are_for_terminals_whose_user_wants_them(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    table = "run  status     epochs\nx    completed  3"
    assert "\x1b[32mcompleted\x1b[0m" in coloured(table, Terminal())
    monkeypatch.setenv("NO_COLOR", "1")
    assert coloured(table, Terminal()) == table
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert coloured(table, Terminal()) == table
