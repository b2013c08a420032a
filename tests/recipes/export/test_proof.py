"""Digests: each part that is changed is named."""

import copy
import json

import pytest

from keras_recipes.recipes.errors import RequestError
from keras_recipes.recipes.export import proof as proofs
from keras_recipes.recipes.export.proof import ProofPart

PARTS = {
    ProofPart.RECIPE: "name: a\n",
    ProofPart.DATA: {"classes": ["ä", "b"]},
    ProofPart.RUN: {"seed": 1},
    ProofPart.METRICS: {"test": {"accuracy": 0.1 + 0.2}},
    ProofPart.INTERFACE: {},
    ProofPart.CHECK: {},
    ProofPart.VECTORS: {"rows": {}},
}
BODY = "ab" * 32


def read(document):
    return proofs.read("f", json.dumps(document).encode())


def test_what_was_written_is_read_and_unchanged():
    found = proofs.read("f", proofs.text(PARTS, BODY))
    assert {ProofPart(name): value for name, value in found.parts.items()} == PARTS
    assert found.changed(BODY) == []


@pytest.mark.parametrize("part", sorted(ProofPart))
def test_a_changed_part_is_named(part):
    document = json.loads(proofs.text(PARTS, BODY))
    document["parts"][part] = "x" if part is ProofPart.RECIPE else {"changed": True}
    assert read(document).changed(BODY) == [part]


def test_a_changed_model_is_named():
    assert proofs.read("f", proofs.text(PARTS, BODY)).changed("cd" * 32) == ["model"]


def test_a_part_changed_with_its_digest_leaves_the_digest_over_all():
    document = json.loads(proofs.text(PARTS, BODY))
    document["parts"]["metrics"] = {"test": {"accuracy": 1.0}}
    document["digests"]["metrics"] = proofs.digest_of(document["parts"]["metrics"])
    assert read(document).changed(BODY) == ["digests"]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\xff", b"[]", b"{}", b'{"keras_recipes": 2}', b'{"keras_recipes": 1}', b"[" * 9999,
        b'{"keras_recipes": 1, "parts": {}, "digests": {}}', b'{"keras_recipes": 1, "parts": [3]}',
        b'{"keras_recipes": 1, "parts": NaN}',
    ],
    ids=range(10),
)  # fmt: skip
def test_what_is_no_proof_is_refused(content):
    with pytest.raises(RequestError, match="its proof"):
        proofs.read("f", content)


@pytest.mark.parametrize("part", sorted(set(ProofPart) - {ProofPart.RECIPE}))
def test_a_part_of_another_type_is_refused(part):
    document = copy.deepcopy(json.loads(proofs.text(PARTS, BODY)))
    document["parts"][part] = [1]
    with pytest.raises(RequestError, match="another type"):
        read(document)
