"""What errors look like to the one who reads them."""

import errno

import pytest

from keras_recipes import disk
from keras_recipes.recipes.errors import (
    Problem,
    RecipeError,
    RequestError,
    consistent,
    system_failure,
)


def test_of_many_mistakes_twenty_are_shown_and_all_are_kept():
    error = RecipeError(Problem("a.yaml", line, 1, "", "is wrong.") for line in range(1, 30))
    lines = str(error).splitlines()
    assert len(lines) == 21
    assert lines[19:] == ["a.yaml:20:1 is wrong.", "and 9 more."]
    assert len(error.problems) == 29


@pytest.mark.parametrize(
    ("place", "path", "shown"),
    [
        (("a.yaml", 3, 5), "epochs", "a.yaml:3:5 epochs: is wrong."),
        (("a.yaml", 3, 5), "", "a.yaml:3:5 is wrong."),
        (("override `epochs`", None, None), "epochs", "override `epochs` epochs: is wrong."),
        (("a.yaml", None, None), "", "a.yaml: is wrong."),
    ],
)
def test_a_mistake_begins_with_its_place(place, path, shown):
    assert str(Problem(*place, path, "is wrong.")) == shown


def test_any_request_error_has_an_end():
    assert len(str(RequestError("x\n" * 100_000))) < 100


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EMFILE])
def test_what_the_system_refuses_is_a_sentence_with_a_remedy(number):
    said = system_failure(OSError(number, "No luck", "a.txt"))
    assert said is not None
    assert said.startswith(f"a.txt: {disk.CAUSES[number].words}. ")
    assert disk.CAUSES[number].remedy
    assert said.endswith(disk.CAUSES[number].remedy)


def test_other_errors_are_no_failures_of_the_system():
    assert system_failure(ValueError("x")) is None
    assert system_failure(FileNotFoundError(errno.ENOENT, "No such file", "a.txt")) is None


@pytest.mark.parametrize("error", [KeyError("a"), TypeError("b"), ZeroDivisionError("c")])
def test_values_that_make_no_sense_are_an_error_of_their_file(error):
    with pytest.raises(RequestError) as found, consistent("data.json"):
        raise error
    assert str(found.value).startswith("data.json: ")
    assert type(error).__name__ in str(found.value)
    assert found.value.__cause__ is error


@pytest.mark.parametrize("error", [RequestError("x"), OSError("y"), KeyboardInterrupt()])
def test_other_errors_stay_as_they_are(error):
    with pytest.raises(type(error)) as found, consistent("data.json"):
        raise error
    assert found.value is error
