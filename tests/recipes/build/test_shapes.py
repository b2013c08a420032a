"""The shapes that are known without Keras, and what a list can hold, compared with Keras itself."""

import random

import keras
import numpy as np
import pytest

from keras_recipes.models import LayerError, build_network
from keras_recipes.recipes.build.objects import Builder
from keras_recipes.recipes.data.sources import breast_cancer, diabetes, digits, iris, wine
from keras_recipes.recipes.errors import RecipeError
from keras_recipes.recipes.spec import arguments, catalog
from keras_recipes.recipes.spec.choices import Choice
from keras_recipes.recipes.spec.load import load
from keras_recipes.recipes.spec.network import NOT_IN_A_LIST
from keras_recipes.recipes.spec.network_shapes import SOURCES
from keras_recipes.recipes.spec.shape_rules import Unfit
from keras_recipes.recipes.spec.shapes import RULES, shape_after

FEW, MANY = 2, 60


def some(draw: random.Random, axes: int, most: int, *, pairs: bool = False):
    """A number for all axes, or one (or a pair) for each."""
    if draw.random() < 0.4:
        return draw.randint(1, most)
    if pairs and draw.random() < 0.5:
        return [[draw.randint(0, most), draw.randint(0, most)] for _ in range(axes)]
    return [draw.randint(1, most) for _ in range(axes)]


def dims(draw: random.Random, axes: int):
    found = list(range(1, draw.choice([axes, axes, 2]) + 1))
    draw.shuffle(found)
    return found


# Argument -> a random value of it, by the number of spatial axes.
RANDOM = {
    "classes": lambda draw, axes: draw.randint(2, 5),
    "units": lambda draw, axes: draw.randint(1, 5),
    "filters": lambda draw, axes: 4,
    "kernel_size": lambda draw, axes: some(draw, axes, 4),
    "pool_size": lambda draw, axes: some(draw, axes, 4),
    "strides": lambda draw, axes: some(draw, axes, 3),
    "dilation_rate": lambda draw, axes: draw.choice([1, 1, some(draw, axes, 2)]),
    "padding": lambda draw, axes: draw.choice(["valid", "same"]),
    "depth_multiplier": lambda draw, axes: draw.randint(1, 2),
    "output_size": lambda draw, axes: some(draw, axes, 4),
    "groups": lambda draw, axes: draw.choice([1, 2]),
    "keepdims": lambda draw, axes: draw.random() < 0.5,
    "return_sequences": lambda draw, axes: draw.random() < 0.5,
    "merge_mode": lambda draw, axes: draw.choice(["concat", "sum", "ave", "mul"]),
    "cropping": lambda draw, axes: some(draw, axes, 3, pairs=True),
    "size": lambda draw, axes: some(draw, axes, 3),
    "rate": lambda draw, axes: 0.5,
    "n": lambda draw, axes: draw.randint(1, 4),
    "height": lambda draw, axes: 5,
    "width": lambda draw, axes: 7,
    "input_dim": lambda draw, axes: 9,
    "output_dim": lambda draw, axes: 3,
    "stddev": lambda draw, axes: 0.1,
    "scale": lambda draw, axes: 0.5,
    "factor": lambda draw, axes: 0.1,
    "height_factor": lambda draw, axes: 0.1,
    "width_factor": lambda draw, axes: 0.1,
    "activation": lambda draw, axes: Choice("activations", "relu"),
    "target_shape": lambda draw, axes: draw.choices([-1, 1, 2, 4, 6], k=draw.randint(1, 3)),
    "dims": lambda draw, axes: dims(draw, axes + 1),
    "num_heads": lambda draw, axes: draw.randint(1, 2),
    "intermediate_dim": lambda draw, axes: draw.randint(1, 5),
    "vocabulary_size": lambda draw, axes: 9,
    "sequence_length": lambda draw, axes: draw.randint(1, 70),
    "embedding_dim": lambda draw, axes: 3,
}  # fmt: skip
INNER = {
    "bidirectional": lambda draw: choice("lstm", draw, 1),
    "time_distributed": lambda draw: choice(draw.choice(["dense", "conv1d", "flatten"]), draw, 1),
    "spectral_normalization": lambda draw: choice(draw.choice(["dense", "conv2d"]), draw, 2),
}


