"""The first pictures of the guide, with the guide's own numbers; forks, switches, zeros, NaN."""

from dataclasses import replace

import pytest

import pullback as pb
from pullback.emit.picture.look import Look
from pullback.emit.picture.stamp import picture
from pullback.lens.draw import draw, numbers_of


@pb.circuit
def single(x, y):
    return x * y


@pb.circuit
def f(x, y, z):
    q = x + y
    return q * z


@pb.circuit
def neuron(a, b, c, x, y):
    s = pb.sigmoid(a * x + b * y + c)
    return s  # noqa: RET504 - the picture takes the name


@pb.circuit
def switches(x, y, condition):
    h = pb.relu(x)
    m = pb.maximum(h, y)
    return pb.where(condition > 0, m, x)


def drawing(circuit, *values, **look):
    run = circuit.run(*values)
    return draw(run.view, run, Look(**look), circuit.name).drawing


def texts(drawing, ink):
    """What stands at each named wire, by its name."""
    titles = {w: w.title.split(" = ")[0] for w in drawing.wires}
    found = {titles[w]: [k.text for k in w.labels if k.ink == ink] for w in drawing.wires}
    return {name: some[0] for name, some in found.items() if len(some) == 1}


def test_a_single_gate():
    made = drawing(single, -2, 3)
    assert texts(made, "value") == {"x": "−2", "y": "3", "single": "−6"}
    assert texts(made, "pull") == {"x": "3", "y": "−2", "single": "1"}


def test_the_two_gates_of_the_guide():
    made = drawing(f, -2, 5, -4)
    assert texts(made, "value") == {"x": "−2", "y": "5", "z": "−4", "q": "3", "f": "−12"}
    assert texts(made, "pull") == {"x": "−4", "y": "−4", "z": "3", "q": "−4", "f": "1"}


def test_the_neuron_of_the_guide():
    made = drawing(neuron, 1, 2, -3, -1, 3)
    pulls = {k: v for k, v in texts(made, "pull").items() if k in "abcxy"}
    assert texts(made, "value")["s"] == "0.881"
    assert pulls == {"a": "−0.105", "b": "0.315", "c": "0.105", "x": "0.105", "y": "0.210"}
    assert texts(drawing(neuron, 1, 2, -3, -1, 3, digits=4), "value")["s"] == "0.8808"


def test_the_description_says_it_with_all_digits():
    run = neuron.run(1, 2, -3, -1, 3)
    alt = draw(run.view, run, name="neuron").alt
    assert alt.startswith("Circuit neuron; a = 1, pull −0.1049935854035")
    assert "s = 0.8807970779778823, pull 1" in alt


def test_values_stand_above_their_wire_and_pulls_below():
    for_x = next(w for w in drawing(f, -2, 5, -4).wires if w.wires == (0,))
    height = for_x.branches[0].points[0][1]
    sides = {k.ink: k.y < height for k in for_x.labels}
    assert sides == {"value": True, "pull": False}


def test_a_square_is_a_fork_of_two_branches():
    square = pb.circuit(lambda a: a * a)
    wire = next(w for w in drawing(square, 3.0).wires if w.wires == (0,))
    assert [(b.gate, b.position) for b in wire.branches] == [(1, 0), (1, 1)]
    assert [k.text for k in wire.labels if k.ink == "part"] == ["3", "3"]
    assert [k.text for k in wire.labels if k.ink == "pull"] == ["6"]
    assert len(wire.dots) == 1


def test_a_wire_that_nothing_pulls_is_dashed():
    made = drawing(switches, -1.0, 2.0, 1.0)
    still = {w.title.split(" = ")[0]: w.still for w in made.wires}
    assert (still["x"], still["h"], still["y"], still["m"]) == (True, True, False, False)


def test_what_no_path_leads_from_is_dashed_and_so_is_the_branch_to_it():
    f = pb.circuit(lambda x: pb.stop_gradient(pb.exp(x).named("e")) * x)
    x, e = (next(w for w in drawing(f, 2.0).wires if w.wires == (i,)) for i in (0, 1))
    assert (e.still, x.still) == (True, False)
    assert sorted(b.still for b in x.branches) == [False, True]


def test_a_branch_that_adds_nothing_is_dashed_alone():
    both = pb.circuit(lambda x: pb.relu(-x) + x)
    wire = next(w for w in drawing(both, 2.0).wires if w.wires == (0,))
    assert not wire.still
    assert sorted(b.still for b in wire.branches) == [False, True]


@pytest.mark.parametrize(
    ("values", "on"),
    [((-1.0, 2.0, 1.0), [(), (1,), (1,)]), ((3.0, 2.0, -1.0), [(0,), (0,), (2,)])],
)
def test_a_switch_shows_which_input_it_lets_through(values, on):
    boxes = {b.title.split(":")[0]: b for b in drawing(switches, *values).boxes}
    relu, maximum, where = (boxes[name] for name in ("relu", "maximum", "where"))
    assert (relu.contact is None) == (on[0] == (0,))
    heights = [(b.levers[0][0][1] - b.y) / b.height for b in (maximum, where)]
    assert [round(h * n) for h, n in zip(heights, (1, 2), strict=True)] == [on[1][0], on[2][0]]


def test_a_tie_is_called_one():
    boxes = drawing(pb.circuit(lambda x, y: pb.maximum(x, y)), 2.0, 2.0).boxes
    assert [k.text for k in boxes[0].labels] == ["maximum", "tie"]
    assert boxes[0].levers == ()


def test_nan_and_infinity_cannot_be_overlooked():
    made = drawing(pb.circuit(lambda x: pb.log(x) / x), 0.0)
    assert {k.text for w in made.wires for k in w.labels if k.odd} == {"−Inf", "Inf"}


def test_values_and_gradients_in_two_pictures():
    made = drawing(f, -2, 5, -4, split=True)
    half = made.height / 2
    above = {k.ink for w in made.wires for k in w.labels if k.y < half}
    below = {k.ink for w in made.wires for k in w.labels if k.y > half}
    assert (above, below) == ({"value", "name"}, {"pull", "name"})
    assert [k.text for k in made.labels] == ["(Values)", "(Gradients)"]


def test_a_picture_before_backward_says_so():
    run = f.run(-2, 5, -4)
    made = picture(run.circuit, replace(numbers_of(run), pulls=None, branches={}))
    assert made.note == "Backward not run: there are no pulls yet."


def test_a_circuit_without_numbers_shows_names_alone():
    made = draw(f.specialization()).drawing
    assert {k.ink for w in made.wires for k in w.labels} == {"name"}
    assert [b.labels[0].text for b in made.boxes] == ["+", "×", "x", "y", "z", "f"]


def test_patterns_say_how_a_gate_passes_its_pull_on():
    boxes = drawing(f, -2, 5, -4, patterns=True).boxes
    assert [b.labels[-1].text for b in boxes[:2]] == ["distributes", "swaps"]


def test_inputs_stand_near_their_use_or_all_left():
    near, left = (drawing(f, -2, 5, -4, inputs=side).boxes for side in ("near", "left"))
    assert len({b.x + b.width for b in near if b.kind == "leaf"}) == 2
    assert len({b.x + b.width for b in left if b.kind == "leaf"}) == 1
