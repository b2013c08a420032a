"""`Recipe.fit` takes what `model.fit` takes, and trains on it as `model.fit` does."""

import keras
import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf

import keras_recipes
from keras_recipes.recipes.errors import RecipeError, RequestError, TrainingFailed

RNG = np.random.default_rng(0)
ROWS, BATCH = 90, 20  # the last batch is short
X = RNG.normal(size=(ROWS, 3)).astype("float32")
Y = (X[:, 0] > 0).astype("int32") + (X[:, 1] > 0)
WEIGHTS = RNG.uniform(0.1, 3, ROWS).astype("float32")
CLASS_WEIGHT = {0: 0.2, 2: 3.0}


def recipe_of(**keys):
    sections = {
        "name": "x",
        "data": {"source": "arrays", "batch_size": BATCH, "validation": None},
        "model": {"layers": []},
        "optimizer": {"sgd": {"momentum": 0.5}},
        "learning_rate": 0.1,
        "epochs": 2,
        **keys,
    }
    return keras_recipes.load(sections)


def net(units=3, activation="softmax"):
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(4, "tanh"), keras.layers.Dense(units, activation)]
    return keras.Sequential([keras.Input((3,)), *layers])


def two_inputs(nest=list):
    keras.utils.set_random_seed(0)
    a, b = keras.Input((1,), name="a"), keras.Input((2,), name="b")
    hidden = keras.layers.Dense(4, "tanh")(keras.layers.Concatenate()([a, b]))
    inputs = {"a": a, "b": b} if nest is dict else [a, b]
    return keras.Model(inputs, keras.layers.Dense(3, "softmax")(hidden))


def fitted(model, *data, recipe=None, **options):
    recipe = recipe_of() if recipe is None else recipe
    history = recipe.fit(model, *data, progress=False, **options)
    return model.get_weights(), history.history


def by_keras(model, *data, **options):
    """Plain Keras with the same optimizer, batches and epochs."""
    optimizer = keras.optimizers.SGD(0.1, momentum=0.5)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(*data, epochs=2, shuffle=False, verbose=0, **options)
    return model.get_weights(), history.history


def assert_same(ours, theirs):
    for one, other in zip(ours[0], theirs[0], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)
    for name in theirs[1]:
        np.testing.assert_allclose(ours[1][name], theirs[1][name], rtol=1e-5, err_msg=name)


def dataset(*arrays):
    return tf.data.Dataset.from_tensor_slices(arrays).batch(BATCH)


