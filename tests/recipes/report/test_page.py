"""The page of runs, from made-up directories: nothing in them becomes markup, or breaks it."""

import json
import math
import os
from html.parser import HTMLParser

import pytest

from keras_recipes.recipes import RequestError
from keras_recipes.recipes.report.curves import save_picture, thinned, thinned_curves
from keras_recipes.recipes.report.page import write_report

HOSTILE = "<script>alert(1)</script>\"'$\\bad{$_"


@pytest.fixture
def directory(tmp_path):
    """Writes a run directory."""

    def write(name="run", epochs=3, lines=None, **result):
        folder = tmp_path / name
        folder.mkdir()
        written = {
            "status": "completed",
            "directory": str(folder),
            "reason": "all epochs were trained",
            "epochs": epochs,
            "seconds": 1.5,
            "validation": {"loss": 0.5, "accuracy": 0.75},
            "test": {"loss": 0.5, "accuracy": 0.8125},
            **result,
        }
        made = [{"epoch": e + 1, "loss": 1.0 / (e + 1), "val_loss": 1.0} for e in range(epochs)]
        (folder / "result.json").write_text(json.dumps(written))
        (folder / "metrics.jsonl").write_text(
            "".join(json.dumps(line) + "\n" for line in (made if lines is None else lines))
        )
        (folder / "manifest.json").write_text(json.dumps({"x": result.get("x", 1)}))
        (folder / "recipe.yaml").write_text(f"name: {result.get('x', 'run')}\n")
        return folder

    return write


class Elements(HTMLParser):
    """Names of all elements and attributes of a page, and where its links lead."""

    def __init__(self, text):
        super().__init__()
        self.names, self.attributes, self.links = set(), set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.attributes.update(name for name, _ in attrs)
        self.links += [value for name, value in attrs if name in ("href", "src")]


def elements(path):
    return Elements(path.read_text(encoding="utf-8"))


def test_what_a_run_says_is_text(directory):
    lines = [{"epoch": 1, HOSTILE: 1.0, f"val_{HOSTILE}": 2.0}]
    folder = directory(
        HOSTILE.replace("/", ""),
        lines=lines,
        x=HOSTILE,
        reason=HOSTILE,
        test={HOSTILE: 0.5},
        findings=[HOSTILE],
    )
    found = elements(write_report([folder]))
    assert "script" not in found.names
    assert not any(name.startswith("on") for name in found.attributes)
    assert found.links == [link for link in found.links if link.startswith("#")]


@pytest.mark.parametrize("name", [HOSTILE, "_private", "a$b", "$\\frac{$", "한국어 😀", "\x1b[2J"])
def test_any_metric_has_its_picture(directory, name):
    folder = directory(lines=[{"epoch": e, name: float(e)} for e in (1, 2)])
    assert "<svg" in write_report([folder]).read_text(encoding="utf-8")


def test_values_of_the_wrong_type_leave_gaps(directory):
    lines = [{"epoch": 1, "loss": "<b>"}, {"epoch": "2", "loss": 1.0}, {"epoch": 3, "loss": 2.0}]
    assert thinned_curves(lines)["loss"] == ([3], [2.0])
    assert "b" not in elements(write_report([directory(lines=lines)])).names


def test_a_pretraining_file_of_another_form_is_said(directory):
    folder = directory()
    layer = {"name": "x", "units": HOSTILE, "seconds": 1, "cached": True, "history": []}
    text = json.dumps({"layers": [layer], "handed": []})
    (folder / "pretraining.json").write_text(text)
    page = write_report([folder]).read_text(encoding="utf-8")
    assert "pretraining.json is damaged" in page


def test_measured_values_come_first(directory):
    page = write_report([directory()]).read_text(encoding="utf-8")
    assert page.index("test accuracy") < page.index("why it ended")
    runs = [directory(f"run{index}") for index in range(3)]
    page = write_report(runs).read_text(encoding="utf-8")
    assert page.index(">test accuracy<") < page.index(">status<")


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

        for name in ("a.png", "a.svg"):
            save_picture(Figure(), tmp_path / name)
            save_picture(Figure(), tmp_path / name)
        other = tmp_path / "b.png"
        other.write_text("mine")
        with pytest.raises(RequestError, match="is not a picture"):
            save_picture(Figure(), other)
        assert other.read_text() == "mine"
        with pytest.raises(RequestError, match=r"a picture ends in \.png or \.svg"):
            save_picture(Figure(), tmp_path / "c.pdf")


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


def test_a_long_run_has_a_small_page(directory):
    page = write_report([directory(epochs=10_000)])
    assert page.stat().st_size < 200_000
