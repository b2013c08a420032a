"""Every kind of recipe in every format: how far it is from Keras, how large, how fast.

Run:    python benchmarks/export_table.py --data FOLDER [--runs FOLDER] [--only dense text ...]
Expect: the table of docs/export.md; training takes minutes, each cell a few seconds on a free core,
        of the recurrent network a minute, whose steps LiteRT takes one by one

FOLDER has diamonds.csv, elecdemand.csv, movies.csv, titanic.csv and mnist.npz. Recipes are trained
for a few epochs, as the files and not the figures are looked at. A cell of the table has the
largest difference of an output from Keras relative to the largest output or 1, the size, and the
median milliseconds of one row, Keras and the file taking turns; or why there is none. Where a
recipe has an accuracy, a second table has that of Keras and of the int8 files on the test split.
What each cell took goes to standard error as it comes.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras_recipes
from keras_recipes.recipes.errors import RequestError
from keras_recipes.recipes.export.export import Exported, Options, export
from keras_recipes.recipes.export.kinds import LIGHT, SUFFIXES, Format, Precision
from keras_recipes.recipes.export.subject import Subject, of_run
from keras_recipes.recipes.export.verify import verify

# Kind -> recipe, overrides, and the file in place of the shipped recipe's.
KINDS = {
    "dense": ("digits_mlp", ["epochs=3"], None),
    "convolutions, augmented": ("digits_augmented", ["epochs=12"], None),
    "text": ("movies", ["epochs=1"], "csv movies.csv"),
    "table with categories": ("titanic", ["epochs=3"], "csv titanic.csv"),
    "series, GRU": ("elecdemand_gru", ["epochs=1"], "csv elecdemand.csv"),
    "transformer": ("elecdemand_transformer", ["epochs=1"], "csv elecdemand.csv"),
    "two heads": ("two_heads", ["epochs=1"], "csv diamonds.csv"),
    "from RBMs": ("digits_dbn", ["epochs=10", "pretraining.dbn.epochs=2"], None),
    "ensemble": ("ensemble", ["epochs=2", "ensemble.members=2"], None),
    "MNIST": ("mnist_mlp", ["epochs=2"], "npz mnist.npz"),
}
CELLS = [(kind, precision) for kind in Format for precision in Precision
         if kind in LIGHT or precision is Precision.FLOAT32]  # fmt: skip
MNIST = "x: x_train, y: y_train, x_test: x_test, y_test: y_test"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=Path, help="where trained runs are kept")
    parser.add_argument("--only", nargs="*", default=list(KINDS))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = arguments.runs or Path(folder, "runs")
        head = [f"{kind} {p}" if kind in LIGHT else str(kind) for kind, p in CELLS]
        print("| | " + " | ".join(head) + " |\n|" + " --- |" * (len(CELLS) + 1), flush=True)
        accuracies = []
        for name in arguments.only:
            subject = of_run(trained(name, runs, arguments.data))
            found = [cell(subject, kind, p, Path(folder)) for kind, p in CELLS]
            print(f"| {name} | " + " | ".join(shown for shown, _ in found) + " |", flush=True)
            accuracies += accuracy(name, [exported for _, exported in found])
    print("\n| | Keras | onnx int8 | litert int8 |\n| --- | --- | --- | --- |")
    print("\n".join(accuracies))


def trained(name: str, runs: Path, data: Path) -> Path:
    """The run of a kind, trained unless it is there."""
    recipe, overrides, file = KINDS[name]
    run = runs / name.replace(", ", "_").replace(" ", "_")
    if not (run / "model.keras").exists():
        if file is not None:
            source, path = file.split()
            more = f", {MNIST}" if source == "npz" else ""
            overrides = [*overrides, f"data.source={{{source}: {{path: {data / path}{more}}}}}"]
        keras_recipes.load(recipe, overrides).train(out=run, progress=False)
    return run


def cell(
    subject: Subject, kind: Format, precision: Precision, folder: Path
) -> tuple[str, Exported | None]:
    """What the table says of a format, and the file."""
    began = time.perf_counter()
    found = exported(subject, kind, precision, folder)
    seconds = time.perf_counter() - began
    print(f"{kind} {precision}, {seconds:.0f} s: {found[0]}", file=sys.stderr, flush=True)
    return found


def exported(
    subject: Subject, kind: Format, precision: Precision, folder: Path
) -> tuple[str, Exported | None]:
    """A file of a format that nothing else has written, compared and verified."""
    path = folder / f"{kind}_{precision}{SUFFIXES[kind]}"
    number = 0
    while path.exists():
        number += 1
        path = folder / f"{number}_{kind}_{precision}{SUFFIXES[kind]}"
    try:
        options = Options(precision=precision, allow_difference=True)
        found = export(subject, path, kind, options)
    except RequestError as error:
        return str(error).removeprefix(f"{path}: ").replace("|", "/")[:120], None
    verdict = "" if verify(path).ok else " NOT VERIFIED"
    check = found.check
    one = check.latency["one"]
    times = f"{one['keras'] * 1e3:.2f} to {one['exported'] * 1e3:.2f} ms"
    size = f"{check.size['exported'] / 1024:.0f} KiB"
    beside = ", beside" * (found.interface.preprocessing == "beside")
    return f"{check.difference / check.scale:.0e}, {size}, {times}{beside}{verdict}", found


def accuracy(name: str, files: list[Exported | None]) -> list[str]:
    """The accuracies of Keras and of the int8 files in a row; none where there is no accuracy."""
    pairs = zip(files, CELLS, strict=True)
    int8 = [file for file, (_, precision) in pairs if precision is Precision.INT8]
    measured = [file.check.metrics for file in int8 if file is not None]
    if len(measured) != len(int8) or "accuracy" not in measured[0]["keras"]:
        return []
    values = [measured[0]["keras"], *(found["exported"] for found in measured)]
    return [f"| {name} | " + " | ".join(f"{each['accuracy']:.4f}" for each in values) + " |"]


if __name__ == "__main__":
    main()
