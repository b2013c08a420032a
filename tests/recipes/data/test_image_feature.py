"""Columns of pictures: what they are taken for, and where their paths may lead."""

import os

import numpy as np
import pyarrow as pa
import pytest
from images import pixels, png
from pyarrow import parquet

from keras_recipes.recipes.data import Splits, load_data
from keras_recipes.recipes.data.frame import Frame
from keras_recipes.recipes.data.image_feature import FittedImage, Image, pictures_of
from keras_recipes.recipes.data.image_files import BrokenPicture
from keras_recipes.recipes.data.infer import infer
from keras_recipes.recipes.data.python_columns import from_columns
from keras_recipes.recipes.data.split import SplitBy
from keras_recipes.recipes.data.table import TableOptions
from keras_recipes.recipes.errors import DataError


def table_of(folder, arrays, links=False):
    names = []
    for index, array in enumerate(arrays):
        names.append(f"{index}.png")
        (folder / names[-1]).write_bytes(png(array))
    return Frame({"photo": pa.array(names)}, "t.csv", folder=str(folder), links=links)


def same(count, channels=3, **more):
    return [pixels(seed, channels=channels, **more) for seed in range(count)]


def test_size_and_colours_follow_from_the_rows(tmp_path):
    found = infer(table_of(tmp_path, same(5)), "photo")
    assert found.feature == Image([12, 10], 3)
    assert found.reason == "pictures all of one size"


def test_grey_pictures_of_different_sizes(tmp_path):
    arrays = [pixels(seed, 10 + seed, 20, 1) for seed in range(5)]
    found = infer(table_of(tmp_path, arrays), "photo")
    assert found.feature == Image([128, 128], 1)
    assert found.reason == "grey pictures of different sizes, up to 20"


def test_names_without_files_are_left_out_with_the_reason(tmp_path):
    table = Frame({"photo": pa.array(["a.png", "b.jpg"])}, "t.csv", folder=str(tmp_path))
    found = infer(table, "photo")
    assert found.feature is None
    assert "names of pictures; 2 of 2" in found.reason
    assert "there is no such file" in found.reason


def test_what_is_given_takes_precedence(tmp_path):
    table = table_of(tmp_path, same(3))
    assert Image([8, 6], 1, "crop").learn("photo", table) == FittedImage("photo", (8, 6), 1, "crop")
    assert Image(channels=1).learn("photo", table).shape == (12, 10, 1)


@pytest.mark.parametrize("given", [{"size": [1]}, {"size": [0, 4]}, {"channels": 2}])
def test_impossible_arguments_are_refused(given):
    with pytest.raises(ValueError, match=next(iter(given))):
        Image(**given)


def test_numbers_are_no_pictures():
    with pytest.raises(DataError, match="holds numbers; expected paths of pictures"):
        Image().learn("x", Frame({"x": pa.array([1, 2])}, "t.csv"))


def test_paths_stay_below_the_folder_of_their_table(tmp_path):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (outside / "a.png").write_bytes(png(pixels(1)))
    (inside / "link.png").symlink_to(outside / "a.png")
    (inside / "way").symlink_to(outside)
    names = [str(outside / "a.png"), "../outside/a.png", "link.png", "way/a.png", ""]
    rows = Frame({"p": pa.array(names)}, "t.csv", folder=str(inside))
    assert all(isinstance(each, BrokenPicture) for each in pictures_of(rows, "p"))
    # The user pointed at this folder itself, so its links are the user's.
    own = Frame({"p": pa.array(names[2:4])}, "f", folder=str(inside), links=True)
    assert [os.path.basename(str(p)) for p in pictures_of(own, "p")] == ["link.png", "a.png"]


def test_learned_from_training_rows_alone(tmp_path):
    sizes = [(12, 10)] * 20 + [(50, 40)] * 5
    lines = ["photo,part,y"]
    for index, (height, width) in enumerate(sizes):
        (tmp_path / f"{index}.png").write_bytes(png(pixels(index, height, width)))
        lines.append(f"{index}.png,{'train' if index < 20 else 'test'},{'ab'[index % 2]}")
    (tmp_path / "t.csv").write_text("\n".join(lines))
    options = TableOptions(("y",), None, split_by=SplitBy("column", "part"))
    data = load_data("csv", {"path": str(tmp_path / "t.csv")}, splits=Splits(), table=options)
    assert data.features == (FittedImage("photo", (12, 10), 3),)