def choice(name: str, draw: random.Random, axes: int) -> Choice:
    """A layer with random arguments."""
    arguments = {}
    for key, argument in catalog.entry("layers", name).arguments.items():
        maker = RANDOM.get(key)
        if key == "layer":
            arguments[key] = INNER[name](draw)
        elif key == "padding" and name.startswith("zero_padding"):
            arguments[key] = some(draw, axes, 3, pairs=True)
        elif (key == "scale" and argument.default is True) or (
            key == "activation" and argument.type
        ):
            continue
        elif maker is not None and (argument.required or draw.random() < 0.7):
            arguments[key] = maker(draw, axes)
    return Choice("layers", name, arguments)


def axes_of(name: str, draw: random.Random) -> int:
    rank = RULES[name][0]
    return (rank or draw.randint(2, 4)) - (2 if name.startswith("conv_lstm") else 1)


def compare(name: str, times: int) -> int:
    """Random arguments and shapes: the rule says what Keras does; how often Keras took them."""
    draw, taken = random.Random(name), 0
    for _ in range(times):
        axes = axes_of(name, draw)
        layer = choice(name, draw, axes)
        rank = (RULES[name][0] or axes + 1) + draw.choice([0, 0, 0, 0, 0, 0, 1, -1])
        shape = tuple(draw.randint(1, 9) for _ in range(max(rank, 1)))
        try:
            made = Builder(RECIPE, 1).make("layers", layer, ("model", "layers", 0))
        except RecipeError:
            continue  # the constructor refuses the arguments
        try:
            batch, *expected = build_network(shape, [made])[1].shape
            # Some layers take one row without an axis for the batch; others do not look at the
            # number of axes, and TensorFlow crashes on the data.
            lax = name.startswith("adaptive") or catalog.entry("layers", name).of_hub
            if batch is not None or (lax and len(shape) != axes + 1):
                raise LayerError("the batch is lost", ())
            check_on_rows(made, name, shape)
            # Keras 3.13 gives an empty axis where a window does not fit; newer versions refuse.
            if any(axis is not None and axis < 1 for axis in expected):
                raise LayerError("an axis is empty", ())
        except LayerError as error:
            with pytest.raises(Unfit):
                pytest.fail(f"{shape_after(layer, shape)} for {layer}, {shape}: {error}")
            continue
        taken += 1
        assert shape_after(layer, shape) in (tuple(expected), None), (layer, shape)
    keras.backend.clear_session(free_memory=False)
    return taken


def check_on_rows(layer: keras.layers.Layer, name: str, shape: tuple[int, ...]) -> None:
    """Raise where a layer of KerasHub, some of which look at no shape, does not take rows."""
    if catalog.entry("layers", name).of_hub:
        try:
            layer(np.zeros((2, *shape), "float32"))
        except Exception as error:  # of TensorFlow
            raise LayerError(str(error), ()) from error


RECIPE = load({"name": "x", "data": {"source": "arrays"}, "model": {"layers": ["flatten"]}})


def need_hub(name: str) -> None:
    """Skip where a layer is of KerasHub and that is not installed."""
    if catalog.entry("layers", name).of_hub:
        pytest.importorskip("keras_hub", reason="needs `pip install 'keras-recipes[hub]'`")


@pytest.mark.parametrize("name", RULES)
def test_a_rule_says_what_keras_does(name):
    need_hub(name)
    assert compare(name, FEW) >= 0


