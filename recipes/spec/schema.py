"""A recipe and what each of its keys means."""

import hashlib
from typing import Annotated, Literal, Self, get_args

from pydantic import Field as Key
from pydantic import PrivateAttr
from pydantic import model_validator as validator

from ..errors import Problem
from .arguments import choice, section
from .choices import Choice
from .dump import dump
from .durations import MOST_EPOCHS
from .fields import count_or, one_of, plain_name
from .nodes import Node, Path, Place, node_of
from .phases import PhaseSection, with_epochs
from .pretraining import PretrainingSection
from .sections import (
    CheckpointsSection,
    DataSection,
    EnsembleSection,
    InitializeSection,
    ModelSection,
)
from .strict import Count, Seed, Strict
from .tracking import Trackers

Section = Choice | None
# Policies of Keras.
PrecisionName = Literal["float32", "mixed_bfloat16", "mixed_float16"]
PRECISIONS: tuple[str, ...] = get_args(PrecisionName)


class Recipe(Strict):
    """How to train one model."""

    name: Annotated[str, plain_name()] = Key(
        description="what runs are called; by default the file's name"
    )
    description: str = Key("", description="a sentence for people")
    seed: Seed = Key(
        0, description="decides initial weights, splits, the order of each epoch, dropout"
    )
    data: DataSection
    pretraining: PretrainingSection | None = Key(
        None, description="a network trained before the model, whose weights the model starts from"
    )
    model: ModelSection
    loss: Annotated[Choice, choice("losses")] | None = Key(
        None, description="by default cross-entropy for classes, squared error for numbers"
    )
    metrics: list[Annotated[Choice, choice("metrics")]] | None = Key(
        None, description="by default accuracy for classes, rmse and mae for numbers"
    )
    optimizer: Annotated[Choice, choice("optimizers")] = Key(
        Choice("optimizers", "adam"), description="a Keras optimizer"
    )
    learning_rate: Annotated[float | Choice, choice("schedules", numbers=True)] | None = Key(
        None, description="a number or a schedule; by default the optimizer's own rate"
    )
    gradient_clipping: Annotated[Section, section("gradient_clipping")] = Key(
        None, description="bounds on the gradient"
    )
    weight_decay: Annotated[Section, section("weight_decay")] = Key(
        None, description="shrinking of the kernels"
    )
    layer_rates: Annotated[Section, section("layer_rates")] = Key(
        None, description="learning rates of single layers, as multiples"
    )
    gradient_accumulation: Count = Key(
        1, description="batches whose mean gradient makes one update"
    )
    gradient_transforms: list[Annotated[Choice, choice("gradient_transforms")]] = Key(
        [], description="centralization and noise of the gradient, in order"
    )
    sam: Annotated[Section, section("sam")] = Key(
        None, description="sharpness-aware minimization: two passes an update"
    )
    adversarial_training: Annotated[Section, section("adversarial_training")] = Key(
        None, description="the loss also at inputs that were moved to where it is higher"
    )
    weight_averaging: Annotated[Section, section("weight_averaging")] = Key(
        None, description="an average of the weights, which is evaluated and saved"
    )
    epochs: int = Key(10, gt=0, le=MOST_EPOCHS, description="passes over the training rows")
    phases: list[PhaseSection] = Key(
        [],
        description="stretches of the training, described [below](#phases); `epochs` is then "
        "their sum",
    )
    steps_per_execution: Annotated[int | Literal["auto"], count_or("auto")] = Key(
        "auto", description="updates between two returns to Python"
    )
    jit_compile: Annotated[bool | Literal["auto"], one_of("auto", True, False)] = Key(
        "auto", description="compile the step with XLA; `auto` does where that is faster"
    )
    precision: Annotated[PrecisionName | Literal["auto"], one_of(*PRECISIONS, "auto")] = Key(
        "float32",
        description="what layers compute in, beside weights of 32 bits; `auto` measures whether "
        "16 bits make the step faster on this machine",
    )
    ensemble: EnsembleSection | None = Key(
        None, description="train several networks and average their outputs"
    )
    checkpoints: CheckpointsSection = Key(
        CheckpointsSection.model_validate({}),
        description="how often the run is stored, to resume it from",
    )
    initialize: InitializeSection | None = Key(
        None, description="weights of another training to start from"
    )
    callbacks: list[Annotated[Choice, choice("callbacks")]] = Key(
        [], description="callbacks, in order"
    )
    tracking: Trackers = Key(
        [],
        description="experiment trackers that the run is sent to: `mlflow`, `wandb`; "
        "`tensorboard` is written always. It may change when a run is resumed",
    )

    _tree: Node = PrivateAttr(default=node_of({}, Place("recipe")))

    @validator(mode="before")
    @classmethod
    def _epochs_of_the_phases(cls, value: object) -> object:
        return with_epochs(value)

    def read_from(self, tree: Node) -> Self:
        """Remember the lines that the recipe was read from, for problems found later."""
        self._tree = tree
        return self

    def problem(self, path: Path, message: str) -> Problem:
        """A problem found after loading, at the line that `path` was read from."""
        return self._tree.problem(path, message)

    def __eq__(self, other: object) -> bool:
        # What a recipe says counts, and not the lines it was read from.
        if not isinstance(other, Recipe):
            return NotImplemented
        return self.fingerprint() == other.fingerprint()

    def __hash__(self) -> int:
        return hash(self.fingerprint())

    def fingerprint(self) -> str:
        """SHA-256 of the resolved recipe: equal recipes have equal fingerprints."""
        return hashlib.sha256(dump(self).encode()).hexdigest()
