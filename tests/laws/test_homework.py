"""Laws of homework in NumPy: what is computed is what NumPy computes; right works pass; slips are named."""

import re
from functools import cache

import numpy as np
import pytest
from laws.homework_cases import CASES, SAID, alike, dice, garbled, planted, played, respelled

from pullback.lens.homework.evaluate import assign
from pullback.lens.homework.read import read_work
from pullback.lens.mark import WRONG, Marker

SPELLINGS = 2  # of each work, beside those that are written out
BROKEN = 6  # texts of each case, broken at random
SLIPS = 5  # of each case; `bench/marking.py` takes all of them
NAMED = 0.95  # the share of slips that must be named for what they are
every_case = pytest.mark.parametrize("name", CASES)


@cache
def marker(name):
    return Marker(CASES[name].circuit, CASES[name].values)


def spellings(name):
    case = CASES[name]
    return [respelled(t, dice(seed)) for t in case.numpy for seed in range(SPELLINGS)]


@every_case
def test_right_work_passes_however_it_is_written(name):
    case = CASES[name]
    works = [*case.numpy, *case.ours, *spellings(name)]
    assert [w for w in works if not marker(name).grade(w).passed] == []


@every_case
def test_what_is_computed_is_what_numpy_computes(name):
    works = [w for w in [*CASES[name].numpy, *spellings(name)] if ".grad" not in w]
    assert [w for w in works if not same_as_numpy(CASES[name], w)] == []


def same_as_numpy(case, work):
    theirs, ours = played(case, work), {k: np.copy(v)[()] for k, v in case.values.items()}
    for text in filter(None, (case.forward and "import numpy\n" + case.forward, work)):
        read = read_work(text, case.values)
        for line in read.lines:
            assign(read, line, ours)
    return all(alike(value, ours[name]) for name, value in theirs.items())


@cache
def graded(name):
    """Some slips of a case, each with the marks that are not right."""
    some = planted(CASES[name], SLIPS)
    found = [(slip, marker(name).grade(slip.text)) for slip in some]
    return [(slip, grade, [m for m in grade.marks if m.verdict == WRONG]) for slip, grade in found]


@every_case
def test_a_planted_slip_is_judged_wrong(name):
    assert [slip for slip, grade, _ in graded(name) if grade.passed] == []


def test_a_planted_slip_is_named_for_what_it_is():
    every = [pair for name in CASES for pair in graded(name)]
    named = [bool(re.search(SAID[s.kind], " | ".join(m.mistake for m in w))) for s, _, w in every]
    assert len(named) > 80
    assert sum(named) / len(named) >= NAMED


@every_case
def test_a_broken_text_gets_a_grade_and_never_an_error(name):
    for seed in range(BROKEN):
        text = garbled(CASES[name], dice(seed))
        assert isinstance(repr(marker(name).grade(text)), str), text


