"""Exported files made wrong at random: refused, or verified as changed, and nothing else.

    python tests/fuzz/exported.py --count 500 --seed 1

Each case takes a sound ONNX file with its proof and damages it: bytes flipped, cut, doubled,
tensors that claim a trillion numbers or stand in another file, metadata that is no proof. `verify`
must say that it was changed, or refuse it with one message; `--forged` cases have sound digests
over the damage, so that the runtime itself is handed it, in a process of its own; where the proof
alone was forged, rows are predicted too. The exit status is 1 if any case failed.
"""

import argparse
import contextlib
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path

import harness
import numpy as np
from mutations import cut, flip, put_in, take_out

from keras_recipes.recipes.errors import RequestError
from keras_recipes.recipes.export import onnx_file, proof
from keras_recipes.recipes.export.arrays import plain
from keras_recipes.recipes.export.interface import Interface, Port, PreprocessingPlace
from keras_recipes.recipes.export.kinds import Format, WeightPrecision
from keras_recipes.recipes.export.predictor import load_predictor
from keras_recipes.recipes.export.proof import ProofPart
from keras_recipes.recipes.export.verify import verify
from keras_recipes.recipes.export.wire import field, written

SECONDS, MEBIBYTES = 10, 64


def sound() -> bytes:
    """A model of one matrix, as protocol buffers."""
    matrix = np.arange(6, dtype="<f4").reshape(2, 3)
    tensor = written(8) + written(2) + written(8) + written(3) + written(16) + written(1)
    tensor += field(8, b"w") + field(9, matrix.tobytes())
    node = field(1, b"x") + field(1, b"w") + field(2, b"y") + field(4, b"MatMul")
    graph = field(1, node) + field(2, b"g") + field(5, tensor)
    graph += field(11, value(b"x", 2)) + field(12, value(b"y", 3))
    return written(8) + written(8) + field(7, graph) + field(8, written(16) + written(18))


def value(name: bytes, width: int) -> bytes:
    """An input or output of any number of rows."""
    shape = field(1, field(2, b"n")) + field(1, written(8) + written(width))
    kind = field(1, written(8) + written(1) + field(2, shape))
    return field(1, name) + field(2, kind)


def parts() -> dict[ProofPart, object]:
    """The parts of its proof."""
    rows = np.array([[1, 2], [3, 4]], "float32")
    given, made = Port("x", "x", (2,), "float32"), Port("y", "y", (3,), "float32")
    interface = Interface(
        Format.ONNX,
        WeightPrecision.FLOAT32,
        None,
        PreprocessingPlace.NONE,
        (given,),
        (made,),
        (given,),
    )
    outputs = {"y": plain(rows @ np.arange(6, dtype="float32").reshape(2, 3))}
    vectors = {"rows": {"x": plain(rows)}, "outputs": outputs, "keras": outputs}
    described = {
        "task": "classification", "classes": ["a", "b", "c"], "input_shape": [2], "features": [],
        "target": ["y"], "dialect": {}, "window": None, "output_function": None, "threshold": None,
    }  # fmt: skip
    own = {
        ProofPart.INTERFACE: interface.to_json(),
        ProofPart.VECTORS: vectors,
        ProofPart.RECIPE: "name: a\n",
    }
    own[ProofPart.DATA] = described
    return {**{part: {} for part in ProofPart}, ProofPart.RUN: {"name": "a"}, **own}


EXTRA = [
    field(7, field(5, written(8) + written(10**12) + written(16) + written(1))),
    field(7, field(5, field(13, field(1, b"location") + field(2, b"/etc/passwd")))),
    field(7, field(1, field(5, field(6, field(5, written(14 << 3) + written(1)))))),
    field(14, field(1, b"keras_recipes") + field(2, b"{}")),
    field(14, field(1, b"keras_recipes") + field(2, b"[" * 5000)),
    field(14, field(1, b"keras_recipes") + field(2, b"\xff\x00")),
    b"\x7f", b"\x00", b"\xff" * 20, field(7, b""), written(1 << 40),
]  # fmt: skip


