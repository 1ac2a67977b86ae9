"""Executors that join are asked in their turn, and say what they lack."""

import pytest

import pullback as pb
from pullback.errors import OptionError
from pullback.executors import compile, compile_map, compile_steps
from pullback.executors.record import Executor
from pullback.executors.reference.points import Points
from pullback.executors.reference.program import Program
from pullback.executors.reference.steps import Steps
from pullback.executors.registry import REGISTRY

SUM = pb.circuit("x + y").circuit()


class Asked(Program):
    """The reference under another name."""


def executor(lacks="", made=True):
    """A record whose programs can be told apart, or one that has nothing."""

    def program(circuit, *, fast, threads):
        return Asked(circuit) if made else None

    def mapped(circuit, *, fast, threads, **plan):
        return Points(circuit, **plan) if made else None

    def steps(circuit, *, fast, threads, **plan):
        return Steps(circuit, **plan) if made else None

    return Executor("asked", lacks=lambda: lacks, program=program, map=mapped, steps=steps)


@pytest.fixture
def joined(monkeypatch):
    def join(record):
        monkeypatch.setattr("pullback.executors.registry.REGISTRY", [record, *REGISTRY])

    return join


def test_who_joins_is_asked_by_name_and_by_auto(joined):
    joined(executor())
    assert type(compile(SUM, executor="asked")) is type(compile(SUM, executor="auto")) is Asked
    assert type(compile(SUM, executor="native")) is not Asked
    assert compile_map(SUM, mapped=[0, 1], executor="asked").run([[1.0], [2.0]])[0] == 3.0
    steps = compile_steps(SUM, carried={0: 0}, columns=[1], start=[1.0], executor="asked")
    steps.step(2.0)
    assert (type(steps), steps.carried) == (Steps, [3.0])


def test_where_it_has_nothing_the_next_one_is_asked(joined):
    joined(executor(made=False))
    assert type(compile(SUM, executor="asked")) is Program
    assert type(compile(SUM, executor="auto")) is not Program


def test_what_it_lacks_is_said_once_and_the_next_one_is_asked(joined, monkeypatch):
    joined(executor(lacks="there is no sun. Try: tomorrow"))
    monkeypatch.setattr("pullback.executors._warned", {})
    with pytest.warns(RuntimeWarning, match="there is no sun"):
        assert type(compile(SUM, executor="asked")) is Program
    assert type(compile(SUM, executor="asked")) is Program  # a second warning would be an error


def test_an_unknown_name_is_answered_with_all_that_have_joined(joined):
    joined(executor())
    with pytest.raises(OptionError, match="one of 'auto', 'asked', 'native', 'reference'"):
        compile(SUM, executor="aksed")
