"""What a recipe can name of this room: losses, and the parts of the training step."""

from .averaging import WeightAveraging
from .clipping import GradientClipping
from .decay import WeightDecay
from .layer_rates import LayerRates
from .losses import RootMeanSquaredError, SumOfSquares
from .sharpness import SharpnessAware
from .transforms import GradientCentralization, GradientNoise

LOSSES = {
    "root_mean_squared_error": RootMeanSquaredError,
    "sum_of_squares": SumOfSquares,
}
GRADIENT_TRANSFORMS = {
    "gradient_centralization": GradientCentralization,
    "gradient_noise": GradientNoise,
}
# Each is a section of a recipe; its keys are the arguments of the class.
TRAINING_PARTS = {
    "gradient_clipping": GradientClipping,
    "weight_decay": WeightDecay,
    "layer_rates": LayerRates,
    "sam": SharpnessAware,
    "weight_averaging": WeightAveraging,
}
