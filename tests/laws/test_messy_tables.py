"""Every number of a messy table is the number it was, or the table is refused by place and flag.

Thirty habits after real programs and thirty of single kinds, each on two tables; then habits mixed at
random (`bench/messy_tables.py` does thousands). Never may a column of numbers be left out.
"""

from random import Random

import pytest
from laws.messy_tables import Habit, fitting, outcome, random_habit, read, truth, written

from pullback.data.dialect import Hints

N, NN = "\u00a0", "\u202f"  # the no-break blank, and the narrow one
# program -> how it writes; "flags" where a word for missing has to be said first
PROGRAMS = {
    "Excel, English": Habit(newline="\r\n", group=",", money=("$", "")),
    "Excel, German": Habit(";", ",", ".", newline="\r\n", encoding="cp1252", money=("", " €")),
    "Excel, French": Habit(";", ",", NN, newline="\r\n", encoding="utf-8-sig", percent=f"{NN}%"),
    "Excel, Swiss": Habit(";", ".", "’", newline="\r\n", encoding="utf-8-sig", money=("CHF ", "")),
    "Excel, Indian": Habit(",", ".", "indian", newline="\r\n", money=("₹ ", "")),
    "Excel, Swedish": Habit(";", ",", N, newline="\r\n", minus="\u2212", money=("", f"{N}kr")),
    "Excel, Unicode text": Habit("\t", ".", ",", encoding="utf-16", newline="\r\n", quote="minimal"),
    "Excel, accounting": Habit(group=",", minus="()", money=("$", ""), newline="\r\n"),
    "Excel, sep line": Habit(";", ",", first="sep=;", newline="\r\n"),
    "Excel, formulas": Habit(formula=True, newline="\r\n"),
    "Excel, error cells": Habit(missing="#DIV/0!", newline="\r\n"),
    "LibreOffice": Habit(quote="texts"),
    "LibreOffice, tabs, German": Habit("\t", ",", ".", quote="texts"),
    "Google Sheets": Habit(group=",", money=("$", ""), percent="%", newline="\r\n"),
    "pandas to_csv": Habit(index="pandas", fixed=False),
    "pandas, decimal comma": Habit(";", ",", index="pandas", fixed=False),
    "R write.csv": Habit(quote="texts", index="pandas", missing="NA", fixed=False),
    "R write.csv2": Habit(";", ",", quote="texts", index="pandas", missing="NA", fixed=False),
    "R write.table": Habit(" ", quote="texts", index="R short", missing="NA", fixed=False),
    "SAS PROC EXPORT": Habit(missing=".", newline="\r\n", fixed=False),
    "SPSS, German": Habit(";", ",", bare=True, encoding="utf-8-sig", newline="\r\n"),
    "Stata": Habit(bare=True, fixed=False),
    "German bank statement": Habit(";", ",", ".", quote="all", encoding="cp1252",
                                   titles=("Konto 123", "Saldo vom 3.3.")),
    "English bank statement": Habit(group=",", minus="()", footer=("Interest is paid yearly",)),
    "SAP list": Habit("|", ",", ".", minus="after"),
    "laboratory": Habit(";", missing="n.d.", unit=" µg/l", titles=("Sample series 12",)),
    "oscilloscope": Habit("\t", titles=("# scope 1", "# 5 ms a division")),
    "psql": Habit("|", box="psql", footer=("(40 rows)",)),
    "mysql": Habit("|", box="mysql", missing="NULL"),
    "SQL Server": Habit("|", box="sqlcmd", missing="NULL", footer=("(40 rows affected)",)),
}  # fmt: skip
KINDS = {
    "thousands commas": Habit(group=","),
    "thousands points": Habit(";", ",", "."),
    "thousands blanks": Habit(";", ",", " "),
    "thousands apostrophes": Habit(group="'"),
    "decimal commas between commas": Habit(",", ",", ""),
    "percent": Habit(percent=" %"),
    "unit": Habit(unit="kg"),
    "currency code in front": Habit(money=("EUR ", "")),
    "currency code behind": Habit(money=("", " USD")),
    "typographic minus": Habit(minus="\u2212"),
    "dash for a minus": Habit(minus="\u2013"),
    "brackets": Habit(minus="()"),
    "no zero before the point": Habit(bare=True),
    "two dashes": Habit(missing="--"),
    "below the limit": Habit(missing="<0.5"),
    "a sentence for missing": Habit(missing="not measured"),
    "a sentinel": Habit(missing="-99999999"),
    "tabs": Habit("\t"),
    "bars": Habit("|"),
    "blanks": Habit(" ", missing="NA"),
    "columns of blanks": Habit(" ", missing="NA", wide=11),
    "markdown": Habit("|", box="markdown"),
    "padded cells": Habit(wide=14),
    "a separator at the end": Habit(trailing="all"),
    "a separator at the end of rows": Habit(trailing="rows"),
    "padded titles": Habit(titles=("Report", "of 2024"), padded=True),
    "a remark below": Habit(footer=("Source: the office",), padded=True),
    "totals": Habit(totals="Total", index="names"),
    "a repeated header": Habit(again=10),
    "UTF-32": Habit(encoding="utf-32"),
    "old Mac": Habit(newline="\r"),
}
SEEDS = range(2)


@pytest.mark.parametrize("habit", [*PROGRAMS.values(), *KINDS.values()], ids=[*PROGRAMS, *KINDS])
def test_every_number_is_the_number_or_the_cell_is_named(habit):
    tables = [truth(Random(seed), gaps=bool(habit.missing)) for seed in SEEDS]
    found = [outcome(written(table, fitting(table, habit)), table, habit) for table in tables]
    assert [said for end, said in found if end not in ("right", "flags")] == []


ASKED = {"#DIV/0!", "n.d.", "--", "<0.5", "not measured", "-99999999"}


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_programs_write_is_read_without_a_question(name):
    habit = PROGRAMS[name]
    tables = [truth(Random(seed), gaps=bool(habit.missing)) for seed in SEEDS]
    ends = [outcome(written(table, habit), table, habit) for table in tables]
    plain = [
        said
        for end, said in ends
        if end != "right" and "--missing" not in said and "--decimal" not in said
    ]
    assert plain == []
    assert habit.missing in ASKED or any(end == "right" for end, _ in ends)


@pytest.mark.parametrize("seed", range(60))
def test_habits_mixed_at_random(seed):
    random = Random(seed)
    table = truth(random, gaps=random.random() < 0.5)
    habit = fitting(table, random_habit(random))
    end, said = outcome(written(table, habit), table, habit)
    assert end in ("right", "flags"), said


def test_the_judge_notices_a_number_that_is_another():
    table = truth(Random(1))
    data = written(table, Habit())
    first = str(table.numbers[0].values[0])
    assert read(data, table, Hints()) == ""
    assert "is read as" in read(data.replace(first.encode(), b"7", 1), table, Hints())
