"""Start TensorFlow on the devices and with the processes that were asked for."""

from functools import cache
from typing import Any, Literal

import tensorflow as tf
from tensorflow.python.eager import context

from ...models.shards import Sharing, StopFlag
from ..errors import RequestError
from .cluster import Cluster
from .guard import ends_within
from .peers import Peers
from .request import DeviceRequest

_Resolver: Any = tf.distribute.cluster_resolver.SimpleClusterResolver


def start(request: DeviceRequest, peers: Peers | None = None) -> Sharing | None:
    """How this process shares each batch; it is called before TensorFlow's first operation.

    Args:
        peers: the other processes, if there are any.

    Raises:
        RequestError: there are not as many devices, or TensorFlow has started already.
        WorkerLost: one of the processes is.
    """
    if request.alone:
        return None
    if request.cluster is not None:
        if peers is not None:
            peers.barrier()
        reason = (
            f"keras-recipes: TensorFlow has not connected the workers within {request.timeout:g} s:"
            " one of them hangs or cannot be reached. The same command with `--resume` continues."
        )
        with ends_within(request.timeout, reason):
            strategy = _join(request.cluster)
        shards = request.exact_shards or request.processes
        return Sharing(
            shards,
            request.exact_shards is not None,
            request.processes,
            request.cluster.index,
            strategy=strategy,
            stop=StopFlag(),
        )
    devices = _devices(request.devices)
    shards = request.exact_shards or len(devices)
    if shards % len(devices):
        raise RequestError(
            f"exact_shards: {shards} shards cannot be shared equally by {len(devices)} devices. "
            "Give a multiple of their number."
        )
    exact = request.exact_shards is not None
    several = len(devices) > 1 and not exact
    strategy = tf.distribute.MirroredStrategy(devices) if several else None
    return Sharing(shards, exact, devices=tuple(devices), strategy=strategy)


def abort(reason: str) -> None:
    """End the operations between processes that wait for one that is lost."""
    running: Any = context.context()
    running.abort_collective_ops(tf.errors.UNAVAILABLE, reason)


@cache
def _join(cluster: Cluster) -> tf.distribute.Strategy:
    """The strategy of this process, with the GPU that is its own.

    TensorFlow connects to other processes once; trainings in a row share the connection.
    """
    place, count = cluster.on_machine
    gpus = tf.config.list_physical_devices("GPU")
    if gpus and len(gpus) < count:
        raise RequestError(
            f"workers: {count} on this machine, which has {len(gpus)} GPUs. Start one for each."
        )
    spec = tf.train.ClusterSpec({"worker": list(cluster.addresses)})
    resolver = _Resolver(spec, task_type="worker", task_id=cluster.index, rpc_layer="grpc")
    try:
        if gpus:
            tf.config.set_visible_devices(gpus[place], "GPU")
        return tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)
    except (RuntimeError, tf.errors.OpError) as error:
        raise RequestError(f"{cluster.name(cluster.index)} cannot start: {error}") from None


def _devices(asked: int | Literal["all"] | None) -> list[str]:
    """Names of the devices of one process; those of a machine without GPUs are parts of its CPU."""
    gpus = tf.config.list_physical_devices("GPU")
    count = (len(gpus) or 1) if asked == "all" else asked or 1
    if gpus:
        if count > len(gpus):
            raise RequestError(f"devices: expected {len(gpus)} GPUs at most. Received: {count}")
        return [f"GPU:{i}" for i in range(count)]
    if count > 1:
        parts = [tf.config.LogicalDeviceConfiguration()] * count
        cpu = tf.config.list_physical_devices("CPU")[0]
        try:
            tf.config.set_logical_device_configuration(cpu, parts)
        except (RuntimeError, ValueError) as error:
            if len(tf.config.list_logical_devices("CPU")) < count:
                raise RequestError(
                    f"devices: {count} were asked for after TensorFlow had started with fewer "
                    f"({error}). Ask for them in a new process, before anything is computed."
                ) from None
    return [f"CPU:{i}" for i in range(count)]
