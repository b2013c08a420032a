"""Every kind of recipe in every format: how far it is from Keras, how large, how fast.

Run:    python benchmarks/export_table.py --data FOLDER [--runs FOLDER] [--only dense text ...]
Expect: the table of docs/export.md; training takes minutes, each cell a few seconds on a free core,
        of the recurrent network more, whose 42 steps LiteRT takes one by one

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
from keras_recipes.recipes.export.export import Exported, export
from keras_recipes.recipes.export.kinds import LIGHT, SUFFIXES, Format, WeightPrecision
from keras_recipes.recipes.export.options import ExportOptions
from keras_recipes.recipes.export.subject import Subject, of_run
from keras_recipes.recipes.export.verify import verify

# Words of a title as vectors, a block of attention over them, and their mean.
TRANSFORMER = (
    "{embedding: {input_dim: 5002, output_dim: 32, mask_zero: true}}",
    "positional_embedding",
    "{transformer_block: {num_heads: 4, units: 64}}",
    "masked_average_pooling1d",
)
# Kind -> recipe, overrides, and the file in place of the shipped recipe's.
KINDS = {
    "dense": ("digits_mlp", ["epochs=3"], None),
    "convolutions, augmented": ("digits_augmented", ["epochs=12"], None),
    "text": ("movies", ["epochs=1"], "csv movies.csv"),
    "table with categories": ("titanic", ["epochs=3"], "csv titanic.csv"),
    "series, GRU": ("elecdemand_gru", ["epochs=1"], "csv elecdemand.csv"),
    "series, transformer": ("elecdemand_transformer", ["epochs=1"], "csv elecdemand.csv"),
    "text, transformer": (
        "movies_graph",
        ["epochs=1", f"model.parts.words.layers=[{', '.join(TRANSFORMER)}]"],
        "csv movies.csv",
    ),
    "two heads": ("two_heads", ["epochs=1"], "csv diamonds.csv"),
    "from RBMs": ("digits_dbn", ["epochs=10", "pretraining.dbn.epochs=2"], None),
    "ensemble": ("ensemble", ["epochs=2", "ensemble.members=2"], None),
    "MNIST": ("mnist_mlp", ["epochs=2"], "npz mnist.npz"),
}
# Columns of the table.
CELLS = {
    f"{kind} {precision}" if kind in LIGHT else str(kind): (kind, precision)
    for kind in Format
    for precision in WeightPrecision
    if kind in LIGHT or precision is WeightPrecision.FLOAT32
}
MNIST = "x: x_train, y: y_train, x_test: x_test, y_test: y_test"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=Path, help="where trained runs are kept")
    parser.add_argument("--only", nargs="*", default=list(KINDS))
    parser.add_argument("--cells", nargs="*", default=list(CELLS), help='such as "onnx int8"')
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = arguments.runs or Path(folder, "runs")
        cells = arguments.cells
        print("| | " + " | ".join(cells) + " |\n|" + " --- |" * (len(cells) + 1), flush=True)
        accuracies = []
        for name in arguments.only:
            subject = of_run(trained(name, runs, arguments.data))
            found = {each: cell(subject, *CELLS[each], Path(folder)) for each in cells}
            shown = [said for said, _ in found.values()]
            print(f"| {name} | " + " | ".join(shown) + " |", flush=True)
            accuracies += accuracy(name, {each: file for each, (_, file) in found.items()})
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
    subject: Subject, kind: Format, precision: WeightPrecision, folder: Path
) -> tuple[str, Exported | None]:
    """What the table says of a format, and the file."""
    began = time.perf_counter()
    found = exported(subject, kind, precision, folder)
    seconds = time.perf_counter() - began
    print(f"{kind} {precision}, {seconds:.0f} s: {found[0]}", file=sys.stderr, flush=True)
    return found


def exported(
    subject: Subject, kind: Format, precision: WeightPrecision, folder: Path
) -> tuple[str, Exported | None]:
    """A file of a format that nothing else has written, compared and verified."""
    path = folder / f"{kind}_{precision}{SUFFIXES[kind]}"
    number = 0
    while path.exists():
        number += 1
        path = folder / f"{number}_{kind}_{precision}{SUFFIXES[kind]}"
    try:
        options = ExportOptions(precision=precision, allow_difference=True)
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


def accuracy(name: str, files: dict[str, Exported | None]) -> list[str]:
    """The accuracies of Keras and of the int8 files in a row; none where there is no accuracy."""
    measured: dict[str, str] = {}
    wanted = ""
    for each in ("onnx int8", "litert int8"):
        file = files.get(each)
        metrics = {} if file is None else file.check.metrics
        if "accuracy" in metrics.get("keras", {}):
            wanted = f"{metrics['keras']['accuracy']:.4f}"
            measured[each] = f"{metrics['exported']['accuracy']:.4f}"
    if not measured:
        return []
    int8 = [measured.get(each, "none") for each in ("onnx int8", "litert int8")]
    return [f"| {name} | {wanted} | {' | '.join(int8)} |"]


if __name__ == "__main__":
    main()
