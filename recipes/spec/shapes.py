"""The shape that each layer gives, known without Keras.

A shape is that of one row, without the batch. A size that is not known is None, and so is a shape
of which not even the rank is known. A test compares every rule with what Keras computes.
"""

import math

from . import catalog
from .choices import Arguments, Choice
from .shape_rules import Rule, Shape, Unfit, check_groups, product, remedy
from .spatial_shapes import (
    adaptive_pooled,
    conv_lstm,
    convolution,
    cropped,
    depthwise,
    enlarged,
    global_pooled,
    padded,
    pooled,
    transposed,
)

AXES = {2: "steps, channels", 3: "height, width, channels", 4: "depth, height, width, channels"}


def shape_after(layer: Choice, shape: Shape) -> Shape | None:
    """The shape that a layer or a residual block gives; None where that is not known.

    Raises:
        Unfit: it cannot take the shape.

    >>> from keras_recipes.recipes.spec import Choice
    >>> shape_after(Choice("layers", "conv2d", {"filters": 8, "kernel_size": 3}), (28, 28, 1))
    (26, 26, 8)
    """
    rank, rule = RULES.get(layer.name, (None, None))
    if rule is None:
        return None
    defaults = {
        key: row.default for key, row in catalog.entry("layers", layer.name).arguments.items()
    }
    arguments = {**defaults, **layer.arguments}
    if rank is not None and len(shape) != rank:
        axes = f" ({AXES[rank]})" if rank in AXES and layer.name != "embedding" else ""
        raise Unfit(
            f"`{layer.name}` does not take rows of shape {shape}: it needs {rank} "
            f"{'axis' if rank == 1 else 'axes'}{axes}. {remedy(shape, rank)}"
        )
    if arguments.get("data_format") == "channels_first":
        return None
    try:
        return rule(shape, arguments)
    except Unfit as error:
        raise Unfit(f"`{layer.name}` does not take rows of shape {shape}: {error}") from None


