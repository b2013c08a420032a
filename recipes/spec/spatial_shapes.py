"""Shapes behind layers that work along the axes of rows: convolutions, pooling, padding."""

from collections.abc import Callable

from .choices import Arguments
from .nodes import is_list
from .shape_rules import Shape, Unfit, check_groups


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


def convolution(shape: Shape, arguments: Arguments) -> Shape:
    check_groups(shape[-1], arguments.get("groups", 1))
    return _convolved(shape, arguments, arguments["filters"])


def depthwise(shape: Shape, arguments: Arguments) -> Shape:
    channels = None if shape[-1] is None else shape[-1] * arguments["depth_multiplier"]
    return _convolved(shape, arguments, channels)


def transposed(shape: Shape, arguments: Arguments) -> Shape | None:
    if arguments["output_padding"] is not None:
        return None
    kernels = _kernels(arguments, len(shape) - 1)

    def enlarged(axis: int, size: int) -> int:
        window, stride = kernels[axis]
        more = 0 if arguments["padding"] == "same" else max(window - stride, 0)
        return size * stride + more

    return _changed(shape, enlarged, arguments["filters"])


def conv_lstm(shape: Shape, arguments: Arguments) -> Shape:
    inner = _convolved(shape[1:], arguments, arguments["filters"])
    return (shape[0], *inner) if arguments["return_sequences"] else inner


def pooled(shape: Shape, arguments: Arguments) -> Shape:
    axes = len(shape) - 1
    window = _numbers(arguments, "pool_size", axes)
    strides = window if arguments["strides"] is None else _numbers(arguments, "strides", axes)
    return _changed(
        shape,
        lambda axis, size: _slid(size, window[axis], strides[axis], arguments, "pool_size"),
        shape[-1],
    )


def adaptive_pooled(shape: Shape, arguments: Arguments) -> Shape:
    return (*_numbers(arguments, "output_size", len(shape) - 1), shape[-1])


def global_pooled(shape: Shape, arguments: Arguments) -> Shape:
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


def padded(shape: Shape, arguments: Arguments) -> Shape:
    edges = _edges(arguments, "padding", len(shape) - 1)
    return _changed(shape, lambda axis, size: size + sum(edges[axis]), shape[-1])


def cropped(shape: Shape, arguments: Arguments) -> Shape:
    edges = _edges(arguments, "cropping", len(shape) - 1)

    def cut(axis: int, size: int) -> int:
        first, last = edges[axis]
        if size <= first + last:
            raise Unfit(f"cutting {first} and {last} off an axis of {size} leaves nothing.")
        return size - first - last

    return _changed(shape, cut, shape[-1])


def enlarged(shape: Shape, arguments: Arguments) -> Shape:
    factors = _numbers(arguments, "size", len(shape) - 1)
    return _changed(shape, lambda axis, size: size * factors[axis], shape[-1])