class Batches(keras.utils.PyDataset):
    def __init__(self, *arrays, length=-1):
        super().__init__()
        self.arrays, self.length = arrays, length

    def __len__(self):
        return -(-ROWS // BATCH)

    def __getitem__(self, index):
        return tuple(each[index * BATCH : (index + 1) * BATCH] for each in self.arrays)


class Endless(Batches):
    @property
    def num_batches(self):
        return None


def generator(*arrays, epochs=2):
    for _ in range(epochs):
        yield from (Batches(*arrays)[index] for index in range(5))


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("kind", [dataset, Batches, generator])
def test_a_dataset_trains_as_with_keras(kind, weighted):
    arrays = (X, Y, WEIGHTS) if weighted else (X, Y)
    steps = {"steps_per_epoch": 5} if kind is generator else {}
    validation = {"validation_data": dataset(X[:30], Y[:30])}
    ours = fitted(net(), kind(*arrays), **steps, **validation)
    assert_same(ours, by_keras(net(), kind(*arrays), **steps, **validation))


@pytest.mark.parametrize("kind", [dataset, Batches])
def test_class_weights_of_a_dataset_are_those_of_keras(kind):
    ours = fitted(net(), kind(X, Y), class_weight=CLASS_WEIGHT)
    assert_same(ours, by_keras(net(), kind(X, Y), class_weight=CLASS_WEIGHT))


@pytest.mark.parametrize(
    "options",
    [{}, {"sample_weight": WEIGHTS}, {"class_weight": CLASS_WEIGHT}],
    ids=["plain", "sample weights", "class weights"],
)
def test_weights_of_rows_are_those_of_keras(options):
    # One batch of all rows has no order that could differ.
    recipe = recipe_of(data={"source": "arrays", "batch_size": "all", "validation": None})
    validation = (X[:30], Y[:30], WEIGHTS[:30])
    ours = fitted(net(), X, Y, recipe=recipe, validation_data=validation, **options)
    given = {"batch_size": ROWS, "validation_data": validation, **options}
    assert_same(ours, by_keras(net(), X, Y, **given))


def test_a_class_weight_is_the_sample_weight_of_its_rows():
    weights = np.select([Y == 0, Y == 2], [0.2, 3.0], 1.0)
    ours = fitted(net(), X, Y, class_weight=CLASS_WEIGHT)
    assert_same(ours, fitted(net(), X, Y, sample_weight=weights))
    one_hot = fitted(net(), X, np.eye(3)[Y], class_weight=CLASS_WEIGHT)
    assert_same(ours, one_hot)


def test_rows_of_weight_0_do_not_count_and_stay_with_their_rows():
    x, y = np.concatenate([X, -X]), np.concatenate([Y, Y])
    weights = np.repeat([1.0, 0.0], ROWS)
    recipe = recipe_of(data={"source": "arrays", "batch_size": "all", "validation": None})
    ours = fitted(net(), x, y, recipe=recipe, sample_weight=weights)
    # The mean is over all rows, so half of them halve the gradient.
    half = fitted(net(), X, Y, recipe=recipe, sample_weight=np.full(ROWS, 0.5))
    for one, other in zip(ours[0], half[0], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    kept = recipe_of(data={"source": "arrays", "batch_size": BATCH, "validation": 0.25})
    history = fitted(net(), X, Y, recipe=kept, sample_weight=WEIGHTS)[1]
    assert len(history["val_loss"]) == 2


FRAMES = {
    "mapping": lambda: {"a": X[:, 0], "b": X[:, 1:]},
    "arrow": lambda: pa.table(
        {"a": X[:, 0], "b": pa.FixedSizeListArray.from_arrays(X[:, 1:].ravel(), 2)}
    ),
}


@pytest.mark.parametrize("nest", [list, dict])
def test_several_inputs_by_place_and_by_name(nest):
    by_place = fitted(two_inputs(nest), [X[:, :1], X[:, 1:]], Y)
    for frame in FRAMES.values():
        assert_same(fitted(two_inputs(nest), frame(), Y), by_place)
    streamed = {"a": X[:, :1], "b": X[:, 1:]}
    ours = fitted(two_inputs(nest), tf.data.Dataset.from_tensor_slices((streamed, Y)).batch(BATCH))
    assert_same(ours, by_keras(two_inputs(nest), dataset(streamed, Y)))


def test_columns_of_a_frame_are_the_rows_of_a_single_input():
    table = pa.table({name: X[:, n].astype("float64") for n, name in enumerate("xyz")})
    assert_same(fitted(net(), table, Y), fitted(net(), X, Y))


def test_words_and_missing_numbers_go_into_inputs_by_name():
    keras.utils.set_random_seed(0)
    number = keras.Input((1,), name="number")
    word = keras.Input((1,), name="word", dtype="string")
    lookup = keras.layers.StringLookup(vocabulary=["a", "b"], output_mode="one_hot")
    known = keras.layers.Lambda(lambda v: tf.where(tf.math.is_nan(v), tf.zeros_like(v), v))
    joined = keras.layers.Concatenate()([known(number), lookup(word)])
    model = keras.Model([number, word], keras.layers.Dense(3, "softmax")(joined))
    columns = {"word": ["a", "b", ""] * 30, "number": [None, 1.0, 2.0] * 30, "other": range(90)}
    history = fitted(model, pa.table(columns), np.tile([0, 1, 2], 30))[1]
    assert np.isfinite(history["loss"]).all()


STEPS = {"learning_rate": {"linear": {"initial_learning_rate": 0.1, "decay_steps": "100%"}}}


def unknown():
    return dataset(X, Y).filter(lambda x, y: True)


def test_a_schedule_in_epochs_needs_the_length_of_the_data():
    ours = fitted(net(), dataset(X, Y), recipe=recipe_of(**STEPS))
    given = fitted(net(), unknown().repeat(), recipe=recipe_of(**STEPS), steps_per_epoch=5)
    assert_same(ours, given)
    with pytest.raises(RecipeError, match=r"decay_steps: `100%` depends on .* `steps_per_epoch=`"):
        fitted(net(), unknown(), recipe=recipe_of(**STEPS))
    # Without such a schedule the end of the first epoch tells.
    assert_same(fitted(net(), unknown()), fitted(net(), dataset(X, Y)))


def test_steps_per_epoch_of_a_repeated_dataset():
    ours = fitted(net(), dataset(X, Y).repeat(), steps_per_epoch=3)
    assert_same(ours, by_keras(net(), dataset(X, Y).repeat(), steps_per_epoch=3))


def test_data_that_ends_early_is_no_completed_training():
    with pytest.raises(TrainingFailed, match="ended after 0 of 5 batches of epoch 2"):
        fitted(net(), generator(X, Y, epochs=1), steps_per_epoch=5)


@pytest.mark.parametrize("data", [dataset(X, Y), unknown()], ids=["known", "unknown"])
def test_an_execution_that_is_cut_short_is_noticed(data):
    given = recipe_of(steps_per_execution=50)
    with pytest.raises(TrainingFailed, match="ended after 5 of 50 batches of epoch 1"):
        fitted(net(), data, recipe=given, steps_per_epoch=50)


def test_what_is_lost_with_a_dataset_is_said_once(capsys):
    fitted(net(), dataset(X, Y))
    said = capsys.readouterr().err
    for words in ("its own order", "cannot be resumed", "no validation rows"):
        assert said.count(words) == 1


WRONG = {
    "targets beside a dataset": ((dataset, Y), {}, "y: a tf.data.Dataset has it in its batches"),
    "weights beside a dataset": ((Batches,), {"sample_weight": WEIGHTS}, "sample_weight: a keras"),
    "no targets": ((X,), {}, "y: give the targets"),
    "both weights": (
        (X, Y), {"sample_weight": WEIGHTS, "class_weight": CLASS_WEIGHT}, "not both"),
    "steps of arrays": ((X, Y), {"steps_per_epoch": 3}, "it is for datasets"),
    "weights of other rows": ((X, Y), {"sample_weight": WEIGHTS[1:]}, r"shape \(90,\), one a row"),
    "no finite weight": ((X, Y), {"sample_weight": WEIGHTS * np.nan}, "nan at"),
    "class weights by a word": (
        (X, Y), {"class_weight": "balanced"}, "as `{0: 1.0, 1: 5.0}`. Received \"balanced\""),
    "class weights in a list": ((X, Y), {"class_weight": [1.0, 2.0]}, r"Received \[1.0, 2.0\]"),
    "half a step": (
        (dataset,), {"steps_per_epoch": 2.5}, "steps_per_epoch: .* whole number > 0. Received 2.5"),
    "no step": ((dataset,), {"steps_per_epoch": 0}, "steps_per_epoch: .* Received 0"),
    "a step by a word": (
        (dataset,), {"validation_data": (X, Y), "validation_steps": "3"}, "validation_steps: "),
    "an unknown class": ((X, Y), {"class_weight": {3: 1.0}}, "from 0 to 2. Received 3"),
    "a negative weight": ((X, Y), {"class_weight": {0: -1}}, "a weight >= 0 of class 0"),
    "endless": ((Endless,), {}, "has no end. .*`steps_per_epoch=`"),
    "a generator read twice": ((generator,), {}, "is read once, and the recipe has 2 epochs"),
    "class weights of a generator": (
        (generator,), {"class_weight": CLASS_WEIGHT, "steps_per_epoch": 5}, "Keras does not take"),
    "another shape": ((X[:, :2], Y), {}, r"shape \(90, 2\); the model .* takes \(None, 3\)"),
    "no pair": ((X, Y), {"validation_data": X}, r"expected `\(x, y\)`"),
    "validation steps of arrays": (
        (X, Y), {"validation_steps": 1, "validation_data": (X, Y)}, "that is a dataset"),
    "other validation rows": ((X, Y), {"validation_data": (X[:, :2], Y)}, "validation_data: its"),
    "unequal lengths": ((X, Y[1:]), {}, "90 rows and 89 targets"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "options", "reason"), WRONG.values(), ids=WRONG.keys())
def test_what_cannot_be_trained_on_is_refused(data, options, reason):
    x = data[0](X, Y) if callable(data[0]) else data[0]
    with pytest.raises(RequestError, match=reason):
        fitted(net(), x, *data[1:], **options)


@pytest.mark.parametrize("model", ["model", None, keras.Sequential])
def test_what_is_no_model_is_refused(model):
    with pytest.raises(RequestError, match=r"model: expected a built `keras.Model`. Received "):
        recipe_of().fit(model, X, Y)


def test_the_first_batch_of_a_dataset_is_checked():
    for stream, reason in (
        (dataset(X, Y + 1), "first batch of x: .*They begin at 1"),
        (dataset(X[:, :2], Y), r"first batch of x: its rows come in shape \(20, 2\)"),
        (tf.data.Dataset.from_tensor_slices((X, Y)), r"rows come in shape \(3,\)"),
        (tf.data.Dataset.from_tensor_slices(X).batch(9), "must be pairs"),
        (dataset(X, Y).take(0), "is empty"),
    ):
        with pytest.raises(RequestError, match=reason):
            fitted(net(), stream)
    with pytest.raises(RequestError, match="first batch of validation_data: "):
        fitted(net(), X, Y, validation_data=dataset(X, np.eye(4)[Y]))


def test_names_of_inputs_are_checked():
    with pytest.raises(RequestError, match="has an input `b`, which is not among `a`"):
        fitted(two_inputs(), {"a": X[:, 0], "c": X[:, 1:]}, Y)
    with pytest.raises(RequestError, match="1 inputs are given and the model"):
        fitted(two_inputs(), [X[:, :1]], Y)


def test_a_monitor_of_validation_rows_needs_some():
    recipe = recipe_of(
        data={"source": "arrays", "validation": 0.2}, callbacks=[{"early_stopping": {}}]
    )
    with pytest.raises(RequestError, match="`early_stopping` monitors `val_loss`"):
        fitted(net(), dataset(X, Y), recipe=recipe)
    assert fitted(net(), dataset(X, Y), recipe=recipe, validation_data=(X, Y))[1]["val_loss"]


def grain_of(*arrays):
    grain = pytest.importorskip("grain")
    rows = grain.MapDataset.source(range(len(arrays[0])))
    return rows.map(lambda row: tuple(each[row] for each in arrays)).batch(BATCH)


def test_grain_trains_as_with_keras():
    ours = fitted(net(), grain_of(X, Y, WEIGHTS), validation_data=grain_of(X, Y))
    theirs = by_keras(net(), grain_of(X, Y, WEIGHTS), validation_data=grain_of(X, Y))
    assert_same(ours, theirs)
    # A MapDataset has a length, so schedules may be counted in epochs.
    assert_same(
        fitted(net(), grain_of(X, Y), recipe=recipe_of(**STEPS)),
        fitted(net(), dataset(X, Y), recipe=recipe_of(**STEPS)),
    )
    iterated = fitted(net(), grain_of(X, Y).to_iter_dataset())
    assert_same(iterated, fitted(net(), dataset(X, Y)))
    with pytest.raises(RequestError, match="has no end"):
        fitted(net(), grain_of(X, Y).repeat())
    with pytest.raises(RequestError, match=r"class_weight: Keras does not take it with a grain"):
        fitted(net(), grain_of(X, Y), class_weight=CLASS_WEIGHT)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_train_as_arrays_do(library):
    made = pytest.importorskip(library).DataFrame
    frame = made({name: X[:, n] for n, name in enumerate("xyz")})
    y = made({"y": Y})["y"]
    assert_same(fitted(net(), frame, y), fitted(net(), X, Y))
