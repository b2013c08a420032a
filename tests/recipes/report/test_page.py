"""The page of a run, from made-up directories: its numbers are theirs, and nothing breaks it."""

import json
import math
import os

import pytest
from pages import HOSTILE, elements, write_run

from keras_recipes.recipes import RequestError
from keras_recipes.recipes.report.curves import save_picture
from keras_recipes.recipes.report.page import write_report
from keras_recipes.recipes.report.thin import thinned, thinned_curves


@pytest.fixture
def directory(tmp_path):
    """Writes a run directory."""
    return lambda name="run", **given: write_run(tmp_path / name, **given)


def test_the_numbers_of_a_page_are_those_of_the_metrics(directory):
    lines = [{"epoch": e, "loss": 1 / e, "val_loss": 0.1 + 1 / e} for e in (1, 2, 3, 4)]
    found = elements(write_report([directory(lines=lines)]))
    for name, key in (("training", "loss"), ("validation", "val_loss")):
        trace = found.trace("epoch", name)
        assert trace["x"] == [1, 2, 3, 4]
        assert trace["y"] == [line[key] for line in lines]


def test_what_a_run_says_is_text(directory):
    lines = [{"epoch": 1, HOSTILE: 1.0, f"val_{HOSTILE}": 2.0}]
    more = {
        "gradients.jsonl": {"epoch": 1, "gradients": {HOSTILE: 1.0}},
        "network.json": {"boxes": [{"name": HOSTILE, "lines": [HOSTILE], "sources": []}]},
        "data.json": {
            "source": HOSTILE,
            "task": HOSTILE,
            "rows": {HOSTILE: 3},
            "notes": [HOSTILE],
            "features": [{"name": HOSTILE, "kind": "category", "vocabulary": [HOSTILE]}],
        },
    }
    folder = directory(
        HOSTILE.replace("/", ""),
        lines=lines,
        recipe=f"name: {json.dumps(HOSTILE)}\n",
        more={name: value for name, value in more.items() if name != "gradients.jsonl"},
        reason=HOSTILE,
        test={HOSTILE: 0.5},
        findings=[HOSTILE],
    )
    (folder / "gradients.jsonl").write_text(json.dumps(more["gradients.jsonl"]) + "\n")
    found = elements(write_report([folder]))
    # Those of the page: one of data for each chart, the packed library, and what draws.
    kinds = sorted(kind for kind, _ in found.scripts if kind != "application/json")
    assert kinds == ["", "text/plain"]
    assert "img" not in found.names
    assert not any(name.startswith("on") for name in found.attributes)
    assert all(link.startswith("#") for link in found.links)
    # plotly.js takes some elements for markup.
    assert not any("<script" in json.dumps(trace) for c in found.charts for trace in c["data"])


@pytest.mark.parametrize("name", [HOSTILE, "_private", "a$b", "$\\frac{$", "한국어 😀", "\x1b[2J"])
def test_any_metric_has_its_chart(directory, name):
    folder = directory(lines=[{"epoch": e, name: float(e)} for e in (1, 2)])
    charts = elements(write_report([folder])).charts
    assert [trace["y"] for chart in charts for trace in chart["data"]] == [[1.0, 2.0]]


def test_a_flat_zero_has_no_chart(directory):
    lines = [{"epoch": e, "loss": 1 / e, "nonfinite_steps": 0.0, "spare": 0.0} for e in (1, 2)]
    page = write_report([directory(lines=lines)])
    assert len(elements(page).charts) == 1
    assert "not finite" not in page.read_text()


def test_values_of_the_wrong_type_leave_gaps(directory):
    lines = [{"epoch": 1, "loss": "<b>"}, {"epoch": "2", "loss": 1.0}, {"epoch": 3, "loss": 2.0}]
    assert thinned_curves(lines)["loss"] == ([3], [2.0])
    assert "b" not in elements(write_report([directory(lines=lines)])).names


