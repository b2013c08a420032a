"""Folders of pictures: what is a class, a part, a picture, and what is said of all else."""

import pytest

from keras_recipes.recipes.errors import DataError
from keras_recipes.recipes.spec.image_folders import listing


def touch(folder, *paths):
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"x")
    return str(folder)


def test_classes_and_pictures_stand_in_the_order_of_their_names(tmp_path):
    folder = touch(
        tmp_path, "b/2.png", "b/1.JPG", "b/.hidden.png", "b/notes.txt", "a/deep/er/x.gif", "a/b.bmp"
    )
    assert listing(folder) == {
        "train": {"a": ["a/b.bmp", "a/deep/er/x.gif"], "b": ["b/1.JPG", "b/2.png"]}
    }


def test_names_in_any_language_with_spaces(tmp_path):
    folder = touch(tmp_path, "고양이/하나 둘.png", "🐶 dogs/1 .png", ".git/a.png")
    assert list(listing(folder)["train"]) == ["고양이", "🐶 dogs"]


def test_parts(tmp_path):
    folder = touch(tmp_path, *(f"{p}/{c}/1.png" for p in ("train", "test", "valid") for c in "ab"))
    found = listing(folder)
    assert set(found) == {"train", "test", "validation"}
    assert found["validation"] == {"a": ["valid/a/1.png"], "b": ["valid/b/1.png"]}


def test_a_link_to_a_folder_above_is_no_circle(tmp_path):
    folder = touch(tmp_path, "a/1.png", "b/1.png")
    (tmp_path / "a" / "up").symlink_to(tmp_path, target_is_directory=True)
    assert listing(folder)["train"]["a"] == ["a/1.png"]


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        ([], "is empty. A folder of pictures has a folder for each class"),
        (["1.png"], "has pictures, and no folder of a class"),
        (["a/1.png"], "has one class only, `a`; there is nothing to learn"),
        (["a/1.png", "b/readme.txt"], "`b` has no picture (.png, .jpg"),
        (["train/a/1.png", "train/b/1.png", "test/c/1.png"], "has the classes `c`, which `train`"),
        (["train/a/1.png", "test/a/1.png", "c/1.png"], "and beside them `c`. Move these"),
        (["train/a/1.png", "test/a/1.png"], "has one class only"),
    ],
)
def test_what_is_no_folder_of_classes_is_said(tmp_path, paths, message):
    with pytest.raises(DataError) as error:
        listing(touch(tmp_path, *paths))
    assert message in str(error.value)


def test_a_file_or_nothing_is_no_folder(tmp_path):
    (tmp_path / "f").write_text("")
    for name, message in (("f", "is a file"), ("absent", "no such folder"), ("\0", "cannot be")):
        with pytest.raises(DataError, match=message):
            listing(str(tmp_path / name))
