"""Rows and targets in `.npy` files."""

import io

import numpy as np
import pytest

from keras_recipes.recipes.data.npy import npy, read_npy
from keras_recipes.recipes.errors import DataError


def saved(array, **options):
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


def header_of(shape, dtype="<f8"):
    """An array of 10 numbers whose header claims something else."""
    return (
        saved(np.zeros(10)).replace(b"(10,)", shape.encode()[:64]).replace(b"<f8", dtype.encode())
    )


HOSTILE = {
    "empty": (b"", "is no npy file"),
    "something else": (b"PK\3\4", "is no npy file"),
    "cut short": (saved(np.zeros(10))[:-8], "damaged"),
    "half a header": (saved(np.zeros(10))[:20], "damaged"),
    "more than there is": (header_of("(10**9,)".replace("10**9", "9" * 12)), "damaged"),
    "beyond 64 bits": (header_of(f"({'9' * 30},)"), "damaged"),
    "a negative size": (header_of("(-10,)"), "damaged"),
    "code in the header": (header_of("__import__('os')"), "damaged"),
    "an unknown type": (header_of("(10,)", "<q99"), "damaged"),
    "Python objects": (saved(np.array([{}], object), allow_pickle=True), "damaged"),
}


@pytest.mark.parametrize(("content", "reason"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_files_are_refused(tmp_path, content, reason):
    path = tmp_path / "a.npy"
    path.write_bytes(content)
    with pytest.raises(DataError, match=reason) as found:
        read_npy(path)
    assert str(found.value).startswith(str(path))


def test_rows_targets_and_test_rows(tmp_path):
    x, y = np.arange(12.0).reshape(6, 2), np.array(["no", "yes"] * 3)
    names = ("x", "y", "x_test", "y_test")
    paths = {name: str(tmp_path / f"{name}.npy") for name in names}
    for name, array in zip(names, (x, y, x[:2], y[:2]), strict=True):
        np.save(paths[name], array)
    source = npy(**paths)
    np.testing.assert_array_equal(source.x, x)
    np.testing.assert_array_equal(source.y, y)
    assert source.test is not None
    np.testing.assert_array_equal(source.test[1], y[:2])
    with pytest.raises(DataError, match="belong together"):
        npy(paths["x"], paths["y"], x_test=paths["x_test"])
    with pytest.raises(DataError, match="6 rows and 2 targets"):
        npy(paths["x"], paths["y_test"])
