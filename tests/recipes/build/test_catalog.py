"""The generated table of names and the classes it was generated from."""

import importlib
import json
import tomllib
from itertools import permutations
from pathlib import Path

import keras
import pytest

from keras_recipes.callbacks import CALLBACKS
from keras_recipes.recipes.build import catalog as generator
from keras_recipes.recipes.build.objects import accepts, class_of
from keras_recipes.recipes.spec import catalog
from keras_recipes.recipes.spec.arguments import adapter
from keras_recipes.recipes.spec.choices import ALIASES, REFUSED
from keras_recipes.recipes.spec.keras_version import lacks, minor_of
from keras_recipes.schedules import SCHEDULES

ROOT = Path(__file__).parents[3]


MINOR = minor_of(keras.__version__)


def test_the_file_is_what_the_generator_makes():
    assert generator.TARGET.read_text(encoding="utf-8") == generator.render(MINOR), (
        "run `make generate` after a change of a table or of Keras"
    )


def test_the_file_is_of_the_versions_that_the_package_installs_with():
    assert catalog.minors() == generator.MINORS
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    first, last = generator.MINORS[0], generator.MINORS[-1]
    after = f"3.{int(last.split('.')[1]) + 1}"
    assert f"keras>={first}.0,<{after}" in project["dependencies"]


def test_every_name_leads_to_its_class():
    for kind, entries in catalog.tables().items():
        for name, entry in entries.items():
            if lacks(entry.keras):
                with pytest.raises(AttributeError):
                    class_of(entry.class_path)
            elif entry.class_path and not entry.of_hub:  # see `test_hub_layers`
                assert callable(class_of(entry.class_path)), (kind, name)


def test_the_class_takes_the_arguments_that_the_file_says():
    for kind, entries in catalog.tables().items():
        for name, entry in entries.items():
            if lacks(entry.keras) or not entry.class_path.startswith("keras."):
                continue
            cls = class_of(entry.class_path)
            for key, argument in entry.arguments.items():
                assert accepts(cls, key) != lacks(argument.keras), (kind, name, key)


# What three releases of a library have. `b` comes with the second; `c` goes with the third, whose
# `a` has another default, a new argument, and one less.
RELEASES = {
    "3.13": {
        "a": {"class": "keras.layers.A", "arguments": {"x": {"default": 1}, "old": {}}},
        "c": {"class": "keras.layers.C", "arguments": {"z": {"required": True}}},
    },
    "3.14": {
        "a": {"class": "keras.layers.A", "arguments": {"x": {"default": 1}, "old": {}}},
        "b": {"class": "keras.layers.B", "arguments": {"y": {"required": True}}},
        "c": {"class": "keras.layers.C", "arguments": {"z": {"required": True}}},
    },
    "3.15": {
        "a": {"class": "keras.layers.A", "arguments": {"new": {}, "x": {"default": 2}}},
        "b": {"class": "keras.layers.B", "arguments": {"y": {"required": True}, "w": {}}},
    },
}
# All of them in one table, as the file has it.
TOGETHER = {
    "a": {
        "class": "keras.layers.A",
        "arguments": {
            "new": {"keras": ["3.15"]},
            "x": {"default": 2},
            "old": {"keras": ["3.13", "3.14"]},
        },
    },
    "b": {
        "class": "keras.layers.B",
        "keras": ["3.14", "3.15"],
        "arguments": {"y": {"required": True}, "w": {"keras": ["3.15"]}},
    },
    "c": {
        "class": "keras.layers.C",
        "keras": ["3.13", "3.14"],
        "arguments": {"z": {"required": True}},
    },
}
OURS = {"ours": {"class": "keras_recipes.Ours", "arguments": {}}}


def merged_in(order):
    content = {"keras": [], "kinds": {}}
    for minor in order:
        content = generator.merged(content, {"layers": {**RELEASES[minor], **OURS}}, minor)
    return content


@pytest.mark.parametrize("order", [*permutations(RELEASES), [*RELEASES, *RELEASES]])
def test_versions_of_keras_merge_in_any_order(order):
    expected = {"keras": ["3.13", "3.14", "3.15"], "kinds": {"layers": {**TOGETHER, **OURS}}}
    assert json.dumps(merged_in(order)) == json.dumps(expected)


def test_a_merge_forgets_what_is_gone():
    content = merged_in(RELEASES)
    for minor in RELEASES:
        content = generator.merged(content, {"layers": {}}, minor)
    assert content["kinds"] == {"layers": {}}


def test_a_merge_refuses_what_the_file_cannot_say():
    content = merged_in(["3.13", "3.14"])
    rows = {"a": {"class": "keras.layers.A", "arguments": {"x": {"required": True}}}}
    with pytest.raises(ValueError, match="`x` is required in some versions"):
        generator.merged(content, {"layers": rows}, "3.15")
    with pytest.raises(ValueError, match=r"3\.99 is not among MINORS"):
        generator.merged(content, {"layers": rows}, "3.99")


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
            if not entry.class_path.startswith("keras.") or lacks(entry.keras):
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
