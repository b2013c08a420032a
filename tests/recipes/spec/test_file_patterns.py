"""Several files by one path, as `validate` sees them."""

import pytest

from keras_recipes.recipes import load
from keras_recipes.recipes.errors import DataError
from keras_recipes.recipes.spec import file_patterns
from keras_recipes.recipes.spec.file_patterns import is_pattern, matched
from keras_recipes.recipes.spec.source_files import file_problems

RECIPE = "data:\n  source: {%s}\n%smodel: {layers: []}\nepochs: 1\n"
TARGET = "  target: y\n"


def problems(folder, source, target=TARGET):
    path = folder / "r.yaml"
    path.write_text(RECIPE % (source, target))
    return [str(problem) for problem in file_problems(load(path))]


def test_files_are_sorted_and_wildcards_are_those_of_the_shell(tmp_path):
    for name in ("part-2.csv", "part-10.csv", "part-1.csv", "other.csv", "[x].csv"):
        (tmp_path / name).touch()
    names = [path.name for path in matched(f"{tmp_path}/part-*.csv")]
    assert names == ["part-1.csv", "part-10.csv", "part-2.csv"]
    assert [path.name for path in matched(tmp_path / "part-[12].csv")] == names[::2]
    assert matched(tmp_path / "[x].csv") == [tmp_path / "[x].csv"]
    assert matched(tmp_path / "absent.csv") == [tmp_path / "absent.csv"]
    assert not is_pattern(tmp_path / "[x].csv")


def test_patterns_without_files_or_with_too_many(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="no file matches"):
        matched(tmp_path / "*.csv")
    with pytest.raises(DataError, match=r"cannot be read|no file matches"):
        matched(f"{tmp_path}/*\0.csv")
    monkeypatch.setattr(file_patterns, "MOST_FILES", 2)
    for name in "abc":
        (tmp_path / f"{name}.csv").touch()
    with pytest.raises(DataError, match="more than 2 files match"):
        matched(tmp_path / "*.csv")


def test_validate_reads_the_header_of_each_file(tmp_path):
    for name, text in (("1.csv", "a,y\n"), ("2.csv", "y,a\n")):
        (tmp_path / name).write_text(text)
    assert problems(tmp_path, "csv: {path: '*.csv'}") == []
    (tmp_path / "3.csv").write_text("a,z,y\n")
    assert problems(tmp_path, "csv: {path: '*.csv'}") == [
        f"{tmp_path}/r.yaml:2:24 data.source.csv.path: {tmp_path}/3.csv: has a column `z`, which "
        f"{tmp_path}/1.csv does not have."
    ]
    (found,) = problems(tmp_path, "csv: {path: '[12].csv'}", "  target: b\n")
    assert f"data.target: {tmp_path}/1.csv has no column `b`" in found
    (found,) = problems(tmp_path, "csv: {path: 'x-*.csv'}")
    assert found.endswith("x-*.csv: no file matches.")


def test_arguments_that_name_files_are_relative_to_the_recipe_and_must_be_there(tmp_path):
    for name in ("x.npy", "y.npy"):
        (tmp_path / name).touch()
    assert problems(tmp_path, "npy: {x: x.npy, y: y.npy}", "") == []
    (found,) = problems(tmp_path, "npy: {x: x.npy, y: z.npy}", "")
    assert found.endswith(f"data.source.npy.y: {tmp_path}/z.npy: there is no such file.")
    (found,) = problems(tmp_path, "tfds: {path: sets}")
    assert found.endswith(f"data.source.tfds.path: {tmp_path}/sets: there is no such file.")
    # A name is none of a file.
    assert problems(tmp_path, "tfds: {name: mnist}") == []
    assert problems(tmp_path, "huggingface: {name: imdb}") == []


def test_columns_of_records_are_their_features(tmp_path):
    (tmp_path / "a").touch()
    source = "tfrecord: {path: a, features: {x: {shape: [2]}, %s: {dtype: int64}}}"
    assert problems(tmp_path, source % "y") == []
    (found,) = problems(tmp_path, source % "z")
    assert "data.target: data.source.tfrecord.features has no column `y`" in found
