"""A gate asks the same of plain numbers, Units, wires and compiled programs, in the same words."""

import itertools

import pytest
from laws.gate_cases import ALL_GATES
from laws.odd_calls import fault, odd_calls, outcomes

STEP = 8  # of that many odd calls one is tried here; bench/odd_calls.py tries all
SINGLES = {
    name: list(group) for name, group in itertools.groupby(odd_calls(doubles=0), lambda c: c.gate.name)
}  # fmt: skip


@pytest.mark.parametrize("name", [g.name for g in ALL_GATES])
def test_an_odd_call_has_one_answer_or_one_error_in_all_four_ways(name):
    calls = (
        SINGLES[name][::STEP] + SINGLES[name][-3:]
    )  # the last are those of a wrong count or name
    assert [f for f in map(fault, calls) if f] == []


def test_calls_with_two_oddities_too():
    doubles = list(odd_calls(seed=1, doubles=100))[-100:]
    assert [f for f in map(fault, doubles) if f] == []


def test_the_odd_calls_are_of_many_kinds():
    found = [
        outcomes(call)["numbers"]
        for calls in SINGLES.values()
        for call in (*calls[::40], *calls[-3:])
    ]
    assert len(list(itertools.chain(*SINGLES.values()))) > 10_000
    assert {"DtypeError", "ShapeError", "OptionError", "GateError", "NoneType"} <= {
        type(None).__name__ if o.error is None else o.error.__name__ for o in found
    }
