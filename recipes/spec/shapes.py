"""The shape that each layer gives, known without Keras.

A shape is that of one row, without the batch. A size that is not known is None, and so is a shape
of which not even the rank is known. A test compares every rule with what Keras computes.
"""

import math
from collections.abc import Callable, Sequence

from . import catalog
from .choices import Arguments, Choice
from .nodes import Path, is_list

Shape = tuple[int | None, ...]
Rule = Callable[[Shape, Arguments], Shape | None]

AXES = {2: "steps, channels", 3: "height, width, channels", 4: "depth, height, width, channels"}


class Unfit(ValueError):
    """A layer cannot take a shape; the message says why, and how to mend it.

    Attributes:
        path: where the layer stands, below `model`.
    """

    def __init__(self, message: str, path: Path = ()):
        super().__init__(message)
        self.path = path


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


def remedy(shape: Shape, rank: int) -> str:
    """What brings rows of a shape to a rank."""
    if rank == 1:
        return "Put `flatten`, or a global pooling layer, before it."
    sizes: Sequence[int | None]
    if len(shape) > rank:
        sizes = (*shape[: rank - 1], _product(shape[rank - 1 :]))
    elif len(shape) == 1 and rank == 3 and shape[0] is not None:
        side = math.isqrt(shape[0])
        sizes = (side, side, 1) if side**2 == shape[0] else (1, shape[0], 1)
    else:
        sizes = (*(1,) * (rank - 1 - len(shape)), *shape, 1)
    if None in sizes:
        return f"Put a `reshape` to {rank} axes before it."
    return f"Put `reshape: {{target_shape: [{', '.join(map(str, sizes))}]}}` before it."


# Arithmetic on sizes: what is computed of an unknown one is unknown.


def _product(sizes: Sequence[int | None]) -> int | None:
    return None if None in sizes else math.prod(size for size in sizes if size is not None)


def _numbers(arguments: Arguments, name: str, count: int) -> tuple[int, ...]:
    """An argument that is a number for each axis, or one for all."""
    value = arguments[name]
    numbers = tuple(value) if is_list(value) else (value,) * count
    if len(numbers) == 1:
        numbers *= count
    if len(numbers) != count:
        raise Unfit(f"`{name}` needs {count} numbers. Received {list(numbers)}.")
    return numbers


def _changed(shape: Shape, change: Callable[[int, int], int], channels: int | None) -> Shape:
    """The shape after a change of each axis but the channels, by its index and size."""
    sizes = [None if size is None else change(axis, size) for axis, size in enumerate(shape[:-1])]
    return (*sizes, channels)


