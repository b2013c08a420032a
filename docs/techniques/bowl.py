"""A bowl whose sides are steeper one way than the other, and the ways of optimizers down it.

f(x, y) = (a x^2 + b y^2) / 2, with the curvatures a and b; its condition number is b / a.
"""

import keras
import numpy as np


def value(points: np.ndarray, curvatures: tuple[float, float]) -> np.ndarray:
    """Heights of points (..., 2)."""
    return 0.5 * (np.asarray(points) ** 2 @ np.asarray(curvatures))


def way(
    optimizer: keras.optimizers.Optimizer,
    start: tuple[float, float],
    curvatures: tuple[float, float],
    updates: int,
) -> np.ndarray:
    """The points of a Keras optimizer's way, (updates + 1, 2)."""
    point = keras.Variable(start)
    points = [np.array(point)]
    for _ in range(updates):
        optimizer.apply([keras.ops.convert_to_tensor(np.array(point) * curvatures)], [point])
        points.append(np.array(point))
    return np.array(points)


def best_rate(curvatures: tuple[float, float]) -> float:
    """The rate with which gradient descent is fastest from the worst start: 2 / (a + b)."""
    return 2.0 / sum(curvatures)


def best_factor(condition: float) -> float:
    """What the best rate leaves of the distance in an update, (k - 1) / (k + 1).

    Nocedal and Wright (2006), Numerical Optimization, section 3.3.

    >>> best_factor(1.0), best_factor(3.0)
    (0.0, 0.5)
    """
    return (condition - 1.0) / (condition + 1.0)


def turns(points: np.ndarray) -> int:
    """How often the way crosses the valley's floor: changes of the sign of y."""
    signs = np.sign(points[:, 1])
    return int(np.sum(signs[1:] * signs[:-1] < 0))
