"""Headers of pictures, and files that are none, or not whole."""

import io
import struct

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from images import bomb, jpeg, pixels, png

from keras_recipes.recipes.data.image_files import BrokenPicture, checked, examined

ARRAY = pixels(1)
PNG, JPEG = png(ARRAY), jpeg(ARRAY)


def of_pillow(form, mode="RGB", size=(30, 20), **options):
    image = pytest.importorskip("PIL.Image")
    stream = io.BytesIO()
    image.fromarray(pixels(2, *size)).convert(mode).save(stream, form, **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("form", "mode", "options"),
    [
        *(("PNG", mode, {}) for mode in ("RGB", "L", "P", "RGBA", "LA", "1", "I;16")),
        *(("JPEG", mode, {}) for mode in ("RGB", "L", "CMYK")),
        ("JPEG", "RGB", {"progressive": True}),
        ("JPEG", "RGB", {"exif": b"Exif\0\0" + bytes(2000), "comment": b"\xff\xc0\xff\xd9"}),
        *(("GIF", mode, {}) for mode in ("P", "L")),
        *(("BMP", mode, {}) for mode in ("RGB", "L", "RGBA")),
    ],
)
def test_headers_agree_with_pillow(form, mode, options):
    if mode == "I;16":
        content = tf.io.encode_png(np.zeros((30, 20, 1), "uint16")).numpy()
    else:
        content = of_pillow(form, mode, **options)
    header = checked(content)
    assert header[:2] == (30, 20)
    assert header.grey == (mode in ("L", "LA", "1", "I;16") and form in ("PNG", "JPEG"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"once upon a time", 'is no PNG, JPEG, GIF or BMP picture; it begins "once upon'),
        (PNG[:-20], "is cut short"),
        (PNG[:20], "is cut short"),
        (PNG[:60] + b"?" + PNG[61:], "is a damaged PNG file"),
        (JPEG[:-2], "is cut short"),
        (JPEG[:30], "is cut short"),
        (b"\xff\xd8\xff\xd9", "has no header"),
        (bomb(), "claims 60,000 x 60,000 pixels"),
        (bomb(0, 5), "claims a size of 0 x 5"),
        (b"GIF89a" + bytes(7) + b";", "without a picture"),
        (b"BM" + bytes(60), "of a kind that is not read"),
    ],
)
def test_what_is_no_whole_picture_is_refused(content, message):
    with pytest.raises(BrokenPicture) as error:
        checked(content)
    assert message in str(error.value)


def test_frames_of_a_gif_count_together():
    content = of_pillow("GIF", "P")
    place = content.index(b"\x2c" + bytes(4) + struct.pack("<HH", 20, 30))
    wide = content[: place + 5] + struct.pack("<HH", 60_000, 60_000) + content[place + 9 :]
    with pytest.raises(BrokenPicture, match="claims frames of 3,600,000,000 pixels"):
        checked(wide)


def test_a_column_is_examined_file_by_file(tmp_path):
    names = ["a.png", "absent.png", "folder.png", "고양이 🐱.jpg"]
    (tmp_path / names[0]).write_bytes(PNG)
    (tmp_path / names[2]).mkdir()
    (tmp_path / names[3]).write_bytes(JPEG)
    found = examined([str(tmp_path / name) for name in names])
    assert found.sizes.tolist() == [[12, 10], [0, 0], [0, 0], [12, 10]]
    assert found.problems == {1: "there is no such file", 2: "is no file"}
    again = examined([PNG, JPEG])  # bytes are hashed alike
    np.testing.assert_array_equal(found.digests[[0, 3]], again.digests)
    assert found.take(np.array([1, 0])).problems == {0: "there is no such file"}


@given(
    st.sampled_from([PNG, JPEG]),
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 8), st.binary(max_size=8)), max_size=4),
)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_mutated_files_are_read_or_refused(content, slices):
    for place, length, new in slices:
        start = place % len(content)
        content = content[:start] + new + content[start + length :]
    try:
        header = checked(content)
    except BrokenPicture:
        return
    try:
        array = tf.io.decode_image(content, 3, expand_animations=False)
    except tf.errors.OpError:
        return
    # What is decoded takes no more memory than the header was allowed to claim.
    assert tuple(array.shape[:2]) == header[:2]