def _slid(size: int, window: int, stride: int, arguments: Arguments, name: str) -> int:
    """The size of an axis after a window has moved over it."""
    if arguments["padding"] != "valid":
        return -(-size // stride)
    if size < window:
        raise Unfit(
            f"a window of {window} does not fit on an axis of {size}. Use a smaller `{name}`, or "
            "`padding: same`."
        )
    return (size - window) // stride + 1


def _kernels(arguments: Arguments, axes: int) -> list[tuple[int, int]]:
    """What a dilated kernel covers of each axis, and its stride."""
    kernel, strides, dilation = (
        _numbers(arguments, name, axes) for name in ("kernel_size", "strides", "dilation_rate")
    )
    return [((k - 1) * d + 1, s) for k, s, d in zip(kernel, strides, dilation, strict=True)]


def _convolved(shape: Shape, arguments: Arguments, channels: int | None) -> Shape:
    kernels = _kernels(arguments, len(shape) - 1)
    return _changed(
        shape, lambda axis, size: _slid(size, *kernels[axis], arguments, "kernel_size"), channels
    )


def _conv(shape: Shape, arguments: Arguments) -> Shape:
    _check_groups(shape[-1], arguments.get("groups", 1))
    return _convolved(shape, arguments, arguments["filters"])


def _check_groups(channels: int | None, groups: int) -> None:
    if channels is not None and groups != -1 and channels % groups:
        raise Unfit(f"its {channels} channels cannot be divided into {groups} `groups`.")


def _depthwise(shape: Shape, arguments: Arguments) -> Shape:
    channels = None if shape[-1] is None else shape[-1] * arguments["depth_multiplier"]
    return _convolved(shape, arguments, channels)


def _transposed(shape: Shape, arguments: Arguments) -> Shape | None:
    if arguments["output_padding"] is not None:
        return None
    kernels = _kernels(arguments, len(shape) - 1)

    def enlarged(axis: int, size: int) -> int:
        window, stride = kernels[axis]
        more = 0 if arguments["padding"] == "same" else max(window - stride, 0)
        return size * stride + more

    return _changed(shape, enlarged, arguments["filters"])


def _conv_lstm(shape: Shape, arguments: Arguments) -> Shape:
    inner = _convolved(shape[1:], arguments, arguments["filters"])
    return (shape[0], *inner) if arguments["return_sequences"] else inner


def _pool(shape: Shape, arguments: Arguments) -> Shape:
    axes = len(shape) - 1
    window = _numbers(arguments, "pool_size", axes)
    strides = window if arguments["strides"] is None else _numbers(arguments, "strides", axes)
    return _changed(
        shape,
        lambda axis, size: _slid(size, window[axis], strides[axis], arguments, "pool_size"),
        shape[-1],
    )


def _adaptive_pool(shape: Shape, arguments: Arguments) -> Shape:
    return (*_numbers(arguments, "output_size", len(shape) - 1), shape[-1])


def _global_pool(shape: Shape, arguments: Arguments) -> Shape:
    return (*(1,) * (len(shape) - 1), shape[-1]) if arguments["keepdims"] else shape[-1:]


def _edges(arguments: Arguments, name: str, axes: int) -> list[tuple[int, int]]:
    """What is added to, or cut from, the two ends of each axis."""
    value = arguments[name]
    if axes == 1 and is_list(value) and not is_list(value[0]):
        value = [value]
    given = value if is_list(value) else [value] * axes
    if len(given) != axes:
        raise Unfit(f"`{name}` needs {axes} numbers or pairs. Received {list(given)}.")
    pairs = [tuple(item) if is_list(item) else (item, item) for item in given]
    return [(pair[0], pair[-1]) for pair in pairs]


def _padded(shape: Shape, arguments: Arguments) -> Shape:
    edges = _edges(arguments, "padding", len(shape) - 1)
    return _changed(shape, lambda axis, size: size + sum(edges[axis]), shape[-1])


def _cropped(shape: Shape, arguments: Arguments) -> Shape:
    edges = _edges(arguments, "cropping", len(shape) - 1)

    def cut(axis: int, size: int) -> int:
        first, last = edges[axis]
        if size <= first + last:
            raise Unfit(f"cutting {first} and {last} off an axis of {size} leaves nothing.")
        return size - first - last

    return _changed(shape, cut, shape[-1])


def _enlarged(shape: Shape, arguments: Arguments) -> Shape:
    factors = _numbers(arguments, "size", len(shape) - 1)
    return _changed(shape, lambda axis, size: size * factors[axis], shape[-1])


def _reshaped(shape: Shape, arguments: Arguments) -> Shape:
    target, size = tuple(arguments["target_shape"]), _product(shape)
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
    _check_groups(shape[-1] if arguments["axis"] == -1 else None, arguments["groups"])
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
    "flatten": (None, lambda shape, given: (_product(shape),)),
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
        f"conv{_axes}d": _conv,
        f"separable_conv{_axes}d": _conv,
        f"depthwise_conv{_axes}d": _depthwise,
        f"conv{_axes}d_transpose": _transposed,
        f"average_pooling{_axes}d": _pool,
        f"max_pooling{_axes}d": _pool,
        f"adaptive_average_pooling{_axes}d": _adaptive_pool,
        f"adaptive_max_pooling{_axes}d": _adaptive_pool,
        f"global_average_pooling{_axes}d": _global_pool,
        f"global_max_pooling{_axes}d": _global_pool,
        f"zero_padding{_axes}d": _padded,
        f"cropping{_axes}d": _cropped,
        f"up_sampling{_axes}d": _enlarged,
        f"spatial_dropout{_axes}d": _same,
    }
    if _axes == 3:  # Keras has none of these
        del _rules["separable_conv3d"], _rules["depthwise_conv3d"]
    RULES.update({name: (_axes + 1, rule) for name, rule in _rules.items()})
    RULES[f"conv_lstm{_axes}d"] = (_axes + 2, _conv_lstm)
