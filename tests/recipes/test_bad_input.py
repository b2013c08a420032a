"""The table of bad requests: each mistake, a part of the message, always status 2, nothing written.

Every row goes through the entry function of the command line, as `keras-recipes train` would, so
that the message is what a person reads and the status what a script sees.
"""

import gzip
import io
import os
import zipfile

import numpy as np
import pytest
from images import bomb, hollow, jpeg, pixels, png, write_folder

from keras_recipes.recipes.cli import main

# What stands around a mistake; each is sound in itself.
BODY = "data: {source: iris}\nmodel: {layers: []}\nepochs: 1\n"
LAYERS = "data: {source: iris}\nepochs: 1\nmodel:\n  layers:\n"
TABLE = "data:\n  source: {csv: {path: t.csv}}\n  target: y\nmodel: {layers: []}\nepochs: 1\n"
ARCHIVE = "data:\n  source: {npz: {path: a.npz}}\nmodel: {layers: []}\nepochs: 1\n"

# The text itself: (recipe, part of the message).
TEXTS = {
    "empty": ("", "is empty"),
    "blank": ("\n# nothing\n", "is empty"),
    "null": ("~\n", "is empty"),
    "a list": ("- a\n", "expected a mapping, as `name: ...`"),
    "a word": ("epochs\n", 'expected a mapping, as `name: ...`. Received "epochs"'),
    "not UTF-8": (b"name: \xff\n", ":1:1 is not UTF-8 text"),
    "UTF-16": ("name: x\n".encode("utf-16"), "is not UTF-8 text"),
    "a zero byte": (b"name: a\x00b\n", "is not YAML"),
    "too large": (b"# " + b"x" * (4 << 20), "is larger than 4 MiB"),
    "unclosed": ("model: {layers: [\n", "is not YAML"),
    "a tab": ("model:\n\tlayers: []\n", ":2:1 is not YAML"),
    "two documents": (BODY + "---\n" + BODY, "a second document begins here"),
    "a key twice": (BODY + "epochs: 2\n", ":4:1 the key `epochs` is given twice"),
    "merge key": (BODY + "optimizer: {<<: {sgd: {}}}\n", "`<<` is no key of YAML 1.2"),
    "a list as key": (BODY + "? [1]\n: 2\n", "a key must be a word"),
    "a tag": (BODY + "seed: !!python/object/apply:os.system ['true']\n", "tags build objects"),
    "an unknown alias": (BODY + "seed: *a\n", "the alias `*a` is not known"),
    "an endless alias": (BODY + "callbacks: &a [*a]\n", "stands inside what it names"),
    "a bomb": (
        "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)),
        "unfolds to more than 100000 nodes",
    ),
    "deep": (BODY + "x: " + "[" * 61 + "]" * 61 + "\n", "is nested more than 60 deep"),
    "very deep": (BODY + "x: " + "[" * 20000 + "]" * 20000 + "\n", "is nested more than 60 deep"),
    "endless number": (BODY + "seed: " + "9" * 401 + "\n", "a number of 401 digits is refused"),
    "a control character": (BODY + '"\\e[31m": 1\n', "there is no key `\\u001b[31m` here"),
    "a tab in a key": (BODY + '"epo\\tchs": 1\n', "Did you mean `epochs`"),
}