def damaged(content: bytes, dice: random.Random) -> bytes:
    """The file made wrong."""
    if dice.random() < 0.3:
        return content + dice.choice(EXTRA)
    for _ in range(dice.choice((1, 1, 2, 5))):
        content = dice.choice((flip, flip, flip, cut, take_out, put_in))(content, dice)
    return content


PLACES = ["interface", "vectors", "run", "data", "data", "data", "vectors rows", "vectors rows x",
          "interface inputs", "vectors outputs y"]  # fmt: skip


def hostile_parts(dice: random.Random) -> dict[ProofPart, object]:
    """A proof whose values make no sense, as a forger may write one."""
    document = json.loads(json.dumps(parts()))
    *path, last = dice.choice(PLACES).split()
    inner = document
    for key in path:
        inner = inner[key]
    key = dice.choice(sorted(inner[last])) if inner[last] and dice.random() < 0.7 else None
    junk = dice.choice([None, 7, -1, "x", [], {}, [10**12], {"shape": [10**15]}, "A" * 5000])
    if isinstance(inner[last], list):
        inner[last] = junk
    elif key is not None:
        inner[last][key] = junk
    else:
        inner[last] = {"a": junk}
    return {ProofPart(name): item for name, item in document.items()}


def predicted(path: Path) -> None:
    """Answer rows in both ways; refusals are as good as answers."""
    rows = np.ones((3, 2))
    with contextlib.suppress(RequestError):
        found = load_predictor(path)
        for answer in (found, found.read):
            with contextlib.suppress(RequestError):
                answer(rows).columns()


class Fuzzer:
    """A folder with one file in it, made wrong again and again."""

    def __init__(self, folder: Path, seed: int):
        self.path, self.seed = folder / "model.onnx", seed
        self.tally = harness.Tally()
        self.write(sound(), parts())
        if not verify(self.path).ok:
            raise SystemExit(f"the sound file is not verified: {verify(self.path).lines()}")
        predicted(self.path)  # imports what answers, once
        self.content = self.path.read_bytes()

    def write(self, model: bytes, stated: dict[ProofPart, object]) -> None:
        self.path.write_bytes(model)
        onnx_file.attach(self.path, lambda body: proof.text(stated, body))

    def case(self, number: int, forged: bool) -> None:
        """Make the file wrong and verify it."""
        dice = random.Random(f"{self.seed}/{number}/{forged}")
        name = f"case {number}{' (forged)' * forged}"
        own_model = False
        if not forged:
            content = damaged(self.content, dice)
            self.path.write_bytes(content)
        elif dice.random() < 0.5:
            self.write(damaged(sound(), dice), parts())
        else:
            own_model = True
            self.write(sound(), hostile_parts(dice))
        resident, began = harness.forget_peak(), time.perf_counter()
        try:
            with harness.limited(SECONDS):
                found = verify(self.path)
                if own_model:
                    predicted(self.path)
            wrong = None
            outcome = "verified" if found.ok else "changed" if found.changed else "not run"
            same = not forged and content == self.content
            if found.ok and not (forged or same):
                wrong = "was verified though it was changed"
        except RequestError as error:
            outcome, wrong = "refused", harness.complaint(harness.Ended(2, "", str(error)))
        except (Exception, harness.Hang) as error:
            outcome, wrong = "", f"{type(error).__name__}: {str(error)[:300]}"
        more = harness.peak() - resident
        self.tally.cost(name, time.perf_counter() - began, more)
        if more > MEBIBYTES * 1024:
            wrong = f"took {more / 1024:.0f} MiB"
        if wrong is None:
            self.tally.count(outcome)
        else:
            self.tally.fail(wrong, name)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--forged", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    request = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        fuzzer = Fuzzer(Path(folder), request.seed)
        for forged, count in ((False, request.count), (True, request.forged)):
            for number in range(count):
                fuzzer.case(number, forged)
        os.chdir("/")
    print(fuzzer.tally.table())
    print(f"{request.count + request.forged} files, {len(fuzzer.tally.failures)} failed")
    return 1 if fuzzer.tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
