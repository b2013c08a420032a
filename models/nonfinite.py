"""The error that ends a training whose gradient is no number, where that is asked for."""

from __future__ import annotations

from collections.abc import Sequence


class NonFiniteGradientError(ArithmeticError):
    """The gradient of an update held a NaN or infinity; the update was not made.

    Attributes:
        update: number of updates before it.
        variables: paths of the variables whose gradient is no number.

    >>> NonFiniteGradientError(7, ["dense/kernel"]).update
    7
    """

    def __init__(self, update: int, variables: Sequence[str]):
        self.update = update
        self.variables = list(variables)
        super().__init__(
            f"After {update} updates the gradient is no number, for {', '.join(variables)}. The "
            "weights are those before it. A lower learning rate, a warm-up or a bound on the "
            "gradient is the usual mend; NaN in the data is the other cause."
        )