# What the keys say: (lines added to a sound recipe, part of the message).
KEYS = {
    "unknown key": ("epoch: 3", ":4:1 epoch: there is no key `epoch` here. Did you mean `epochs`"),
    "not a number": ("seed: .nan", "seed: expected a whole number >= 0"),
    "infinite": ("learning_rate: .inf", "learning_rate: expected a number >= 0"),
    "negative": ("learning_rate: -1.0", "learning_rate: expected a number >= 0. Received -1.0"),
    "text for a number": ("seed: one", 'seed: expected a whole number >= 0 and <= 4294967295. Rec'),
    "true for a number": ("seed: true", "seed: expected a whole number"),
    "huge": ("seed: 1" + "0" * 30, "seed: expected a whole number"),
    "beyond floats": ("learning_rate: 1" + "0" * 320, "learning_rate: expected a number"),
    "1e400": ("learning_rate: 1e400", "learning_rate: expected a number"),
    "a mapping": ("seed: {a: 1}", 'seed: expected a whole number >= 0 and <= 4294967295. Received'),
    "import path": ("optimizer: os.system", "is an import path, which a recipe cannot name"),
    "two names": ("optimizer: {sgd: {}, adam: {}}", "It has 2 keys"),
    "no arguments": ("optimizer: {sgd: 3}", "expected a mapping of arguments"),
    "wrong argument": ("optimizer: {sgd: {momentun: 0.9}}", "Did you mean `momentum`"),
    "runs code": ("callbacks: [lambda_callback]", "`lambda_callback` is refused"),
    "leaves the run": ("callbacks: [{csv_logger: {filename: ../x}}]", "inside the run directory"),
    "duration": ("learning_rate: {cosine: {initial_learning_rate: 1, decay_steps: 101%}}",
                 "more than 100% of the run"),
    "endless duration": ("learning_rate: {cosine: {initial_learning_rate: 1, "
                         "decay_steps: 1e999 epochs}}", "expected a duration"),
    "steps beyond 64 bits": ("learning_rate: {cosine: {initial_learning_rate: 1, decay_steps: "
                             f"{2**63}}}}}", "decay_steps: no training takes more than"),
    "steps of 400 digits": ("learning_rate: {cosine: {initial_learning_rate: 1, decay_steps: 1"
                            + "0" * 399 + "}}", "decay_steps: no training takes more than"),
    "500000000000000000000 steps": ("learning_rate: {scale: {factor: 1, schedule: {linear: {"
                                    "initial_learning_rate: 1, decay_steps: 500000000000000000000 "
                                    "steps}}}}", "decay_steps: no training takes more than"),
    "endless epochs": (f"checkpoints: {{every: {10**30} epochs}}", "checkpoints.every: expec"),
    "a number of 64 bits": (f"optimizer: {{sgd: {{name: {10**300}}}}}", "name: expected text"),
    "long patience": (f"callbacks: [{{early_stopping: {{patience: {2**63}}}}}]", "patience: exp"),
    "a schedule's argument": ("learning_rate: {piecewise_constant: {boundaries: [9, 5], "
                              "values: [1, 2, 3]}}", ":4:37 learning_rate.piecewise_constant: "),
    "a long warm-up inside": ("learning_rate: {scale: {factor: 2, schedule: {warmup: "
                              "{steps: 100%, then: 0.1}}}}", "learning_rate.scale.schedule.warmup."
                              "steps: the warm-up takes the whole run"),
    "a guard without a plateau": ("learning_rate: {linear: {initial_learning_rate: 1, decay_steps: "
                                  "3}}\ncallbacks: [divergence_guard]",
                                  "`divergence_guard` cuts the factor of a `plateau`"),
    "an average of the optimizer": ("callbacks: [swap_ema_weights]", "Write `weight_averaging:"),
    "unknown monitor": ("callbacks: [{early_stopping: {monitor: acc}}]", "is not logged"),
    "no bound": ("gradient_clipping: {}", "needs a bound"),
    "no rate": ("weight_decay: {}", "needs a `rate` or a `max_norm`"),
    "long name": ("name: " + "n" * 5000, "expected a name of lowercase letters"),
    "long key": ("k" * 900 + ": 1", "there is no key `kkk"),
}  # fmt: skip

