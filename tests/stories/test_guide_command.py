"""`pullback guide`, `explain` and `nudge` at the command line: which items, which exit code."""

import json

import pytest

from pullback.cli import answer
from pullback.errors import UnknownName
from pullback.guide import chapters
from pullback.guide.chapters import chosen
from pullback.guide.errata import ERRATA
from pullback.guide.item import Item


def said(capsys, *words):
    code = answer([*words, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_items_are_chosen_by_id_and_their_parts_come_along():
    assert [item.id for item in chosen(["s20", "S4"])] == ["S4", "S20", "S20b"]


def test_a_chapter_alone_knows_only_its_own_items():
    assert chosen(chapter="2")[0].id == "S38"
    with pytest.raises(UnknownName, match="chapter 2 has no item 'S4'"):
        chosen(["S4"], "2")


def test_E13_E18_E19_every_mistake_is_told_by_its_number(capsys):
    assert [e.id for e in ERRATA] == [f"E{i}" for i in range(1, 25)]
    code, document = said(capsys, "guide", *[e.id for e in ERRATA])
    assert code == 0
    assert len({e["truth"] for e in document["errata"]}) == 24


def test_a_mistake_brings_the_items_where_it_shows():
    assert [item.id for item in chosen(["E3"])] == ["S36b"]
    assert [item.id for item in chosen(["e22"])] == ["S43b"]
    assert chosen(["E18"]) == []


def test_items_blame_only_mistakes_that_are_listed():
    blamed = {e for i in chosen() for e in i.erratum.partition(":")[0].replace(",", "").split()}
    assert len(blamed) > 5
    assert blamed <= {e.id for e in ERRATA}


def test_every_id_is_there_once():
    ids = [item.id for item in chosen()]
    assert len(ids) == len(set(ids))


def test_a_known_erratum_holds_and_is_told(capsys):
    code, document = said(capsys, "guide", "S10", "S14")
    assert (code, document["holds"]) == (0, True)
    assert [i["agrees"] for i in document["items"]] == [False, True]
    assert document["items"][0]["erratum"].startswith("E1: it is +1")


def test_a_number_that_differs_without_a_reason_answers_1(monkeypatch, capsys):
    monkeypatch.setitem(chapters.CHAPTERS, "1", (Item("S0", "one and one", 3.0, lambda: 2.0),))
    assert answer(["guide", "--chapter", "1"]) == 1
    assert "DIFFERS" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ["guide", "S999"],
        ["explain", "x*y", "q", "x=1", "y=2"],
        ["explain", "x*y", "x", "x=1", "y=2", "--paths", "-1"],
        ["nudge", "x*y", "x=1", "y=2", "--pin", "z"],
        ["nudge", "x*y", "x=1", "y=2", "--step", "-1"],
        ["nudge", "x*y", "x=1", "y=2", "--strategy", "luck"],
    ],
    ids=" ".join,
)
def test_what_is_asked_wrongly_answers_2_and_prints_no_result(words, capsys):
    assert answer(words) == 2
    assert capsys.readouterr().out == ""


def test_a_nudge_that_cannot_help_answers_1(capsys):
    assert answer(["nudge", "x*x", "x=0"]) == 1
    assert answer(["nudge", "x*x", "x=0", "--microscope"]) == 1
    assert "the gradient is zero here" in capsys.readouterr().out


def test_a_nudge_down_goes_down(capsys):
    code, document = said(
        capsys, "nudge", "(x+y)*z", "x=-2", "y=5", "z=-4", "--down", "--pin", "z,x"
    )
    assert (code, document["values"]) == (0, {"x": -2.0, "y": 5.04, "z": -4.0})
    assert document["after"] < document["before"]
