"""Vanishing and exploding gradients, and each mend alone and together: `gradients.md`."""

import keras
import numpy as np
import tensorflow as tf
from common import COLOURS, draw_curves, figure, finish, percent, save, spread, write_page
from training import Course, Program, built_of, load

SHORT = ["epochs=10"]
CLIP = "gradient_clipping={global_norm: 1.0}"
# Ten hidden layers of 32 units, as in the recipe.
SIGMOID = "{dense: {units: 32, activation: sigmoid}}"
LARGE = (
    "{dense: {units: 32, activation: sigmoid, kernel_initializer:"
    " {variance_scaling: {scale: 16.0, mode: fan_avg, distribution: untruncated_normal}}}}"
)
RELU = "{dense: {units: 32, activation: relu, kernel_initializer: INIT}}"
NORMAL = "{dense: {units: 32, use_bias: false}}, {batch_normalization: {momentum: 0.9}}"
AS_SIGMOID, AS_TANH = (f"{{activation: {{activation: {name}}}}}" for name in ("sigmoid", "tanh"))
BLOCK = "{residual: [LAYER, LAYER]}"
WHOLE = (
    "{dense: {units: 32, use_bias: false, kernel_initializer: he_normal}},"
    " {batch_normalization: {momentum: 0.9}}, relu"
)


def layers(*parts: str) -> str:
    return f"model.layers=[{', '.join(parts)}]"


HE, XAVIER = RELU.replace("INIT", "he_normal"), RELU.replace("INIT", "glorot_uniform")
SKIP = BLOCK.replace("LAYER", SIGMOID)
FIRST = SIGMOID
# Name -> recipe and overrides of the program, and what differs within it.
VANISHING: dict[str, tuple[list[str], list[str]]] = {
    "as it is": ([], []),
    "clipping": ([CLIP], []),
    "initial weights, 16 times the variance": ([], [layers(*[LARGE] * 10)]),
    "relu": ([layers(*[HE] * 10)], [layers(*[XAVIER] * 10)]),
    "relu and He's initial weights": ([layers(*[HE] * 10)], []),
    "batch normalization": ([layers(*[f"{NORMAL}, {AS_SIGMOID}"] * 10)], []),
    "skip connections": ([layers(FIRST, *[SKIP] * 4, SIGMOID)], []),
    "relu, He, batch normalization, skip, clipping": (
        [CLIP, layers(WHOLE, *[BLOCK.replace("LAYER, LAYER", f"{WHOLE}, {WHOLE}")] * 4, WHOLE)],
        [],
    ),
}
WIDE = "{dense: {units: 64, activation: ACT, kernel_initializer: INIT}}"
SMALL = WIDE.replace("ACT", "relu").replace("INIT", "{random_normal: {stddev: 0.01}}")
TANH = WIDE.replace("ACT", "tanh").replace("INIT", "glorot_normal")
BATCH = "{dense: {units: 64, use_bias: false}}, {batch_normalization: {momentum: 0.9}}, relu"
WIDE_HE = WIDE.replace("ACT", "relu").replace("INIT", "he_normal")
EXPLODING: dict[str, tuple[list[str], list[str]]] = {
    "as it is": ([], []),
    "clipping": ([CLIP], []),
    "initial weights of deviation 0.01": ([], [layers(SMALL, SMALL)]),
    "tanh": ([layers(TANH, TANH)], []),
    "batch normalization": ([layers(BATCH, BATCH)], []),
    "skip connection": ([layers(WIDE_HE, f"{{residual: [{WIDE_HE}]}}")], []),
    "standardized targets": (["data.target_scale=standardize"], []),
    "tanh, batch normalization, clipping": (
        [CLIP, layers(*[BATCH.replace("relu", AS_TANH)] * 2)],
        [],
    ),
}
Found = dict[str, list[Course]]


def trainings(name: str, variants: dict[str, tuple[list[str], list[str]]]) -> Found:
    """The trainings of each variant; those of one program share it."""
    programs: dict[tuple[str, ...], Program] = {}
    found: Found = {}
    for variant, (own, within) in variants.items():
        key = (*SHORT, *own)
        if key not in programs:
            programs[key] = Program(name, key)
        found[variant] = programs[key].courses(within)
    return found


def sizes(overrides: list[str]) -> np.ndarray:
    """Root mean square of the gradient of each kernel of the untrained network, first to last."""
    built = built_of(load("vanishing_gradients", overrides))
    model, x = built.model, np.asarray(built.data.train.x[:256], "float32")
    y = np.asarray(built.data.train.y[:256])
    kernels = [v for v in model.trainable_variables if v.path.endswith("/kernel")]
    with tf.GradientTape() as tape:
        outputs = model(x, training=True)
        loss = keras.losses.SparseCategoricalCrossentropy()(y, outputs)
    gradients = tape.gradient(loss, [kernel.value for kernel in kernels])
    return np.array([float(tf.sqrt(tf.reduce_mean(g * g))) for g in gradients])


def measure() -> tuple[dict[str, np.ndarray], Found, Found]:
    return (
        {name: sizes([*own, *within]) for name, (own, within) in VANISHING.items()},
        trainings("vanishing_gradients", VANISHING),
        trainings("exploding_gradients", EXPLODING),
    )


def errors(runs: list[Course]) -> list[float]:
    """The root mean square error of each seed on the test rows."""
    return [float(np.sqrt(np.mean((run.outputs[:, 0] - run.targets.ravel()) ** 2))) for run in runs]


def norm(values: list[float]) -> str:
    """The median of the seeds' gradient norms; those of an epoch that broke are not finite."""
    median = np.median(values)
    return f"{median:.2g}" if np.isfinite(median) else "not finite"


def draw(found: tuple[dict[str, np.ndarray], Found, Found]) -> None:
    gradients, vanishing, _ = found
    picture = figure(10, 4.6)
    left, right = picture.subplots(1, 2)
    for (name, values), colour in zip(gradients.items(), COLOURS, strict=True):
        left.plot(np.arange(1, len(values) + 1), values, "o-", color=colour, markersize=3)
        runs = [run.curves["val_accuracy"] for run in vanishing[name]]
        draw_curves(right, runs, name, colour)
    left.set_yscale("log")
    finish(left, "before the first step", "layer", "gradient of its kernel, RMS", legend=False)
    right.set_ylim(0, 1)
    finish(right, "ten hidden layers, five seeds", "epochs", "validation accuracy", legend=False)
    handles, labels = right.get_legend_handles_labels()
    picture.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=8)
    save(picture, "gradients")


def main() -> None:
    found = measure()
    draw(found)
    gradients, vanishing, exploding = found
    deep = [
        [
            name,
            f"{gradients[name][0] / gradients[name][-1]:.1e}",
            spread([run.last("val_loss") for run in runs], digits=2),
            percent([run.accuracy for run in runs]),
        ]
        for name, runs in vanishing.items()
    ]
    large = [
        [
            name,
            f"{sum(bool(np.isfinite(run.last('loss'))) for run in runs)} of {len(runs)}",
            norm([run.curves["gradient_norm"][0] for run in runs]),
            spread([error for error in errors(runs) if np.isfinite(error)])
            if sum(np.isfinite(errors(runs))) > 1
            else "none",
        ]
        for name, runs in exploding.items()
    ]
    mend = "mend"
    write_page(
        "gradients",
        {
            "vanishing": (
                (mend, "gradient, first over last layer", "validation loss", "test accuracy, %"),
                deep,
            ),
            "exploding": (
                (mend, "seeds that stay finite", "gradient norm in epoch 1", "test RMSE"),
                large,
            ),
        },
    )


if __name__ == "__main__":
    main()
