"""The generated table of names and the classes it was generated from."""

import importlib

import keras
import pytest

from keras_recipes.callbacks import CALLBACKS
from keras_recipes.recipes.build import catalog as generator
from keras_recipes.recipes.build.objects import class_of
from keras_recipes.recipes.spec import catalog
from keras_recipes.recipes.spec.choices import ALIASES, REFUSED, adapter
from keras_recipes.schedules import SCHEDULES


def test_the_file_is_what_the_generator_makes():
    assert generator.TARGET.read_text(encoding="utf-8") == generator.render(), (
        "run `make catalog` after a change of a table or of Keras"
    )


def test_every_name_leads_to_its_class():
    for kind, entries in catalog.tables().items():
        for name, entry in entries.items():
            if entry.class_path:
                assert callable(class_of(entry.class_path)), (kind, name)


def test_every_entry_can_be_validated():
    for kind, entries in catalog.tables().items():
        for name in entries:
            adapter(kind, name)


def test_our_tables_are_in_it_whole():
    assert set(catalog.names("schedules")) == set(SCHEDULES)
    assert set(CALLBACKS) <= set(catalog.names("callbacks"))
    for name in CALLBACKS:
        assert catalog.entry("callbacks", name).class_path.startswith("keras_recipes.")


def test_names_are_what_keras_itself_understands():
    for kind, module in [
        ("optimizers", keras.optimizers),
        ("losses", keras.losses),
        ("metrics", keras.metrics),
        ("initializers", keras.initializers),
    ]:
        for name, entry in catalog.tables()[kind].items():
            if not entry.class_path.startswith("keras."):
                continue
            required = any(argument.required for argument in entry.arguments.values())
            if required:
                continue
            try:
                found = module.get(name)
            except (ValueError, TypeError, KeyError):
                continue
            cls = class_of(entry.class_path)
            same = isinstance(found, cls) or getattr(found, "__name__", "") == name
            assert same, (kind, name, found)


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("layers", ["dense", "conv2d", "lstm", "gru", "relu", "batch_normalization", "flatten"]),
        ("layers", ["global_average_pooling2d", "prelu", "leaky_relu", "embedding", "dropout"]),
        ("optimizers", ["sgd", "adagrad", "rmsprop", "adam", "adamw", "lion", "nadam"]),
        ("initializers", ["zeros", "ones", "he_normal", "glorot_uniform", "lecun_normal"]),
        ("losses", ["sum_of_squares", "mean_squared_error", "root_mean_squared_error"]),
        ("losses", ["sparse_categorical_crossentropy", "mean_absolute_error", "huber"]),
        ("activations", ["sigmoid", "tanh", "relu", "elu", "selu", "softplus", "gelu", "linear"]),
        ("regularizers", ["l1", "l2", "l1_l2"]),
        ("constraints", ["max_norm", "non_neg"]),
    ],
)
def test_what_people_look_for_is_there(kind, names):
    assert set(names) <= set(catalog.names(kind))


def test_aliases_lead_to_names():
    for kind, aliases in ALIASES.items():
        assert set(aliases.values()) <= set(catalog.names(kind))


def test_nothing_that_runs_code_is_in_it():
    for kind in catalog.tables():
        assert not set(catalog.names(kind)) & set(REFUSED)
    for name in ("layer", "callback", "history", "progbar_logger"):
        assert name not in catalog.names("layers") + catalog.names("callbacks")


def test_a_plugin_brings_its_own_classes(tmp_path, monkeypatch):
    from keras_recipes.recipes.spec import load

    (tmp_path / "my_plugin.py").write_text(
        "import keras\n"
        "class Twice(keras.layers.Layer):\n"
        "    def __init__(self, times: int = 2, **kwargs):\n"
        "        super().__init__(**kwargs)\n"
        "        self.times = times\n"
        "    def call(self, x):\n"
        "        return x * self.times\n"
        "KERAS_RECIPES = {'layers': {'twice': Twice}}\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    recipe = {
        "name": "x",
        "data": {"source": "iris"},
        "model": {"layers": [{"twice": {"times": 3}}]},
    }
    try:
        loaded = load(recipe, plugins=["my_plugin"])
        entry = catalog.entry("layers", "twice")
        assert class_of(entry.class_path) is importlib.import_module("my_plugin").Twice
        assert loaded.model.layers[0].arguments == {"times": 3}
    finally:
        catalog.tables()["layers"].pop("twice", None)