# Where recipes come from: (text, part of the message).
BASES = {
    "no base": ("extends: nothing", "no recipe of this name ships"),
    "no file": ("extends: absent.yaml", "there is no such file"),
    "itself": ("extends: recipe.yaml", "extends itself"),
    "not text": ("extends: [a]", "expected the path or name of a recipe"),
    "a folder": ("extends: ./", "is a directory"),
    "too long a name": ("extends: " + "n" * 300, "no recipe of this name ships"),
    "too long a path": ("extends: " + "n" * 300 + ".yaml", "cannot be read: File name too long"),
    "a zero byte": ('extends: "a\\0.yaml"', "cannot be read"),
    "a zero byte in a name": ('extends: "a\\0"', "no recipe of this name ships"),
    "colours": ('extends: "\\e[31m"', "?[31m: no recipe of this name ships"),
    "a link to itself": ("extends: loop.yaml", "cannot be read"),
    "endless": ("extends: /dev/zero", "is larger than 4 MiB"),
    "mistake below": ("extends: wrong.yaml", "wrong.yaml:1:9 epochs: expected a whole number"),
}

# A name that no file can have.
LONG = "n" * 300

# Words of the command line: (words, part of the message).
WORDS = {
    "unknown recipe": (["train", "digts_mlp"], "Did you mean `digits_mlp`"),
    "no such file": (["train", "absent.yaml"], "there is no such file"),
    "a directory": (["train", "./"], "is a directory"),
    "an endless recipe": (["validate", "/dev/zero"], "is larger than 4 MiB"),
    "long recipe": (["train", "n" * 5000], "no recipe of this name ships"),
    "long name to validate": (["validate", "n" * 5000], "no recipe of this name ships"),
    "colours": (["validate", "\x1b[31m"], "?[31m: no recipe of this name ships"),
    "no value": (["train", "digits_mlp", "epochs"], "expected `key.path=value`"),
    "no key": (["train", "digits_mlp", "=3"], "expected `key.path=value`"),
    "bad path": (["train", "digits_mlp", "model..x=3"], "expected `key.path=value`"),
    "no such layer": (["train", "digits_mlp", "model.layers[9].dense.units=3"], "counted from 0"),
    "endless index": (["train", "digits_mlp", f"model.layers[{'9' * 5000}]=3"], "expected `key"),
    "another name": (["train", "digits_mlp", "optimizer.adam.epsilon=1"], "not `adam`"),
    "no keys": (["train", "digits_mlp", "epochs.x=3"], "has no keys; it is 60"),
    "bad value": (["train", "digits_mlp", "epochs=[1"], "is not YAML"),
    "bad seed": (["train", "digits_mlp", "seed=-1"], "override `seed` seed: expected a whole"),
    "no plugin": (["train", "digits_mlp", "--plugin", "absent_one"], "cannot be imported"),
    "batch": (["train", "digits_mlp", "data.batch_size=5000"], "larger than the training split"),
    "out is a file": (["train", "digits_mlp", "--out", "recipe.yaml"], "is a file"),
    "out is not empty": (["train", "digits_mlp", "--out", "."], "is not empty"),
    "out in a file": (["train", "digits_mlp", "--out", "recipe.yaml/x"], "Not a directory"),
    "too long an out": (["train", "digits_mlp", "--out", LONG], "File name too long"),
    "too long a run": (["resume", LONG], "there is no run to resume"),
    "too long a report": (["report", LONG], "there is no such run directory"),
    "too long a copy": (["copy", "digits_mlp", LONG], "cannot be written: File name too long"),
    "too long a sweep": (["sweep", "digits_schedules", "--out", LONG], "File name too long"),
    "evaluate nothing": (["evaluate", "absent"], "there is no such run directory"),
    "evaluate a folder": (["evaluate", "."], "not a run directory"),
    "predict with nothing": (["predict", "absent", "t.csv"], "no such run directory"),
    "report nothing": (["report", "absent"], "there is no such run directory"),
    "report a folder": (["report", "."], "not a run directory"),
    "copy over": (["copy", "digits_mlp", "recipe.yaml"], "already exists"),
    "copy to nowhere": (["copy", "digits_mlp", "no/such/x.yaml"], "cannot be written"),
    "a picture of a kind": (["plot", "digits_mlp", "--out", "x.exe"], "ends in .png, .svg or .pdf"),
}

