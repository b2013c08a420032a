"""How the bytes of a CSV file become records, and what is said where they do not."""

from pathlib import Path

import pytest

from keras_recipes.recipes.errors import DataError
from keras_recipes.recipes.spec import csv_header
from keras_recipes.recipes.spec.csv_header import encoding_problem, header, records

TEXT = "이름,나이\n홍길동,30\n김철수,41\n"


def written(folder, content, name="t.csv"):
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "cp949", "utf-16", "utf-16-le", "utf-8-sig"])
def test_encodings(tmp_path, encoding):
    path = written(tmp_path, TEXT.encode(encoding))
    assert header(path, encoding=encoding) == ["이름", "나이"]
    assert [cells for _, cells in records(path, encoding=encoding)][1] == ["홍길동", "30"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_takes_precedence(tmp_path, encoding):
    path = written(tmp_path, TEXT.encode(encoding))
    assert header(path, encoding="cp949") == ["이름", "나이"]


def test_a_file_in_another_encoding_names_the_likely_ones(tmp_path):
    with pytest.raises(DataError) as caught:
        header(written(tmp_path, TEXT.encode("cp949")))
    message = str(caught.value)
    assert "is not UTF-8 text" in message
    assert "`encoding: cp949` (its text begins `이름`)" in message
    with pytest.raises(DataError, match=r"is not ASCII text.*`encoding: utf-8`"):
        list(records(written(tmp_path, "größe,ort\n1,Köln\n".encode()), encoding="ascii"))
    with pytest.raises(DataError, match=r"cp1252` \(its text begins `größe`"):
        header(written(tmp_path, "größe,ort\n1,Köln\n".encode("latin-1")))


@pytest.mark.parametrize("name", ["utf-8", "UTF8", "latin-1", "cp949", "euc-kr", "utf-16", "ascii"])
def test_names_of_encodings(name):
    assert encoding_problem(name) is None


@pytest.mark.parametrize(
    "name", ["", "utf-9", "base64", "rot13", "zlib", "idna", "punycode", "unicode_escape",
             "undefined", "os.path", "a\0b", "é", "x" * 10_000]
)  # fmt: skip
def test_names_that_are_no_text_encoding(name):
    assert len(encoding_problem(name)) < 300


def test_only_the_first_record_is_read_for_the_header(tmp_path):
    path = written(tmp_path, b'"a\nb",c\n' + b"1,2\n" * 100_000 + b"\xff\0")
    assert header(path) == ["a\nb", "c"]


@pytest.mark.parametrize("content", [b",a,b\n0,1,2\n", b'"","a","b"\n"1",1,2\n', b" ,a,b\n"])
def test_a_first_column_that_alone_has_no_name_is_the_index(tmp_path, content):
    assert header(written(tmp_path, content)) == ["index", "a", "b"]


def test_line_ends_and_quoted_cells(tmp_path):
    path = written(tmp_path, b'a,b\r\n"1\r\n2","say ""x"""\r\n\r\n3,4\r\n')
    assert list(records(path)) == [
        (1, ["a", "b"]), (2, ["1\r\n2", 'say "x"']), (5, ["3", "4"])
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "fragments"),
    [
        (b"a,b\n1,\0\n", ("line 2 has a zero byte", "another encoding")),
        ("a,b\n1,2\n".encode("utf-16-le"), ("line 1 has a zero byte", "`encoding: utf-16`")),
        (b'a,b\n1,"2\n' + b"3,4\n" * 100_000,
         ("line 2 is no CSV", "quoted cell begins there and does not end by line", "missing?")),
        (b'a,b\n1,"' + b"x" * 200_000 + b'"\n', ("line 2 is no CSV", "131,072 characters")),
        (b"a,b\n" + b"x" * 3_000_000, ("line 2 is longer than 1,048,576 characters",)),
        (b"a,a\n1,2\n", ("two columns are called `a`", "Rename one of them in the first line")),
        (b"a,,b\n", ("column 2 has no name", "Write one there, or remove the column")),
        (b",a,\n", ("column 1 has no name",)),
        (b",index,a\n", ("column 1 has no name",)),
        (b'""\n1\n', ("column 1 has no name",)),
        (b"sep=;\na;b\n", ("`sep=;`, is for Excel alone",)),
        (b"sep=,\na,b\n", ("`sep=`, is for Excel alone",)),
    ],
)  # fmt: skip
def test_damaged_files(tmp_path, monkeypatch, content, fragments):
    monkeypatch.setattr(csv_header, "LONGEST_LINE", 1 << 20)
    path = written(tmp_path, content)
    with pytest.raises(DataError) as caught:
        header(path)
        list(records(path))
    message = str(caught.value)
    assert str(path) in message
    assert len(message) < 600
    for fragment in fragments:
        assert fragment in message


def test_files_that_are_none(tmp_path):
    for path, fragment in (
        (tmp_path / "absent.csv", "no such file"),
        (tmp_path, "is a directory"),
        (Path("/dev/zero"), "is a device"),
        (Path("a\0b"), "cannot be read"),
    ):
        with pytest.raises(DataError, match=fragment):
            header(path)
