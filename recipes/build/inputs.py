"""The data of a recipe. Imports no TensorFlow, so that a mistake in the data shows at once."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import numpy as np

from ..data import Data, Split, Splits, load_data
from ..data.features import FEATURES, Feature
from ..data.fitted import FittedText
from ..data.frame import pick, plain
from ..data.head import HeadOptions
from ..data.opening import Arrays
from ..data.series import WindowOptions
from ..data.split import LABELS, Other, Part, SplitBy, SplitKind, generator, taken
from ..data.table import TableOptions
from ..data.windows import load_windows
from ..errors import DataError, RecipeError
from ..spec import Choice, Recipe
from ..spec.graph import ROWS, unknown_inputs
from ..spec.missing_files import missing_files
from ..spec.windows import WindowSection


def data_of(recipe: Recipe, arrays: Arrays | None = None, *, skip_pictures: bool = False) -> Data:
    """Load, check and split what a recipe's `data` section names.

    Args:
        arrays: `(x, y)` for the source `arrays`, from Python.
        skip_pictures: leave out pictures that cannot be read, whatever the recipe says of them.

    Raises:
        DataError: the data cannot be used as the recipe asks.
    """
    absent = missing_files(recipe)
    if absent:
        raise DataError("\n".join(map(str, absent)))
    section = recipe.data
    seed = recipe.seed if section.seed is None else section.seed
    if section.window is not None:
        if arrays is not None:
            raise DataError("data.window: windows are cut from a table, and arrays are none.")
        data = load_windows(
            section.source.name,
            section.source.arguments,
            splits=Splits(_part(section.validation), _part(section.test)),
            scale=section.scale,
            limit=section.limit,
            table=_table_options(recipe),
        )
        return data if section.bootstrap_seed is None else resampled(data, section.bootstrap_seed)
    # The folds take the place of a drawn validation split.
    validation = None if section.folds is not None else _part(section.validation)
    data = load_data(
        section.source.name,
        section.source.arguments,
        splits=Splits(validation, _part(section.test), section.folds, section.fold),
        scale=section.scale,
        seed=seed,
        limit=section.limit,
        arrays=arrays,
        task=None if section.task == "auto" else section.task,
        loss=None if recipe.loss is None else recipe.loss.name,
        table=_table_options(recipe),
        skip_pictures=skip_pictures,
        classes=section.classes,
    )
    check_inputs(recipe, data)
    if section.targets == "inputs":
        data = reconstructing(data)
    if section.folds is not None and section.fold is None:
        # Each fold draws from its own training rows.
        return data
    if section.num_labeled is not None:
        data = labelled(data, section.num_labeled, seed)
    return data if section.bootstrap_seed is None else resampled(data, section.bootstrap_seed)


def check_inputs(recipe: Recipe, data: Data) -> None:
    """Raise where a part of the network takes an input that the data does not have, or none does.

    Raises:
        RecipeError: with the line.
    """
    if recipe.model.parts:
        known = [feature.name for feature in data.features] or [ROWS]
        wrong = [*unknown_inputs(recipe, known), *_small_embeddings(recipe, data)]
        if wrong:
            raise RecipeError([recipe.problem(*each) for each in wrong])


def _small_embeddings(recipe: Recipe, data: Data) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Embeddings of the numbers of words that have no row for some of them."""
    words = {f.name: len(f.vocabulary) + 2 for f in data.features if isinstance(f, FittedText)}
    for name, part in recipe.model.parts.items():
        first = part.layers[0] if part.layers else None
        if not isinstance(first, Choice) or "input_dim" not in first.arguments:
            continue
        least, given = words.get(part.sources[0], 0), first.arguments["input_dim"]
        if given < least:
            place = ("model", "parts", name, "layers", 0, first.name, "input_dim")
            yield (
                place,
                f"`{plain(part.sources[0])}` has the numbers 0 to {least - 1}: none, unknown, and "
                f"{least - 2} words. Expected {least} at least. Received {given}.",
            )


def _table_options(recipe: Recipe) -> TableOptions:
    section = recipe.data
    features = None
    if section.features is not None:
        features = {name: _feature(recipe, name, given) for name, given in section.features.items()}
    return TableOptions(
        section.target or (),
        features,
        section.missing_target == "drop",
        _split_by(section.split_by),
        _window(section.window),
        _heads(recipe),
    )


def _heads(recipe: Recipe) -> dict[str, HeadOptions]:
    """What each of several outputs predicts."""
    return {
        name: HeadOptions(
            output.targets(name),
            None if output.task == "auto" else output.task,
            output.classes,
            None if output.loss is None else output.loss.name,
        )
        for name, output in recipe.model.outputs.items()
    }


def _window(given: WindowSection | None) -> WindowOptions | None:
    if given is None:
        return None
    return WindowOptions(**{**given.model_dump(), "known": tuple(given.known)})


def _split_by(given: dict[SplitKind, str] | None) -> SplitBy | None:
    return None if given is None else SplitBy(*next(iter(given.items())))


def _feature(recipe: Recipe, column: str, given: Choice | str) -> Feature | str:
    if isinstance(given, str):
        return given
    try:
        return FEATURES[given.name](**given.arguments)
    except (ValueError, TypeError) as error:
        place = ("data", "features", column, given.name)
        raise RecipeError([recipe.problem(place, str(error))]) from None


def labelled(data: Data, count: int, seed: int) -> Data:
    """The same data with `count` labelled training rows, drawn in proportion to the classes."""
    labels = data.train.y if data.classes else None
    rows = len(data.train.y)
    if count >= rows:
        raise DataError(
            f"num_labeled: {count} rows are asked for and the training split has {rows}."
        )
    kept = taken(labels, np.arange(rows), count, generator(seed, LABELS), "num_labeled")[0]
    few = Split(pick(data.train.x, kept), data.train.y[kept])
    return replace(data, train=few, unlabelled=data.train.x)


def reconstructing(data: Data) -> Data:
    """The same rows with themselves, scaled and flat, as targets: what an autoencoder learns."""

    if data.features:
        raise DataError("targets: a table cannot be its own target. Use arrays, or `dataset`.")

    def own(split: Split | None) -> Split | None:
        return None if split is None else replace(split, y=flat(data, split.x))

    train = replace(data.train, y=flat(data, data.train.x))
    validation, test = own(data.validation), own(data.test)
    return replace(
        data, train=train, validation=validation, test=test, task="regression", classes=()
    )


def flat(data: Data, x: np.ndarray) -> np.ndarray:
    """Rows as the network sees them behind its scaling, each as one vector of float32."""
    scaled = data.scaling.apply(x)
    return scaled.reshape(len(scaled), -1)


def resampled(data: Data, seed: int) -> Data:
    """The same data with as many training rows, drawn from them with replacement (bagging)."""
    rows = len(data.train.y)
    drawn = np.random.default_rng(seed).integers(0, rows, rows)
    return replace(data, train=Split(pick(data.train.x, drawn), data.train.y[drawn]))


def _part(part: Part | Literal["auto"] | Choice) -> Part | Literal["auto"] | Other:
    """A fraction or count as it is; another source as (name, arguments)."""
    return (part.name, part.arguments) if isinstance(part, Choice) else part
