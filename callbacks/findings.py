"""What a callback finds wrong with a training, logged and written to a file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from ..arguments import check_bool, check_str, optional
from ..disk import Lines, when_there_is_space
from ..messages import logger
from .base import StatefulCallback
from .codec import encode, record
from .remedies import remedy


@record
@dataclass(frozen=True)
class Finding:
    """One problem of a training, or `healthy`.

    Attributes:
        kind: its name, such as `vanishing`.
        epoch: epoch, from 1, in which or since which it is so; 0 is before training.
        layer: path of the layer, or None for the whole network.
        value: the number that shows it.
        message: a sentence with the number in it.
        remedy: what usually helps, or an empty string.

    >>> str(Finding("dead", 3, "dense", 1.0, "`dense` is dead.", "Remedy: leaky_relu."))
    '`dense` is dead. Remedy: leaky_relu.'
    """

    kind: str
    epoch: int
    layer: str | None
    value: float
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class Diagnosis(StatefulCallback):
    """A callback that collects findings, logs each once, and may write a file.

    Args:
        path: file for a line of JSON with the numbers of each measurement, or None.
        verbose: whether findings are logged, each kind and layer once.
    """

    STATE = ("findings",)
    MID_EPOCH_STATE = ("waiting",)

    def __init__(self, path: str | None, verbose: bool):
        super().__init__()
        self.path = optional(check_str, "path", path)
        self._lines = None if self.path is None else Lines(self.path)
        self.verbose = check_bool("verbose", verbose)
        self.findings: list[Finding] = []

    @property
    def waiting(self) -> list[str]:
        """Lines that are written when the disk has space."""
        return [] if self._lines is None else self._lines.waiting

    @waiting.setter
    def waiting(self, lines: Iterable[str]) -> None:
        if self._lines is not None:
            self._lines.waiting = list(lines)

    def reset(self) -> None:
        self.findings = []

    def check_state(self, state: Mapping[str, object]) -> None:
        found = state["findings"]
        if not isinstance(found, list) or not all(isinstance(row, Finding) for row in found):
            raise ValueError(f"`findings` must be a list of findings. Received: {found}")

    def flush(self) -> None:
        if self._lines is not None:
            self._lines.flush()

    def on_train_end(self, logs: dict | None = None) -> None:
        when_there_is_space(self.flush)

    def kinds(self) -> set[str]:
        """The kinds of all findings."""
        return {finding.kind for finding in self.findings}

    def finding(
        self, kind: str, epoch: int, layer: str | None, value: float, message: str
    ) -> Finding:
        """A finding with what helps against it in this model."""
        return Finding(kind, epoch, layer, value, message, remedy(kind, self.model))

    def report(self, findings: Iterable[Finding], numbers: Mapping[str, object]) -> None:
        """Keep the last finding of each kind and layer, log new ones, write the numbers."""
        found = list(findings)
        for finding in found:
            key = (finding.kind, finding.layer)
            others = [f for f in self.findings if (f.kind, f.layer) != key]
            if self.verbose and len(others) == len(self.findings):
                logger.info(f"{type(self).__name__}: {finding}")
            self.findings = [*others, finding]
        if self._lines is not None:
            line = encode({**numbers, "findings": [asdict(finding) for finding in found]})
            self._lines.add(json.dumps(line, allow_nan=False))
