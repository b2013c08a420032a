"""The section that trains a deep belief network before the model, for its initial weights."""

from typing import Annotated, Any

from pydantic import Field as Key
from pydantic import PlainValidator, WithJsonSchema

from .choices import Choice, arguments_of, choice, number_or_choice
from .fields import boolean, either, integer, list_of, nothing, number, one_of, text
from .strict import Strict

FRACTION = number(ge=0, lt=1)
OUTPUT = ("mean", "sample")
MATMUL_PRECISION = ("float32", "bfloat16")
# Keras takes no larger seed.
MOST_SEED = 2**32 - 1


def _regularization() -> Any:
    """A section whose keys are the arguments of `Regularization`."""

    def validate(value: Any) -> Choice | None:
        if value is None or isinstance(value, Choice):
            return value
        return Choice(
            "regularization",
            "regularization",
            arguments_of("regularization", "regularization", value, None),
        )

    schema = {"anyOf": [{"type": "null"}, {"x-arguments": "regularization"}]}
    return Annotated[Any, PlainValidator(validate), WithJsonSchema(schema)]


Count = integer(gt=0).annotation
Rate = number_or_choice("schedules", number(ge=0))
Momentum = number_or_choice("schedules", FRACTION)
Stddev = number(ge=0).annotation
Centring = either(number(gt=0, le=1), nothing()).annotation


class LogProbabilitySection(Strict):
    """Annealed importance sampling for the first RBM, once it is trained."""

    runs: integer(ge=2).annotation = Key(100, description="independent runs")  # type: ignore[valid-type]
    temperatures: integer(ge=10).annotation = Key(  # type: ignore[valid-type]
        1000, description="inverse temperatures between 0 and 1; about 14,500 in the paper"
    )


class DbnLayerSection(Strict):
    """One RBM; what it leaves out is as in the network."""

    units: Count = Key(description="hidden units")  # type: ignore[valid-type]
    epochs: Count | None = None  # type: ignore[valid-type]
    batch_size: Count | None = None  # type: ignore[valid-type]
    learning_rate: Rate | None = None  # type: ignore[valid-type]
    momentum: Momentum | None = None  # type: ignore[valid-type]
    hidden: choice("hidden_units") | None = None  # type: ignore[valid-type]
    estimator: choice("estimators") | None = None  # type: ignore[valid-type]
    regularization: _regularization() = None  # type: ignore[valid-type]
    centring: Centring = None  # type: ignore[valid-type]
    stddev: Stddev | None = None  # type: ignore[valid-type]
    data_bias: boolean().annotation | None = None  # type: ignore[valid-type]
    output: one_of(*OUTPUT).annotation | None = None  # type: ignore[valid-type]


class DbnSection(Strict):
    """A deep belief network that learns the training rows without their targets."""

    layers: list[DbnLayerSection] = Key(
        min_length=1,
        description="RBMs from the bottom up: `units`, and keys for it alone",
    )
    visible: choice("visible_units") = Key(  # type: ignore[valid-type]
        Choice("visible_units", "bernoulli"), description="visible units of the first RBM"
    )
    hidden: choice("hidden_units") = Key(  # type: ignore[valid-type]
        Choice("hidden_units", "bernoulli"), description="hidden units"
    )
    estimator: choice("estimators") = Key(  # type: ignore[valid-type]
        Choice("estimators", "contrastive_divergence"), description="of the gradient"
    )
    epochs: Count = Key(10, description="passes over the rows, of each layer")  # type: ignore[valid-type]
    batch_size: Count = Key(100, description="rows an update")  # type: ignore[valid-type]
    learning_rate: Rate = Key(0.1, description="a number or a schedule; durations are the layer's")  # type: ignore[valid-type]
    momentum: Momentum = Key(0.5, description="a number or a schedule")  # type: ignore[valid-type]
    regularization: _regularization() = Key(
        None, description="penalties, and dropout of hidden units"
    )  # type: ignore[valid-type]
    centring: Centring = Key(None, description="rate at which offsets follow the data")  # type: ignore[valid-type]
    stddev: Stddev = Key(0.01, description="of the initial weights")  # type: ignore[valid-type]
    data_bias: boolean().annotation = Key(  # type: ignore[valid-type]
        False, description="start the visible biases at the means of the data"
    )
    output: one_of(*OUTPUT).annotation = Key(
        "mean", description="what the layer above is trained on"
    )  # type: ignore[valid-type]
    matmul_precision: one_of(*MATMUL_PRECISION).annotation = Key(  # type: ignore[valid-type]
        "float32", description="precision of the operands of matrix products"
    )
    jit_compile: boolean().annotation = Key(False, description="compile the updates with XLA")  # type: ignore[valid-type]
    seed: integer(ge=0, le=MOST_SEED).annotation | None = Key(  # type: ignore[valid-type]
        None, description="of the RBMs; by default the recipe's"
    )
    dense_layers: list_of(text(), least=1).annotation | None = Key(  # type: ignore[valid-type]
        None, description="names of the dense layers that get the weights; by default the first"
    )
    decoder: boolean().annotation = Key(  # type: ignore[valid-type]
        False, description="as many dense layers again get the transposed weights: an autoencoder"
    )
    activation: one_of("same", "convert", "ignore").annotation = Key(  # type: ignore[valid-type]
        "same", description="what to do if a layer's activation differs from the RBM's"
    )
    binarize: one_of("none", "sample", "round").annotation = Key(  # type: ignore[valid-type]
        "none", description="make rows 0 and 1: drawn once with the rows as probabilities, or cut"
    )
    log_probability: LogProbabilitySection | None = Key(
        None, description="estimate the first RBM's log-probability of training and test rows"
    )
    cache: boolean().annotation = Key(  # type: ignore[valid-type]
        True, description="keep trained RBMs for the next run with the same rows and settings"
    )


class PretrainingSection(Strict):
    """What is trained before the model and gives it initial weights."""

    dbn: DbnSection = Key(description="a deep belief network; one layer is a single RBM")
