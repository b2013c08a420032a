"""The order of batches: a function of seed and epoch, complete, and the same through Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_recipes.callbacks.epoch_order import EpochOrder
from keras_recipes.recipes.data import Split
from keras_recipes.recipes.data.evaluation import evaluation_dataset
from keras_recipes.recipes.data.order import order_of, tensor, training_dataset
from keras_recipes.recipes.errors import DataError


def numbered(rows):
    """Rows that hold their own number."""
    return Split(np.arange(rows, dtype="int32")[:, None], np.arange(rows, dtype="int32"))


def batches(training, epoch=0):
    training.epoch.assign(epoch)
    found = [(x.numpy()[:, 0].tolist(), y.numpy().tolist()) for x, y in training.dataset]
    assert all(x == y for x, y in found)  # targets go along with their rows
    return [x for x, _ in found]


def flat(lists):
    return [item for items in lists for item in items]


def training_of(rows, batch_size, **more):
    return training_dataset(numbered(rows), batch_size=batch_size, **{"seed": 1, **more})


@pytest.mark.parametrize(
    ("rows", "batch_size", "drop", "sizes"),
    [
        (10, 4, False, [4, 4, 2]),
        (10, 4, True, [4, 4]),
        (8, 4, False, [4, 4]),
        (8, 4, True, [4, 4]),
        (5, 1, False, [1] * 5),
        (7, "all", False, [7]),
        (7, 7, True, [7]),
        (1, 1, False, [1]),
    ],
)
def test_batches(rows, batch_size, drop, sizes):
    training = training_of(rows, batch_size, drop_remainder=drop)
    found = batches(training)
    assert [len(batch) for batch in found] == sizes
    assert training.steps == len(sizes) == int(training.dataset.cardinality())
    seen = flat(found)
    assert len(set(seen)) == len(seen)
    assert set(seen) <= set(range(rows))
    # A short batch costs a known length, and nothing else does.
    length = training.dataset.element_spec[0].shape[0]
    assert length == (None if len(set(sizes)) > 1 else sizes[0])


def test_the_order_is_a_function_of_seed_and_epoch():
    orders = {}
    for seed in (0, 1):
        training = training_of(50, 8, seed=seed)
        for epoch in (2, 0, 1, 0):  # in any sequence of epochs
            found = flat(batches(training, epoch))
            assert orders.setdefault((seed, epoch), found) == found
            assert sorted(found) == list(range(50))
            assert order_of(50, seed, epoch).numpy().tolist() == found
    assert len({tuple(order) for order in orders.values()}) == 6


def test_the_batch_size_cuts_one_order():
    orders = {tuple(flat(batches(training_of(50, size), 3))) for size in (1, 8, 50, "all")}
    assert len(orders) == 1


def test_the_order_stays_from_release_to_release():
    """A run of an older release can be repeated as long as this holds."""
    assert order_of(10, 1, 0).numpy().tolist() == [9, 2, 1, 6, 5, 0, 8, 4, 3, 7]
    assert order_of(10, 2, 5).numpy().tolist() == [6, 7, 3, 9, 1, 2, 4, 8, 5, 0]


def test_neither_the_global_seed_nor_state_matters():
    keras.utils.set_random_seed(1)
    first = batches(training_of(20, 4), 1)
    keras.utils.set_random_seed(2)
    tf.random.uniform((3,))
    assert batches(training_of(20, 4), 1) == first


def test_every_row_is_as_likely_anywhere():
    """Places of row 0 over many epochs: chi-squared below its 1e-4 quantile (9 degrees)."""
    places = [int(np.argmin(order_of(10, 7, epoch).numpy())) for epoch in range(1000)]
    counts = np.bincount(places, minlength=10)
    assert ((counts - 100) ** 2 / 100).sum() < 33.7


def test_an_epoch_resumed_in_its_middle():
    whole = batches(training_of(10, 4), 5)
    for start in range(3):
        later = training_of(10, 4, start_step=start)
        assert batches(later, 5) == whole[start:]
        assert later.steps == 3 - start == int(later.dataset.cardinality())
    made = training_of(10, 4)
    made.epoch.assign(5)
    for start in range(4):
        rest = [x.numpy()[:, 0].tolist() for x, _ in made.from_step(start)]
        assert rest == whole[start:]
        assert made.from_step(start).element_spec == made.dataset.element_spec
    with pytest.raises(ValueError, match="`start_step` must be from 0 to 2"):
        training_of(10, 4, start_step=3)


@pytest.mark.parametrize(
    ("rows", "batch_size", "drop"),
    [(10, 4, False), (10, 4, True), (12, 4, False), (3, "all", False), (17, 2, False)],
)
@pytest.mark.parametrize("each", [1, 2, 5])
def test_the_numbers_of_rows_are_those_of_the_batches(rows, batch_size, drop, each):
    training = training_of(rows, batch_size, drop_remainder=drop)
    expected = batches(training, 3)
    numbers = training.numbers(each)
    executions = -(-training.steps // each)
    assert numbers.steps == training.steps
    for start in range(0, training.steps, each):
        iterator = iter(numbers.from_step(start))
        found = [next(iterator) for _ in range(executions - start // each)]
        steps = [row for full, _ in found for row in full.numpy().tolist()]
        steps += [rest.numpy().tolist() for _, rest in found if len(rest)]
        assert steps == expected[start:]
        assert all(len(full) + bool(len(rest)) == each for full, rest in found[:-1])
    # One pass follows another, each in the order of the epoch that has started.
    passes = iter(numbers.dataset)
    for epoch in (3, 4):
        training.epoch.assign(epoch)
        found = [next(passes) for _ in range(executions)]
        steps = [row for full, _ in found for row in full.numpy().tolist()]
        steps += [rest.numpy().tolist() for _, rest in found if len(rest)]
        assert steps == batches(training, epoch)
    x, y = training.held.gather(tf.cast(expected[0], tf.int32))
    assert x.numpy()[:, 0].tolist() == y.numpy().tolist() == expected[0]


def test_a_batch_larger_than_the_split():
    with pytest.raises(DataError, match="a batch of 11 rows is larger than"):
        training_of(10, 11)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float16", "float32", "bool", "uint16"])
def test_rows_of_any_type(dtype):
    """They are held in their own type, and cast batch by batch."""
    x = np.arange(12).reshape(3, 4).astype(dtype)
    assert tensor(x).dtype.name == dtype
    (found, _), *_ = training_dataset(Split(x, np.arange(3)), batch_size="all", seed=0).dataset
    assert found.dtype.name == "float32"
    assert sorted(found.numpy().tolist()) == x.tolist()


def test_tensors_read_the_arrays_where_they_are():
    from keras_recipes.recipes.data.arrays import placed

    array = placed(np.arange(1000, dtype="float32"))
    held = tensor(array)
    assert tensor(held) is held
    array[0] = 7
    assert held.numpy()[0] == 7
    del array  # the tensor keeps the memory
    assert held.numpy()[999] == 999


@pytest.mark.parametrize("rows", [1, 3, 4, 9])
def test_evaluation_keeps_the_order(rows):
    dataset = evaluation_dataset(numbered(rows), 4)
    found = [x.numpy()[:, 0].tolist() for x, _ in dataset]
    assert flat(found) == list(range(rows))
    assert [len(batch) for batch in found[:-1]] == [4] * ((rows - 1) // 4)
    assert int(dataset.cardinality()) == len(found)
    assert [y.numpy().tolist() for _, y in dataset] == found


@keras.saving.register_keras_serializable(package="keras_recipes_tests")
class Witness(keras.Model):
    """Writes down the rows of every training step, and learns nothing."""

    def __init__(self):
        super().__init__()
        self.seen = tf.Variable(tf.zeros((0,), tf.int32), shape=(None,), trainable=False)

    def train_step(self, data):
        _, y = data
        # -1 ends a batch
        self.seen.assign(tf.concat([self.seen, y, [-1]], axis=0))
        return {"loss": tf.constant(0.0)}


@pytest.mark.parametrize("steps_per_execution", [1, 2, 32])
def test_what_fit_sees(steps_per_execution):
    """Each epoch in its own order; no batch lost, seen twice, or taken by an unused iterator."""
    training = training_of(10, 4)
    expected = [batch for epoch in (3, 4, 5) for batch in batches(training, epoch)]
    model = Witness()
    model.compile(steps_per_execution=steps_per_execution)
    model.fit(
        training.dataset,
        initial_epoch=3,
        epochs=6,
        shuffle=False,
        verbose=0,
        callbacks=[EpochOrder(training.epoch)],
    )
    seen = model.seen.numpy().tolist()
    text = ",".join(map(str, seen)).split(",-1")[:-1]
    found = [[int(row) for row in part.strip(",").split(",")] for part in text]
    assert found == expected


def test_a_middle_of_an_epoch_then_the_rest_through_fit():
    """What a resumed run does: one fit for the rest of an epoch, another for the epochs after."""
    whole = training_of(10, 4)
    expected = [*batches(whole, 1)[2:], *batches(whole, 2)]
    model = Witness()
    model.compile()
    for training, first, last in [(training_of(10, 4, start_step=2), 1, 2), (whole, 2, 3)]:
        model.fit(
            training.dataset,
            initial_epoch=first,
            epochs=last,
            shuffle=False,
            verbose=0,
            callbacks=[EpochOrder(training.epoch)],
        )
    seen = [row for row in model.seen.numpy().tolist() if row >= 0]
    assert seen == flat(expected)


def test_a_strategy_gets_batches_and_no_numbers_of_rows():
    """Its iterators give each replica a part, which is none of a step's rows."""
    with tf.distribute.OneDeviceStrategy("CPU:0").scope():
        shared = training_of(10, 4)
    assert shared.held is None
    assert training_of(10, 4).held is not None
    assert batches(shared) == batches(training_of(10, 4))
