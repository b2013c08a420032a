"""Gradients that vanish, explode or die, and layers whose units are all equal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from ..arguments import check_between, check_int, check_number
from .findings import Diagnosis, Finding
from .gradients import BatchGradients, VariableGradient, rows
from .remedies import Traits


class GradientMonitor(Diagnosis):
    """Names vanishing, exploding and dead gradients and symmetric weights, and the remedy.

    A `keras_recipes.models.TrainingModel` gives the mean norm of each variable's gradient over the
    epoch, from its compiled step, at no further cost. For any other model, give `data`: one batch,
    whose gradient is measured at the end of an epoch.

    Layers are compared by the root mean square of their kernels' gradients; kernels are weights of
    rank 2 and more, except embeddings.

    - vanishing: the first layer's is less than `vanishing` of the last one's.
    - exploding: a gradient is NaN or infinite; or the first layer's is more than 1 / `vanishing` of
      the last one's; or a gradient's norm is more than `exploding` times the norm of its weights,
      or of Glorot's initial ones where those are smaller.
    - dead: a kernel's gradient is exactly 0 over the epoch, in a network with relu.
    - symmetric: after an epoch of training all units of a layer still have the same weights.
    - healthy: none of these at the last measurement.

    Args:
        data: one batch `(x, y)`, or None for the norms of a `TrainingModel`.
        every: epochs between two measurements, >= 1.
        vanishing: between 0 and 1.
        exploding: > 0.
        path: file for a line of JSON for each measurement, with all norms, or None.
        verbose: whether findings are logged, each kind and layer once.

    Attributes:
        findings: the last of each kind and layer, with `kind`, `epoch`, `layer`, `value`,
            `message` and `remedy`.
        rows: norms of each variable at the last measurement.

    Raises:
        ValueError: a bad argument; when training begins, neither norms nor `data`.

    >>> monitor = GradientMonitor(every=5)
    """

    MID_EPOCH_STATE = ("waiting", "rows", "_last", "_epoch")

    def __init__(
        self,
        data: Sequence[object] | None = None,
        every: int = 1,
        vanishing: float = 1e-3,
        exploding: float = 100.0,
        *,
        path: str | None = None,
        verbose: bool = True,
    ):
        super().__init__(path, verbose)
        if data is not None and not (isinstance(data, (tuple, list)) and len(data) == 2):
            raise ValueError(
                f"Argument `data` must be one batch `(x, y)`. Received: {type(data).__name__}"
            )
        self.data = data
        self.every = check_int("every", every, ge=1)
        self.vanishing = check_between("vanishing", vanishing, 0, 1)
        self.exploding = check_number("exploding", exploding, gt=0)
        self.rows: list[VariableGradient] = []
        self._batch: BatchGradients | None = None
        self._norms: dict[str, float] | None = None
        self._last: list[Finding] = []
        self._epoch = 0
        self._training = False

    def on_train_begin(self, logs: dict | None = None) -> None:
        super().on_train_begin(logs)
        if self.data is not None:
            self._batch = BatchGradients(self.model, *self.data)
        elif not callable(getattr(self.model, "gradient_norms", None)):
            raise ValueError(
                f"`GradientMonitor` finds no norms in a `{type(self.model).__name__}`. Give one "
                "batch, `data=(x, y)`, or train a `keras_recipes.models.TrainingModel`, which "
                "measures them in its step: `wrap(model)` makes one."
            )

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._norms, self._training = None, True

    def on_test_begin(self, logs: dict | None = None) -> None:
        # Validation resets all metrics, the sums of the training step among them.
        if self._training and self._batch is None and self._norms is None:
            self._norms = self.model.gradient_norms()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._training = False
        if (epoch + 1) % self.every == 0:
            norms = self._epoch_norms(logs or {})
            if not self._overflowed(norms, logs or {}):
                self.measure(epoch + 1, norms)

    def on_train_end(self, logs: dict | None = None) -> None:
        if self.rows and not self._last:
            self.report([self._healthy()], {"epoch": self._epoch})
        # A compiled function cannot be copied.
        self._batch = None
        super().on_train_end(logs)

    def _epoch_norms(self, logs: Mapping[str, float]) -> Mapping[str, float]:
        """Norm of each gradient in this epoch."""
        if self._batch is not None:
            return self._batch.norms()
        norms = self.model.gradient_norms() if self._norms is None else self._norms
        if float(logs.get("nonfinite_steps", 0.0)) >= 1:
            # The means leave out NaN and infinity, and there was nothing else.
            return dict.fromkeys(norms, math.nan)
        return norms

    def _overflowed(self, norms: Mapping[str, float], logs: Mapping[str, float]) -> bool:
        """Whether norms are infinite only because the optimizer searches the largest loss scale.

        It skips those updates, and nothing is known of the others.
        """
        scales = hasattr(self.model.optimizer, "dynamic_scale")
        finite_loss = math.isfinite(float(logs.get("loss", math.nan)))
        return scales and finite_loss and not all(map(math.isfinite, norms.values()))

    def measure(self, epoch: int, norms: Mapping[str, float]) -> list[Finding]:
        """Judge the norms of an epoch, counted from 1."""
        self.rows, self._epoch = rows(self.model, norms), epoch
        self._last = list(self._problems(epoch))
        self.report(
            self._last,
            {
                "epoch": epoch,
                "gradients": {row.path: row.gradient for row in self.rows},
                "weights": {row.path: row.weight for row in self.rows},
            },
        )
        return self._last

    def _problems(self, epoch: int) -> Iterator[Finding]:
        kernels = [row for row in self.rows if row.kernel]
        symmetric = [row for row in kernels if row.symmetric]
        for row in symmetric:
            kind = "are all 0" if row.weight == 0 else "are the same for every unit"
            message = f"Symmetric weights: after epoch {epoch} those of `{row.layer}` {kind}."
            yield self.finding("symmetric", epoch, row.layer, row.weight, message)
        not_finite = [row for row in self.rows if not math.isfinite(row.gradient)]
        if not_finite:
            yield self._not_finite(epoch, not_finite)
            return
        # Weights of 0 let no gradient pass, and are then the cause.
        if not symmetric and Traits(self.model).relu:
            yield from self._dead(epoch, [row for row in kernels if row.gradient == 0])
            kernels = [row for row in kernels if row.gradient > 0]
        yield from self._compared(epoch, [row for row in kernels if not row.symmetric])

    def _not_finite(self, epoch: int, found: list[VariableGradient]) -> Finding:
        layers = list(dict.fromkeys(row.layer for row in found))
        names = ", ".join(f"`{layer}`" for layer in layers[:3])
        more = f" and {len(layers) - 3} more layers" if len(layers) > 3 else ""
        message = f"Exploding gradients: in epoch {epoch} those of {names}{more} are not finite."
        return self.finding("exploding", epoch, found[0].layer, found[0].gradient, message)

    def _dead(self, epoch: int, found: list[VariableGradient]) -> Iterator[Finding]:
        for row in found:
            message = (
                f"Dead layer: in epoch {epoch} no gradient reached `{row.layer}`: its units, or "
                "all units before or after it, are 0 for every row."
            )
            yield self.finding("dead", epoch, row.layer, 0.0, message)

    def _compared(self, epoch: int, kernels: list[VariableGradient]) -> Iterator[Finding]:
        """First layer against last, and gradients against weights."""
        if len(kernels) > 1 and kernels[-1].gradient > 0:
            ratio = kernels[0].per_weight / kernels[-1].per_weight
            if ratio < self.vanishing:
                yield self._ratio("vanishing", epoch, kernels, ratio)
            if ratio * self.vanishing > 1:
                yield self._ratio("exploding", epoch, kernels, ratio)
        largest = max(kernels, key=lambda row: row.relative, default=None)
        if largest is not None and largest.relative > self.exploding:
            message = (
                f"Exploding gradients: in epoch {epoch} that of `{largest.layer}` has norm "
                f"{largest.gradient:.3g}, {largest.relative:.3g} times its weights, "
                f"{max(largest.weight, largest.usual):.3g}; at most {self.exploding:g} is expected."
            )
            yield self.finding("exploding", epoch, largest.layer, largest.relative, message)

    def _ratio(
        self, kind: str, epoch: int, kernels: list[VariableGradient], ratio: float
    ) -> Finding:
        first, last = kernels[0], kernels[-1]
        message = (
            f"{kind.capitalize()} gradients: in epoch {epoch} the gradient of the first layer, "
            f"`{first.layer}`, is {ratio:.2g} times that of the last, `{last.layer}`: root mean "
            f"square {first.per_weight:.2g} against {last.per_weight:.2g}."
        )
        return self.finding(kind, epoch, first.layer, ratio, message)

    def _healthy(self) -> Finding:
        kernels = [row for row in self.rows if row.kernel and row.gradient > 0]
        ratio = kernels[0].per_weight / kernels[-1].per_weight if kernels else 1.0
        message = f"Healthy gradients: first layer to last {ratio:.2g}; none dead or exploding."
        return Finding("healthy", self._epoch, None, ratio, message)
