"""Phases of one training: which layers are frozen in which epochs, and what is reset."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from ..arguments import check_instance, invalid
from ..messages import logger
from ..optimizers import inner_optimizer
from .base import StatefulCallback
from .early_stopping import EarlyStopping
from .freezing import FreezableLayers, some_of
from .learning_rate import changing_rate, updates
from .phase import Phase, PhaseError


class Phases(StatefulCallback):
    """Trains in phases within one `fit`: frozen layers and a fresh optimizer by epoch.

    At the first epoch of a phase `trainable` of each layer is set as the phase says, and the
    training function is made anew. Layers that were not trainable before stay so; when training
    ends, all are as they were. A frozen `BatchNormalization` uses its moving statistics and keeps
    them, as Keras does. The optimizer, which has variables for all weights that any phase trains,
    updates those of the phase.

    A `keras_recipes.schedules.Phased` as learning rate gives phases rates of their own.

    With an `EarlyStopping` that is given to `fit` too, every phase is a training of its own to it:
    it forgets its best value and counts its patience anew, and the weights of the best epoch are
    restored at the end of a phase. Its patience, or Prechelt's criteria, end a phase rather than
    the training, unless it is the last; a target, a limit or a time end the training.

    Args:
        phases: `Phase`s in order; `fit` takes as many epochs as they have together.
        early_stopping: the `EarlyStopping` among the callbacks, or several of them.
        verbose: whether the beginning of each phase is logged.

    Attributes:
        endings: for each phase the epoch, from 0, after which it ended early, and the reason.

    Raises:
        ValueError: a bad argument. `PhaseError` when training begins: a pattern that matches no
            layer, or a phase that trains nothing.

    >>> phases = Phases([Phase(3, freeze="backbone"), Phase(10, freeze=r"backbone/block_[0-9]_")])
    >>> phases.epochs
    13
    """

    STATE = ("endings",)

    def __init__(
        self,
        phases: Sequence[Phase],
        early_stopping: EarlyStopping | Sequence[EarlyStopping] = (),
        *,
        verbose: bool = True,
    ):
        super().__init__()
        if isinstance(phases, str) or not isinstance(phases, Sequence) or not phases:
            raise invalid("phases", "a list of at least one `Phase`", phases)
        self.phases = tuple(check_instance("phases", phase, Phase) for phase in phases)
        given = [early_stopping] if isinstance(early_stopping, EarlyStopping) else early_stopping
        self.early_stopping = tuple(
            check_instance("early_stopping", one, EarlyStopping) for one in given
        )
        for one in self.early_stopping:
            one.end_phase = self.end_phase
        self.verbose = verbose
        self._layers: FreezableLayers | None = None
        self._frozen: frozenset[str] | None = None
        self.reset()

    def reset(self) -> None:
        self.endings: list[list[Any] | None] = [None] * len(self.phases)

    @property
    def epochs(self) -> int:
        """Epochs of all phases."""
        return sum(phase.epochs for phase in self.phases)

    @property
    def ends(self) -> list[int]:
        """Index of the first epoch after each phase."""
        ends: list[int] = []
        for phase, ending in zip(self.phases, self.endings, strict=True):
            begin = ends[-1] if ends else 0
            ends.append(begin + phase.epochs if ending is None else ending[0] + 1)
        return ends

    def early(self) -> list[str]:
        """Which phases ended early, and why, in words."""
        return [
            f"phase {index + 1} ended after epoch {ending[0] + 1}, as {ending[1]}"
            for index, ending in enumerate(self.endings)
            if ending is not None
        ]

    def at(self, epoch: int) -> tuple[int, int]:
        """The phase that an epoch belongs to, and the first epoch of that phase."""
        ends = self.ends
        index = min(sum(epoch >= end for end in ends), len(ends) - 1)
        return index, ends[index - 1] if index else 0

    def end_phase(self, epoch: int, reason: str) -> bool:
        """Let the phase end after an epoch; False for the last one, which ends the training."""
        index, _ = self.at(epoch)
        if index == len(self.phases) - 1:
            return False
        # At its last epoch it ends anyway.
        if epoch + 1 < self.ends[index]:
            self.endings[index] = [epoch, reason]
            if self.verbose:
                logger.info(f"Phase {index + 1} ends after epoch {epoch + 1}: {reason}.")
        return True

    def prepare(self, model: keras.Model) -> None:
        """Check the patterns, and give the optimizer variables for what any phase trains.

        Training calls it too; before, the optimizer must not have variables for other weights.

        Raises:
            PhaseError: a pattern that matches no layer, or a phase that trains nothing.
        """
        layers = self._layers = FreezableLayers(model)
        trained: set[int] = set()
        for index, phase in enumerate(self.phases):
            own = layers.trained(self._frozen_paths(index, phase.epochs - 1))
            if not layers.trained(self._frozen_paths(index, 0)):
                message = "nothing is left to train in this phase: all weights are frozen."
                raise PhaseError(message, index, "freeze")
            trained |= own
        variables = [v for v in model.trainable_variables if id(v) in trained]
        if callable(getattr(model, "set_trained_variables", None)):
            model.set_trained_variables(variables)
        optimizer = getattr(model, "optimizer", None)
        if optimizer is None:
            return
        if not optimizer.built:
            optimizer.build(variables)
        known = {id(v) for v in inner_optimizer(optimizer)._trainable_variables}
        unknown = [v.path for v in variables if id(v) not in known]
        if unknown:
            raise ValueError(
                f"The optimizer was made for other weights, without {some_of(unknown, 3)} Compile "
                "the model again before it is trained in these phases."
            )

    def set_model(self, model: keras.Model) -> None:
        super().set_model(model)
        if self._layers is None or self._layers.model is not model:
            self.prepare(model)

    def on_train_begin(self, logs: dict | None = None) -> None:
        super().on_train_begin(logs)
        if len(self.endings) != len(self.phases):
            self.endings = (self.endings + [None] * len(self.phases))[: len(self.phases)]
        self._frozen = None

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        index, first = self.at(epoch)
        if epoch == first:
            self._begin(index)
        frozen = self._frozen_paths(index, epoch - first)
        if frozen == self._frozen or (self._frozen is None and not frozen):
            self._frozen = frozen
            return
        self._frozen = frozen
        assert self._layers is not None
        self._layers.freeze(frozen)
        self.model.make_train_function(force=True)
        if self.verbose:
            weights = sum(int(np.prod(v.shape)) for v in self.model.trainable_variables)
            logger.info(
                f"Phase {index + 1} of {len(self.phases)}, epoch {epoch + 1}: {len(frozen)} layers "
                f"frozen, {weights:,} weights trained."
            )

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if self.ends[-1] <= epoch + 1 < int((self.params or {}).get("epochs", 0)):
            # Phases have ended early, and `fit` has epochs left.
            self.model.stop_training = True

    def on_train_end(self, logs: dict | None = None) -> None:
        self.release()

    def release(self) -> None:
        """Give each layer the `trainable` that it had; for a `fit` that was left by an error."""
        if self._layers is not None and self._frozen:
            self._layers.freeze(frozenset())
        self._frozen = None

    def _begin(self, index: int) -> None:
        """Start a phase; what changes here is in the checkpoints of later steps."""
        for one in self.early_stopping if index else ():
            one.begin_phase()
        fresh = index > 0 and self.phases[index].optimizer == "fresh"
        optimizer = self.model.optimizer
        rate = inner_optimizer(optimizer)._learning_rate
        if index and callable(getattr(rate, "begin", None)):
            with changing_rate(self.model):
                rate.begin(index, updates(self.model), restarted=fresh)
        if fresh:
            with changing_rate(self.model), self.model.distribute_strategy.scope():
                _restart(optimizer, rate)

    def _frozen_paths(self, index: int, epoch: int) -> frozenset[str]:
        """Paths of the layers that are frozen in an epoch of a phase."""
        phase, layers = self.phases[index], self._layers
        assert layers is not None
        if phase.freeze is True:
            found = layers.all_but_the_last()
        else:
            found = layers.matching(phase.patterns, index)
        if phase.gradual is None:
            return frozenset(found)
        if phase.gradual > len(found):
            message = (
                f"the {len(found)} frozen layers cannot be divided into {phase.gradual} groups."
            )
            raise PhaseError(message, index, "gradual")
        groups = np.array_split(np.arange(len(found)), phase.gradual)
        left = groups[: phase.gradual - phase.unfrozen_groups(epoch)]
        return frozenset(found[number] for group in left for number in group)

    def __deepcopy__(self, memo: dict[int, object]) -> Phases:
        early_stopping = copy.deepcopy(self.early_stopping, memo)
        return Phases(self.phases, early_stopping, verbose=self.verbose)


def _restart(optimizer: keras.optimizers.Optimizer, rate: keras.Variable) -> None:
    """Give an optimizer's variables the values that a new one has, but for the learning rate."""
    own = inner_optimizer(optimizer)
    new = type(optimizer).from_config(optimizer.get_config())
    new.build(list(own._trainable_variables))
    for variable, initial in zip(optimizer.variables, new.variables, strict=True):
        if variable is not rate:
            variable.assign(initial)
