"""The token of a sweep is random, its owner's alone, and read only if it is one."""

import os
import stat

import pytest

from keras_recipes import RequestError
from keras_recipes.recipes.sweep.run.token_file import make_token, read_token


def test_it_is_made_once_for_its_owner_alone(tmp_path):
    before = os.umask(0)
    try:
        token = make_token(tmp_path)
    finally:
        os.umask(before)
    assert len(token) == 32
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600
    assert make_token(tmp_path) == token
    assert [path.name for path in tmp_path.iterdir()] == ["token"]
    (tmp_path / "other").mkdir()
    assert make_token(tmp_path / "other") != token


def mode(path):
    path.write_text("a" * 64)
    path.chmod(0o644)


def text(content):
    def write(path):
        path.write_bytes(content)
        path.chmod(0o600)

    return write


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "cannot be read: No such file"),
        (lambda path: path.mkdir(), "is no file"),
        (lambda path: os.mkfifo(path, 0o600), "is no file"),
        (mode, r"others may read.*mode 0644.*chmod 600"),
        (text(b""), "expected a token.*0 other bytes"),
        (text(b"\xff" * 64), "expected a token"),
        (text(b"a" * 63), "expected a token"),
        (text(b"a" * 10**6), "expected a token"),
    ],
)
def test_what_is_no_token_is_refused(tmp_path, make, words):
    make(tmp_path / "token")
    with pytest.raises(RequestError, match=words):
        read_token(tmp_path / "token")
