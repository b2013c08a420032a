"""A phase of a training: its epochs, and what is frozen in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..arguments import check_choice, check_int, check_pattern, invalid, optional

Freeze = bool | str | Sequence[str]


class PhaseError(ValueError):
    """A phase does not fit the model.

    Attributes:
        phase: its index.
        key: the argument that does not, such as `freeze`.

    >>> PhaseError("matches no layer", phase=1, key="freeze").phase
    1
    """

    def __init__(self, message: str, phase: int, key: str):
        super().__init__(message)
        self.phase = phase
        self.key = key


@dataclass(frozen=True)
class Phase:
    """A stretch of a training.

    Args:
        epochs: how many, >= 1.
        freeze: layers that do not train: a regular expression or several, searched for in a layer's
            path, which is the names of the models and layers around it and its own, joined by `/`;
            True for all but the last layer with weights; False for none.
        gradual: number of groups that the frozen layers are unfrozen in, one after the other, from
            the last to the first, within the phase, which has more epochs than groups. None for no
            unfreezing.
        optimizer: `keep` its state, or begin with a `fresh` one: moments and step as at first.

    Raises:
        ValueError: a bad argument.

    >>> Phase(epochs=3, freeze="backbone").patterns
    ('backbone',)
    """

    epochs: int
    freeze: Freeze = False
    gradual: int | None = None
    optimizer: Literal["keep", "fresh"] = "keep"

    def __post_init__(self) -> None:
        check_int("epochs", self.epochs, ge=1)
        check_choice("optimizer", self.optimizer, ("keep", "fresh"))
        if not isinstance(self.freeze, (bool, str, list, tuple)):
            raise invalid("freeze", "True, False, a pattern or several", self.freeze)
        for pattern in self.patterns:
            check_pattern("freeze", pattern)
        groups = optional(check_int, "gradual", self.gradual, ge=1)
        if groups is not None and (self.freeze is False or groups >= self.epochs):
            raise ValueError(
                "Argument `gradual` needs layers in `freeze`, and more epochs than groups. "
                f"Received: gradual={groups}, freeze={self.freeze}, epochs={self.epochs}"
            )

    @property
    def patterns(self) -> tuple[str, ...]:
        """The patterns of `freeze`."""
        if isinstance(self.freeze, bool):
            return ()
        return (self.freeze,) if isinstance(self.freeze, str) else tuple(self.freeze)

    def unfrozen_groups(self, epoch: int) -> int:
        """Groups that train in an epoch of the phase, counted from 0.

        >>> [Phase(6, "backbone", gradual=2).unfrozen_groups(epoch) for epoch in range(6)]
        [0, 0, 1, 1, 2, 2]
        """
        return 0 if self.gradual is None else epoch * (self.gradual + 1) // self.epochs
