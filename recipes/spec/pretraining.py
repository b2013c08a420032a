"""The section that trains a deep belief network before the model, for its initial weights."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field as Key

from .arguments import choice, number_or_choice, section
from .choices import Choice
from .fields import either, nothing, number, one_of
from .strict import MOST, Count, Seed, Strict

Visible = Annotated[Choice, choice("visible_units")]
Hidden = Annotated[Choice, choice("hidden_units")]
Estimator = Annotated[Choice, choice("estimators")]
Rate = Annotated[float | Choice, number_or_choice("schedules", number(ge=0))]
Momentum = Annotated[float | Choice, number_or_choice("schedules", number(ge=0, lt=1))]
Regularization = Annotated[Choice | None, section("regularization")]
Stddev = Annotated[float, Key(ge=0)]
Centring = Annotated[float | None, either(number(gt=0, le=1), nothing())]
Output = Literal["mean", "sample"]


class LogProbabilitySection(Strict):
    """Annealed importance sampling for the first RBM, once it is trained."""

    runs: int = Key(100, ge=2, le=MOST, description="independent runs")
    temperatures: int = Key(
        1000,
        ge=10,
        le=MOST,
        description="inverse temperatures between 0 and 1; about 14,500 in the paper",
    )
    bracket: bool = Key(
        False,
        description="estimate log Z from both sides; `low` and `high` are then the two estimates",
    )
    sweeps: int = Key(
        1000,
        ge=2,
        le=MOST,
        description="with `bracket`, Gibbs steps that sample the RBM; half of them do not count",
    )


class DbnLayerSection(Strict):
    """One RBM; what it leaves out is as in the network."""

    inherits: ClassVar[bool] = True

    units: Count = Key(description="hidden units")
    epochs: Count | None = None
    batch_size: Count | None = None
    learning_rate: Rate | None = None
    momentum: Momentum | None = None
    hidden: Hidden | None = None
    estimator: Estimator | None = None
    regularization: Regularization = None
    centring: Centring = None
    stddev: Stddev | None = None
    data_bias: bool | None = None
    output: Output | None = None


class DbnSection(Strict):
    """A deep belief network that learns the training rows without their targets."""

    layers: list[DbnLayerSection] = Key(
        min_length=1,
        description="RBMs from the bottom up: `units`, and keys for it alone",
    )
    visible: Visible = Key(
        Choice("visible_units", "bernoulli"), description="visible units of the first RBM"
    )
    hidden: Hidden = Key(Choice("hidden_units", "bernoulli"), description="hidden units")
    estimator: Estimator = Key(
        Choice("estimators", "contrastive_divergence"), description="of the gradient"
    )
    epochs: Count = Key(10, description="passes over the rows, of each layer")
    batch_size: Count = Key(100, description="rows an update")
    learning_rate: Rate = Key(0.1, description="a number or a schedule; durations are the layer's")
    momentum: Momentum = Key(0.5, description="a number or a schedule")
    regularization: Regularization = Key(None, description="penalties, and dropout of hidden units")
    centring: Centring = Key(None, description="rate at which offsets follow the data")
    stddev: Stddev = Key(0.01, description="of the initial weights")
    data_bias: bool = Key(False, description="start the visible biases at the means of the data")
    output: Output = Key("mean", description="what the layer above is trained on")
    matmul_precision: Literal["float32", "bfloat16"] = Key(
        "float32", description="precision of the operands of matrix products"
    )
    jit_compile: Annotated[bool | Literal["auto"], one_of("auto", True, False)] = Key(
        "auto", description="compile the updates with XLA; `auto` does where that is faster"
    )
    seed: Seed | None = Key(None, description="of the RBMs; by default the recipe's")
    dense_layers: Annotated[list[str], Key(min_length=1)] | None = Key(
        None, description="names of the dense layers that get the weights; by default the first"
    )
    decoder: bool = Key(
        False, description="as many dense layers again get the transposed weights: an autoencoder"
    )
    activation: Literal["same", "convert", "ignore"] = Key(
        "same", description="what to do if a layer's activation differs from the RBM's"
    )
    binarize: Literal["none", "sample", "dynamic", "round"] = Key(
        "none",
        description="make rows 0 and 1: drawn with the rows as probabilities, once (`sample`) or "
        "anew in each update (`dynamic`), or cut at 0.5 (`round`)",
    )
    log_probability: LogProbabilitySection | None = Key(
        None, description="estimate the first RBM's log-probability of training and test rows"
    )
    cache: bool = Key(
        True, description="keep trained RBMs for the next run with the same rows and settings"
    )


class PretrainingSection(Strict):
    """What is trained before the model and gives it initial weights."""

    dbn: DbnSection = Key(description="a deep belief network; one layer is a single RBM")