CSV = "source: {csv: {path: t.csv}}"
# Tables: (bytes of t.csv, part of the message).
TABLES = {
    "none": (None, "there is no such file"),
    "empty": (b"", "is empty"),
    "header alone": (b"x,y\n", "a header and no rows"),
    "ragged": (b"x,y\n1,a\n2\n", "line 3 has 1 cell; the header has 2"),
    "no target": (b"x,z\n1,a\n", "has no column `y`"),
    "a word": (
        b"x,y\n" + b"1,a\n2,b\n" * 10 + b"two,b\n",
        'line 22, column `x`: the cell is "two", and 14 of 15 cells of the column are numbers',
    ),
    "a large number": (
        b"x,y\n" + b"1,a\n2,b\n" * 10 + b"1e39,b\n",
        'the cell is "1e39", which is too large: 32-bit floats hold up to 3.4e38, and 14 of 15',
    ),
    "no number": (b"x,y\n" + b"nan,a\n,b\n" * 10, "all training rows miss it"),
    "a target that is missing": (b"x,y\n1,a\n2,\n", "line 3, column `y`: the row has no target"),
    "Latin-1": ("x,y\n1,é\n".encode("latin-1"), "is not UTF-8 text"),
    # With a byte order mark it is read.
    "UTF-16": ("x,y\n1,a\n2,b\n".encode("utf-16-le"), "line 1 has a zero byte"),
    "UTF-32 cut short": ("x,y\n1,a\n".encode("utf-32")[:-2], "is not UTF-32 text"),
    "a huge cell": (b"x,y\n" + b"1" * 140_000 + b",a\n", "all rows have the class a"),
    "an open quote": (b'x,y\n1,"a\n', "line 2 is no CSV"),
    "colours": (b"\x1b[31m,\x1b[31m,y\n1,2,a\n", "two columns are called `\\u001b[31m`"),
    "one class": (b"x,y\n1,a\n2,a\n", "all rows have the class a"),
    "too few rows": (b"x,y\n" + b"1,a\n2,b\n" * 9 + b"3,c\n", "class c has a single row left"),
    "an endless device": ("/dev/zero", "is a device or a pipe, not a file"),
    "a pipe": ("pipe", "is a device or a pipe, not a file"),
    "a folder": (".", "is a directory"),
    "a long name": ("n" * 3000, "cannot be read: File name too long"),
    "a zero byte": ('"a\\0b"', "cannot be read"),
    "a pattern without files": ("'part-*.csv'", "part-*.csv: no file matches"),
    "a pattern with a zero byte": ('"*\\0.csv"', "no file matches"),
    "a truncated gzip file": (
        gzip.compress(b"x,y\n" + b"1,a\n2,b\n" * 99, mtime=0)[:-9],
        "is a damaged gzip file",
    ),
}


