"""Losses, and why accuracy is not descended: `losses.md`."""

from dataclasses import dataclass

import numpy as np
from common import COLOURS, draw_curves, figure, finish, percent, save, write_page
from training import SEEDS, Course, Program, built_of, load

RECIPE = "minibatch_gradient_descent"
LOSSES = {
    "cross-entropy": "sparse_categorical_crossentropy",
    "squared error": "mean_squared_error",
    "absolute error": "mean_absolute_error",
}
RATES = (0.1, 0.3, 1.0)
STEPS = (1e-6, 1e-4, 1e-2)
WEIGHTS = 60


@dataclass(frozen=True)
class Network:
    """Weights of the recipe's network, rows scaled to [0, 1] and classes; computed in float64."""

    weights: list[np.ndarray]
    rows: np.ndarray
    classes: np.ndarray

    def probabilities(self, weights: list[np.ndarray]) -> np.ndarray:
        """Softmax outputs, (rows, classes)."""
        w, b, v, c = weights
        z = np.tanh(self.rows @ w + b) @ v + c
        exponents = np.exp(z - z.max(axis=1, keepdims=True))
        return exponents / exponents.sum(axis=1, keepdims=True)

    def accuracy(self, weights: list[np.ndarray]) -> float:
        return float(np.mean(self.probabilities(weights).argmax(axis=1) == self.classes))

    def loss(self, weights: list[np.ndarray]) -> float:
        chosen = self.probabilities(weights)[np.arange(len(self.classes)), self.classes]
        return float(-np.log(chosen).mean())


def network(seed: int) -> Network:
    """The untrained network of the recipe."""
    built = built_of(load(RECIPE, seed=seed))
    weights = [np.array(v, "float64") for v in built.model.trainable_variables]
    rows = np.asarray(built.data.train.x, "float64")
    low, high = rows.min(axis=0), rows.max(axis=0)
    scaled = (rows - low) / np.where(high > low, high - low, 1.0)
    return Network(weights, scaled, np.asarray(built.data.train.y))


def moved(weights: list[np.ndarray], place: tuple[int, int], by: float) -> list[np.ndarray]:
    """The weights with one of them changed."""
    found = [each.copy() for each in weights]
    found[place[0]].flat[place[1]] += by
    return found


def zero_share(net: Network, step: float, of: str, seed: int) -> float:
    """The share of weights whose central difference of the loss or accuracy is exactly 0."""
    draw = np.random.default_rng(seed)
    function = net.accuracy if of == "accuracy" else net.loss
    zeros = 0
    for _ in range(WEIGHTS):
        array = int(draw.integers(len(net.weights)))
        place = (array, int(draw.integers(net.weights[array].size)))
        up, down = (function(moved(net.weights, place, sign * step)) for sign in (1, -1))
        zeros += up == down
    return zeros / WEIGHTS


def along(net: Network, distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Accuracy and loss along one weight of the output layer."""
    ways = [moved(net.weights, (2, 0), float(distance)) for distance in distances]
    return np.array([net.accuracy(w) for w in ways]), np.array([net.loss(w) for w in ways])


def measure() -> tuple[dict[float, dict[str, list[float]]], dict[str, tuple[float, list[Course]]]]:
    """Shares of derivatives that are 0, and trainings with each loss at its best rate."""
    nets = {seed: network(seed) for seed in SEEDS}
    shares: dict[float, dict[str, list[float]]] = {
        step: {
            of: [zero_share(net, step, of, seed) for seed, net in nets.items()]
            for of in ("accuracy", "loss")
        }
        for step in STEPS
    }
    trained = {}
    for name, loss in LOSSES.items():
        program = Program(RECIPE, [f"loss={loss}", "epochs=8"])
        tried = {rate: program.train(seed=SEEDS[0], rate=rate) for rate in RATES}
        best = max(tried, key=lambda rate: tried[rate].last("val_accuracy"))
        trained[name] = (best, [tried[best], *program.courses(seeds=SEEDS[1:], rate=best)])
    return shares, trained


def draw(found: dict[str, tuple[float, list[Course]]]) -> None:
    picture = figure(10, 3.4)
    wide, near, right = picture.subplots(1, 3)
    net = network(SEEDS[0])
    for axes, width in ((wide, 6.0), (near, 0.05)):
        distances = np.linspace(-width, width, 601)
        accuracies, losses = along(net, distances)
        axes.plot(distances, accuracies, color=COLOURS[1], label="accuracy", linewidth=1)
        twin = axes.twinx()
        twin.plot(distances, losses, color=COLOURS[0], label="cross-entropy", linewidth=1.4)
        twin.tick_params(axis="y", colors=COLOURS[0], labelsize=7)
        axes.tick_params(axis="y", colors=COLOURS[1], labelsize=7)
        axes.ticklabel_format(useOffset=False)
        twin.ticklabel_format(useOffset=False)
        title = "accuracy (red) and cross-entropy (blue)" if axes is wide else "the same, nearer"
        finish(axes, title, "change of one output weight", "", legend=False)
    for (name, (rate, runs)), colour in zip(found.items(), COLOURS, strict=False):
        curves = [run.curves["val_accuracy"] for run in runs]
        draw_curves(right, curves, f"{name}, rate {rate:g}", colour)
    right.set_ylim(0.5, 1)
    finish(right, "trained, five seeds", "epochs", "validation accuracy")
    save(picture, "losses")


def main() -> None:
    shares, trained = measure()
    draw(trained)
    derivatives = [
        [f"{step:.0e}", *(percent(values[of]) for of in ("accuracy", "loss"))]
        for step, values in shares.items()
    ]
    training = [
        [
            name,
            f"{rate:g}",
            percent([run.curves["val_accuracy"][1] for run in runs]),
            percent([run.last("val_accuracy") for run in runs]),
            percent([run.accuracy for run in runs]),
        ]
        for name, (rate, runs) in trained.items()
    ]
    write_page(
        "losses",
        {
            "derivatives": (
                ("step", "accuracy: differences that are 0, %", "cross-entropy: the same, %"),
                derivatives,
            ),
            "training": (
                (
                    "loss",
                    "rate",
                    "validation accuracy, epoch 2, %",
                    "epoch 8, %",
                    "test accuracy, %",
                ),
                training,
            ),
        },
    )


if __name__ == "__main__":
    main()