DAMAGED = {
    "pretraining.json": {"layers": [{"name": "x", "units": 1, "history": []}], "handed": []},
    "quality.json": {"test": {"figures": 3}},
    "evidence.json": {"test": {"residuals": 3}},
    "data.json": {"rows": {}, "features": [3]},
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_file_of_another_form_is_said(directory, name):
    folder = directory(more={name: DAMAGED[name]})
    assert f"{name} is damaged" in write_report([folder]).read_text(encoding="utf-8")


def test_a_run_that_was_killed_is_reported(directory):
    folder = directory(status="running", test={}, validation={}, reason="")
    with open(folder / "metrics.jsonl", "a") as file:
        file.write('{"epoch": 4, "lo')
    page = write_report([folder]).read_text()
    assert "has not ended: it is running, or was killed" in page
    assert "metrics.jsonl:4: is incomplete" in page


def test_one_damaged_run_does_not_hide_the_others(directory, tmp_path):
    sound, damaged = directory("sound"), directory("damaged")
    (damaged / "result.json").write_text("{")
    page = write_report([sound, damaged], tmp_path / "page.html").read_text()
    assert "is not valid JSON" in page
    assert "0.8125" in page


def test_grey_keys_are_those_that_the_manifest_names(directory):
    folder = directory(recipe="seed: 0\ndata:\n  source: x\n  limit: null\nname: y\n")
    (folder / "manifest.json").write_text(json.dumps({"defaults": ["seed", "data.limit", 3]}))
    page = write_report([folder]).read_text()
    assert '<span class="default">seed: 0</span>\ndata:' in page
    assert '<span class="default">  limit: null</span>\nname: y' in page


def test_equal_files_give_equal_pages(directory):
    folder = directory()
    assert write_report([folder]).read_bytes() == write_report([folder]).read_bytes()


def what_stands(path):
    """All of `lstat` but the time of the last access."""
    found = os.lstat(path)
    return found.st_mode, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


class TestOut:
    """`report --out` and pictures replace what they wrote, and nothing else."""

    def test_an_older_page_is_replaced(self, directory, tmp_path):
        folder, page = directory(), tmp_path / "page.html"
        write_report([folder], page)
        first = page.read_text()
        write_report([folder, folder], page)
        assert page.read_text() != first

    @pytest.mark.parametrize("kind", ["file", "link", "folder", "pipe"])
    def test_anything_else_stays(self, directory, tmp_path, kind):
        target, other = tmp_path / "page.html", tmp_path / "thesis.tex"
        other.write_text("years")
        if kind == "file":
            target.write_text("<html>mine</html>")
        elif kind == "link":
            target.symlink_to(other)
        elif kind == "folder":
            target.mkdir()
        else:
            os.mkfifo(target)
        before = what_stands(target)
        with pytest.raises(RequestError, match="is not a report of keras-recipes"):
            write_report([directory()], target)
        assert what_stands(target) == before
        assert other.read_text() == "years"

    def test_a_picture_replaces_pictures_only(self, tmp_path):
        from matplotlib.figure import Figure

        for name in ("a.png", "a.svg", "a.pdf"):
            save_picture(Figure(), tmp_path / name)
            save_picture(Figure(), tmp_path / name)
        other = tmp_path / "b.png"
        other.write_text("mine")
        with pytest.raises(RequestError, match="is not a picture"):
            save_picture(Figure(), other)
        assert other.read_text() == "mine"
        with pytest.raises(RequestError, match=r"ends in \.png, \.svg or \.pdf"):
            save_picture(Figure(), tmp_path / "c.jpg")


def test_thinned_points_keep_the_shape():
    epochs = list(range(1, 10_001))
    values = [math.sin(epoch / 500) for epoch in epochs]
    values[7321] = 99.0
    fewer, kept = thinned(epochs, values, most=200)
    assert len(kept) <= 200
    assert (fewer[0], fewer[-1]) == (1, 10_000)
    assert max(kept) == 99.0
    assert min(kept) == min(values)
    assert fewer == sorted(set(fewer))


def test_a_long_run_has_a_small_page_that_says_what_is_drawn(directory):
    page = write_report([directory(epochs=10_000)])
    assert page.stat().st_size < 3_000_000
    assert "Of 10,000 epochs" in page.read_text()
