"""`validate` looks at the files of a recipe: whether they are there, with the columns it names."""

import subprocess
import sys

import numpy as np
import pytest

from keras_recipes.recipes.cli import main
from keras_recipes.recipes.data.delimited import read_delimited
from keras_recipes.recipes.errors import RecipeError
from keras_recipes.recipes.spec import load

RECIPE = """\
name: r
data:
  source:
    csv:
      path: t.csv
  target: price
  features: {'*': auto, colour: category}
  validation: {csv: {path: v.csv}}
model: {layers: [{dense: {units: 2}}]}
"""
NPZ = """\
name: r
data:
  source: {npz: {path: t.npz, x: pictures}}
model: {layers: [flatten]}
"""
SWEEP = """\
recipe: r.yaml
space:
  data.source.csv.path: {choice: [t.csv, absent.csv]}
objective: {minimize: val_loss}
algorithm: random
budget: {trials: 2}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "r.yaml").write_text(RECIPE)
    (tmp_path / "n.yaml").write_text(NPZ)
    (tmp_path / "s.yaml").write_text(SWEEP)
    for name in ("t.csv", "v.csv"):
        (tmp_path / name).write_text("size,colour,price\n1,red,2.5\n")
    np.savez(tmp_path / "t.npz", pictures=np.zeros((2, 2)), y=np.zeros(2))
    return tmp_path


def verdict(capsys, *words):
    status = main(["validate", *words])
    captured = capsys.readouterr()
    return status, captured.out + captured.err


def test_files_that_fit(folder, capsys):
    status, reported = verdict(capsys, "r.yaml", "n.yaml")
    assert (status, reported.count(": ok")) == (0, 2), reported


def test_an_index_without_a_name_as_the_reader_sees_it(folder, capsys):
    for name in ("t.csv", "v.csv"):
        (folder / name).write_text(",size,colour,price\n0,1,red,2.5\n1,2,blue,3\n")
    assert list(read_delimited(folder / "t.csv").columns) == ["index", "size", "colour", "price"]
    (folder / "r.yaml").write_text(RECIPE.replace("'*': auto", "'*': auto, index: drop"))
    status, reported = verdict(capsys, "r.yaml")
    assert (status, reported.count(": ok")) == (0, 1), reported


def test_columns_that_are_not_there(folder, capsys):
    (folder / "t.csv").write_text("size,color,prize\n1,red,2.5\n")
    (folder / "v.csv").unlink()
    status, reported = verdict(capsys, "r.yaml")
    assert status == 2
    assert "r.yaml:6:11 data.target:" in reported
    assert (
        "t.csv has no column `price`; it has `size`, `color` or `prize`. Did you mean" in reported
    )
    assert "r.yaml:7:33 data.features.colour:" in reported
    assert "r.yaml:8:28 data.validation.csv.path:" in reported
    assert "v.csv: there is no such file." in reported


@pytest.mark.parametrize(
    ("change", "place", "fragment"),
    [
        ("x: images", "n.yaml:3:34 data.source.npz.x", "has no array `images`; it has `pictures`"),
        ("x: pictures, y: z", "data.source.npz.y", "no array `z`"),
        ("x: pictures, x_test: x, y_test: y", "data.source.npz.x_test", "no array `x`"),
    ],
)
def test_arrays_that_are_not_there(folder, capsys, change, place, fragment):
    (folder / "n.yaml").write_text(NPZ.replace("x: pictures", change))
    status, reported = verdict(capsys, "n.yaml")
    assert status == 2
    assert place in reported
    assert fragment in reported
    (folder / "t.npz").write_bytes(b"PK")
    assert "is no npz file" in verdict(capsys, "n.yaml")[1]


@pytest.mark.parametrize("encoding", ["utf-9", "base64", "idna"])
def test_an_encoding_that_there_is_not(folder, encoding):
    with pytest.raises(RecipeError, match="expected the name of a text encoding") as caught:
        load("r.yaml", [f"data.source.csv.encoding={encoding}"])
    assert caught.value.problems[0].path == "data.source.csv.encoding"


def test_a_recipe_is_loaded_where_its_data_is_gone(folder):
    (folder / "t.csv").unlink()
    assert load("r.yaml").data.source.name == "csv"


def test_every_file_of_a_sweep(folder, capsys):
    status, reported = verdict(capsys, "s.yaml")
    assert status == 2
    assert "absent.csv: there is no such file." in reported
    assert "/t.csv" not in reported
    (folder / "absent.csv").write_text("size,colour,price\n1,red,2.5\n")
    assert verdict(capsys, "s.yaml")[0] == 0


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_other_tables_that_are_not_there(folder, capsys, kind):
    text = RECIPE.replace("csv:\n      path: t.csv", f"{kind}:\n      path: t.{kind}")
    (folder / "r.yaml").write_text(text)
    status, reported = verdict(capsys, "r.yaml")
    assert status == 2
    assert f"r.yaml:5:13 data.source.{kind}.path:" in reported
    assert "there is no such file." in reported
    (folder / f"t.{kind}").write_text("anything")
    assert verdict(capsys, "r.yaml")[0] == 0


@pytest.mark.parametrize(
    ("change", "place", "fragment"),
    [
        ("  target: price\n", "r.yaml:3:3 data:", "needs `target`"),
        (
            "features: {'*': auto, colour: category}",
            "r.yaml:7:21 data.features.price:",
            "a feature",
        ),
        ("csv:\n      path: t.csv", "data.target:", "`iris` is no table with columns"),
    ],
)
def test_a_table_and_its_target_belong_together(folder, capsys, change, place, fragment):
    new = {"  target: price\n": "", "csv:\n      path: t.csv": "iris"}
    text = RECIPE.replace(change, new.get(change, "features: {price: category}"))
    (folder / "r.yaml").write_text(text)
    status, reported = verdict(capsys, "r.yaml")
    assert status == 2
    assert place in reported
    assert fragment in reported


def test_a_wide_header_is_listed_in_part(folder, capsys):
    names = ",".join(f"column_{index:05d}" for index in range(20_000))
    (folder / "t.csv").write_text(f"{names}\n")
    status, reported = verdict(capsys, "r.yaml")
    assert status == 2
    assert "and 19988 more" in reported
    assert len(reported) < 2000


def test_validate_imports_no_numpy(folder):
    code = (
        "import sys; from keras_recipes.recipes.cli import main; main(['validate', 'r.yaml']);"
        "print([m for m in ('tensorflow', 'keras', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["r.yaml: ok", "[]"]
