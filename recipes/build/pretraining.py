"""From the `pretraining` section to a deep belief network that fits the model."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import keras
import numpy as np

from ...pretraining import DBN, RBM, Handed, Layer, MomentumSGD, initialize_from
from ...pretraining.initialize import planned
from ..data import Data
from ..errors import RecipeError
from ..spec import Choice, Recipe
from .inputs import flat
from .objects import Builder, first_paragraph

SECTION = ("pretraining", "dbn")
# Streams of the seed from which each split's binary rows are drawn.
TRAINING, VALIDATION, TEST = 11, 12, 13
# Keys of a layer that are constructor arguments of its machine.
OF_MACHINE = ("hidden", "estimator", "penalty", "dropout", "centring", "stddev", "data_bias")


@dataclass(frozen=True)
class LayerBuilder(Builder):
    """Makes the objects of one layer's training, whose durations are its own."""

    layer_epochs: int = 1

    @property
    def epochs(self) -> int:
        """Epochs of the layer."""
        return self.layer_epochs

    @property
    def updates_per_epoch(self) -> Fraction:
        """Updates of the layer in one pass over the rows."""
        return Fraction(self.steps_per_epoch)


@dataclass(frozen=True)
class Pretraining:
    """A network to train before the model, and the rows that it learns.

    Attributes:
        dbn: the network, untrained.
        rows: of the training split, scaled and flat.
        validation: rows held out, or None.
        handing: arguments of `initialize_from`.
        cache: whether trained machines are kept for other runs.
    """

    dbn: DBN
    rows: np.ndarray
    validation: np.ndarray | None
    handing: Mapping[str, Any]
    cache: bool

    def hand_over(self, model: keras.Model) -> list[Handed]:
        """Give the machines' weights to the model."""
        return initialize_from(self.dbn, model, **self.handing)


def pretraining(recipe: Recipe, data: Data, model: keras.Model) -> Pretraining | None:
    """The recipe's network, checked against the rows and the model; None without the section.

    Raises:
        RecipeError: an argument is refused, the rows are none that the visible units can have, or
            a layer of the model cannot take the weights.
    """
    if recipe.pretraining is None:
        return None
    section = recipe.pretraining.dbn
    rows = machine_rows(recipe, data, data.rows, TRAINING)
    held_out = None
    if data.validation is not None:
        held_out = machine_rows(recipe, data, data.validation.x, VALIDATION)
    handing = {
        "layers": section.into,
        "activation": section.activation,
        "decoder": section.decoder,
    }
    layers = [_layer(recipe, index, len(rows)) for index in range(len(section.layers))]
    try:
        dbn = DBN(layers, name="dbn")
        layers[0].rbm.visible.check_width(rows.shape[1])
        layers[0].rbm.visible.check(rows)
        dbn.build((None, rows.shape[1]))
        planned(dbn, model, **handing)
    except ValueError as error:
        raise RecipeError([recipe.problem(SECTION, first_paragraph(str(error)))]) from error
    return Pretraining(dbn, rows, held_out, handing, section.cache)


def machine_rows(recipe: Recipe, data: Data, x: np.ndarray, stream: int) -> np.ndarray:
    """Rows as the first machine gets them: scaled, flat, and made binary if the recipe says so."""
    assert recipe.pretraining is not None
    section = recipe.pretraining.dbn
    rows = flat(data, x)
    if section.binarize == "none":
        return rows
    bounds: Any = 0.5
    if section.binarize == "sample":
        seed = recipe.seed if section.seed is None else section.seed
        bounds = np.random.default_rng([seed, stream]).random(rows.shape, "float32")
    return (rows > bounds).astype("float32")


def _layer(recipe: Recipe, index: int, rows: int) -> Layer:
    """A machine of the stack with its own settings, or those of the network."""
    assert recipe.pretraining is not None
    network = recipe.pretraining.dbn
    own = network.layers[index]

    def setting(key: str) -> tuple[Any, tuple]:
        """The value, and where it stands."""
        value = getattr(own, key)
        if value is not None:
            return value, (*SECTION, "layers", index, key)
        return getattr(network, key), (*SECTION, key)

    epochs, batch_size = setting("epochs")[0], setting("batch_size")[0]
    steps = -(-rows // batch_size)
    builder = LayerBuilder(recipe, steps, layer_epochs=epochs)

    def made(key: str) -> Any:
        value, place = setting(key)
        # A section's keys stand at its own place, without a name between.
        place = place[:-1] if key == "penalty" else place
        return builder.value(value, place)

    place = (*SECTION, "layers", index)
    seed = (recipe.seed if network.seed is None else network.seed) + index
    try:
        machine = RBM(
            own.units,
            visible=_visible(recipe, builder, index),
            products=network.products,
            seed=seed,
            name=f"rbm_{index}",
            **{key: made(key) for key in OF_MACHINE},
        )
        return Layer(
            machine,
            MomentumSGD(_rate(made("learning_rate")), _rate(made("momentum"))),
            epochs=epochs,
            batch_size=batch_size,
            up=setting("up")[0],
            jit_compile=network.jit_compile,
        )
    except ValueError as error:
        raise RecipeError([recipe.problem(place, first_paragraph(str(error)))]) from error


def _visible(recipe: Recipe, builder: Builder, index: int) -> Any:
    """Visible units: the recipe's for the first machine, what the units below ask for above."""
    assert recipe.pretraining is not None
    network = recipe.pretraining.dbn
    if index == 0:
        return builder.value(network.visible, (*SECTION, "visible"))
    below: Choice = network.layers[index - 1].hidden or network.hidden
    return "bernoulli" if below.name == "bernoulli" else "gaussian"


def _rate(value: Any) -> Any:
    return float(value) if isinstance(value, (int, float)) else value
