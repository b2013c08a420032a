"""Mutated pictures, `.npy` and TFRecord files: rows that train, or one `DataError`.

    python tests/fuzz/tensor_files.py --count 300 --seed 1

Like `data_files.py`, for the files that TensorFlow decodes: `--count` cases of each kind. A few
sound files are written, one of them is spoiled (cut short, bits flipped, bytes lost, repeated or
inserted, or another file's content), and all are loaded and decoded as `validate --data` does.
"""

import argparse
import io
import os
import random
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import harness
import numpy as np
import tensorflow as tf
from data_files import complaint, unsound
from PIL import Image

from keras_recipes.recipes.build.images import check_pictures
from keras_recipes.recipes.data import Data, Splits, load_data
from keras_recipes.recipes.data.table import TableOptions
from keras_recipes.recipes.errors import DataError

SECONDS, MEBIBYTES = 10, 192
ROWS = 8
FEATURES = {"x": {"shape": [3], "dtype": "float32"}, "y": {"dtype": "int64"}}
PARTS = Splits(validation=None, test=None)


def spoiled(content: bytes, dice: random.Random) -> bytes:
    """A file's content with one thing wrong."""
    place, length = dice.randrange(len(content)), dice.randint(1, 40)
    rest = content[place + length :]
    match dice.randrange(6):
        case 0:
            return content[:place]
        case 1:
            changed = bytearray(content)
            for _ in range(dice.randint(1, 8)):
                # Headers, which stand first, are hit as often as all that follows.
                end = dice.choice((min(64, len(content)), len(content)))
                changed[dice.randrange(end)] ^= 1 << dice.randrange(8)
            return bytes(changed)
        case 2:
            return content[:place] + rest
        case 3:
            return content[:place] + content[place : place + length] * dice.randint(2, 9) + rest
        case 4:
            return content[:place] + dice.randbytes(length) + rest
    return content[:place] + b"\xff" * length + rest


def picture(dice: random.Random, kind: str) -> bytes:
    """A small picture, grey or in colours."""
    shape = (dice.randint(1, 20), dice.randint(1, 20), *dice.choice(((), (3,))))
    pixels = np.frombuffer(dice.randbytes(int(np.prod(shape))), "uint8").reshape(shape)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def pictures(folder: Path, dice: random.Random, kind: str) -> Data:
    """A folder of two classes, of whose pictures one is spoiled."""
    wrong = dice.randrange(ROWS)
    for index in range(ROWS):
        content = picture(dice, kind)
        path = folder / "ab"[index % 2] / f"{index}.{kind}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(spoiled(content, dice) if index == wrong else content)
    table = TableOptions(("label",))
    data = load_data("image_folder", {"path": str(folder)}, splits=PARTS, table=table)
    check_pictures(data)
    return data


def npy(folder: Path, dice: random.Random) -> Data:
    """Rows and targets, of which one file is spoiled."""
    shape = (ROWS, *(dice.randint(1, 4) for _ in range(dice.randint(0, 2))))
    rows = np.random.default_rng(dice.randrange(99)).normal(size=shape)
    kind = dice.choice(("float64", "float32", "int32", "uint8", "bool", "<U4"))
    arrays = {"x": rows.astype(kind), "y": np.arange(ROWS) % 2}
    wrong = dice.choice(("x", "y"))
    for name, array in arrays.items():
        file = io.BytesIO()
        np.save(file, array)
        content = file.getvalue()
        path = folder / f"{name}.npy"
        path.write_bytes(spoiled(content, dice) if name == wrong else content)
    return load_data("npy", {n: str(folder / f"{n}.npy") for n in arrays}, splits=PARTS)


def tfrecord(folder: Path, dice: random.Random) -> Data:
    """Records, packed or not, with something wrong in the file, or in one of them."""
    path, packed = folder / "rows.tfrecord", dice.choice(("", "GZIP"))
    inside = dice.choice((None, dice.randrange(ROWS)))
    with tf.io.TFRecordWriter(str(path), packed) as writer:
        for row in range(ROWS):
            feature = {
                "x": tf.train.Feature(float_list=tf.train.FloatList(value=[row, 1, dice.random()])),
                "y": tf.train.Feature(int64_list=tf.train.Int64List(value=[row % 2])),
            }
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            content = example.SerializeToString()
            writer.write(spoiled(content, dice) if row == inside else content)
    if inside is None:
        path.write_bytes(spoiled(path.read_bytes(), dice))
    arguments = {"path": str(path), "features": FEATURES}
    return load_data("tfrecord", arguments, splits=PARTS, table=TableOptions(("y",)))


KINDS: dict[str, Callable[[Path, random.Random], Data]] = {
    "png": lambda folder, dice: pictures(folder, dice, "png"),
    "jpeg": lambda folder, dice: pictures(folder, dice, "jpeg"),
    "npy": npy,
    "tfrecord": tfrecord,
}


def case(kind: str, number: int, seed: int, tally: harness.Tally) -> None:
    """Make one file wrong and load it."""
    name, dice = f"{kind} {number}", random.Random(f"{seed}/{kind}/{number}")
    with tempfile.TemporaryDirectory() as folder:
        resident, began = harness.forget_peak(), time.perf_counter()
        try:
            with harness.limited(SECONDS), np.errstate(all="ignore"):
                loaded = KINDS[kind](Path(folder), dice)
        except DataError as error:
            outcome, wrong = f"{kind}: refused", complaint(str(error))
        except (Exception, harness.Hang) as error:
            outcome, wrong = "", f"{type(error).__name__}: {str(error)[:300]}"
        else:
            outcome, wrong = f"{kind}: loaded", unsound(loaded)
        more = harness.peak() - resident
    tally.cost(name, time.perf_counter() - began, more)
    if wrong is None and more > MEBIBYTES * 1024:
        wrong = f"took {more / 1024:.0f} MiB"
    if wrong is None:
        tally.count(outcome)
    else:
        tally.fail(wrong, name)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=300, help="cases of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--only", type=int, help="a single case of each kind, by its number")
    request = parser.parse_args()
    warnings.simplefilter("ignore")  # NumPy's, about odd headers
    tally = harness.Tally()
    numbers = range(request.count) if request.only is None else [request.only]
    for kind in request.kinds:
        for number in numbers:
            case(kind, number, request.seed, tally)
    print(tally.table())
    print(f"{len(numbers) * len(request.kinds)} files, {len(tally.failures)} failed")
    return 1 if tally.failures else 0


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.exit(main())
