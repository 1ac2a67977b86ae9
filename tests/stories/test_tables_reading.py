"""A person's file in any dialect reads as the same table; every kind of column is recognised."""

import pytest

from pullback.data.columns import recognise
from pullback.data.dates import day_of, form_of
from pullback.data.dialect import Hints
from pullback.data.encode import Cells, Written
from pullback.data.missing import Missing
from pullback.data.table import parse_any_table
from pullback.errors import DataError

PLAIN = 'name,price\n"nut, big",1.5\n"a ""é""\nb",-2\n'
SEMICOLONS = 'name;price\n"nut, big";1,5\n"a ""é""\nb";-2\n'
FILES = {
    "commas": (PLAIN.encode(), "separated by commas"),
    "a mark": (PLAIN.encode("utf-8-sig"), "separated by commas"),
    "CR LF": (PLAIN.replace("1.5\n", "1.5\r\n").encode(), "separated by commas"),
    "semicolons": (SEMICOLONS.encode(), "separated by semicolons, decimal commas"),
    "tabs": (SEMICOLONS.replace(";", "\t").encode(), "separated by tabs, decimal commas"),
    "UTF-16": (PLAIN.encode("utf-16"), "separated by commas, UTF-16"),
    "UTF-16, no mark": (PLAIN.encode("utf-16-le"), "separated by commas, UTF-16-LE"),
    "Latin-1": (PLAIN.encode("latin-1"), "separated by commas, WINDOWS-1252"),
}


@pytest.mark.parametrize(("data", "said"), FILES.values(), ids=FILES)
def test_the_same_table_in_any_dialect(data, said):
    table, dialect, _ = parse_any_table(data)
    numbers = Cells(table, "price", Missing()).numbers(Written())
    assert table.column("name") == ["nut, big", 'a "é"\nb']
    assert numbers.tolist() == [1.5, -2]
    assert dialect.said == said


def numbers(text, name, **hints):
    table = parse_any_table(text.encode(), name="t.csv", hints=Hints(**hints)).table
    return Cells(table, name, Missing()).numbers(Written()).tolist()


def test_points_are_thousands_only_beside_decimal_commas():
    assert numbers("a;b\n1.234,5;1.000\n", "b") == [1000]
    assert numbers("a,b\n1.234,1.000\n", "b") == [1]


def test_a_point_that_may_be_two_things_in_a_file_of_semicolons_is_asked_about():
    with pytest.raises(
        DataError, match=r"line 2, column 'b': '1.250' may be 1.25 or 1250"
    ) as caught:
        numbers("a;b\n1.234;1.250\n", "b")
    assert "--decimal . reads 1.25, --decimal , reads 1250" in caught.value.why
    assert numbers("a;b\n1.234;1.250\n", "b", decimal=",") == [1250]


def test_each_column_may_prove_its_own_decimal_sign():
    assert numbers("a;b\n1,5;2.5\n", "a") == [1.5]
    assert numbers("a;b\n1,5;2.5\n", "b") == [2.5]


def test_two_decimal_signs_in_one_column_are_refused():
    with pytest.raises(DataError, match="line 2, column 'b': '2,5' has a decimal comma, '1.25' a"):
        numbers("a;b\nx;2,5\ny;1.25\n", "b")


def test_damaged_utf8_is_not_taken_for_latin1():
    with pytest.raises(DataError, match=r"line 3: byte 0xff is not UTF-8"):
        parse_any_table("a,b\né,1\n".encode() + b"\xff,2\n", name="t.csv")


def column(cells):
    return recognise(
        parse_any_table(("c\tz\n" + "".join(f"{c}\t1\n" for c in cells)).encode()).table, "c"
    )


KINDS = {
    "number": [f"{i % 7}.5" for i in range(30)],
    "category": ["red", "blue", "?"] * 10,
    "date": [f"2020-01-{i:02d}" for i in range(1, 29)],
    "identifier": [f"n{i}" for i in range(30)],
    "text": [f"I like it for the {i}. time" for i in range(30)],
    "constant": ["same"] * 30,
    "empty": ["NA", "null", ""] * 10,
}


@pytest.mark.parametrize(("kind", "cells"), KINDS.items(), ids=KINDS)
def test_a_column_is_recognised(kind, cells):
    found = column(cells)
    assert found.kind == kind
    assert found.used == (kind in ("number", "category", "date"))


def test_a_column_that_counts_rows_is_no_number():
    assert column(range(1, 31)).kind == "identifier"
    assert column(range(30, 60)).kind == "number"


def test_missing_cells_are_counted_in_every_spelling():
    assert column(["1", "2", "NA", "n/a", "", "?", "NULL", "nan", "#N/A", "3"]).missing == 7


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        (["2020-02-29", "2021/1/3"], "year-month-day"),
        (["19580329"], "yyyymmdd"),
        (["31.12.1999", "1.2.2000"], "day/month/year"),
        (["12/31/1999", "1/2/2000"], "month/day/year"),
        (["1700", "1701", "1702"], "year"),
        (["01JAN2020", "15-Mar-2021", "3 April 2022"], "day month year"),
        (["Jan 5, 2020", "October 12, 2021"], "month day, year"),
        (["1 Foo 2020"], ""),
        (["30 Feb 2020"], ""),
        (["1700", "1702", "1701"], ""),
        (["2021-02-29"], ""),
        (["19581329"], ""),
        (["12:30"], ""),
    ],
    ids=str,
)
def test_a_date_is_known_by_its_form(cells, form):
    assert form_of(cells) == form


def test_days_are_those_of_the_calendar():
    # 2000-03-01 is day 11017 of Unix time (951868800 seconds, an outside number).
    assert day_of("2000-03-01", "year-month-day") == 951868800 / 86400
    assert day_of("2000-03-01T18:00:00Z", "year-month-day") == 951868800 / 86400 + 0.75
    assert day_of("1969-12-31", "year-month-day") == -1
    assert day_of("01MAR2000", "day month year") == 951868800 / 86400


def test_blanks_between_thousands_prove_that_a_comma_is_the_decimal_sign():
    assert numbers("a;b\n1 234;2,250\n5 678;3,125\n", "b") == [2.25, 3.125]


def test_points_and_commas_that_may_both_be_either_are_asked_about():
    with pytest.raises(DataError, match="'1.250' may be 1.25 or 1250"):
        numbers('a,b\n1.250,"2,250"\n', "a")


def test_a_decimal_sign_that_was_given_is_checked():
    with pytest.raises(
        DataError, match="line 3, column 'a': '1.5' is not a number with the decimal sign"
    ):
        numbers("a;b\n2;x\n1.5;y\n", "a", decimal=",")


def test_whole_numbers_below_a_thousand_prove_that_commas_group():
    assert numbers('a,b\n"1,234",x\n"2,500",x\n17,y\n250,y\n3,y\n', "a")[:2] == [1234, 2500]
    with pytest.raises(DataError, match="'1,234' may be 1234 or 1.234"):
        numbers('a,b\n"1,234",x\n"2,500",x\n', "a")
