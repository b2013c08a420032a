"""A training's devices and other processes, from its start to its end."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import keras
import tensorflow as tf

from ...models.shards import Sharing
from .chief import ChiefPeers
from .peers import Peers
from .start import abort

# TensorFlow may notice the end of a process before this one hears of it.
NEWS_SECONDS = 5.0


class Stoppable(Protocol):
    """What a training asks whether to end, and what a signal is given to."""

    def asked(self) -> bool: ...

    def receive(self, number: int) -> object: ...


@dataclass
class Team:
    """How a training is shared, and with whom.

    Attributes:
        sharing: how each batch is; None for one device.
        peers: the other processes; None where there are none.
    """

    sharing: Sharing | None = None
    peers: Peers | None = None

    def __post_init__(self) -> None:
        if self.peers is not None:
            self.peers.on_lost = abort

    @property
    def leads(self) -> bool:
        """Whether this is the chief of several processes."""
        return isinstance(self.peers, ChiefPeers)

    def agreed(self, stop: Stoppable) -> Callable[[], bool]:
        """Whether all processes end after this execution, as one of them was asked to.

        The request of each is added to the next sum of gradients, which is the same for all.

        Args:
            stop: the `StopRequest` of this process.
        """
        flag = None if self.sharing is None else self.sharing.stop
        if flag is None:
            return stop.asked

        def asked() -> bool:
            if stop.asked():
                flag.asked.assign(1.0)
            if float(flag.agreed.numpy()) == 0.0:
                return False
            if not stop.asked():
                # Another process was asked to end.
                stop.receive(signal.SIGTERM)
            return True

        return asked

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Raise `WorkerLost` where TensorFlow fails because a process is lost."""
        try:
            yield
        except tf.errors.OpError:
            if self.peers is not None:
                self.peers.check(NEWS_SECONDS)
            raise

    def same_start(self, model: keras.Model) -> None:
        """Give all processes the chief's weights."""
        sharing = self.sharing
        if sharing is None or self.peers is None:
            return

        @tf.function(autograph=False)
        def chosen(values: list[tf.Tensor]) -> list[tf.Tensor]:
            own = [v if self.leads else tf.zeros_like(v) for v in values]
            return [sharing.across(value) for value in own]

        weights = [w for w in model.weights if "float" in w.dtype]
        if weights:
            with self.watched():
                found = chosen([tf.convert_to_tensor(w.value) for w in weights])
            for weight, value in zip(weights, found, strict=True):
                weight.assign(value)

    def close(self, failure: str | None = None) -> None:
        """End the connection to the other processes."""
        if self.peers is not None:
            self.peers.close(failure)
