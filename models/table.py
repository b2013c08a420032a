"""The losses that a recipe can name beside Keras's."""

from .losses import RootMeanSquaredError, SumOfSquares

LOSSES = {
    "root_mean_squared_error": RootMeanSquaredError,
    "sum_of_squares": SumOfSquares,
}