def _reshaped(shape: Shape, arguments: Arguments) -> Shape:
    target, size = tuple(arguments["target_shape"]), product(shape)
    if target.count(-1) > 1 or any(item == 0 or item < -1 for item in target):
        raise Unfit(
            f"`target_shape` has sizes of 1 and more, and -1 at most once. Received {list(target)}."
        )
    given = math.prod(item for item in target if item != -1)
    if size is None:
        return tuple(None if item == -1 else item for item in target)
    if size % given if -1 in target else size != given:
        raise Unfit(
            f"they have {size} values, and `target_shape` {list(target)} has "
            f"{'a multiple of ' if -1 in target else ''}{given}."
        )
    return tuple(size // given if item == -1 else item for item in target)


def _permuted(shape: Shape, arguments: Arguments) -> Shape:
    dims: tuple[int, ...] = tuple(arguments["dims"])
    if sorted(dims) != list(range(1, len(shape) + 1)):
        raise Unfit(f"`dims` has each of the axes 1 to {len(shape)} once. Received {list(dims)}.")
    return tuple(shape[axis - 1] for axis in dims)


def _recurrent(shape: Shape, arguments: Arguments) -> Shape:
    steps = shape[:-1] if arguments["return_sequences"] else ()
    return (*steps, arguments["units"])


def _both_ways(shape: Shape, arguments: Arguments) -> Shape | None:
    inner = shape_after(arguments["layer"], shape)
    if inner is None or arguments["merge_mode"] is None or inner[-1] is None:
        return None
    return (*inner[:-1], inner[-1] * (2 if arguments["merge_mode"] == "concat" else 1))


def _at_each_step(shape: Shape, arguments: Arguments) -> Shape | None:
    if len(shape) < 2:
        raise Unfit(f"it needs at least 2 axes, of which the first are steps. {remedy(shape, 2)}")
    inner = shape_after(arguments["layer"], shape[1:])
    return None if inner is None else (shape[0], *inner)


def _grouped(shape: Shape, arguments: Arguments) -> Shape:
    check_groups(shape[-1] if arguments["axis"] == -1 else None, arguments["groups"])
    return shape


def _positions(shape: Shape, arguments: Arguments) -> Shape:
    return shape


def _transformed(shape: Shape, arguments: Arguments) -> Shape:
    heads = arguments["num_heads"]
    if shape[-1] is not None and shape[-1] % heads:
        raise Unfit(f"its {shape[-1]} channels cannot be divided among {heads} `num_heads`.")
    return shape


def _attending(shape: Shape, arguments: Arguments) -> Shape:
    heads = arguments["num_heads"]
    if shape[-1] is not None and shape[-1] < heads:
        raise Unfit(f"its {shape[-1]} channels are fewer than its {heads} `num_heads`.")
    return shape


def _rotated(shape: Shape, arguments: Arguments) -> Shape:
    axis = arguments["feature_axis"]
    size = shape[axis] if axis in (-1, -2) else shape[axis - 1] if axis in (1, 2) else None
    if size is not None and size % 2:
        raise Unfit(f"it turns channels in pairs, and they are {size}.")
    return shape


def _embedded(shape: Shape, arguments: Arguments) -> Shape:
    steps, most = shape[-1], arguments["sequence_length"]
    if steps is not None and steps > most:
        raise Unfit(f"they have {steps} steps, and `sequence_length` is {most}.")
    return (*shape, arguments["embedding_dim"])


def _same(shape: Shape, arguments: Arguments) -> Shape:
    return shape


# Name -> the number of axes that it needs, where that is one number, and its rule.
RULES: dict[str, tuple[int | None, Rule]] = {
    **dict.fromkeys(
        (
            "activation", "activity_regularization", "alpha_dropout", "batch_normalization",
            "dropout", "elu", "gaussian_dropout", "gaussian_noise", "identity",
            "layer_normalization", "leaky_relu", "masking", "normalization", "prelu",
            "random_brightness", "random_contrast", "random_flip", "random_rotation",
            "random_translation", "random_zoom", "relu", "rescaling", "rms_normalization",
            "softmax", "stochastic_depth", "unit_normalization",
        ),
        (None, _same),
    ),
    "cumulative_link": (1, lambda shape, given: (given["classes"],)),
    "dense": (None, lambda shape, given: (*shape[:-1], given["units"])),
    "embedding": (None, lambda shape, given: (*shape, given["output_dim"])),
    "flatten": (None, lambda shape, given: (product(shape),)),
    "group_normalization": (None, _grouped),
    "permute": (None, _permuted),
    "repeat_vector": (1, lambda shape, given: (given["n"], *shape)),
    "reshape": (None, _reshaped),
    "resizing": (3, lambda shape, given: (given["height"], given["width"], shape[-1])),
    "spectral_normalization": (None, lambda shape, given: shape_after(given["layer"], shape)),
    "time_distributed": (None, _at_each_step),
    "bidirectional": (2, _both_ways),
    "masked_average_pooling1d": (2, lambda shape, given: shape[-1:]),
    "positional_embedding": (2, _positions),
    "transformer_block": (2, _transformed),
    "transformer_encoder": (2, _attending),
    "transformer_decoder": (2, _attending),
    "rotary_embedding": (2, _rotated),
    "token_and_position_embedding": (1, _embedded),
    **dict.fromkeys(("gru", "lstm", "simple_rnn"), (2, _recurrent)),
}  # fmt: skip
for _axes in (1, 2, 3):
    _rules = {
        f"conv{_axes}d": convolution,
        f"separable_conv{_axes}d": convolution,
        f"depthwise_conv{_axes}d": depthwise,
        f"conv{_axes}d_transpose": transposed,
        f"average_pooling{_axes}d": pooled,
        f"max_pooling{_axes}d": pooled,
        f"adaptive_average_pooling{_axes}d": adaptive_pooled,
        f"adaptive_max_pooling{_axes}d": adaptive_pooled,
        f"global_average_pooling{_axes}d": global_pooled,
        f"global_max_pooling{_axes}d": global_pooled,
        f"zero_padding{_axes}d": padded,
        f"cropping{_axes}d": cropped,
        f"up_sampling{_axes}d": enlarged,
        f"spatial_dropout{_axes}d": _same,
    }
    if _axes == 3:  # Keras has none of these
        del _rules["separable_conv3d"], _rules["depthwise_conv3d"]
    RULES.update({name: (_axes + 1, rule) for name, rule in _rules.items()})
    RULES[f"conv_lstm{_axes}d"] = (_axes + 2, conv_lstm)
