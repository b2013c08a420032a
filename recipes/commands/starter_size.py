"""What a first recipe says by the number of training rows."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """What fits a number of training rows.

    Attributes:
        below: for fewer rows than this.
        units: of each hidden layer.
        dropout: after each hidden layer.
        batch_size: rows an update.
        epochs: at most; early stopping may end them.
        rate: learning rate of the first update, for Adam.
    """

    below: float
    units: tuple[int, ...]
    dropout: float
    batch_size: int
    epochs: int
    rate: float
