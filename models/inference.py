"""A model that computes as in inference, inside of one that trains."""

import keras


def compute_inference(model: keras.Model) -> None:
    """Let a model compute as in inference wherever it is called, its weights trainable or not.

    Dropout leaves everything in, and batch normalization uses its moving statistics. Keras's own
    way, `model(x, training=False)` in the graph of another model, is not enough: the `training` of
    that one, which `fit` sets, is passed to each model in it. A saved model is not changed.

    >>> inner = keras.Sequential([keras.Input((2,)), keras.layers.Dropout(0.5)])
    >>> compute_inference(inner)
    >>> inner(keras.ops.ones((1, 2)), training=True).numpy().tolist()
    [[1.0, 1.0]]
    """
    compute = model.call

    def call(*args: object, **kwargs: object) -> object:
        return compute(*args, **{**kwargs, "training": False})

    model.call = call
