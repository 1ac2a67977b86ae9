"""Worksheets: circuits that can be done by hand, sheets that do not tell, solutions that are right."""

import json
import re
from functools import cache
from html import unescape

import numpy as np
import pytest

import pullback as pb
from pullback.cli import answer
from pullback.errors import OptionError
from pullback.lens.exercise import LARGEST, LEVELS, exercise
from pullback.show.worksheet import sheets, worksheet

SEEDS = range(8)
every_level = pytest.mark.parametrize("level", LEVELS)


def page(level="medium", names=("anna", "bert"), seed=3):
    return worksheet(sheets(names, seed, level), seed, level)


@cache
def part(kind, level, seed=3):
    """The first sheet of this kind."""
    made = page(level, ["anna"], seed)
    return re.search(rf'<section class="sheet {kind}">.*?</section>', made, re.DOTALL)[0]


def table(section):
    """The cells of a sheet's table, by wire."""
    rows = re.findall(r"<tr><th>(\w+)</th><td>(.*?)</td><td>(.*?)</td></tr>", section)
    return {name: (value, pull) for name, value, pull in rows}


@every_level
def test_the_numbers_can_be_computed_by_hand(level):
    runs = [exercise(seed, 0, level).run() for seed in SEEDS]
    numbers = [abs(n) for run in runs for w in run for n in (w.value, w.grad or 0.0)]
    assert max(numbers) <= LARGEST
    assert {len(run.circuit.outputs) for run in runs} == {1}


@every_level
def test_the_same_seed_gives_the_same_sheet_and_another_another(level):
    texts = [exercise(seed, n, level).text for seed in SEEDS for n in range(2)]
    assert texts == [exercise(seed, n, level).text for seed in SEEDS for n in range(2)]
    assert len(set(texts)) > len(texts) * 0.9


@every_level
def test_the_solution_is_what_small_nudges_give(level):
    done = exercise(5, 0, level)
    run, step = done.run(), 1e-6
    f = pb.circuit(done.text)
    for name, value in done.values.items():
        up, down = (f({**done.values, name: value + sign * step}) for sign in (1, -1))
        assert np.isclose((up - down) / (2 * step), run[name].grad or 0.0, rtol=1e-5, atol=1e-6)


@every_level
def test_a_sheet_has_blanks_and_its_solution_has_the_numbers(level):
    asked, solved = table(part("worksheet", level)), table(part("solution", level))
    run = exercise(3, 0, level).run()
    inputs = set(exercise(3, 0, level).values)
    assert {n for n, (value, _) in asked.items() if value} == inputs
    assert {n for n, (_, pull) in asked.items() if pull} == {"f"}
    wrong = [n for n, (v, _) in solved.items() if not np.isclose(float(v), run[n].value, rtol=1e-3)]
    assert (wrong, solved.keys()) == ([], asked.keys())


@every_level
@pytest.mark.parametrize("seed", SEEDS[:3])
def test_a_sheet_does_not_tell_what_it_asks_for(level, seed):
    """Nowhere in it, titles and descriptions included, stands a number of the solution, or a switch."""
    done = exercise(seed, 0, level)
    drawn = re.search(r"<svg.*?</svg>", part("worksheet", level, seed), re.DOTALL)[0]
    texts = re.findall(r">([^<>]+)<", drawn)
    given = {f"{v:g}".replace("-", "−") for v in done.values.values()} | {"1", "2"}
    told = [
        t for t in texts if re.fullmatch(r"[−-]?\d[\d.]*", t.strip()) and t.strip() not in given
    ]
    assert told == []
    said = " ".join(texts).replace("constant = 2", "").replace("constant = 1", "")
    assert not re.search(r", pull |NaN|(?<!y )= [−-]?\d", said)
    assert "lever" not in drawn


def test_the_command_of_a_solution_grades_the_right_formulas():
    solution = part("solution", "easy")
    words = re.search(r"<pre>pullback (mark .*?)</pre>", solution, re.DOTALL)[1]
    text, values = re.fullmatch(r"mark '(.*)' FILE (.*)", unescape(words)).groups()
    right = pb.circuit(text).run(**{k: float(v) for k, v in (w.split("=") for w in values.split())})
    work = "; ".join(f"d{n} = {g!r}" for n, g in right.grads.items())
    numbers = answer(["mark", text, work, *values.split()])
    assert numbers == 1  # numbers in the place of formulas are no answer


def test_names_cannot_leave_their_place():
    made = page(names=["</script><script>alert(1)</script>", "a & b"])
    assert "<script" not in made
    assert "&lt;/script&gt;" in made
    assert "a &amp; b" in made


def test_a_page_is_complete_in_itself():
    assert re.findall(r"(?:src|href)=|@import|url\(|https?://(?!www\.w3\.org)", page()) == []
    assert " style=" not in page()
    assert "size:A4" in page()


def test_the_command_writes_a_page_and_tells_the_circuits(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert answer(["worksheet", "anna", "bert", "--seed", "7", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [s["circuit"] for s in said["sheets"]] == [exercise(7, n).text for n in range(2)]
    assert (tmp_path / "worksheet.html").read_text(encoding="utf-8") == page("easy", seed=7)


ASKED_WRONGLY = [
    ["--count", "0"], ["--count", "501"], ["--seed", "-1"], ["--level", "harder"],
    ["anna", "--count", "2"],
]  # fmt: skip


@pytest.mark.parametrize("words", ASKED_WRONGLY, ids=" ".join)
def test_what_cannot_be_made_is_said(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert answer(["worksheet", *words]) == 2
    assert list(tmp_path.iterdir()) == []


def test_levels_are_named_where_another_one_is_asked_for():
    with pytest.raises(OptionError, match="easy, medium, hard"):
        exercise(1, 0, "impossible")
