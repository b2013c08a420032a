"""A folder of pictures as rows: classes, parts, labels from a table."""

import numpy as np
import pytest
from images import pixels, png, write_folder

import keras_recipes
from keras_recipes.recipes.data import Splits, load_data
from keras_recipes.recipes.data.image_feature import Image
from keras_recipes.recipes.data.image_folder import image_folder
from keras_recipes.recipes.data.table import NO_TABLE, TableOptions
from keras_recipes.recipes.errors import DataError
from keras_recipes.recipes.spec.source_files import file_problems


def load(folder, splits=None, table=NO_TABLE, **arguments):
    given = {"path": str(folder), **arguments}
    return load_data("image_folder", given, splits=splits or Splits(), table=table)


def test_folders_are_classes(tmp_path):
    data = load(write_folder(tmp_path / "f", ("2", "10", "01")))
    assert data.classes == ("01", "10", "2")  # names stay words
    assert data.target == ("label",)
    assert (len(data.train), len(data.validation), len(data.test)) == (26, 5, 5)
    assert not set(data.train.x["image"].to_pylist()) & set(data.test.x["image"].to_pylist())


def test_the_folder_may_move_and_nothing_changes(tmp_path):
    before = load(write_folder(tmp_path / "f")).fingerprint
    (tmp_path / "f").rename(tmp_path / "g h")
    assert load(tmp_path / "g h").fingerprint == before


def test_parts_are_the_splits(tmp_path):
    folder = write_folder(tmp_path / "f", parts=("train", "test", "valid"))
    data = load(folder)
    for split, part in ((data.train, "train"), (data.validation, "valid"), (data.test, "test")):
        assert len(split) == 24
        assert all(path.startswith(f"{part}/") for path in split.x["image"].to_pylist())


def test_parts_that_are_not_asked_for_are_not_used(tmp_path):
    folder = write_folder(tmp_path / "f", parts=("train", "test", "validation"))
    data = load(folder, Splits(None, None))
    assert (len(data.train), data.validation, data.test) == (24, None, None)


@pytest.mark.parametrize(("part", "said"), [(0.25, "25 % of the rows is"), (5, "5 rows are")])
def test_a_part_of_the_rows_beside_a_validation_part_is_refused(tmp_path, part, said):
    folder = write_folder(tmp_path / "f", parts=("train", "valid"), count=2)
    with pytest.raises(DataError, match=f"{said} asked for, and .* has a validation part"):
        load(folder, Splits(part))
    source = {"image_folder": {"path": str(folder)}}
    data = {"source": source, "validation": part}
    recipe = {"name": "r", "data": data, "model": {"layers": ["flatten"]}}
    (problem,) = file_problems(keras_recipes.load(recipe))
    assert problem.path == "data.validation"
    assert str(folder) in problem.message
    assert file_problems(keras_recipes.load(recipe, {"data.validation": "auto"})) == []
    assert file_problems(keras_recipes.load(recipe, {"data.folds": 2})) == []


def test_without_a_validation_part_rows_are_drawn(tmp_path):
    data = load(write_folder(tmp_path / "f", parts=("train", "test")), Splits(0.25))
    assert (len(data.train), len(data.validation), len(data.test)) == (18, 6, 24)


def test_labels_from_a_table(tmp_path):
    lines = ["age,file,kind"]
    for index in range(20):
        (tmp_path / f"{index} 사진.png").write_bytes(png(pixels(index)))
        lines.append(f"{index / 2},{index} 사진.png,{'ab'[index % 2]}")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    labels = str(tmp_path / "labels.csv")
    data = load(tmp_path, labels=labels, table=TableOptions(("kind",), {"file": "auto"}))
    assert data.classes == ("a", "b")
    assert [feature.name for feature in data.features] == ["file"]
    age = load(tmp_path, labels=labels, table=TableOptions(("age",)))
    assert [feature.name for feature in age.features] == ["file", "kind"]
    with pytest.raises(DataError, match="no column `label`"):
        load(tmp_path, labels=labels)


def test_a_table_without_names_of_pictures(tmp_path):
    (tmp_path / "labels.csv").write_text("id,label\n1,a\n2,b\n")
    with pytest.raises(DataError, match="no column has names of pictures"):
        image_folder(str(tmp_path), str(tmp_path / "labels.csv"))


def test_rows_without_a_picture_keep_the_numbers_of_the_others(tmp_path):
    """Folds write a prediction beside the row of the source that it is of."""
    write_folder(tmp_path / "pets")
    (tmp_path / "pets" / "cats" / "03.png").write_bytes(b"no picture")
    table = TableOptions(features={"image": Image(corrupt="skip")})
    data = load(tmp_path / "pets", Splits(validation=0.25, test=None), table)
    numbers = np.concatenate([data.train.numbers, data.validation.numbers])
    assert sorted(numbers.tolist()) == [row for row in range(24) if row != 3]
