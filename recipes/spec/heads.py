"""The outputs of a recipe that has several, each as a recipe of that output alone."""

from collections.abc import Callable, Iterator
from typing import Self

from pydantic import PrivateAttr

from ..errors import Problem
from .choices import Choice
from .graph import NAME as PART_NAME
from .graph import ends
from .nodes import Path
from .pictures import mixes
from .schema import Recipe
from .sections import ModelSection
from .tables import EITHER, TABLES
from .target_checks import balance_fits_task, classes_fit_task, threshold_fits_task
from .targets import DEFAULT_THRESHOLD
from .tasks import metrics_fit_task
from .wording import did_you_mean, listed, shown

Found = Iterator[tuple[Path, str]]
# Keys of `data` that an output has of its own, and keys at the top of a recipe.
OF_DATA = ("target", "task", "classes", "target_scale", "balance", "threshold")
OF_RECIPE = ("loss", "metrics")


class HeadRecipe(Recipe):
    """One output of a recipe, as a recipe that has no other.

    What builds a task, a loss or a metric for a recipe does so for an output too; a problem stands
    at the line of the output.
    """

    _head: str = PrivateAttr(default="")

    @classmethod
    def of(cls, recipe: Recipe, name: str) -> Self:
        """The output of a name."""
        head = recipe.model.outputs[name]
        given: dict[str, object] = {key: getattr(recipe, key) for key in Recipe.model_fields}
        given |= {key: getattr(head, key) for key in OF_RECIPE}
        data = {key: getattr(head, key) for key in OF_DATA} | {"target": head.targets(name)}
        given["data"] = recipe.data.model_copy(update=data)
        given["model"] = ModelSection.model_validate({"layers": [], "output": head.output})
        made = cls.model_construct(None, **given)
        made._head = name
        return made.read_from(recipe._tree)

    def problem(self, path: Path, message: str) -> Problem:
        """A problem found after loading, at the line of the output."""
        return super().problem(moved(path, self._head), message)


def moved(path: Path, name: str) -> Path:
    """The place in a recipe of what stands at a path of one of its outputs.

    >>> moved(("loss", "huber"), "price")
    ('model', 'outputs', 'price', 'loss', 'huber')
    """
    if path[:2] == ("model", "output"):
        return ("model", "outputs", name, *path[1:])
    if path[0] in OF_RECIPE:
        return ("model", "outputs", name, *path)
    if path[0] == "data" and path[1:] and path[1] in OF_DATA:
        return ("model", "outputs", name, *path[1:])
    return path


def heads_of(recipe: Recipe) -> dict[str, HeadRecipe]:
    """The outputs of a recipe by name; none where there is only one."""
    return {name: HeadRecipe.of(recipe, name) for name in recipe.model.outputs}


CHECKED: tuple[Callable[[Recipe], Found], ...] = (
    metrics_fit_task,
    classes_fit_task,
    balance_fits_task,
    threshold_fits_task,
)
# Keys of `data` that stand at the outputs, with their defaults.
ELSEWHERE: dict[str, object] = {
    "task": "auto",
    "classes": None,
    "target_scale": "auto",
    "balance": "none",
    "threshold": DEFAULT_THRESHOLD,
}


def outputs_have_targets(recipe: Recipe) -> Found:
    """Each target is predicted by one output, which follows a part."""
    outputs, targets = recipe.model.outputs, recipe.data.target or ()
    if not outputs:
        return
    if len(outputs) == 1:
        yield ("model", "outputs"), "expected two outputs at least; for one write `output`."
    owner: dict[str, str] = {}
    for name, output in outputs.items():
        place = ("model", "outputs", name)
        if not PART_NAME.fullmatch(name.lower()) or name in recipe.model.parts:
            yield (
                place,
                "expected another name: letters, digits and `_`, and not that of a part. "
                f"Received {shown(name)}.",
            )
        for column in output.targets(name):
            key = (*place, *(() if output.target is None else ("target",)))
            if column not in targets:
                yield (
                    key,
                    f"`{shown(column)[1:-1]}` is not among the targets in `data.target`, "
                    f"{listed(targets or ['none'])}.{did_you_mean(column, targets)}",
                )
            elif owner.setdefault(column, name) != name:
                yield key, f"`{column}` is predicted by the output `{owner[column]}` already."
        yield from ((moved(path, name), text) for path, text in _checked(recipe, name))
        yield from (((*place, *path), text) for path, text in _source_of(recipe, name))
    without = [column for column in targets if column not in owner]
    if without:
        yield (
            ("model", "outputs"),
            f"no output predicts {listed(without)}. Give it one, or leave it out of `data.target`.",
        )


ROWS_ARE_SHARED = (
    "`resample` draws rows by the class of one target, and all outputs learn from the same rows. "
    "Write `balance: class_weights`, which weighs the loss of this output alone."
)


def _checked(recipe: Recipe, name: str) -> Found:
    head = HeadRecipe.of(recipe, name)
    if head.data.balance == "resample":
        yield ("data", "balance"), ROWS_ARE_SHARED
    for check in CHECKED:
        yield from check(head)


def _source_of(recipe: Recipe, name: str) -> Found:
    """What is wrong with the part that an output follows, with the place below the output."""
    parts, source = recipe.model.parts, recipe.model.outputs[name].source
    if source is None and len(ends(parts)) > 1:
        yield (), f"say which part it follows: `from: {ends(parts)[-1]}`."
    elif source is not None and source not in parts:
        if parts:
            hint = did_you_mean(source, parts) or f" There are {listed(list(parts)[:12])}."
            why = f"no part is called `{shown(source)[1:-1]}`.{hint}"
        else:
            why = "a list of layers has one end. Leave `from` out, or give the network `parts`."
        yield ("from",), why


def outputs_stand_alone(recipe: Recipe) -> Found:
    """Keys that exclude several outputs, or that belong to each output."""
    if not recipe.model.outputs:
        return
    for key in OF_RECIPE:
        if getattr(recipe, key) is not None:
            yield (key,), f"each output has its own: `model.outputs.NAME.{key}`."
    if recipe.model.output is not None:
        yield ("model", "output"), "each output has its own: `model.outputs.NAME.output`."
    data, wrong = recipe.data, "is not possible with several outputs yet. Leave it out."
    if data.source.name not in TABLES | EITHER:
        yield ("data", "source"), "several outputs need a table, whose columns they predict."
    for key, default in ELSEWHERE.items():
        if getattr(data, key) != default:
            yield ("data", key), f"each output has its own: `model.outputs.NAME.{key}`."
    refused = {
        "targets": data.targets != "dataset",
        "num_labeled": data.num_labeled is not None,
        "window": data.window is not None,
        "augment": mixes(recipe),
        "validation": isinstance(data.validation, Choice),
        "test": isinstance(data.test, Choice),
    }
    yield from ((("data", key), wrong) for key, on in refused.items() if on)
    if recipe.pretraining is not None:
        yield ("pretraining",), wrong
