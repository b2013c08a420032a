"""The network of a recipe: its layers between scaled rows and the output layer."""

import keras
import numpy as np

from ...layer_paths import layer_paths
from ...models import LayerError, TrainingModel, build_network
from ...models.lora import NothingAdapted, enable_lora
from ..data import Data
from ..data.order import batch_rows
from ..errors import RecipeError
from ..spec import Recipe
from ..spec.graph import ends
from .backbone import NAME as BACKBONE
from .backbone import backbone
from .capacity import LayerTooLarge, check_memory, copies, unallocated_weights
from .feature_blocks import Tensors, inputs_for
from .feature_cache import Features
from .graph import column_inputs, connected, rows_input
from .heads import Ends
from .layer_lists import made_layers, place_of
from .objects import Builder, first_paragraph
from .outputs import check_ends, made_tails, output_layer, scale_of, with_tails
from .parts import training_parts
from .precision import computing_in
from .preprocessing import Preprocessing
from .scaling_layers import scaling_layer
from .task import Task


def network(
    recipe: Recipe,
    data: Data,
    task: Task | Ends,
    builder: Builder,
    prepared: Preprocessing | Features | None = None,
    precision: str = "float32",
) -> keras.Model:
    """The recipe's layers between the scaling of raw rows and the output layer.

    The scaling, the output layer and those in `precision.SENSITIVE` compute in 32 bits.

    Args:
        prepared: what makes numbers of the raw columns of a table, or features of rows; the saved
            model begins with it.
        precision: what the other layers compute in, a policy of Keras.
    """
    with computing_in(precision):
        # Before other layers, as with cached features: initial weights depend on the order.
        front = None
        if not isinstance(prepared, Features):
            shape = data.input_shape if prepared is None else prepared.first_shape
            front = backbone(recipe, shape)
        layers = made_layers(builder, recipe.model.layers, ("model", "layers"))
        tails = made_tails(recipe, task, builder) if isinstance(task, Ends) else {}
    x = data.train.x
    dtype = _input_dtype(x)
    with computing_in("float32"):
        output = None if isinstance(task, Ends) else output_layer(recipe, task, builder)
        scaling = scaling_layer(data.scaling, dtype) if front is None else front
        target_scale = None if isinstance(task, Ends) else scale_of(task, "target_scale")
    behind: dict[str | None, keras.KerasTensor] = {}
    try:
        with computing_in(precision), unallocated_weights():
            if recipe.model.parts:
                assert not isinstance(prepared, Features)  # which need a backbone
                inputs, behind = graph(recipe, data, builder, prepared, dtype)
                start = inputs, behind[None]
            else:
                start = None if prepared is None else prepared.head(x, scaled=front is None)
            inputs, outputs = build_network(
                data.input_shape,
                layers,
                output,
                scaling=None if recipe.model.parts else scaling,
                target_scale=target_scale,
                dtype=None if recipe.model.parts else dtype,
                start=start,
                beside=_beside(recipe, prepared, start),
            )
            if isinstance(task, Ends):
                outputs = with_tails(recipe, {None: outputs, **behind}, tails)
            connected = keras.Model(inputs, outputs, name="network")
            rows = batch_rows(len(data.train), recipe.data.batch_size)
            check_memory(connected, copies(recipe), rows)
    except LayerError as error:
        place = ("model", *error.index_path)
        raise RecipeError([recipe.problem(place, first_paragraph(str(error)))]) from error
    except LayerTooLarge as error:
        place = place_of(recipe, error.layer, layers, output)
        raise RecipeError([recipe.problem(place, str(error))]) from error
    check_ends(recipe, task, outputs, tails, output)
    parts = training_parts(recipe, builder).active()
    with computing_in(precision):  # by which Keras decides whether to scale the loss
        model = TrainingModel(inputs, outputs, name=recipe.name, **parts)
    _add_adapters(recipe, model)
    model.saves_network = True
    model.preprocessing = None if prepared is None else prepared.model
    return model


def _input_dtype(rows: object) -> str | None:
    """The type of the input: that of rows that need 64 bits, else Keras's own."""
    return "float64" if isinstance(rows, np.ndarray) and rows.dtype == np.float64 else None


def graph(
    recipe: Recipe,
    data: Data,
    builder: Builder,
    prepared: Preprocessing | None,
    dtype: str | None,
) -> tuple[Tensors, dict[str | None, keras.KerasTensor]]:
    """Inputs of a network of named parts, and the output of each of these; of the last, None."""
    if prepared is None:
        with computing_in("float32"):
            scaling = scaling_layer(data.scaling, dtype)
        inputs, rows = build_network(data.input_shape, [], scaling=scaling, dtype=dtype)
        columns = rows_input(rows)
    else:
        inputs = inputs_for(data.train.x)
        window = recipe.data.window
        known = () if window is None else window.known
        columns = column_inputs(prepared.features, inputs, known)
    tensors = connected(recipe, builder, columns, made_layers)
    return inputs, {**tensors, None: tensors[ends(recipe.model.parts)[-1]]}


def _beside(
    recipe: Recipe,
    prepared: Preprocessing | Features | None,
    start: tuple[Tensors, keras.KerasTensor] | None,
) -> keras.KerasTensor | None:
    """The vector of the columns beside a picture, which a list of layers joins to its output."""
    if prepared is None or start is None or recipe.model.parts:
        return None
    return prepared.beside(start[0])


def _add_adapters(recipe: Recipe, model: keras.Model) -> None:
    """Add the adapters of a recipe, and freeze the base: the backbone, or all but the last layer.

    Raises:
        RecipeError: a pattern matches no layer, or a layer cannot have one, with its line.
    """
    asked = recipe.model.lora
    if asked is None:
        return
    weighted = [path for path, layer in layer_paths(model) if layer.weights]
    last = weighted[-1].split("/")[0] if weighted else ""

    def base(path: str) -> bool:
        top = path.split("/")[0]
        return top == BACKBONE if recipe.model.backbone is not None else top != last

    try:
        enable_lora(model, asked.rank, asked.layers, base=base, alpha=asked.alpha)
    except NothingAdapted as error:
        place = ("model", "lora", "layers")
        raise RecipeError([recipe.problem(place, str(error))]) from None
    except (ValueError, NotImplementedError) as error:
        place = ("model", "lora")
        raise RecipeError([recipe.problem(place, first_paragraph(str(error)))]) from None
