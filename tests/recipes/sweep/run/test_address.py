"""`HOST:PORT`, and nothing else that gRPC would take for an address."""

import pytest

from keras_recipes import RequestError
from keras_recipes.recipes.sweep.run.address import parse_address


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
