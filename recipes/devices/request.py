"""What a command line or a call asks of devices and workers, checked before TensorFlow starts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ..errors import RequestError
from .cluster import Cluster, cluster_of

# Seconds of silence after which a process of the training counts as lost.
TIMEOUT = 60.0


@dataclass(frozen=True)
class DeviceRequest:
    """The devices and processes that a recipe is trained on.

    Attributes:
        devices: of this process, a number or `all`; None for one.
        exact_shards: shards whose gradients are summed in one order, whatever computes them; None
            for one shard a device or process.
        timeout: seconds of silence after which a process counts as lost.
        cluster: the processes; None for one.
    """

    devices: int | Literal["all"] | None = None
    exact_shards: int | None = None
    timeout: float = TIMEOUT
    cluster: Cluster | None = None

    def __post_init__(self) -> None:
        for name in ("devices", "exact_shards"):
            value = getattr(self, name)
            if value is not None and value != "all" and (type(value) is not int or value < 1):
                expected = "a number from 1, or `all`" if name == "devices" else "a number from 1"
                raise RequestError(f"{name}: expected {expected}. Received: {value!r}")
        if not self.timeout > 0:
            raise RequestError(f"worker_timeout: expected seconds > 0. Received: {self.timeout!r}")
        if self.processes > 1 and self.devices not in (None, 1):
            raise RequestError(
                f"devices: each of {self.processes} workers uses one device. Start a worker for "
                "each device, and leave `devices` out."
            )
        shards = self.exact_shards
        if shards is not None and shards % self.processes:
            raise RequestError(
                f"exact_shards: {shards} shards cannot be shared equally by {self.processes} "
                "workers. Give a multiple of their number."
            )

    @property
    def processes(self) -> int:
        """How many processes train together."""
        return 1 if self.cluster is None else len(self.cluster.addresses)

    @property
    def alone(self) -> bool:
        """Whether nothing is asked for: one process on one device."""
        return self.devices in (None, 1) and self.exact_shards is None and self.processes == 1

    @property
    def follows(self) -> bool:
        """Whether another process is the chief."""
        return self.cluster is not None and self.cluster.index > 0


def asked(
    environment: Mapping[str, str],
    devices: int | str | None = None,
    exact_shards: int | None = None,
    worker_timeout: float | None = None,
) -> DeviceRequest:
    """The request of a call, with the cluster that the environment names.

    Raises:
        RequestError: it cannot be carried out.
    """
    seconds = TIMEOUT if worker_timeout is None else worker_timeout
    return DeviceRequest(_number(devices), exact_shards, seconds, cluster_of(environment))


def _number(value: int | str | None) -> int | Literal["all"] | None:
    if value is None or value == "all":
        return None if value is None else "all"
    try:
        return int(str(value))
    except ValueError:
        raise RequestError(
            f"devices: expected a number from 1, or `all`. Received: {value!r}"
        ) from None
