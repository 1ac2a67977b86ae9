"""Large circuits: scopes fold, loops fold, nothing recurses, and the picture says what it hides."""

import numpy as np
import pytest
from laws.picture_cases import SCALAR, mlp, numbers_of

import pullback as pb
from pullback.core.build import Builder
from pullback.core.sites import scope
from pullback.emit.picture.fold import Group, folded
from pullback.emit.picture.look import Look
from pullback.emit.picture.stamp import picture
from pullback.emit.svg import svg


def chain(size):
    """x -> tanh(x k) -> tanh(... k) -> ..."""
    builder = Builder()
    h, k = builder.input(SCALAR, "x"), builder.input(SCALAR, "k")
    for _ in range(size // 2):
        h = pb.tanh(h * k)
    return builder.finish([h])


def kinds(drawing):
    return [b.kind for b in drawing.boxes]


def test_a_net_of_640_gates_fits_on_a_screen():
    circuit, numbers = mlp((2, 16, 16, 1))
    made = picture(circuit, numbers)
    assert circuit.gate_count == 640
    assert kinds(made).count("closed") == 33
    assert (made.width <= 1200, made.height <= 1200) == (True, True)
    assert made.note == "640 gates in 33 closed boxes. depth='all' shows every gate."


def test_a_net_of_64_gates_closed_by_neuron_fits_beside_text():
    circuit, numbers = mlp((2, 4, 4, 1))
    made = picture(circuit, numbers, Look(depth=1))
    assert circuit.gate_count == 64
    assert made.width <= 600


PAGE = 760 * 9.5 / 9  # there the smallest text is 9 pixels on a page of 760


@pytest.mark.parametrize("sizes", [(2, 1), (2, 16, 16, 1), (8, 4, 1), (30, 12, 3), (3, 3, 3, 3, 3)])
def test_a_net_fits_a_page(sizes):
    circuit, numbers = mlp(sizes)
    assert picture(circuit, numbers).width <= PAGE


@pytest.mark.parametrize("size", [2, 30, 150, 300, 3000])
def test_a_chain_fits_a_page(size):
    circuit = chain(size)
    assert picture(circuit, numbers_of(circuit)).width <= PAGE


def test_a_picture_runs_down_before_it_closes_groups():
    circuit, numbers = mlp((1, 2, 2, 1))
    wide = picture(circuit, numbers, Look(width=None))
    made = picture(circuit, numbers, Look(width=900))
    assert made.width < made.height
    assert kinds(made) == kinds(wide)
    assert "closed" in kinds(picture(circuit, numbers, Look(width=300)))


def test_a_depth_that_is_asked_for_is_kept_on_any_page():
    circuit, numbers = mlp((2, 16, 16, 1))
    assert "closed" not in kinds(picture(circuit, numbers, Look(depth="all", width=100)))


def test_a_layer_of_arrays_shows_its_units():
    circuit = pb.circuit(lambda x, w: layer(x, w)).circuit(np.ones((2, 3)), np.ones((3, 16)))
    w = np.repeat([[0.0] * 8 + [1.0] * 8], 3, axis=0)
    numbers = numbers_of(circuit, [np.ones((2, 3)), w], force=np.ones((2, 16)))
    made = picture(circuit, numbers, Look(depth=0))
    (strip,) = {b.strips[0].cells for b in made.boxes if b.strips}
    assert strip == (0.0,) * 4 + (1.0,) * 4


def layer(x, w):
    with pb.scope("layer"):
        return x @ w


def test_depth_says_how_many_levels_are_open():
    circuit, numbers = mlp((2, 4, 4, 1))
    made = [picture(circuit, numbers, Look(depth=d)) for d in (0, 1, 2, "all")]
    assert [kinds(m).count("closed") for m in made] == [3, 9, 0, 0]
    assert [kinds(m).count("gate") for m in made] == [0, 0, 64, 64]
    assert made[0].note.endswith("depth=1 opens one level more, depth='all' shows every gate.")


def test_one_scope_is_opened_by_name():
    circuit, numbers = mlp((2, 4, 4, 1))
    made = picture(circuit, numbers, Look(depth=1, open=("layer1/n2",)))
    assert [f.group for f in made.frames] == ["layer1", "layer2", "layer3", "layer1/n2"]
    assert kinds(made).count("gate") == 5


def test_neurons_that_are_built_alike_look_alike():
    circuit, numbers = mlp((2, 4, 1))
    made = picture(circuit, numbers, Look(depth="all"))
    frames = [f for f in made.frames if f.group.startswith("layer1/")]
    inner = [
        sorted((b.x - f.x, b.y - f.y, b.kind) for b in made.boxes if inside(b, f)) for f in frames
    ]
    assert len(inner) == 4
    assert [rounded(some) for some in inner] == [rounded(inner[0])] * 4


def inside(box, frame):
    right, bottom = frame.x + frame.width, frame.y + frame.height
    return frame.x <= box.x <= right and frame.y <= box.y <= bottom


def rounded(some):
    return [(round(x, 6), round(y, 6), kind) for x, y, kind in some]


def test_wires_side_by_side_between_boxes_are_one_bus():
    circuit, numbers = mlp((2, 4, 4, 1))
    made = picture(circuit, numbers, Look(depth=0))
    buses = [w for w in made.wires if w.bus]
    assert [len(w.wires) for w in buses] == [4, 4]
    assert [k.text for k in buses[0].labels] == ["4", "values"]


def test_a_gate_in_sight_keeps_its_value_beside_a_bus():
    def f(x):
        values = [x + i for i in range(1, 5)]
        with pb.scope("sum"):
            return sum(values)

    circuit = pb.circuit(f).circuit()
    made = picture(circuit, numbers_of(circuit, [1.0]), Look(depth=0))
    values = [k.text for w in made.wires for k in w.labels if k.ink == "value"]
    assert sorted(values) == ["1", "14", "2", "3", "4", "5"]


def test_weights_live_inside_the_closed_box_that_alone_uses_them():
    circuit, numbers = mlp((2, 4, 1))
    leaves = [b.labels[0].text for b in picture(circuit, numbers, Look(depth=0)).boxes]
    assert [t for t in leaves if t.startswith("w")] == []
    assert [t for t in leaves if t.startswith("x")] == ["x0", "x1"]


def test_a_scope_with_a_way_out_and_back_is_drawn_in_pieces():
    def f(x):
        for _ in range(3):
            with pb.scope("block"):
                x = pb.exp(x) * x
            x = x + 1.0
        return x

    circuit = pb.circuit(f).circuit()
    members = folded(circuit, 0).root.members
    names = [m.name for m in members if isinstance(m, Group)]
    assert names == ["block", "block (2)", "block (3)"]


def test_a_loop_without_scopes_is_shown_by_its_first_and_last_turn():
    circuit = chain(2_000)
    made = picture(circuit, numbers_of(circuit))
    names = [b.labels[0].text for b in made.boxes if b.kind == "closed"]
    assert names == ["997 more like it"]
    assert [f.labels[0].text for f in made.frames] == ["1 of 999", "999 of 999"]
    assert made.note.startswith("2,000 gates without scopes, folded by running order.")


def test_every_gate_of_a_long_chain_can_be_drawn():
    made = picture(chain(2_000), None, Look(depth="all"))
    assert kinds(made).count("gate") == 2_000


def test_each_product_of_a_long_sum_stands_beside_its_use():
    builder = Builder()
    inputs = [builder.input(SCALAR, f"x{i}") for i in range(200)]
    total = inputs[0]
    for x in inputs[1:]:
        total = total + pb.exp(x) * x
    made = picture(builder.finish([total]), None, Look(depth="all"))
    ends = [(b.points[0][0], b.points[-1][0]) for w in made.wires for b in w.branches]
    assert max(stop - start for start, stop in ends) < 250


@pytest.mark.slow
def test_thousands_of_gates_in_a_chain_need_no_recursion():
    circuit = chain(3_000)
    made = picture(circuit, numbers_of(circuit), Look(depth="all"))
    assert kinds(made).count("gate") == 3_000
    assert svg(made).endswith("</svg>\n")


def test_scopes_may_nest_deeper_than_python_recurses():
    path = [f"s{i}" for i in range(3_000)]
    builder = Builder()
    wire = builder.input(SCALAR, "x")
    scopes = [scope(name) for name in path]
    for one in scopes:
        one.__enter__()
    wire = pb.tanh(wire)
    for one in reversed(scopes):
        one.__exit__(None, None, None)
    made = picture(builder.finish([wire]), None, Look(depth=0))
    assert kinds(made) == ["closed", "leaf", "end"]


@pytest.mark.parametrize(
    ("function", "kinds_seen"),
    [
        (lambda x: x, ["leaf", "end"]),
        (lambda x, y: x * 2.0, ["gate", "leaf", "constant", "leaf", "end"]),
        (lambda x: (x + x, x), ["gate", "leaf", "end", "end"]),
    ],
)
def test_odd_circuits_have_pictures_too(function, kinds_seen):
    made = picture(pb.circuit(function).circuit())
    assert sorted(kinds(made)) == sorted(kinds_seen)
