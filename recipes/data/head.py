"""The targets of one of several outputs of a network, as a recipe asks for them and as they are."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..spec.targets import ClassName
from ..spec.tasks import Task


@dataclass(frozen=True)
class HeadOptions:
    """What a recipe says of the targets of one of several outputs.

    Attributes:
        target: names of the columns that are predicted.
        task: what they are; None where their values decide it.
        classes: the classes in their order, or None.
        loss: name of the loss, which may decide the task too.
    """

    target: tuple[str, ...]
    task: Task | None = None
    classes: Sequence[ClassName] | None = None
    loss: str | None = None


@dataclass(frozen=True)
class Head:
    """The targets of one of several outputs.

    Attributes:
        name: of the output, and of the field of the targets.
        target: names of the columns.
        task: what they are.
        classes: the classes in order; empty for the other tasks.
    """

    name: str
    target: tuple[str, ...]
    task: Task
    classes: tuple[ClassName, ...] = ()

    def to_json(self) -> dict[str, object]:
        """As it stands in `data.json`."""
        return {"target": list(self.target), "task": self.task, "classes": list(self.classes)}
