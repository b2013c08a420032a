"""`init`: a first recipe for any table, that validates, trains, and learns."""

import gzip
import json

import numpy as np
import pyarrow as pa
import pytest
from images import write_folder
from pyarrow import parquet
from tables import write_table

import keras_recipes
from keras_recipes.recipes.build.inputs import data_of
from keras_recipes.recipes.cli import main
from keras_recipes.recipes.commands.starter import convolutions
from keras_recipes.recipes.data.image_feature import FittedImage
from keras_recipes.recipes.data.outline import outline

TARGETS = {
    "credit": ("Status", "classification"),
    "titanic": ("survived", "classification"),
    "diamonds": ("price", "regression"),
    "flights": ("arr_delay", "regression"),
    "movies": ("Comedy", "classification"),
    "elecdemand": ("Demand", "regression"),
}


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_features_are_those_that_training_would_infer(name, tmp_path, capsys):
    target, task = TARGETS[name]
    path = write_table(name, tmp_path)
    assert main(["init", str(path), "--target", target]) == 0
    assert capsys.readouterr().out.startswith(f"recipe.yaml: {task}, ")
    assert main(["validate", "recipe.yaml"]) == 0
    recipe = keras_recipes.load("recipe.yaml")
    written = data_of(recipe)
    inferred = data_of(keras_recipes.load("recipe.yaml", {"data.features": None}))
    assert written.features == inferred.features
    assert written.task == task
    kept = [column for column, entry in recipe.data.features.items() if entry != "drop"]
    assert sorted(kept) == sorted(feature.name for feature in written.features)


def rows(count=240):
    """A number and a word that decide a class, a date, a name of the row, and holes."""
    draw = np.random.default_rng(0)
    found = []
    for row in range(count):
        size, kind = draw.normal(), "ab"[draw.integers(2)]
        label = "high" if size + (kind == "a") > 0.4 else "low"
        day = f"2020-{row % 12 + 1:02}-{row % 28 + 1:02}"
        found.append(
            {"size": round(size, 3), "kind": kind, "id": f"r{row}", "day": day, "y": label}
        )
    return found


def as_csv(path, found, delimiter=","):
    lines = [delimiter.join(found[0]), *(delimiter.join(map(str, row.values())) for row in found)]
    text = "\n".join(lines).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)


WRITERS = {
    "t.csv": as_csv,
    "t.csv.gz": as_csv,
    "t.tsv": lambda path, found: as_csv(path, found, "\t"),
    "t.jsonl": lambda path, found: path.write_text("\n".join(map(json.dumps, found))),
    "t.parquet": lambda path, found: parquet.write_table(pa.Table.from_pylist(found), path),
}


def test_an_index_without_a_name_is_left_out(tmp_path, capsys):
    found = [{"": place, **row} for place, row in enumerate(rows())]
    as_csv(tmp_path / "t.csv", found)
    assert main(["init", "t.csv", "--target", "y", "--out", "mine.yaml"]) == 0
    assert "index: drop" in (tmp_path / "mine.yaml").read_text()
    assert main(["validate", "mine.yaml"]) == 0
    capsys.readouterr()
    assert main(["train", "mine.yaml", "--dry-run", "data.features=null"]) == 0
    assert "column index: left out; it counts the rows" in "".join(capsys.readouterr())


def test_targets_whose_squares_are_no_32_bit_floats(tmp_path, capsys):
    draw = np.random.default_rng(0)
    found = [{"a": a, "y": a * 1e30} for a in draw.normal(size=140).tolist()]
    as_csv(tmp_path / "t.csv", found)
    assert main(["init", "t.csv", "--target", "y", "--out", "mine.yaml"]) == 0
    recipe = keras_recipes.load("mine.yaml", {"epochs": 1})
    y = data_of(recipe).train.y.astype("float64")
    assert f"always the mean has an RMSE of {y.std():.4g}" in capsys.readouterr().out
    result = recipe.train(progress=False)
    test = data_of(recipe).test
    errors = np.asarray(result.predict({"a": test.x["a"]}).values, "float64") - test.y
    assert result.test["rmse"] == pytest.approx(np.sqrt(np.square(errors).mean()), rel=1e-4)


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_of_a_table(name, tmp_path):
    WRITERS[name](tmp_path / name, rows())
    assert main(["init", name, "--target", "y", "--out", "mine.yaml"]) == 0
    text = (tmp_path / "mine.yaml").read_text()
    assert f"path: {name}" in text
    assert "id: drop" in text
    assert "it names the rows" in text
    assert "# split_by: {time: day}" in text
    assert "2 classes: high, low" in text
    data = data_of(keras_recipes.load("mine.yaml"))
    assert [feature.name for feature in data.features] == ["size", "kind", "day"]


