"""Data sets of hubs, with stand-ins for the libraries, and with the libraries where they are."""

import json
import sys
import types

import numpy as np
import pyarrow as pa
import pytest

from keras_recipes.recipes.data import hubs
from keras_recipes.recipes.data.sources import SOURCES
from keras_recipes.recipes.errors import DataError

IMAGES = np.arange(2500 * 4, dtype="uint8").reshape(2500, 2, 2)


class ClassLabel:
    names = ("cat", "dog")


class Batches(list):
    def batch(self, size):
        return [
            {
                "image": IMAGES[at : at + size],
                "label": np.where(np.arange(2500) == 7, -1, np.arange(2500) % 2)[at : at + size],
                "more": {"name": np.array([b"\xea\xb7\xb8"] * len(IMAGES[at : at + size]), object)},
            }
            for at in range(0, 2500, size)
        ]


class Builder:
    info = types.SimpleNamespace(features={"label": ClassLabel(), "more": {"name": None}})
    asked = ()

    def download_and_prepare(self):
        print("downloading")

    def as_dataset(self, **asked):
        type(self).asked = asked
        return Batches()


@pytest.fixture
def tfds(monkeypatch):
    def builder(name, data_dir=None):
        if name == "absent":
            raise LookupError("no such set")
        return Builder()

    module = types.SimpleNamespace(
        builder=builder,
        builder_from_directory=lambda path: Builder(),
        ReadConfig=lambda **options: options,
        as_numpy=iter,
    )
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", module)


def test_features_of_tfds_are_columns(tfds, capsys):
    for asked in ({"name": "cats_vs_dogs"}, {"path": "/sets/cats"}):
        frame = SOURCES["tfds"](**asked, split="test[:10%]")
        np.testing.assert_array_equal(frame["image"], IMAGES)
        assert frame["label"].to_pylist()[5:9] == ["dog", "cat", "", "cat"]
        assert set(frame["more/name"].to_pylist()) == {"그"}
    assert Builder.asked["split"] == "test[:10%]"
    assert Builder.asked["shuffle_files"] is False
    # Standard output belongs to results.
    assert capsys.readouterr().out == ""


def test_what_the_library_raises_is_a_data_error(tfds):
    with pytest.raises(DataError, match="tfds absent: cannot be opened: LookupError: no such set"):
        SOURCES["tfds"](name="absent")


@pytest.mark.parametrize("source", ["tfds", "huggingface"])
def test_names_and_paths(source):
    for given in ({}, {"name": "a", "path": "b"}):
        with pytest.raises(DataError, match="either `name`, of a data set, or `path`, of a folder"):
            SOURCES[source](**given)
    for name in ("", "../x", "/etc", "a b", "owner/name/more", "kaggle:set", "https://host/x"):
        with pytest.raises(DataError, match="expected the name of a data set"):
            SOURCES[source](name=name)


@pytest.mark.parametrize(
    ("source", "module"), [("tfds", "tensorflow_datasets"), ("huggingface", "datasets")]
)
def test_a_missing_library_names_the_extra(monkeypatch, source, module):
    def absent(name):
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(hubs.importlib, "import_module", absent)
    with pytest.raises(DataError, match=rf"`{module}`: `pip install 'keras-recipes\[{source}\]'`"):
        SOURCES[source](name="a")


class Image:
    pass


class Dataset:
    table = pa.table(
        {"text": ["a", "b", "c"], "label": [1, 0, -1], "numbers": [[1, 2], [3, 4], [5, 6]]}
    )
    data = table
    features = types.MappingProxyType(
        {"text": None, "label": ClassLabel(), "numbers": None, "image": Image()}
    )

    def with_format(self, name):
        assert name == "arrow"
        return Sliced(self.table)

    def __getitem__(self, name):
        return list(IMAGES[:3])


class Sliced:
    def __init__(self, table):
        self.table = table

    def __getitem__(self, rows):
        return self.table


def test_features_of_hugging_face_are_columns(monkeypatch):
    asked = {}

    def load_dataset(name, config, **options):
        asked.update(options, name=name, config=config)
        return Dataset()

    monkeypatch.setitem(sys.modules, "datasets", types.SimpleNamespace(load_dataset=load_dataset))
    frame = SOURCES["huggingface"](name="owner/set", split="test", config="small", revision="abc")
    assert asked == {"name": "owner/set", "config": "small", "split": "test", "revision": "abc"}
    assert frame["text"].to_pylist() == ["a", "b", "c"]
    assert frame["label"].to_pylist() == ["dog", "cat", ""]
    np.testing.assert_array_equal(frame["numbers"], [[1, 2], [3, 4], [5, 6]])
    np.testing.assert_array_equal(frame["image"], IMAGES[:3])


def test_a_folder_with_the_library_of_hugging_face(tmp_path):
    datasets = pytest.importorskip("datasets")
    rows = [{"a": n, "b": f"w{n}", "label": n % 2} for n in range(20)]
    features = datasets.Features(
        {
            "a": datasets.Value("int64"),
            "b": datasets.Value("string"),
            "label": datasets.ClassLabel(names=["no", "yes"]),
        }
    )
    datasets.Dataset.from_list(rows, features=features).save_to_disk(tmp_path / "saved")
    frame = SOURCES["huggingface"](path=str(tmp_path / "saved"))
    assert frame["label"].to_pylist() == ["no", "yes"] * 10
    (tmp_path / "lines").mkdir()
    text = "".join(f"{json.dumps(row)}\n" for row in rows)
    (tmp_path / "lines" / "train.jsonl").write_text(text)
    frame = SOURCES["huggingface"](path=str(tmp_path / "lines"), split="train[:50%]")
    assert frame["a"].to_pylist() == list(range(10))
    with pytest.raises(DataError, match="cannot be opened"):
        SOURCES["huggingface"](path=str(tmp_path / "lines"), split="absent")


def test_a_folder_with_tensorflow_datasets(tmp_path):
    library = pytest.importorskip("tensorflow_datasets")

    class Made(library.core.GeneratorBasedBuilder):
        VERSION = library.core.Version("1.0.0")

        def _info(self):
            features = library.features.FeaturesDict(
                {
                    "image": library.features.Image(shape=(2, 2, 1)),
                    "label": library.features.ClassLabel(names=["cat", "dog"]),
                }
            )
            return self.dataset_info_from_configs(features=features)

        def _split_generators(self, dl_manager):
            return {"train": self._generate_examples()}

        def _generate_examples(self):
            for n in range(10):
                yield n, {"image": IMAGES[n][..., None], "label": n % 2}

    Made.pkg_dir_path = tmp_path
    builder = Made(data_dir=str(tmp_path))
    builder.download_and_prepare(file_format="tfrecord")
    frame = SOURCES["tfds"](path=str(builder.data_path))
    assert len(frame) == 10
    order = [
        int(np.flatnonzero((IMAGES[:10] == image[..., 0]).all((1, 2)))[0])
        for image in frame["image"]
    ]
    assert sorted(order) == list(range(10))
    assert frame["label"].to_pylist() == [ClassLabel.names[n % 2] for n in order]
