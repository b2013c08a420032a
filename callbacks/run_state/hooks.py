"""A place before and after all the callbacks of a training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .run_state import RunState


class Hooks:
    """Lets a `RunState` act before the first and after the last of Keras's callbacks.

    A state that is stored must hold what every callback did at the end of an epoch, and one that is
    restored must be there before any callback looks at the model. No place in the list has both.

    Args:
        callbacks: Keras's list, whose hooks are wrapped.
        state: what acts around them.
    """

    def __init__(self, callbacks: Any, state: RunState):
        self._list = callbacks
        self._state = state
        self._quiet = False
        for name in (
            "on_train_begin",
            "on_epoch_begin",
            "on_train_batch_begin",
            "on_train_batch_end",
            "on_test_begin",
            "on_test_batch_end",
            "on_epoch_end",
            "on_train_end",
        ):
            setattr(self, f"_{name}", getattr(callbacks, name))
            setattr(callbacks, name, getattr(self, name))

    _on_train_begin: Any
    _on_epoch_begin: Any
    _on_train_batch_begin: Any
    _on_train_batch_end: Any
    _on_test_begin: Any
    _on_test_batch_end: Any
    _on_epoch_end: Any
    _on_train_end: Any

    @property
    def callbacks(self) -> list[Any]:
        """Keras's callbacks, its own history included."""
        return self._list.callbacks

    def on_train_begin(self, logs: Any = None) -> None:
        with self._state.around_train_begin():
            self._on_train_begin(logs)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        with self._state.around_epoch_begin(epoch):
            self._on_epoch_begin(epoch, logs)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self._quiet = self._state.leaves_out(batch)
        if not self._quiet:
            self._on_train_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self._quiet:
            return
        self._on_train_batch_end(batch, logs)
        self._state.after_execution(batch, logs)

    def on_test_begin(self, logs: Any = None) -> None:
        self._state.before_evaluation()
        self._on_test_begin(logs)

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self._on_test_batch_end(batch, logs)
        self._state.within_evaluation()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._on_epoch_end(epoch, logs)
        self._state.after_epoch(epoch)

    def on_train_end(self, logs: Any = None) -> None:
        self._on_train_end(logs)
        self._state.after_training()
