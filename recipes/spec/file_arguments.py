"""Arguments that name files: which they are, and what a recipe may write there.

A recipe may come from a stranger. What it lets a class write stays below the run directory, and no
class reads a file that it names, other than the data and the initial weights.
"""

import posixpath
import re
import string
from enum import Enum

from .catalog import Argument, Entry
from .fields import Field, Mismatch, either, nothing, plain, where


class Use(Enum):
    """What an argument that names a file is for."""

    WRITTEN = "a file or folder that is written"
    TEMPLATE = "files that are written, with fields such as `{epoch}` in their name"
    READ = "a file that is read, where the argument is text"
    DATA = "a file that the user's rows are read from"


# Every argument of the catalog that names a file. A test tries each other argument that takes
# text against a reviewed list, so that a new one cannot be overlooked.
FILES: dict[tuple[str, str, str], Use] = {
    **{
        ("callbacks", name, "path"): Use.WRITTEN
        for name in (
            "activation_monitor", "best_checkpoint", "fit_diagnosis", "gradient_monitor",
            "periodic_checkpoint", "tensorboard_log", "top_checkpoints",
        )
    },
    ("callbacks", "csv_logger", "filename"): Use.WRITTEN,
    ("callbacks", "model_checkpoint", "filepath"): Use.TEMPLATE,
    ("callbacks", "tensor_board", "log_dir"): Use.WRITTEN,
    # TensorBoard reads and shows what it names.
    ("callbacks", "tensor_board", "embeddings_metadata"): Use.READ,
    ("layers", "integer_lookup", "vocabulary"): Use.READ,
    ("layers", "string_lookup", "vocabulary"): Use.READ,
    ("layers", "text_vectorization", "vocabulary"): Use.READ,
    ("sources", "csv", "path"): Use.DATA,
    ("sources", "image_folder", "labels"): Use.DATA,
    ("sources", "image_folder", "path"): Use.DATA,
    ("sources", "jsonl", "path"): Use.DATA,
    ("sources", "huggingface", "path"): Use.DATA,
    **{("sources", "npy", name): Use.DATA for name in ("x", "y", "x_test", "y_test")},
    ("sources", "npz", "path"): Use.DATA,
    ("sources", "parquet", "path"): Use.DATA,
    ("sources", "tfds", "data_dir"): Use.DATA,
    ("sources", "tfds", "path"): Use.DATA,
    ("sources", "tfrecord", "path"): Use.DATA,
}  # fmt: skip
# The same of callbacks that a plugin brings.
BY_NAME = {
    "path": Use.WRITTEN,
    "filename": Use.WRITTEN,
    "log_dir": Use.WRITTEN,
    "filepath": Use.TEMPLATE,
}
# What every run writes itself: no callback may write it over.
RUN_FILES = frozenset(
    {
        "recipe.yaml", "manifest.json", "metrics.jsonl", "gradients.jsonl", "pretraining.json",
        "model.keras", "data.json", "quality.json", "result.json", "report.html", "traceback.txt",
        "run.lock", "adapter.npz", "pretraining", "tensorboard", "members", "folds",
        "out_of_fold.csv", "evidence.json", "evidence.npz", "network.json", "trackers.json",
        "checkpoints/state",
        "checkpoints/best.keras",
    }
)  # fmt: skip
# A run leaves these files to the callbacks that a recipe names itself.
LEFT_TO = {
    ("gradient_monitor", "path"): "gradients.jsonl",
    ("best_checkpoint", "path"): "checkpoints/best.keras",
    ("tensorboard_log", "path"): "tensorboard",
    ("tensor_board", "log_dir"): "tensorboard",
}
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
# A value's name, and at most a sign, a width and a precision: no attribute, index or conversion.
FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
FIELD_FORMAT = re.compile(r"0?[0-9]{0,2}(\.[0-9]{1,2})?[deEfFgGn]?")

INSIDE = "expected a path inside the run directory: relative, without `..`."


