"""A training that breaks says why, and which line of the recipe it was."""

import json
import sys

import keras
import pytest

from keras_recipes.recipes.cli import main
from keras_recipes.recipes.spec import catalog, plugins

PLUGIN = """
import keras
import tensorflow as tf

class BadCall(keras.layers.Layer):
    def call(self, x, training=False):
        if training:
            raise ValueError("no luck\\nat all")
        return x

class Hungry(keras.layers.Layer):
    def call(self, x, training=False):
        if training:
            more = tf.random.uniform([tf.cast(tf.shape(x)[0], tf.int64) * 2**44])
            return x + tf.reduce_sum(more)
        return x

class BadCallback(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.helper()

    def helper(self):
        {}["absent"]

KERAS_RECIPES = {
    "layers": {"bad_call": BadCall, "hungry": Hungry},
    "callbacks": {"bad_callback": BadCallback},
}
"""
# Layers, callbacks, and the message.
BROKEN = {
    "a layer": ("{dense: {units: 3}}, bad_call", "",
                "recipe.yaml:2:39 model.layers[1]: ValueError: no luck at all"),
    "a layer in a block": ("{residual: [bad_call]}", "",
                           "recipe.yaml:2:30 model.layers[0].residual[0]: ValueError: no luck"),
    "an operation": ("{embedding: {input_dim: 1, output_dim: 2}}, flatten", "",
                     "recipe.yaml:2:18 model.layers[0]: InvalidArgumentError: indices["),
    "a callback": ("", "early_stopping, bad_callback",
                   "recipe.yaml:4:29 callbacks[1]: KeyError: 'absent'"),
    "a callback of Keras": ("", "{csv_logger: {filename: absent/x.csv}}",
                            "recipe.yaml:4:13 callbacks[0]: FileNotFoundError: "),
}  # fmt: skip


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    (tmp_path / "bad_parts.py").write_text(PLUGIN)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield "bad_parts"
    plugins._loaded.clear()
    for table in catalog.tables().values():
        for name in [name for name, entry in table.items() if entry.plugin is not None]:
            del table[name]
    sys.modules.pop("bad_parts", None)


@pytest.mark.parametrize(("layers", "callbacks", "said"), BROKEN.values(), ids=BROKEN)
def test_a_broken_training_names_its_line(layers, callbacks, said, plugin, tmp_path, capsys):
    (tmp_path / "recipe.yaml").write_text(
        f"data: {{source: iris}}\nmodel: {{layers: [{layers}]}}\nepochs: 1\n"
        f"callbacks: [{callbacks}]\n"
    )
    assert main(["train", "recipe.yaml", "-q", "--out", "run", "--plugin", plugin]) == 1
    out = capsys.readouterr().out
    assert out.startswith(f"failed: error at {said}")
    assert "(traceback: run/traceback.txt)" in out
    assert keras.config.is_traceback_filtering_enabled()


def test_a_batch_that_does_not_fit_into_memory_says_what_to_do(plugin, tmp_path, capsys):
    (tmp_path / "recipe.yaml").write_text(
        "data: {source: iris, batch_size: 16}\nmodel: {layers: [hungry]}\nepochs: 1\n"
        "gradient_accumulation: 2\njit_compile: false\n"
    )
    assert main(["train", "recipe.yaml", "-q", "--out", "run", "--plugin", plugin]) == 1
    out = capsys.readouterr().out
    assert out.startswith("failed: recipe.yaml:1:34 data.batch_size: out of memory: a batch of 16")
    assert "Try 8; with `gradient_accumulation: 4`" in out
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result["stop_reason"] == "out_of_memory"
