"""From the `pretraining` section to a deep belief network that fits the model."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import keras
import numpy as np

from ...pretraining import (
    DBN,
    RBM,
    Bernoulli,
    Initialization,
    Layer,
    MomentumSGD,
    WeightTransfer,
    initialize_from,
)
from ...pretraining.initialize import plan_transfer
from ..data import Data
from ..data.blocks import Block
from ..errors import RecipeError
from ..spec import Choice, Recipe
from .inputs import flat
from .objects import Builder, first_paragraph

SECTION = ("pretraining", "dbn")
# Streams of the seed from which each split's binary rows are drawn.
TRAINING, VALIDATION, TEST = 11, 12, 13


@dataclass(frozen=True)
class LayerBuilder(Builder):
    """Makes the objects of one layer's training, with durations in updates of that layer."""

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
        transfer: arguments of `initialize_from`.
        cache: whether trained RBMs are kept for other runs.
    """

    dbn: DBN
    rows: np.ndarray
    validation: np.ndarray | None
    transfer: Mapping[str, Any]
    cache: bool

    def initialize(self, model: keras.Model) -> list[WeightTransfer]:
        """Give the RBMs' weights to the model."""
        return initialize_from(self.dbn, model, **self.transfer)


def pretraining(recipe: Recipe, data: Data, model: keras.Model) -> Pretraining | None:
    """The recipe's network, checked against the rows and the model; None without the section.

    Raises:
        RecipeError: an argument is refused, the rows are none that the visible units can have, or
            a layer of the model cannot take the weights.
    """
    if recipe.pretraining is None:
        return None
    section = recipe.pretraining.dbn
    if any(feature.kind == "image" for feature in data.features):
        message = "an RBM takes one matrix of numbers, and the data has pictures. Save the pixels "
        message += "as rows of an `npz` file."
        raise RecipeError([recipe.problem(SECTION, message)])
    if isinstance(data.rows, Mapping):
        message = (
            "an RBM takes one matrix of numbers, and the table has columns with an embedding: "
            f"{', '.join(data.rows)}. Use `output: one_hot`, or leave them out."
        )
        raise RecipeError([recipe.problem(SECTION, message)])
    if isinstance(data.rows, Block):
        message = f"an RBM takes rows in memory, and {len(data.rows)} of them do not fit."
        raise RecipeError([recipe.problem(SECTION, message)])
    rows = _trained_on(recipe, data, data.rows, TRAINING)
    held_out = None
    if data.validation is not None:
        held_out = _trained_on(recipe, data, data.validation.x, VALIDATION)
    transfer = {
        "layers": section.dense_layers,
        "activation": section.activation,
        "decoder": section.decoder,
    }
    layers = [_layer(recipe, index, len(rows)) for index in range(len(section.layers))]
    try:
        dbn = DBN(layers, name="dbn")
        layers[0].rbm.visible.check_width(rows.shape[1])
        layers[0].rbm.visible.check(rows)
        dbn.build((None, rows.shape[1]))
        plan_transfer(dbn, model, **transfer)
    except ValueError as error:
        raise RecipeError([recipe.problem(SECTION, first_paragraph(str(error)))]) from error
    return Pretraining(dbn, rows, held_out, transfer, section.cache)


def _trained_on(recipe: Recipe, data: Data, x: np.ndarray, stream: int) -> np.ndarray:
    """Rows for `RBM.fit`: probabilities, where each update draws its binary rows from them."""
    assert recipe.pretraining is not None
    if recipe.pretraining.dbn.binarize == "dynamic":
        return flat(data, x)
    return rbm_rows(recipe, data, x, stream)


def rbm_rows(recipe: Recipe, data: Data, x: np.ndarray, stream: int) -> np.ndarray:
    """Rows that the first RBM is a model of: scaled, flat, and binary if the recipe says so."""
    assert recipe.pretraining is not None
    section = recipe.pretraining.dbn
    rows = flat(data, x)
    if section.binarize == "none":
        return rows
    bounds: Any = 0.5
    if section.binarize in ("sample", "dynamic"):
        seed = recipe.seed if section.seed is None else section.seed
        bounds = np.random.default_rng([seed, stream]).random(rows.shape, "float32")
    return (rows > bounds).astype("float32")


def _layer(recipe: Recipe, index: int, rows: int) -> Layer:
    """An RBM of the stack with the settings of its layer, or else of the network."""
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
        # A section's keys stand at the section's place, without a name between.
        place = place[:-1] if key == "regularization" else place
        return builder.value(value, place)

    place = (*SECTION, "layers", index)
    seed = (recipe.seed if network.seed is None else network.seed) + index
    try:
        rbm = RBM(
            own.units,
            visible=_visible(recipe, builder, index),
            hidden=made("hidden"),
            estimator=made("estimator"),
            regularization=made("regularization"),
            initialization=Initialization(made("stddev"), made("data_bias")),
            centring=made("centring"),
            matmul_precision=network.matmul_precision,
            seed=seed,
            name=f"rbm_{index}",
        )
        return Layer(
            rbm,
            MomentumSGD(_rate(made("learning_rate")), _rate(made("momentum"))),
            epochs=epochs,
            batch_size=batch_size,
            output=setting("output")[0],
            jit_compile=network.jit_compile,
        )
    except ValueError as error:
        raise RecipeError([recipe.problem(place, first_paragraph(str(error)))]) from error


def _visible(recipe: Recipe, builder: Builder, index: int) -> Any:
    """Visible units: the recipe's for the first RBM, what the units below ask for above."""
    assert recipe.pretraining is not None
    network = recipe.pretraining.dbn
    if index == 0:
        units = builder.value(network.visible, (*SECTION, "visible"))
        return units if network.binarize != "dynamic" else _dynamic(recipe, units)
    below: Choice = network.layers[index - 1].hidden or network.hidden
    return "bernoulli" if below.name == "bernoulli" else "gaussian"


def _dynamic(recipe: Recipe, units: object) -> Bernoulli:
    """Visible units that draw their data anew in each update."""
    assert recipe.pretraining is not None
    if not isinstance(units, Bernoulli):
        message = "`dynamic` draws rows of 0 and 1, for `visible: bernoulli`. "
        message += f"Received: `visible: {recipe.pretraining.dbn.visible.name}`"
        raise RecipeError([recipe.problem((*SECTION, "binarize"), message)])
    return Bernoulli(sample_data=True)


def _rate(value: object) -> Any:
    return float(value) if isinstance(value, (int, float)) else value
