"""What layers compute in: 32-bit numbers, or 16-bit ones beside weights of 32 bits."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import keras
import tensorflow as tf

# Layers whose outputs span more than 16 bits hold: they compute in 32 bits wherever they stand.
SENSITIVE = frozenset({"softmax", "normalization", "discretization", "rescaling"})
# Flags of processors that multiply bfloat16 matrices: x86 and ARM.
UNITS = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
CPU_INFO = Path("/proc/cpuinfo")
# Steps that are timed of each, and how much faster 16 bits must be to be worth their rounding.
TIMED_STEPS = 10
GAIN = 1.1


class Precision(NamedTuple):
    """What layers compute in.

    Attributes:
        name: a policy of Keras: `float32`, `mixed_bfloat16` or `mixed_float16`.
        reason: why, where `auto` decided it; else empty.
    """

    name: str
    reason: str = ""

    def __str__(self) -> str:
        return f"precision: {self.name}, since {self.reason}" if self.reason else self.name


class TimedStep(NamedTuple):
    """A training step.

    Attributes:
        model: compiled.
        batches: what it trains on.
    """

    model: keras.Model
    batches: tf.data.Dataset


class Candidate(NamedTuple):
    """The 16-bit policy of a device; `name` is None where it has no units for one.

    Attributes:
        name: a policy of Keras, or None.
        device: what computes, in words.
    """

    name: str | None
    device: str


@contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Layers and models that are made inside compute in `precision`.

    `float32` means `keras.config.floatx()`, which gradient checks set to 64 bits.
    """
    before = keras.config.dtype_policy()
    policy = keras.config.floatx() if precision in ("float32", "auto") else precision
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def candidate() -> Candidate:
    """The 16-bit policy that the devices of this process have units for."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = tf.config.experimental.get_device_details(gpus[0])
        major, minor = details.get("compute_capability", (0, 0))
        device = f"{details.get('device_name', 'GPU')} of compute capability {major}.{minor}"
        if major >= 8:
            return Candidate("mixed_bfloat16", device)
        return Candidate("mixed_float16" if major == 7 else None, device)
    return Candidate("mixed_bfloat16" if UNITS & processor_flags() else None, "this processor")


def processor_flags() -> frozenset[str]:
    """What the first processor can do, as Linux names it; empty on other systems."""
    try:
        lines = CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    for line in lines:
        name, _, flags = line.partition(":")
        if name.strip().lower() in ("flags", "features"):
            return frozenset(flags.split())
    return frozenset()


def decide(step_of: Callable[[str], TimedStep]) -> Precision:
    """Whether 16 bits make a training step faster on this machine.

    Args:
        step_of: makes the compiled model of a precision.
    """
    found = candidate()
    if found.name is None:
        return Precision("float32", f"{found.device} has no units for 16-bit numbers")
    names = ("float32", found.name)
    full, half = step_times([step_of(name) for name in names])
    ratio = f"a step in {found.name} takes {half / full:.2f} of the time of one in float32"
    return Precision(names[full / half >= GAIN], f"on {found.device} {ratio}")


def step_times(steps: Sequence[TimedStep]) -> list[float]:
    """Median seconds of a training step of each model, which take turns."""
    batch = next(iter(steps[0].batches))
    taken: list[list[float]] = [[] for _ in steps]
    # The first step of each compiles it.
    for number in range(TIMED_STEPS + 1):
        for step, seconds in zip(steps, taken, strict=True):
            started = time.perf_counter()
            step.model.train_on_batch(*batch)
            if number:
                seconds.append(time.perf_counter() - started)
    return [statistics.median(seconds) for seconds in taken]
