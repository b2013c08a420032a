"""An address is `HOST:PORT` and nothing else; a token is random and its owner's alone."""

import os
import stat

import pytest

from keras_recipes import RequestError
from keras_recipes.recipes.sweep.run.access import make_token, parse_address, read_token


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("0.0.0.0:5000", "0.0.0.0:5000"),
        ("node-3.cluster:7070", "node-3.cluster:7070"),
        ("[::1]:7070", "[::1]:7070"),
        # Without a host: this machine alone.
        (":7070", "127.0.0.1:7070"),
    ],
)
def test_an_address_is_a_host_and_a_port(text, read):
    assert str(parse_address(text, "--chief")) == read


NOTHING = (
    "here 7070 here: here:0 here:-1 here:65536 here:1e3 here:123456789 here:\u0665 -x:5 [::1:5"
)
SCHEMES = "unix:5 unix:///x:5 dns:///here:5 vsock:5"


@pytest.mark.parametrize("text", [*NOTHING.split(), *SCHEMES.split(), "a b:5", "\0:5", ""])
def test_anything_else_is_refused(text):
    with pytest.raises(RequestError, match="--worker: expected HOST:PORT"):
        parse_address(text, "--worker")


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
        (lambda path: path.mkdir(), "is not a regular file"),
        (lambda path: os.mkfifo(path, 0o600), "is not a regular file"),
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
