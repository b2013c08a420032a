"""The sections inside of a recipe and what each key means."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, model_validator
from pydantic import Field as Key

from .arguments import choice
from .augmentations import Augmentation
from .backbones import BACKBONE, BackboneChoice
from .batches import BatchSizeKey
from .choices import Choice
from .fields import failure
from .file_arguments import local_file
from .layers import Layer
from .lora import LoraSection
from .parts import OutputSection, PartSection
from .section_fields import Columns, Features, SplitBy, interval, rows
from .strict import MOST, Count, Seed, Strict, details, invalid
from .targets import DEFAULT_THRESHOLD, Balance, Classes, Threshold
from .windows import WindowSection

# What `auto` takes of the rows for a split.
DEFAULT_PART = 0.15


class DataSection(Strict):
    """Where the rows come from and how they are split, scaled and batched."""

    source: Annotated[Choice, choice("sources")] = Key(
        description="a bundled set, a Keras set, a file, or `arrays` given from Python"
    )
    target: Columns | None = Key(
        None, description="column or columns of a table that are predicted"
    )
    features: Features = Key(
        None,
        description="what each column of a table is; `auto`, the default, infers it from the "
        "training rows; `'*'` stands for all columns that are not named, `drop` leaves one out",
    )
    missing_target: Literal["refuse", "drop"] = Key(
        "refuse", description="rows of a table without a target: an error, or left out"
    )
    task: Literal["auto", "classification", "ordinal", "multilabel", "regression", "count"] = Key(
        "auto",
        description="what the targets are; `auto` decides by their values between classes, "
        "labels and numbers; `ordinal` are classes in an order, `count` whole numbers from 0",
    )
    classes: Classes = Key(
        None,
        description="the classes in their order, the one to detect last; by default sorted",
    )
    balance: Balance = Key(
        "none",
        description="what makes up for rare classes: weights in the loss, rows drawn so that "
        "classes are equally frequent, or a focal loss",
    )
    threshold: Threshold = Key(
        DEFAULT_THRESHOLD,
        description="probability above which the second of two classes, or a label, is decided "
        "on; `{maximize: f1_score}` chooses it on the validation rows after training",
    )
    target_scale: Literal["auto", "standardize", "none"] = Key(
        "auto",
        description="learn standardized targets; predictions and metrics keep the targets' unit",
    )
    validation: Annotated[float | Literal["auto"] | Choice | None, rows("auto")] = Key(
        "auto",
        description="rows to validate on after each epoch: part of the rows, or a source; `auto` "
        "is the validation part of a folder of pictures that has one, else 15%",
    )
    test: Annotated[float | Literal["auto"] | Choice | None, rows("auto")] = Key(
        "auto",
        description="rows for the one evaluation at the end; `auto` is the source's own, else 15%",
    )
    split_by: SplitBy = Key(
        None,
        description="a column that decides the splits, rather than the seed: `{group: COLUMN}`, "
        "`{time: COLUMN}` or `{column: COLUMN}`",
    )
    window: WindowSection | None = Key(
        None,
        description="windows over the rows of a series, to forecast the rows that follow; a "
        "section, described [below](#windows)",
    )
    folds: int | None = Key(
        None,
        ge=2,
        le=MOST,
        description="cross-validation: train this many networks, each validated on another part "
        "of the rows that are not tested on; takes the place of `validation`",
    )
    fold: Count | None = Key(
        None, description="train on this one of the `folds` alone, from 1; as runs of a fold do"
    )
    scale: Literal["minmax", "standardize", "none"] = Key(
        "none",
        description="scaling to [0, 1] or to mean 0 and deviation 1, fitted on the training rows",
    )
    augment: list[Augmentation] = Key(
        [],
        description="random changes of training pictures in order, drawn again for each epoch "
        "and row",
    )
    batch_size: BatchSizeKey = Key(
        32,
        description="rows an update: `all` is batch, 1 is stochastic gradient descent; "
        "`{auto: 256}` computes 256 in parts where they do not fit into memory at once",
    )
    drop_remainder: bool = Key(False, description="leave out the short last batch of an epoch")
    seed: Seed | None = Key(
        None, description="decides the splits; by default the recipe's own seed"
    )
    bootstrap_seed: Seed | None = Key(
        None,
        description="draw the training rows with replacement (a bootstrap sample), by this seed",
    )
    limit: Count | None = Key(
        None, description="use at most this number of rows of the source, for a short run"
    )
    num_labeled: Count | None = Key(
        None, description="training rows whose targets are used; pretraining sees all rows"
    )
    targets: Literal["dataset", "inputs"] = Key(
        "dataset",
        description="what is learned: the dataset's, or the scaled inputs (an autoencoder)",
    )


class ModelSection(Strict):
    """The network between the scaled input and the targets."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["layers"]}, {"required": ["parts"]}]}
    )

    backbone: Annotated[BackboneChoice | None, BACKBONE] = Key(
        None,
        description="a network in front of the layers, without its own last one, described "
        "[below](#backbone)",
    )
    cache_features: bool = Key(
        False,
        description="compute the features of a backbone that is frozen throughout once for each "
        "row, and keep them for other runs",
    )
    lora: LoraSection | None = Key(
        None,
        description="low-rank adapters that train in place of the weights of the backbone, or of "
        "all layers but the last; described [below](#lora)",
    )
    layers: list[Layer] = Key(
        [],
        description="Keras layers in order; `residual: [...]` adds its layers' output to its "
        "input; required, but for a network of `parts`",
    )
    parts: dict[str, PartSection] = Key(
        {},
        description="named parts of a network that is a graph, in place of `layers`; sections, "
        "described [below](#parts)",
    )
    output: Annotated[Choice, choice("layers")] | None = Key(
        None, description="the last layer; by default a dense one that fits the task"
    )
    outputs: dict[str, OutputSection] = Key(
        {},
        description="several outputs by name, in place of `output`, each with its targets, loss "
        "and metrics; sections, described [below](#outputs)",
    )

    @model_validator(mode="after")
    def _layers_or_parts(self) -> Self:
        if not self.parts and "layers" not in self.model_fields_set:
            raise invalid(details(("layers",), failure("missing", "is missing.")))
        if self.parts and self.layers:
            wrong = "a network has `layers` or `parts`, not both. Put the layers into a part."
            raise invalid(details(("layers",), failure("value", wrong)))
        return self


class EnsembleSection(Strict):
    """Several trainings whose outputs are averaged."""

    members: int = Key(ge=2, le=MOST, description="how many networks are trained")
    vary: Literal["seed", "data"] = Key(
        "seed", description="what differs: initial weights and orders, or the rows drawn as well"
    )


class CheckpointsSection(Strict):
    """How often the whole state of the run is stored, to resume it from."""

    every: Annotated[str | float, interval()] = Key(
        "auto", description="epochs, optimizer updates or time between two; `auto` is 1 % of it"
    )
    keep: Count = Key(3, description="how many of the last ones stay")


class InitializeSection(Strict):
    """Weights to start from: a warm start, which is a new training and not a resumed one."""

    weights: Annotated[str, local_file()] = Key(
        description="a `.keras` or `.weights.h5` file, or a run directory"
    )
    reset_step: bool = Key(
        True,
        description="begin with step 0 and a fresh optimizer; else with those of the file",
    )