def test_a_table_in_another_notation_and_encoding(tmp_path, capsys):
    """The same data as the table in the usual notation; new rows are read as the recipe reads."""
    found = rows()
    as_csv(tmp_path / "usual.csv", found)
    names = {"a": "Köln", "b": "Zürich"}
    other = [
        {
            **row,
            "size": str(row["size"]).replace(".", ","),
            "kind": names[row["kind"]],
            "day": ".".join(reversed(row["day"].split("-"))),
        }
        for row in found
    ]
    as_csv(tmp_path / "other.csv", other, ";")
    (tmp_path / "other.csv").write_bytes((tmp_path / "other.csv").read_text().encode("cp1252"))
    assert main(["init", "other.csv"]) == 2
    assert "`encoding: cp1252`" in capsys.readouterr().err
    for name, more in (("usual", []), ("other", ["--encoding", "cp1252"])):
        words = ["init", f"{name}.csv", "--target", "y", "--out", f"{name}.yaml"]
        assert main([*words, *more]) == 0
    usual, mine = (keras_recipes.load(f"{name}.yaml") for name in ("usual", "other"))
    one, two = data_of(usual), data_of(mine)
    np.testing.assert_array_equal(one.train.y, two.train.y)
    for name in ("size", "day"):
        assert one.train.x[name].equals(two.train.x[name])
    keras_recipes.load("other.yaml", {"epochs": 1}).train(out=tmp_path / "run", progress=False)
    predicted = keras_recipes.predict(tmp_path / "run", tmp_path / "other.csv")
    table = {name: [row[name] for row in found] for name in found[0] if name != "y"}
    table["kind"] = [names[kind] for kind in table["kind"]]
    again = keras_recipes.predict(tmp_path / "run", pa.table(table))
    np.testing.assert_array_equal(predicted.outputs, again.outputs)


def test_the_recipe_learns_more_than_the_most_frequent_class(tmp_path):
    as_csv(tmp_path / "t.csv", rows())
    assert main(["init", "t.csv", "--target", "y"]) == 0
    recipe = keras_recipes.load("recipe.yaml")
    result = recipe.train(out=tmp_path / "run", progress=False)
    y = data_of(recipe).test.y
    assert result.test["accuracy"] > max(y.mean(), 1 - y.mean()) + 0.1


def test_rows_without_a_target_are_left_out_and_counted(tmp_path):
    found = rows()
    found[3]["y"] = found[9]["y"] = ""
    as_csv(tmp_path / "t.csv", found)
    assert main(["init", "t.csv", "--target", "y", "--limit", "100"]) == 0
    text = (tmp_path / "recipe.yaml").read_text()
    assert "missing_target: drop" in text
    assert "2 rows have no target" in text
    assert "limit: 100" in text


def test_whole_numbers_that_differ_much_are_predicted_as_numbers(tmp_path):
    found = [{"x": row["size"], "y": 7 * index} for index, row in enumerate(rows())]
    as_csv(tmp_path / "t.csv", found)
    assert outline(tmp_path / "t.csv", "y").asked == "regression"
    assert main(["init", "t.csv", "--target", "y"]) == 0
    assert data_of(keras_recipes.load("recipe.yaml")).task == "regression"


def test_many_columns_are_not_spelled_out(tmp_path):
    draw = np.random.default_rng(0)
    found = [{f"c{c}": draw.normal() for c in range(70)} | {"y": row % 2} for row in range(40)]
    as_csv(tmp_path / "t.csv", found)
    assert main(["init", "t.csv", "--target", "y"]) == 0
    text = (tmp_path / "recipe.yaml").read_text()
    assert "features: auto" in text
    assert len(text.splitlines()) < 40


def test_names_of_any_form_are_written_so_that_they_are_read(tmp_path):
    names = ["yes", "1e3", "a: b", "# no", "{x}", "two\nlines", "null", "é"]
    found = {name: np.random.default_rng(0).normal(size=60) for name in names}
    parquet.write_table(pa.table({**found, "the target": [0, 1] * 30}), tmp_path / "t.parquet")
    assert main(["init", "t.parquet", "--target", "the target"]) == 0
    assert list(keras_recipes.load("recipe.yaml").data.features) == names


