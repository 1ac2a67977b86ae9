"""Gate cards: rule, formulas, numbers that agree with the run, corners, and a cost measured honestly."""

import json

import numpy as np
import pytest

import pullback as pb
from pullback.cli import answer
from pullback.errors import CircuitError, UnknownName
from pullback.lens import cost
from pullback.lens.card import FLOWS
from pullback.lens.cost import Cost

F = "q = x + y; f = q * z"
AT = {"x": -2, "y": 5, "z": -4}
NEURON = {"a": 1, "b": 2, "c": -3, "x": -1, "y": 3}


def card(text, wire, **values):
    return pb.circuit(text).card(wire, **values)


def formulas(told):
    return [p.formula for p in told.ports]


def test_S12_the_card_of_a_product_says_that_each_side_is_pulled_by_the_other():
    told = card("f = x * y; f", "f", x=-2, y=3)
    assert formulas(told) == ["dx = y * df", "dy = x * df"]
    assert [p.slope for p in told.ports] == [3.0, -2.0]


def test_S15_slope_times_the_pull_from_above_is_what_each_input_gets():
    told = card(F, "q", **AT)
    assert (told.made, told.value, told.pull) == ("x + y", 3.0, -4.0)
    assert [(p.slope, p.contribution) for p in told.ports] == [(1.0, -4.0), (1.0, -4.0)]


def test_S25_the_card_of_the_neurons_sigmoid():
    told = card("p = a*x + b*y + c; s = sig(p); s", "s", **NEURON)
    assert formulas(told) == ["dp = s * sigmoid(-p) * ds"]
    assert told.ports[0].slope == pytest.approx(0.8807970779778823 * (1 - 0.8807970779778823))


def test_S31_a_wire_with_two_branches_is_added_to():
    told = card("s = a * a; s", "s", a=1.5)
    assert formulas(told) == ["da += a * ds", "da += a * ds"]
    assert [p.total for p in told.ports] == [3.0, 3.0]


def test_a_wire_that_comes_in_twice_has_a_row_for_each():
    told = card("f = x / x; f", "f", x=2.0)
    assert [p.contribution for p in told.ports] == [0.5, -0.5]


def test_a_wire_with_another_branch_shows_what_it_gets_in_all():
    told = card("q = x * x; f = q * x", "f", x=3.0)
    assert [(p.name, p.contribution, p.total) for p in told.ports] == [("q", 3, 3), ("x", 9, 27)]
    assert "in all" in str(told)


def test_a_wire_without_a_name_is_spelled_out():
    told = card("f = (x + y) * z; f", "f", **AT)
    assert told.ports[0].made == "x + y"
    assert "= x + y" in str(told)


def test_a_constant_makes_the_formula_plainer_and_gets_no_row():
    told = card("f = x ** 2; f", "f", x=3.0)
    assert formulas(told) == ["dx = 2 * x * df"]


def test_S37_a_corner_is_named_when_the_gate_stands_on_it():
    here, away = (card("r = relu(x); r", "r", x=x).notes for x in (0.0, 1.0))
    assert any("exactly at a corner" in note for note in here)
    assert not any("exactly at a corner" in note for note in away)
    assert any("relu(x) at 0 is 0, pulls 0" in note for note in away)


def test_S36_only_the_conventions_of_the_chosen_ties_are_shown():
    split = pb.circuit(lambda x, y: pb.maximum(x, y).named("m")).card("m", 1, 1)
    every = pb.circuit(lambda x, y: pb.maximum(x, y, ties="all").named("m")).card("m", 1, 1)
    assert any("pulls 0.5, 0.5" in note for note in split.notes)
    assert [n for n in every.notes if "pulls" in n] == [
        'a tie, first: maximum(x, y, ties="first") at 1, 1 is 1, pulls 1, 0',
        'a tie, all (the guide\'s code): maximum(x, y, ties="all") at 1, 1 is 1, pulls 1, 1',
    ]


def test_an_array_gate_has_summaries_and_no_slope():
    x, w = np.ones((200, 50)), np.full((50, 30), 0.5)
    told = pb.circuit(lambda x, w: (x @ w).named("k").sum()).card("k", x, w)
    assert formulas(told) == ["dx = dk @ transpose(w)", "dw = transpose(x) @ dk"]
    assert [p.slope for p in told.ports] == [None, None]
    assert told.as_dict()["inputs"][1]["contribution"] == {
        "shape": (50, 30), "min": 200.0, "mean": 200.0, "max": 200.0,
    }  # fmt: skip
    assert len(str(told)) < 1000


def test_a_gate_that_nothing_pulls_through_has_no_cost_and_says_so():
    told = pb.circuit(lambda x: pb.where((x > 0).named("yes"), x, 0.0)).card("yes", 2.0)
    assert formulas(told) == ["nothing pulls here"]
    assert told.cost is None


def test_an_input_has_no_card_and_the_error_names_who_listens():
    with pytest.raises(CircuitError, match="'x' is an input") as told:
        card(F, "x", **AT)
    assert told.value.fix == "the card of 'q', which has it as input"
    with pytest.raises(UnknownName, match="no wire is called 'p'"):
        card(F, "p", **AT)


class Clock:
    """Moves on only when a program runs."""

    def __init__(self):
        self.now = 0

    def __call__(self):
        return self.now


class Slow:
    def __init__(self, program, clock, nanoseconds):
        self.program, self.clock, self.nanoseconds = program, clock, nanoseconds
        self.circuit = program.circuit

    def run(self, inputs):
        self.clock.now += self.nanoseconds
        return self.program.run(inputs)


def test_S13_E17_the_ratio_of_backward_to_forward_is_measured():
    clock, program = Clock(), pb.compile(pb.circuit("x * 2").circuit())
    programs = [Slow(program, clock, each) for each in (10_000, 25_000, 2_000)]
    found = cost.measured(programs, [[1.0]] * 3, clock)
    assert (found.forward, found.backward, found.call) == (10_000.0, 25_000.0, 2_000.0)
    assert (found.ratio, found.low, found.high) == (2.5, 2.5, 2.5)


def test_E17_noise_and_the_price_of_calling_are_said_aloud():
    noisy = Cost(1000.0, 2100.0, 800.0, 2.1, 1.4, 3.0, 9, 2)
    quiet = Cost(1e6, 2.1e6, 800.0, 2.1, 2.0, 2.2, 9, 2)
    assert "half of 9 repeats between 1.4 and 3" in str(noisy)
    assert "most of it is calling" in str(noisy)
    assert "calling" not in str(quiet)


def test_the_card_measures_once_and_prints_its_cost():
    told = card(F, "f", **AT)
    assert told.cost is told.cost
    assert told.cost.gates == 2
    assert str(told).splitlines()[-1] == f"cost here: {told.cost}"


def test_the_card_in_a_page_is_escaped():
    told = card("m = max(x, y); m", "m", x=1, y=2)
    assert "x &gt; y" in told._repr_html_()


def test_the_command_prints_the_card(capsys):
    assert answer(["explain", F, "--card", "q", "x=-2", "y=5", "z=-4"]) == 0
    assert "dx = dq" in capsys.readouterr().out


def test_the_command_gives_the_card_as_json(capsys):
    assert answer(["explain", F, "q", "x=-2", "y=5", "z=-4", "--card", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(p["name"], p["contribution"]) for p in told["inputs"]] == [("x", -4.0), ("y", -4.0)]
    assert told["cost"]["forward"] > 0


def test_every_flow_that_a_gate_may_declare_has_words():
    declared = {g.pattern for g in pb.core.gate.GATES.values()} - {""}
    assert declared == set(FLOWS)