# What a recipe says of the columns of a table: (lines of its data section, part of the message).
COLUMNS = {
    "no target": ("source: {csv: {path: t.csv}}", "data: needs `target`: the column of the table"),
    "a target of text": (f"{CSV}, target: 3", "data.target: expected the name of a column"),
    "an empty target": (f"{CSV}, target: []", "data.target: expected the name of a column"),
    "an unknown target": (f"{CSV}, target: z", "has no column `z`; it has"),
    "the old place": ("source: {csv: {path: t.csv, target: y}}", "source.csv.target"),
    "an unknown column": (f"{CSV}, target: y, features: {{w: auto}}", "has no column `w`; it has"),
    "a list": (f"{CSV}, target: y, features: [x]", "data.features: expected `auto`, or columns"),
    "no columns": (f"{CSV}, target: y, features: {{}}", "data.features: expected `auto`, or col"),
    "an unknown kind": (f"{CSV}, target: y, features: {{x: numerc}}", "Did you mean `numeric`"),
    "the target": (f"{CSV}, target: y, features: {{y: auto}}", "and cannot be a feature"),
    "a wrong argument": (
        f"{CSV}, target: y, features: {{x: {{numeric: {{scal: log}}}}}}", "Did you mean `scale`",
    ),
    "a wrong value": (
        f"{CSV}, target: y, features: {{x: {{numeric: {{scale: loud}}}}}}", "x.numeric.scale",
    ),
    "too few bins": (
        f"{CSV}, target: y, features: {{x: {{numeric: {{bins: 1}}}}}}",
        "data.features.x.numeric: Argument `bins` must be >= 2",
    ),
    "a word as a number": (
        f"{CSV}, target: y, features: {{w w: numeric}}", 'line 2, column `w w`: expected a number',
    ),
    "a number as a date": (
        f"{CSV}, target: y, features: {{w w: date}}", 'line 2, column `w w`: expected a date',
    ),
    "nothing left": (f"{CSV}, target: y, features: {{x: drop}}", "no column is left to learn from"),
    "columns of no table": ("source: iris, target: y", "`iris` is no table with columns; leave"),
    "features of no table": ("source: iris, features: {x: auto}", "leave `features` out"),
    "an unknown answer": (f"{CSV}, target: y, missing_target: keep", "data.missing_target"),
    "a table as its own target": (f"{CSV}, target: y, targets: inputs", "cannot be its own target"),
}  # fmt: skip


def archive(method: int = zipfile.ZIP_STORED, **members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)
    return stream.getvalue()