def test_arrays(tmp_path, capsys):
    x = np.random.default_rng(0).integers(0, 255, (80, 4, 4), dtype="uint8")
    np.savez(
        tmp_path / "a.npz", x_train=x, y_train=np.arange(80) % 4, x_test=x, y_test=np.arange(80) % 4
    )
    assert main(["init", "a.npz"]) == 0
    assert "--target 'y_train'" in capsys.readouterr().out
    assert main(["init", "a.npz", "--target", "y_train"]) == 0
    data = data_of(keras_recipes.load("recipe.yaml"))
    assert (len(data.test), len(data.classes)) == (80, 4)
    assert "scale: minmax" in (tmp_path / "recipe.yaml").read_text()


def test_what_it_says_as_json(tmp_path, capsys):
    path = write_table("credit", tmp_path)
    assert main(["init", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["suggestion"] in "\n".join(found["notes"])
    assert main(["init", str(path), "--target", "Status", "--json"]) == 0
    printed = capsys.readouterr()
    reported = json.loads(printed.out)
    assert (reported["recipe"], reported["task"]) == ("recipe.yaml", "classification")
    assert reported["training_rows"] > 0
    assert reported["baseline"] in printed.err


def test_without_a_target_the_columns_are_listed(tmp_path, capsys):
    as_csv(tmp_path / "t.csv", rows())
    assert main(["init", "t.csv"]) == 0
    reported = capsys.readouterr().out
    assert "kind: category; 2 categories" in reported
    assert "--target 'y'" in reported
    assert not (tmp_path / "recipe.yaml").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["t.csv", "--target", "z"], "has no column `z`"),
        (["none.csv", "--target", "y"], "there is no such file"),
        (["none.csv"], "there is no such file"),
        (["t.txt", "--target", "y"], "expected a file that ends in"),
        (["folder", "--target", "y"], "a folder of pictures has to predict is 'label'"),
        (["folder"], "folder: is empty"),
        (["t.csv", "--target", "y", "--out", "r.txt"], "ends in .yaml"),
        (["t.csv", "--target", "y", "--out", "no/r.yaml"], "cannot be written"),
        (["t.csv", "--target", "y", "--limit", "0"], "expected a number of rows"),
        (["t.csv", "--target", "id"], "class r0 has a single row"),
        (["t.csv", "--target", "y", "--out", "there.yaml"], "already exists"),
        (["empty.csv", "--target", "y"], "empty.csv"),
    ],
)
def test_bad_requests_write_nothing(tmp_path, capsys, arguments, message):
    as_csv(tmp_path / "t.csv", rows())
    (tmp_path / "folder").mkdir()
    (tmp_path / "there.yaml").write_text("mine")
    (tmp_path / "empty.csv").write_text("")
    before = sorted(path.name for path in tmp_path.iterdir())
    assert main(["init", *arguments]) == 2
    reported = capsys.readouterr().err
    assert message in reported
    assert "Traceback" not in reported
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert (tmp_path / "there.yaml").read_text() == "mine"


def test_a_folder_of_pictures(tmp_path, capsys):
    """Its own parts, the size of the pictures, and a network that tells the classes apart."""
    write_folder(tmp_path / "pets", count=30, parts=("train", "valid"), size=(12, 12))
    assert main(["init", "pets"]) == 0
    assert "classification, 51 training rows; always `dogs`" in capsys.readouterr().out
    assert main(["validate", "recipe.yaml"]) == 0
    recipe = keras_recipes.load("recipe.yaml", {"epochs": 8, "learning_rate": 0.01})
    assert (recipe.data.validation, recipe.data.target) == ("auto", ("label",))
    assert recipe.data.features["image"].arguments == {"size": [12, 12], "channels": 3}
    result = recipe.train(out="run", progress=False)
    assert result.validation["accuracy"] > 0.7


@pytest.mark.parametrize(
    ("size", "layers"),
    [
        ((8, 8), ["conv2d", "flatten"]),
        ((28, 40), ["conv2d", "max_pooling2d"] * 2 + ["flatten"]),
        ((128, 128), ["conv2d", "max_pooling2d"] * 4 + ["global_average_pooling2d"]),
    ],
)
def test_convolutions_follow_the_size(size, layers):
    lines = convolutions(FittedImage("image", size, 3))
    assert [line.split("- ")[1].split(":")[0] for line in lines] == layers
