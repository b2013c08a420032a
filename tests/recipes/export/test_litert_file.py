"""The proof in a FlatBuffer, and what becomes of damaged ones; no library reads them here."""

import random
import struct

import pytest

from keras_recipes.recipes.errors import RequestError
from keras_recipes.recipes.export import litert_file

# A root table that refers to nothing, in front of it its description.
SMALLEST = struct.pack("<I4sHHi", 12, b"TFL3", 4, 4, 4)


def with_proof(tmp_path, times=1):
    path = tmp_path / "m.tflite"
    path.write_bytes(SMALLEST)
    for number in range(times):
        litert_file.attach(path, lambda body, n=number: f'{{"{n}": "{body}"}}'.encode())
    return path


def test_the_proof_is_in_front_of_the_model_which_stays_as_it_is(tmp_path):
    path = with_proof(tmp_path)
    found = litert_file.read(path)
    assert found.proof == f'{{"0": "{found.body}"}}'.encode()
    assert path.read_bytes().endswith(SMALLEST)
    assert (len(path.read_bytes()) - len(SMALLEST)) % litert_file.ALIGNMENT == 0


def test_metadata_that_was_there_stays(tmp_path):
    path = with_proof(tmp_path, times=2)
    content = path.read_bytes()
    root = litert_file._root(content)
    entries = litert_file._elements(
        content, litert_file._target(content, root, litert_file.METADATA)
    )
    assert len(entries) == 2
    # The first of a name counts.
    assert litert_file.read(path).proof.startswith(b'{"0"')


def test_a_model_without_metadata_has_no_proof(tmp_path):
    path = tmp_path / "m.tflite"
    path.write_bytes(SMALLEST)
    assert litert_file.read(path).proof is None


def test_damaged_files_are_refused_or_have_another_digest(tmp_path):
    path = with_proof(tmp_path)
    sound = path.read_bytes()
    before = litert_file.read(path)
    dice = random.Random(1)
    for _ in range(400):
        content = bytearray(sound)
        for _ in range(dice.choice((1, 3))):
            content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
        cut = len(content) if dice.random() < 0.7 else dice.randrange(len(content))
        path.write_bytes(content[:cut])
        try:
            after = litert_file.read(path)
        except RequestError:
            continue
        same = bytes(content[:cut]) == sound
        assert same or (after.proof, after.body) != (before.proof, before.body)


@pytest.mark.parametrize(
    "content",
    [b"", b"TFL3", b"\0" * 100, struct.pack("<I4s", 1 << 31, b"TFL3"), SMALLEST[:10]],
    ids=range(5),
)
def test_what_is_no_flatbuffer_is_refused(tmp_path, content):
    path = tmp_path / "m.tflite"
    path.write_bytes(content)
    with pytest.raises(RequestError, match="is no LiteRT model"):
        litert_file.read(path)