def saved(**arrays: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def npy(shape: str, rest: bytes = b"", dtype: str = "<f4") -> bytes:
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + rest


X, Y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
LONG_HEADER = b"\x93NUMPY\x02\x00" + (1 << 26).to_bytes(4, "little") + b" " * (1 << 26)
# Archives: (bytes of a.npz, part of the message).
ARCHIVES = {
    "none": (None, "there is no such file"),
    "empty": (b"", "is no npz file"),
    "text": (b"x,y\n", "is no npz file"),
    "cut short": (saved(x=X, y=Y)[:-40], "is cut short"),
    "no rows": (saved(z=X, y=Y), "has no array `x`; it has `z` or `y`"),
    "objects": (saved(x=X, y=np.array([None] * 20)), "holds Python objects, which could run code"),
    "a trillion rows": (archive(x=npy("(10**12,)"), y=npy("(1,)")), "is damaged"),
    "a trillion, in digits": (archive(x=npy("(1000000000000,)")), "claims 4000000000000 bytes"),
    "a negative shape": (archive(x=npy("(-1, 2)")), "is damaged"),
    "an endless header": (archive(zipfile.ZIP_DEFLATED, x=LONG_HEADER), "is damaged"),
    "bzip2": (archive(zipfile.ZIP_BZIP2, x=npy("(2,)", bytes(8))), "that NumPy does not use"),
    "lzma": (archive(zipfile.ZIP_LZMA, x=npy("(2,)", bytes(8))), "that NumPy does not use"),
    "not finite": (saved(x=np.where(X == 7, np.nan, X), y=Y), "nan at [3, 1]"),
    "complex": (saved(x=X.astype("complex64"), y=Y), "holds complex64 values"),
    "fewer targets": (saved(x=X, y=Y[:9]), "20 rows and 9 targets"),
    "no one-hot": (saved(x=X, y=np.eye(20, dtype=int) * 2), "are no classes"),
    "zeros and ones as floats": (saved(x=X, y=Y * 1.0), "task: classification"),
    "ages": (saved(x=np.arange(40.0), y=np.arange(40) + 30), "task: regression"),
}

# What only building shows: (layers or lines, part of the message).
BUILDS = {
    "a layer that does not fit": ("    - conv2d: {filters: 3, kernel_size: 3}", "does not take"),
    "a shape that does not fit": ("    - reshape: {target_shape: [3]}", "model.layers[0]"),
    "weights beyond memory": ("    - dense: {units: 1000000000000}", "GiB up to here"),
    "rows beyond memory": (
        "    - repeat_vector: {n: 1000000000000}\n    - global_average_pooling1d",
        "GiB for a batch of 32 rows",
    ),
    "no way to make it": ("    - equalization: {value_range: 3}", "cannot be made of these argu"),
}  # fmt: skip

RECORDS = "{tfrecord: {path: a.tfrecord, features: {x: {}, y: {dtype: int64}}}}, target: y"
# Other sources: (bytes of a.npy or a.tfrecord, lines of the data section, part of the message).
OTHERS = {
    "no npy file": (b"x,y", "{npy: {x: a.npy, y: a.npy}}", "a.npy: is no npy file"),
    "npy without its rows": (npy("(1000000000000,)"), "{npy: {x: a.npy, y: a.npy}}", "is damaged"),
    "npy with code": (npy("__import__('os')"), "{npy: {x: a.npy, y: a.npy}}", "is damaged"),
    "npy that is missing": (b"", "{npy: {x: a.npy, y: b.npy}}", "b.npy: there is no such file"),
    "half an npy": (b"", "{npy: {x: a.npy}}", "data.source.npy.y: is missing"),
    "no records": (b"", RECORDS, "a.tfrecord: has no records"),
    "records cut short": (b"\x09" + bytes(20), RECORDS, "record 0 (from 0) is cut short"),
    "a huge record": (b"\xff" * 40, RECORDS, "record 0 (from 0) is damaged"),
    "a wrong checksum": (b"\4" + bytes(19), RECORDS, "record 0 (from 0) is damaged: its checksum"),
    "no features": (b"", "{tfrecord: {path: a.tfrecord, features: {}}}, target: y", "features: "),
    "a negative shape": (
        b"", "{tfrecord: {path: a.tfrecord, features: {y: {shape: [-1]}}}}, target: y", "shape[0]"),
    "a hub's code": (b"", "{tfds: {name: 'kaggle:x'}}, target: y", "the name of a data set"),
    "no name": (b"", "huggingface, target: y", "give either `name`"),
    "no folder": (b"", "{huggingface: {path: none}}, target: y", "none: there is no such file"),
}  # fmt: skip


PICTURES = "data: {source: {image_folder: {path: f}}}\nmodel: {layers: [flatten]}\nepochs: 1\n"
# What a folder of pictures `f` holds: ({path: content}, part of the message).
FOLDERS = {
    "no folder": ({}, "f: there is no such file"),
    "a file": ({"f": b"x"}, "is a file; expected a folder of pictures"),
    "empty folder": ({"f/.hidden": b""}, "is empty. A folder of pictures has"),
    "no classes": ({"f/1.png": b""}, "has pictures, and no folder of a class"),
    "one class": ({"f/고양이/1.png": b""}, "has one class only, `고양이`"),
    "no pictures": ({"f/a/1.png": b"", "f/b/1.txt": b""}, "`b` has no picture"),
    "text called png": (
        {"dogs/🐶 1 2.png": b"words"},
        "dogs/🐶 1 2.png: is no PNG, JPEG, GIF or BMP",
    ),
    "truncated PNG": ({"cats/x.png": png(pixels(1))[:-30]}, "cats/x.png: is cut short"),
    "truncated JPEG": ({"cats/x.jpg": jpeg(pixels(1))[:-30]}, "cats/x.jpg: is cut short"),
    "broken PNG": ({"cats/x.png": hollow()}, "cats/x.png: cannot be decoded"),
    "a picture as bomb": ({"cats/x.png": bomb()}, "cats/x.png: claims 60,000 x 60,000 pixels"),
    "a class that training lacks": (
        {"f/train/a/1.png": b"", "f/train/b/1.png": b"", "f/test/c/1.png": b""},
        "has the classes `c`, which `train` lacks",
    ),
}


@pytest.fixture
def around(tmp_path):
    """Files that rows refer to."""
    (tmp_path / "wrong.yaml").write_text("epochs: 0\n" + BODY.replace("epochs: 1\n", ""))
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


def refused(folder, capsys, words, fragment):
    """Status 2, the message, nothing that moves a terminal's cursor, nothing written."""
    before = set(folder.rglob("*"))
    assert main(words) == 2
    reported = capsys.readouterr()
    assert fragment in reported.err
    assert "Traceback" not in reported.err
    assert all(line.isprintable() and len(line) <= 2000 for line in reported.err.splitlines())
    assert set(folder.rglob("*")) == before


def trained(folder, capsys, text, fragment):
    content = text if isinstance(text, bytes) else text.encode()
    (folder / "recipe.yaml").write_bytes(content)
    refused(folder, capsys, ["train", "recipe.yaml", "--out", "run"], fragment)


@pytest.mark.parametrize(("text", "fragment"), TEXTS.values(), ids=TEXTS)
def test_texts(around, capsys, text, fragment):
    trained(around, capsys, text, fragment)


@pytest.mark.parametrize(("line", "fragment"), KEYS.values(), ids=KEYS)
def test_keys(around, capsys, line, fragment):
    trained(around, capsys, BODY + line + "\n", fragment)


@pytest.mark.parametrize(("line", "fragment"), BASES.values(), ids=BASES)
def test_bases(around, capsys, line, fragment):
    trained(around, capsys, line + "\n", fragment)


@pytest.mark.parametrize(("words", "fragment"), WORDS.values(), ids=WORDS)
def test_words(around, capsys, words, fragment):
    (around / "recipe.yaml").write_text(BODY)
    refused(around, capsys, words, fragment)


@pytest.mark.parametrize(("content", "fragment"), TABLES.values(), ids=TABLES)
def test_tables(around, capsys, content, fragment):
    path = content if isinstance(content, str) else "t.csv"
    if isinstance(content, bytes):
        (around / "t.csv").write_bytes(content)
    trained(around, capsys, TABLE.replace("t.csv", path), fragment)


@pytest.mark.parametrize(("keys", "fragment"), COLUMNS.values(), ids=COLUMNS)
def test_columns(around, capsys, keys, fragment):
    (around / "t.csv").write_text("x,w w,y\n" + "1,u,a\n2,v,b\n" * 10)
    text = f"data: {{{keys}}}\nmodel: {{layers: []}}\nepochs: 1\n"
    trained(around, capsys, text, fragment)


@pytest.mark.parametrize(("content", "fragment"), ARCHIVES.values(), ids=ARCHIVES)
def test_archives(around, capsys, content, fragment):
    if content is not None:
        (around / "a.npz").write_bytes(content)
    trained(around, capsys, ARCHIVE, fragment)


@pytest.mark.parametrize(("content", "source", "fragment"), OTHERS.values(), ids=OTHERS)
def test_others(around, capsys, content, source, fragment):
    for name in ("a.npy", "a.tfrecord"):
        (around / name).write_bytes(content)
    text = f"data: {{source: {source}}}\nmodel: {{layers: []}}\nepochs: 1\n"
    trained(around, capsys, text, fragment)


@pytest.mark.parametrize(("lines", "fragment"), BUILDS.values(), ids=BUILDS)
def test_builds(around, capsys, lines, fragment):
    trained(around, capsys, LAYERS + lines + "\n", fragment)


@pytest.mark.parametrize(("contents", "fragment"), FOLDERS.values(), ids=FOLDERS)
def test_folders_of_pictures(around, capsys, contents, fragment):
    if contents and not any(path == "f" or path.startswith("f/") for path in contents):
        write_folder(around / "f", count=8)  # with one more file
        contents = {f"f/{path}": content for path, content in contents.items()}
    for path, content in contents.items():
        (around / path).parent.mkdir(parents=True, exist_ok=True)
        (around / path).write_bytes(content)
    trained(around, capsys, PICTURES, fragment)