@pytest.mark.slow
@pytest.mark.parametrize("name", RULES)
def test_every_rule_says_what_keras_does_many_times(name):
    need_hub(name)
    assert compare(name, MANY) > 10


# Arguments with which a layer can stand in a list, where those that it must have do not do.
NEEDED = {
    "activation": {"activation": "relu"},
    "bidirectional": {"layer": {"lstm": {"units": 2}}},
    "category_encoding": {"num_tokens": 5},
    "discretization": {"bin_boundaries": [0.2, 0.5]},
    "dot": {"axes": 1},
    "einsum_dense": {"equation": "ab,bc->ac", "output_shape": 4},
    "group_normalization": {"groups": 1},
    "hashed_crossing": {"num_bins": 3},
    "hashing": {"num_bins": 3},
    "integer_lookup": {"vocabulary": [1, 2, 3]},
    "max_num_bounding_boxes": {"max_number": 3},
    "mel_spectrogram": {"fft_length": 16, "sequence_stride": 4, "num_mel_bins": 4},
    "multi_head_attention": {"num_heads": 2, "key_dim": 2},
    "normalization": {"mean": 0.0, "variance": 1.0},
    "random_crop": {"height": 4, "width": 4},
    "random_posterization": {"factor": 4},
    "random_zoom": {"height_factor": 0.1},
    "reshape": {"target_shape": [-1]},
    "spectral_normalization": {"layer": {"dense": {"units": 2}}},
    "stft_spectrogram": {"frame_length": 16},
    "string_lookup": {"vocabulary": ["a", "b"]},
    "text_vectorization": {"vocabulary": ["a", "b"]},
    "time_distributed": {"layer": {"dense": {"units": 2}}},
    "token_and_position_embedding": {"sequence_length": 64},
}
ROWS = [(64,), (64, 6), (8, 8, 3), (8, 8, 8, 3), (4, 8, 8, 8, 3)]


@pytest.mark.slow
@pytest.mark.parametrize("name", catalog.names("layers"))
def test_a_layer_can_be_trained_in_a_list_or_the_table_says_why_not(name):
    need_hub(name)
    rank = RULES[name][0] if name in RULES else None
    can = any(trains(name, rows) for rows in ROWS if rank in (None, len(rows)))
    # Those that mix images could be trained, to no good end.
    assert can == (name not in NOT_IN_A_LIST or name in ("cut_mix", "mix_up"))


def trains(name: str, rows: tuple[int, ...]) -> bool:
    """Whether a network with a layer takes a step on rows of a shape."""
    given, draw = dict(NEEDED.get(name, {})), random.Random(0)
    for key, argument in catalog.entry("layers", name).arguments.items():
        if argument.required and key not in given and key != "dims":
            sizes = ("kernel_size", "pool_size", "output_size")
            given[key] = 2 if key in sizes else RANDOM[key](draw, len(rows) - 1)
    given = {**given, "dims": [*range(1, len(rows) + 1)]} if name == "permute" else given
    data = {"name": "x", "data": {"source": "arrays"}, "model": {"layers": ["flatten"]}}
    layer = arguments.validated("layers", {name: given})
    keras.backend.clear_session(free_memory=False)
    try:
        made = Builder(load(data), 1).make("layers", layer, ("model", "layers", 0))
        inputs, outputs = build_network(rows, [made, keras.layers.Flatten(name="end")])
        model = keras.Model(inputs, keras.layers.Dense(1, name="output")(outputs))
        model.compile("sgd", "mse")
        x = np.random.default_rng(0).integers(0, 2, (4, *rows)).astype("float32")
        model.fit(x, np.zeros((4, 1)), batch_size=4, verbose=0)
    except Exception:  # layers of Keras raise whatever they stumble over
        return False
    return True


def test_the_bundled_sources_have_the_shapes_of_the_table():
    for source in (digits, iris, wine, breast_cancer, diabetes):
        assert source().x.shape[1:] == SOURCES[source.__name__]
