"""Tables: good files of every dialect read alike, bad ones are named by line, column and text."""

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullback.data.table import parse_table, read_table
from pullback.data.text import Limits
from pullback.errors import DataError

GOOD = b"x,y\n1,2\n3,4\n"
DIALECTS = {
    "plain": GOOD,
    "byte order mark": b"\xef\xbb\xbf" + GOOD,
    "CR LF": GOOD.replace(b"\n", b"\r\n"),
    "old Mac": GOOD.replace(b"\n", b"\r"),
    "no last newline": GOOD[:-1],
    "quotes": b'"x","y"\n"1","2"\n3,"4"\n',
    "blanks": b"x, y\n 1, 2 \n3 ,4\n",
    "blank lines": b"\nx,y\n\n1,2\n3,4\n\n\n",
    "other order": b"y,x\n2,1\n4,3\n",
    "extra column": b"x,name,y\n1,a,2\n3,b,4\n",
    "scientific": b"x,y\n1e0,+2\n.3e1,4.\n",
}

# What is wrong with the bytes, and the words the first line of the error must have.
BAD = {
    "empty": (b"", ["empty"]),
    "blank": (b"\n \n", []),
    "header only": (b"x,y\n", ["no rows"]),
    "no header": (b"1,2.5\n3,4.5\n", ["first line", "numbers only"]),
    "unnamed column": (b"x,,y\n1,2,3\n", ["column 2", "no name"]),
    "repeated column": (b"x,y,x\n1,2,3\n", ["two columns", "'x'"]),
    "short row": (b"x,y\n1,2\n3\n", ["line 3", "1 cells", "2 columns"]),
    "long row": (b"x,y\n1,2,3\n", ["line 2", "3 cells"]),
    "open quote": (b'x,y\n1,"2\n', ["line 2", "unexpected end"]),
    "stray quote": (b'x,y\n1,"2"3\n', ["line 2"]),
    "NUL": (b"x,y\n1,2\n3,\x00\n", ["line 3", "NUL"]),
    "Latin-1": (b"x,y\n1,2\n3,\xe9\n", ["line 3", "0xe9", "UTF-8"]),
    "UTF-16": ("x,y\n1,2\n".encode("utf-16"), ["UTF-16"]),
    "word": (b"x,y\n1,2\n3,four\n", ["line 3", "'y'", "'four'", "not a finite number"]),
    "empty cell": (b"x,y\n1,\n", ["line 2", "'y'", "empty"]),
    "NaN": (b"x,y\nnan,1\n", ["line 2", "'x'", "'nan'"]),
    "overflow": (b"x,y\n1,1e999\n", ["line 2", "'y'", "'1e999'"]),
    "underscore": (b"x,y\n1_0,2\n", ["line 2", "'x'", "'1_0'"]),
    "decimal comma": (b'x,y\n1,"2,5"\n', ["line 2", "'y'", "'2,5'"]),
    "full-width digit": ("x,y\n1,２\n".encode(), ["line 2", "'y'", "'２'"]),
    "after a quoted newline": (b'x,y\n1,2\n"\n3",4\n5,six\n', ["line 5", "'six'"]),
    "missing column": (b"x,z\n1,2\n", ["no column 'y'"]),
}


@pytest.mark.parametrize("data", DIALECTS.values(), ids=DIALECTS)
def test_the_same_table_in_any_dialect_gives_the_same_numbers(data):
    assert parse_table(data).numbers(["x", "y"]).tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(("data", "words"), BAD.values(), ids=BAD)
def test_a_bad_table_is_refused_in_one_line_that_names_the_culprit(data, words):
    with pytest.raises(DataError) as caught:
        parse_table(data, name="t.csv").numbers(["x", "y"])
    first = str(caught.value).splitlines()[0]
    assert [word for word in ["t.csv", *words] if word not in first] == []


def test_a_misspelt_column_is_told_its_neighbour():
    with pytest.raises(DataError, match="did you mean 'petal_width'"):
        parse_table(b"petal_width,petal_length\n1,2\n").numbers(["petal_widht"])


def test_a_long_hostile_cell_is_cut_and_made_harmless():
    with pytest.raises(DataError) as caught:
        parse_table(b"x\n" + b"\x1b[2J" * 1000 + b"\n").numbers(["x"])
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 250


def test_other_columns_are_named_so_that_a_person_can_be_told():
    assert parse_table(b"x,name,y\n1,a,2\n").other_columns(["y", "x"]) == ["name"]


LIMITS = Limits(bytes=50, columns=3, cells=6)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"x\n" + b"1\n" * 30, "bytes"),
        (b"a,b,c,d\n1,2,3,4\n", "columns"),
        (b"x\n" + b"1\n" * 7, "cells"),
    ],
)
def test_a_table_above_a_limit_is_refused(tmp_path, data, word):
    (tmp_path / "big.csv").write_bytes(data)
    with pytest.raises(DataError, match=f"big.csv.*{word}"):
        read_table(tmp_path / "big.csv", limits=LIMITS)


def test_a_small_gzip_that_unpacks_beyond_the_limit_is_refused(tmp_path):
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(b"x\n" + b"1\n" * 100))
    with pytest.raises(DataError, match="larger than 50 bytes"):
        read_table(tmp_path / "bomb.csv.gz", limits=LIMITS)


@pytest.mark.parametrize("cut", [5, 12, 25, -1])
def test_a_cut_off_gzip_is_named_as_damaged(tmp_path, cut):
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(GOOD)[:cut])
    with pytest.raises(DataError, match="t.csv.gz is damaged"):
        read_table(tmp_path / "t.csv.gz")


def test_a_missing_file_is_told_its_neighbour(tmp_path):
    (tmp_path / "flowers.csv").write_bytes(GOOD)
    with pytest.raises(DataError, match="did you mean 'flowers.csv'"):
        read_table(tmp_path / "flower.csv")


def test_a_folder_is_no_table(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_table(tmp_path)


ODD = [b"\xef\xbb\xbf", b"\x00", b"\xe9", "２".encode(), b"_", b"nan"]
PIECES = st.sampled_from([b"x", b"y", b",", b"\n", b"\r\n", b'"', b"1", b"-2.5", b"e9", b" ", *ODD])


@given(st.lists(PIECES, max_size=30).map(b"".join))
def test_any_bytes_give_finite_numbers_or_a_data_error(data):
    try:
        numbers = parse_table(data).numbers(["x"])
    except DataError:
        return
    assert np.isfinite(numbers).all()


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=5))
def test_numbers_written_by_python_are_read_back_to_the_last_bit(values):
    text = "x\n" + "".join(f"{value!r}\n" for value in values)
    assert parse_table(text.encode()).numbers(["x"])[:, 0].tolist() == values