def use_of(entry: Entry, name: str) -> Use | None:
    """What file an argument names, or None where it names none."""
    found = FILES.get((entry.kind, entry.name, name))
    if found is None and entry.kind == "callbacks":
        return BY_NAME.get(name)
    return found


def file_field(entry: Entry, name: str, argument: Argument) -> Field | None:
    """The kind of value that an argument which names a file takes; None for any other."""
    use = use_of(entry, name)
    if use is None:
        return None
    if use is Use.READ:
        return no_file()
    if use is Use.DATA:
        return local_file() if argument.required else either(local_file(), nothing())
    optional = not argument.required and argument.default is None
    return written(use, optional=optional, allowed=LEFT_TO.get((entry.name, name)))


def written(use: Use, *, optional: bool = False, allowed: str | None = None) -> Field:
    """A path below the run directory, which is none of the run's own files.

    Args:
        use: whether it is a template.
        optional: whether null is one too.
        allowed: one of the run's files that may be written.
    """

    def check(value: object) -> object:
        if value is None and optional:
            return value
        if not isinstance(value, str):
            raise Mismatch(INSIDE)
        name = normal(sample(value) if use is Use.TEMPLATE else value)
        if name != allowed and is_of_run(name):
            raise Mismatch(f"`{name}` is a file of the run itself; {INSIDE}")
        return value

    return Field(check, INSIDE, {"type": ["string", "null"] if optional else "string"})


def no_file() -> Field:
    """Plain data, but no text: a class of Keras would take that for the path of a file to read."""
    expected = (
        "expected a list of values, or null. Text would name a file to read; a recipe holds its "
        "values itself."
    )

    def check(value: object) -> object:
        if isinstance(value, str):
            raise Mismatch(expected)
        return plain().check(value)

    return Field(check, expected, {"type": ["array", "null"]})


def local_file() -> Field:
    """A path on this machine; where it leads is up to the user."""
    return where(
        lambda value: type(value) is str and not SCHEME.match(value),
        "expected the path of a file on this machine.",
        {"type": "string"},
    )


def normal(path: str) -> str:
    """A relative path in its shortest form.

    Raises:
        Mismatch: it is absolute, leads out, or names nothing.

    >>> normal("./logs//a.csv")
    'logs/a.csv'
    """
    words = re.split(r"[/\\]", path)
    # Windows drops dots and spaces at the end of a name.
    odd = any(word != "." and word != word.rstrip(". ") for word in words)
    name = posixpath.normpath("/".join(words))
    if odd or words[0] == "" or ".." in words or re.search("[:\0]", path) or name == ".":
        raise Mismatch(INSIDE)
    return name


def is_of_run(name: str) -> bool:
    """Whether a run writes a file of this name itself, or one in it; some disks ignore case."""
    name = name.casefold()
    if any(word.startswith(".writing-") for word in name.split("/")):
        return True
    return any(name == own or name.startswith(f"{own}/") for own in RUN_FILES)


def sample(template: str) -> str:
    """A name as a template may make it, with 0 for each of its fields.

    Raises:
        Mismatch: a field is more than the name of a value and how its number is written.

    >>> sample("checkpoints/{epoch:02d}-{val_loss:.3f}.keras")
    'checkpoints/0-0.keras'
    """
    expected = (
        "expected fields such as `{epoch}`, `{epoch:02d}` or `{val_loss:.3f}`, without `.`, `[` or "
        "`!` in their name."
    )
    words: list[str] = []
    try:
        for text, field, form, conversion in string.Formatter().parse(template):
            words.append(text)
            if field is None:
                continue
            if (
                conversion
                or not FIELD_NAME.fullmatch(field)
                or not FIELD_FORMAT.fullmatch(form or "")
            ):
                raise Mismatch(expected)
            words.append("0")
    except ValueError:  # a `Mismatch`, or a template that is not one
        raise Mismatch(expected) from None
    return "".join(words)
