"""Presets of KerasHub, by name or from a folder, which may come from a stranger."""

import contextlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import keras

from ..errors import RequestError
from ..record.model_file import check_weights
from ..spec.backbones import TOKENIZER, BackboneChoice
from ..spec.wording import did_you_mean, shown
from .capacity import unallocated_weights
from .hub_library import library
from .objects import first_paragraph
from .saved_model import SPARE_NUMBERS, check_config

Loaded = TypeVar("Loaded")

CONFIG, CONVERTER = "config.json", "image_converter.json"
WEIGHTS, SHARDS = "model.weights.h5", "model.weights.json"


@dataclass(frozen=True)
class Preset:
    """A preset that a recipe names.

    Attributes:
        hub: the module `keras_hub`.
        name: its name, or the path of its folder.
        folder: None where it has a name.
    """

    hub: ModuleType
    name: str
    folder: Path | None

    def network(self, name: str, *, weights: bool) -> keras.Model:
        """Its network.

        Args:
            name: of the model that is made.
            weights: whether it gets those of the preset, else random ones.

        Raises:
            RequestError: it cannot be read or fetched, or its weights are not those of its layers.
        """
        dtype = keras.config.dtype_policy().name

        def load(weights: bool) -> Any:
            return self.hub.models.Backbone.from_preset(
                self.name, load_weights=weights, dtype=dtype, name=name
            )

        if weights and self.folder is not None:
            least = _numbers_of_weights(self.folder)
            with unallocated_weights(discard=True):
                most = self.fetched(lambda: load(False)).count_params()
            if most > least + SPARE_NUMBERS:
                raise RequestError(
                    f"{self.folder}: its layers have {most} weights, and its file holds {least}; "
                    "the folder is damaged or hostile."
                )
        return self.fetched(lambda: load(weights))

    def converter(self) -> Any:
        """What scales pixels for its network; None for a folder without one."""
        if self.folder is not None and not (self.folder / CONVERTER).exists():
            return None
        return self.fetched(lambda: self.hub.layers.ImageConverter.from_preset(self.name))

    def tokenizer(self) -> keras.Layer:
        """What makes tokens of texts for its network.

        Raises:
            RequestError: it has none, or it cannot be read or fetched.
        """
        if self.folder is not None and not (self.folder / TOKENIZER).is_file():
            raise RequestError(
                f"{self.folder}: has no `{TOKENIZER}`. Save the tokenizer of the network there "
                "too: `tokenizer.save_to_preset(folder)`."
            )
        found = self.fetched(lambda: self.hub.tokenizers.Tokenizer.from_preset(self.name))
        if getattr(found, "sequence_length", None) is not None:
            found.sequence_length = None  # the recipe says how many tokens are read
        return found

    def fetched(self, load: Callable[[], Loaded]) -> Loaded:
        """What `load` reads from the preset's folder, KerasHub's cache, or KerasHub's server."""
        try:
            # Downloads are reported on stdout, which belongs to results.
            with contextlib.redirect_stdout(sys.stderr):
                return load()
        # Of a socket, a server's answer, or a damaged file: the libraries below raise anything.
        except Exception as error:
            why = f"{type(error).__name__}: {first_paragraph(str(error))[:300]}"
            known = self.hub.models.Backbone.presets.get(self.name)
            if known is None:
                raise RequestError(f"{self.name}: cannot be read as a preset ({why}).") from None
            place = str(known.get("kaggle_handle", "")).removeprefix("kaggle://")
            raise RequestError(
                f"the preset `{self.name}` is not in the cache and cannot be fetched ({why}). "
                f"Download https://www.kaggle.com/models/{place} where there is a network, and "
                "name its folder: `hub: {path: FOLDER}`."
            ) from None


def preset_of(choice: BackboneChoice) -> Preset:
    """The preset of the backbone `hub`.

    Raises:
        RequestError: KerasHub or the preset is not there.
        ValueError: the folder is no preset, or names what is no part of Keras or KerasHub.
    """
    hub = library()
    path, name = choice.arguments.get("path"), choice.arguments.get("name")
    if path is not None:
        _check_folder(Path(path))
        return Preset(hub, str(path), Path(path))
    presets = hub.models.Backbone.presets
    if name not in presets:
        hint = did_you_mean(str(name), list(presets))
        raise RequestError(f"KerasHub has no preset `{name}`.{hint}")
    return Preset(hub, str(name), None)


def _check_folder(folder: Path) -> None:
    """Raise where a folder is no preset, or names classes that are not of Keras or KerasHub."""
    if not (folder / CONFIG).is_file():
        raise ValueError(f"{folder}: is no preset of KerasHub, which has a `{CONFIG}`.")
    for name in (CONFIG, CONVERTER, TOKENIZER):
        if (folder / name).is_file():
            try:
                config = json.loads((folder / name).read_text(encoding="utf-8"))
                check_config(config)
                _check_assets(config)
            except (ValueError, RecursionError) as error:
                raise ValueError(f"{folder / name}: {first_paragraph(str(error))}") from None
    for file in _weight_files(folder):
        check_weights(file)


def _check_assets(config: Any) -> None:
    """Raise where the files of a tokenizer would be read from elsewhere than beside its config."""
    inner = config.get("config")
    found = inner.get("config_file", TOKENIZER) if isinstance(inner, dict) else TOKENIZER
    if found not in (TOKENIZER, CONVERTER):
        raise ValueError(f"reads its files by `config_file`: {shown(found)}.")


def _weight_files(folder: Path) -> list[Path]:
    """The files of its weights: one, or the shards that an index names."""
    if (folder / WEIGHTS).is_file() or not (folder / SHARDS).is_file():
        return [folder / WEIGHTS] if (folder / WEIGHTS).is_file() else []
    try:
        index = json.loads((folder / SHARDS).read_text(encoding="utf-8"))["weight_map"]
        named = [each if isinstance(each, list) else [each] for each in index.values()]
        names = sorted({str(name) for each in named for name in each})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ValueError(f"{folder / SHARDS}: is no index of weights.") from None
    for name in names:
        if Path(name).name != name or "\\" in name:
            raise ValueError(f"{folder / SHARDS}: names {shown(name)}, which is outside of it.")
    return [folder / name for name in names]


def _numbers_of_weights(folder: Path) -> int:
    """The largest number of weights that files of this size can hold."""
    return sum(check_weights(file) for file in _weight_files(folder))