def load(path, features=None, source="csv", **more):
    options = TableOptions(("y",), features)
    return load_data(source, {"path": str(path)}, splits=Splits(None, None), table=options, **more)


def test_bytes_of_parquet_are_pictures(tmp_path):
    cells = [png(array) for array in same(12)]
    table = pa.table({"photo": pa.array(cells, pa.binary()), "y": ["a", "b"] * 6})
    parquet.write_table(table, tmp_path / "t.parquet")
    data = load(tmp_path / "t.parquet", source="parquet")
    assert data.features == (FittedImage("photo", (12, 10), 3),)
    cells[3] = png(pixels(99))
    other = pa.table({"photo": pa.array(cells, pa.binary()), "y": ["a", "b"] * 6})
    parquet.write_table(other, tmp_path / "other.parquet")
    assert load(tmp_path / "other.parquet", source="parquet").fingerprint != data.fingerprint


def test_bytes_from_python_and_in_the_form_of_hugging_face(tmp_path):
    contents = [png(array) + bytes(3) for array in same(4)]
    structs = pa.table({"p": [{"bytes": content, "path": None} for content in contents]})
    for given in ({"p": contents}, structs):
        rows = from_columns(given, "rows")
        assert pictures_of(rows, "p") == contents


def test_bytes_that_are_no_pictures_are_left_out(tmp_path):
    table = pa.table({"b": pa.array([b"x"] * 8, pa.binary()), "n": range(8), "y": ["a", "b"] * 4})
    parquet.write_table(table, tmp_path / "t.parquet")
    features = {"n": "auto", "b": "auto"}
    data = load(tmp_path / "t.parquet", features, source="parquet")
    assert "b: left out; it holds bytes that are no pictures" in data.notes[0]
    with pytest.raises(DataError, match="the target `b` has bytes"):
        load_data(
            "parquet",
            {"path": str(tmp_path / "t.parquet")},
            splits=Splits(None, None),
            table=TableOptions(("b",)),
        )


def csv_of(folder, count=12):
    lines = ["photo,y"]
    for index in range(count):
        (folder / f"{index}.png").write_bytes(png(pixels(index)))
        lines.append(f"{index}.png,{'ab'[index % 2]}")
    (folder / "t.csv").write_text("\n".join(lines))
    return folder / "t.csv"


def test_the_content_of_files_is_in_the_fingerprint(tmp_path):
    path = csv_of(tmp_path)
    first = load(path).fingerprint
    assert load(path).fingerprint == first
    (tmp_path / "5.png").write_bytes(png(pixels(99)))
    assert load(path).fingerprint != first


def test_all_broken_pictures_are_named_at_once(tmp_path):
    path = csv_of(tmp_path)
    (tmp_path / "1.png").write_bytes(b"text")
    (tmp_path / "4.png").unlink()
    with pytest.raises(DataError) as error:
        load(path)
    text = str(error.value)
    assert "2 pictures cannot be read" in text
    assert '1.png: is no PNG, JPEG, GIF or BMP picture; it begins "text"' in text
    assert "4.png: there is no such file" in text
    assert "corrupt: skip" in text


def test_broken_pictures_are_skipped_where_the_recipe_says_so(tmp_path, caplog):
    path = csv_of(tmp_path)
    (tmp_path / "1.png").write_bytes(b"text")
    data = load(path, {"photo": Image(corrupt="skip")})
    assert len(data.train) == len(data.train.x) == 11
    assert "1.png" not in data.train.x["photo"].to_pylist()
    np.testing.assert_array_equal(data.train.y, np.delete(np.arange(12) % 2, 1))
    assert len(data.unreadable) == 1


def test_all_broken_is_nothing_to_learn_from(tmp_path):
    path = csv_of(tmp_path)
    for index in range(12):
        (tmp_path / f"{index}.png").write_bytes(b"text")
    with pytest.raises(DataError, match="no picture of a split can be read"):
        load(path, {"photo": Image(corrupt="skip")})
