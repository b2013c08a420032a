"""Initial weights, and the activations that they cause: `initial_weights.md`."""

import keras
import numpy as np
from common import COLOURS, figure, finish, percent, save, spread, write_page
from training import Course, Program, built_of, load

ACTIVATIONS = ("sigmoid", "tanh", "relu")
INITIALIZERS = {
    "zeros": "zeros",
    "ones": "ones",
    "normal, 0.01": "{random_normal: {stddev: 0.01}}",
    "Xavier": "glorot_normal",
    "He": "he_normal",
}
LAYERS, UNITS, SHORT = 4, 64, "epochs=6"
Found = dict[str, dict[str, tuple[list[np.ndarray], list[Course]]]]


def overrides(activation: str, initializer: str) -> list[str]:
    """The recipe `initializer_xavier` with another activation and other initial weights."""
    dense = f"{{units: {UNITS}, activation: {activation}, kernel_initializer: {initializer}}}"
    output = f"{{units: 10, activation: softmax, kernel_initializer: {initializer}}}"
    layers = ", ".join([f"{{dense: {dense}}}"] * LAYERS)
    return [f"model.layers=[{layers}]", f"model.output={{dense: {output}}}"]


def activations(activation: str, initializer: str) -> list[np.ndarray]:
    """Outputs of the hidden layers of the untrained network for 256 training rows."""
    built = built_of(load("initializer_xavier", overrides(activation, initializer)))
    hidden = [layer for layer in built.model.layers if isinstance(layer, keras.layers.Dense)][:-1]
    part = keras.Model(built.model.inputs[0], [layer.output for layer in hidden])
    rows = np.asarray(built.data.train.x[:256], "float32")
    return [np.asarray(each).ravel() for each in part(rows)]


def measure() -> Found:
    found: Found = {}
    for activation in ACTIVATIONS:
        program = Program(
            "initializer_xavier", [*overrides(activation, "glorot_normal"), SHORT], jit=False
        )
        found[activation] = {
            name: (
                activations(activation, initializer),
                program.courses(overrides(activation, initializer)),
            )
            for name, initializer in INITIALIZERS.items()
        }
    return found


def draw(found: Found) -> None:
    picture = figure(10, 6)
    panels = picture.subplots(len(ACTIVATIONS), len(INITIALIZERS))
    for row, activation in zip(panels, ACTIVATIONS, strict=True):
        low = {"sigmoid": 0.0, "tanh": -1.0, "relu": 0.0}[activation]
        edges = np.linspace(low, 1.0, 31)
        for axes, name in zip(row, INITIALIZERS, strict=True):
            layers = found[activation][name][0]
            for number, colour in zip(range(LAYERS), COLOURS, strict=False):
                values = np.clip(layers[number], low, 1.0)
                shares = np.histogram(values, edges)[0] / len(values)
                axes.stairs(shares, edges, color=colour, label=f"layer {number + 1}", linewidth=1.2)
            axes.set_yscale("log")
            axes.set_ylim(1e-3, 1.5)
            title = name if activation == ACTIVATIONS[0] else ""
            finish(axes, title, "", "", legend=False)
            axes.tick_params(labelsize=7)
        row[0].set_ylabel(f"{activation}\nshare of activations", fontsize=9)
        label = "activation, the last bin >= 1" if activation == "relu" else "activation"
        row[len(row) // 2].set_xlabel(label, fontsize=9)
    panels[0][0].legend(fontsize=7)
    save(picture, "initial_weights")


def main() -> None:
    found = measure()
    draw(found)
    sizes = [
        [name]
        + [
            " to ".join(f"{found[act][name][0][place].std():.1e}" for place in (0, LAYERS - 1))
            for act in ACTIVATIONS
        ]
        for name in INITIALIZERS
    ]
    trained = [
        [name]
        + [percent([run.accuracy for run in found[act][name][1]]) for act in ACTIVATIONS]
        + [
            spread([run.last("loss") for run in found[act][name][1]], digits=3)
            for act in ACTIVATIONS
        ]
        for name in INITIALIZERS
    ]
    columns = ["initial weights"]
    accuracies = [f"{act}: test accuracy, %" for act in ACTIVATIONS]
    losses = [f"{act}: training loss" for act in ACTIVATIONS]
    write_page(
        "initial_weights",
        {
            "activations": ([*columns, *ACTIVATIONS], sizes),
            "training": ([*columns, *accuracies, *losses], trained),
        },
    )


if __name__ == "__main__":
    main()