# Texts that are not read, each with a piece of what is said. None of them may run, hang or end Python.
REFUSED = {
    "import": ("import os\ndx = y", "line 1, column 1: this import"),
    "from": ("from os import system\ndx = y", "this import"),
    "for": ("dx = 0\nfor i in range(9):\n    dx += y", "line 2, column 1: a loop"),
    "while": ("dx = y[0]\nwhile True: pass", "a loop"),
    "if": ("if x > 0:\n    dx = np.abs(y)", "an if"),
    "class": ("class A:\n    dx = np.abs(y)", "a class"),
    "two functions": ("def f(x):\n    dx = y\ndef g(x):\n    dy = x", "a second function"),
    "decorator": ("@np.vectorize\ndef f(x):\n    dx = y", "a second function"),
    "with": ("with open('f') as f:\n    dx = np.abs(y)", "a with"),
    "return of a value": ("def f(x):\n    dx = y\n    return dx * 2", "'Return' of Python"),
    "nothing": ("np.dot(x, y)", "assigns its value to no name"),
    "no name": ("np.exp = y", "cannot be given a value"),
    "call of a result": ("f(x)[0] = y", "cannot be given a value"),
    "unknown cache": ("a, b = cache\ndx = np.abs(y)", "what 'cache' holds"),
    "unclosed": ("dx = np.dot(x, y", "this is not valid Python"),
    "cyrillic": ("dх = np.abs(y)", "is not plain ASCII"),
    "null": ("dx = np.abs(y)\0", "null bytes"),
    "deep brackets": ("dx = np.abs(" + "(" * 5_000 + "y" + ")" * 5_000 + ")", ""),
    "deep signs": ("dx = np.abs(" + "-" * 40_000 + "y)", ""),
    "deep sum": ("dx = np.abs(y)" + "+1" * 40_000, ""),
    "deep index": ("dx = y" + "[0]" * 20_000, ""),
    "deep calls": ("dx = " + "np.exp(" * 9_000 + "y" + ")" * 9_000, ""),
    "deep powers": ("dx = np.abs(y)" + "**y" * 20_000, ""),
    "long": ("dx = np.abs(y)\n" * 10_000, "more than 100,000 characters"),
    "many lines": ("a = y.T\n" * 5_000, "more than 2,000 assignments"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_text_that_is_not_read_says_where_and_what(name):
    text, said = REFUSED[name]
    grade = Marker("f = x * y", x=2.0, y=3.0).grade(text)
    assert not grade.passed
    assert grade.error
    assert said in grade.error.split("\n")[0]


# Lines that cannot be computed, in a work that can be read: its other lines are judged.
WRONG_LINES = {
    "system": ("np.os.system('touch pwned')", "'np.os.system' is not supported"),
    "import": ("__import__('os').system('touch pwned')", "is not supported"),
    "eval": ("eval('1')[0]", "no function or gate called 'eval'"),
    "open": ("open('pwned', 'w')[0]", "no function or gate called 'open'"),
    "subclasses": ("().__class__.__bases__[0]", "'.__class__' is not supported"),
    "method": ("x.__array_interface__", "'.__array_interface__' is not supported"),
    "load": ("np.load('f.npy')", "'np.load' is not supported"),
    "fromfile": ("np.fromfile('f')", "'np.fromfile' is not supported"),
    "tofile": ("y.tofile('pwned')", "'y.tofile' is not supported"),
    "lambda": ("(lambda: y)()[0]", "a lambda is not supported"),
    "comprehension": ("np.array([y for _ in range(9)])", "a list comprehension"),
    "walrus": ("np.abs(z := y)", "':=' is not supported"),
    "if": ("np.abs(y) if x > 0 else 0", "an if is not supported"),
    "and": ("np.abs(y) and x", "'and' or 'or' is not supported"),
    "f-string": ("f'{y}'[0]", "a text is not supported"),
    "star": ("np.dot(*y)", "a '*' in front of a name"),
    "await": ("np.abs(await y)", "an await is not supported"),
    "large": ("np.zeros((10**6, 10**6))", "the limit is 10,000,000"),
    "broadcast": ("np.broadcast_to(y, (99999, 99999))", "the limit is 10,000,000"),
    "outer": ("np.outer(np.ones(99999), np.ones(99999))", "the limit is 10,000,000"),
    "repeat": ("np.repeat(y, 10**12)", "the limit is 10,000,000"),
    "tile": ("np.tile(y, (10**6, 10**6))", "the limit is 10,000,000"),
    "arange": ("np.arange(10**15)", "the limit is 10,000,000"),
    "eye": ("np.eye(10**6)", "the limit is 10,000,000"),
    "index": ("np.zeros(5)[np.zeros((9999, 9999), int)]", "the limit is 10,000,000"),
    "product": ("np.ones((2000, 2000)) @ np.ones((2000, 2000))", "the limit is 10,000,000"),
    "power": ("np.abs(9**9**9**9)", ""),
    "one hot": ("F.one_hot(np.arange(9), 10**9)", "the limit is 10,000,000"),
    "python's sum": ("sum(np.abs(y))", "Python's sum goes over the rows alone"),
    "out": ("np.exp(y, out=x)", "cannot be computed"),
    "dtype": ("np.array(y, dtype='O')", "a text is not a number"),
    "unknown": ("np.abs(passwrod)", "'passwrod' has no value here"),
    "shape": ("y.shape", ""),
    "none": ("np.abs(None)", "cannot be computed"),
    "real index": ("np.ones(3)[y]", "an index is made of whole numbers"),
}


@pytest.mark.parametrize("name", WRONG_LINES)
def test_a_line_that_is_not_read_is_wrong_and_does_nothing(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    value, said = WRONG_LINES[name]
    grade = Marker("f = x * y", x=2.0, y=3.0).grade(f"# homework\ndx = {value}\ndy = x.T")
    marks = {m.name: m for m in grade.marks}
    assert (marks["dx"].verdict, marks["dy"].verdict) == (WRONG, "right")
    assert said in marks["dx"].mistake
    assert list(tmp_path.iterdir()) == []
