"""Backward passes as code: what they look like, in both styles, and why they can be trusted."""

import math

import numpy as np
import pytest

import pullback as pb
from pullback.core.gate import GATES
from pullback.errors import FaceError, OptionError, PullbackError


def body(source, name="f_backward"):
    """The lines of one function, without its indentation."""
    start = source.index(f"def {name}(")
    return [line.strip() for line in source[start:].rstrip().splitlines()[1:]]


@pb.circuit
def f(x, y, z):
    q = x + y
    return q * z


@pb.circuit
def staged(a, b, c, d):
    x1 = a * b + c
    x2 = x1 * d
    return x2 * x2


def test_the_first_example_reads_as_a_person_would_write_it():
    assert f.backward_source() == (
        "def f_backward(x, y, z, df=1.0):\n"
        "    q = x + y\n"
        "    f = q * z\n"
        "    # backward: the pull on each wire, in reverse\n"
        "    dq = z * df\n"
        "    dz = q * df\n"
        "    dx = dq\n"
        "    dy = dq\n"
        "    return f, {'x': dx, 'y': dy, 'z': dz}\n"
    )


def test_steps_give_every_wire_a_line_and_ninja_only_those_with_a_name():
    steps = body(staged.backward_source(), "staged_backward")
    ninja = body(staged.backward_source(style="ninja"), "staged_backward")
    assert steps[:3] == ["t1 = a * b", "x1 = t1 + c", "x2 = x1 * d"]
    assert ninja[:2] == ["x1 = a * b + c", "x2 = x1 * d"]


def test_two_branches_are_two_lines_and_their_sum():
    lines = body(staged.backward_source(), "staged_backward")
    assert {"dx2_1 = x2 * dstaged", "dx2_2 = x2 * dstaged", "dx2 = dx2_1 + dx2_2"} <= set(lines)


def test_a_wire_that_is_used_twice_gets_a_line_though_nobody_named_it():
    def twice(x):
        return (lambda e: e * e + e)(pb.tanh(x))

    assert body(pb.circuit(twice, name="f").forward_source(style="ninja"), "f") == [
        "t1 = math.tanh(x)",
        "f = t1 * t1 + t1",
        "return f",
    ]


def test_the_names_of_pulls_do_not_collide_with_those_of_inputs():
    g = pb.circuit(lambda x, dx: x * dx, name="f")
    space = run(g.backward_source())
    assert space["f_backward"](2.0, 5.0) == (10.0, {"x": 5.0, "dx": 2.0})


@pytest.mark.parametrize(
    "name", ["lambda_", "math", "np", "force", "t1", "f_backward", "exp", "x_2", "print", "df"]
)
def test_an_input_may_be_called_almost_anything(name):
    space = {}
    exec(f"def g({name}, x): return pb.exp({name} * x) + {name}", {"pb": pb}, space)  # noqa: S102
    g = pb.circuit(space["g"], name="f")
    value, pulls = run(g.backward_source())["f_backward"](0.5, 2.0)
    assert value == pytest.approx(math.e + 0.5)
    assert pulls == pytest.approx({name: 2.0 * math.e + 1.0, "x": 0.5 * math.e})


def run(source):
    space = {}
    exec(source, space)  # noqa: S102 - our own source
    return space


def test_the_force_on_the_output_can_be_given():
    assert run(f.backward_source())["f_backward"](-2.0, 5.0, -4.0, df=2.0)[1] == {
        "x": -8.0,
        "y": -8.0,
        "z": 6.0,
    }


def test_numpy_source_takes_arrays_and_undoes_broadcasting():
    layer = pb.circuit(lambda x, W, b: pb.sum(pb.relu(x @ W + b)), name="f")
    values = (
        np.array([[1.0, -2.0], [0.5, 3.0]]),
        np.array([[1.0, 0.0, -1.0], [2.0, 1.0, 0.5]]),
        np.zeros(3),
    )
    value, pulls = run(layer.backward_source(*values, lang="numpy"))["f_backward"](*values)
    assert value == layer(*values)
    assert {k: v.tolist() for k, v in pulls.items()} == {
        k: v.tolist() for k, v in layer.grad(*values).items()
    }


def test_an_array_that_comes_out_is_pulled_with_ones_unless_told_otherwise():
    g = pb.circuit(lambda x: x * x, name="f")
    x = np.array([1.0, 2.0])
    made = run(g.backward_source(x, lang="numpy"))["f_backward"]
    assert made(x)[1]["x"].tolist() == [2.0, 4.0]
    assert made(x, np.array([10.0, 0.0]))[1]["x"].tolist() == [20.0, 0.0]


def test_a_recipe_without_a_face_is_written_as_the_gates_it_is_made_of():
    source = pb.circuit(lambda x: pb.softplus(x), name="f").backward_source()
    value, pulls = run(source)["f_backward"](0.0)
    assert value == pytest.approx(math.log(2.0))
    assert pulls == {"x": 0.5}  # by the recipe's own rule: derived, both corners would pull 0


def test_several_outputs_come_back_together():
    g = pb.circuit(lambda x, y: (x * y, x + y), name="f")
    assert run(g.forward_source())["f"](2.0, 3.0) == (6.0, 5.0)
    assert run(g.backward_source())["f_backward"](2.0, 3.0) == ((6.0, 5.0), {"x": 3.0, "y": 2.0})


def test_an_input_that_nothing_pulls_has_gradient_zero():
    g = pb.circuit(lambda x, y: x * 2.0, name="f")
    assert run(g.backward_source())["f_backward"](1.0, 5.0)[1] == {"x": 2.0, "y": 0.0}


# --- faces are linked ---


def test_every_line_knows_its_wire():
    source, circuit = f.backward_source(), f.circuit()
    about = {
        line.strip(): wire for line, wire in zip(source.splitlines(), source.wires, strict=False)
    }
    names = {text: circuit.names[about[text]] for text in ("q = x + y", "f = q * z", "dx = dq")}
    assert names == {"q = x + y": "q", "f = q * z": "f", "dx = dq": "x"}


def test_every_wire_knows_its_lines():
    source = f.backward_source()
    lines = source.splitlines()
    q = f.circuit().find("q")
    assert [lines[n - 1].strip() for n in source.lines[q]] == ["q = x + y"]


# --- trust ---


def test_source_is_run_beside_the_circuit_before_it_is_handed_out(monkeypatch):
    assert f.backward_source().verified
    monkeypatch.setitem(GATES["add"].faces, "python", "({a} - {b})")
    with pytest.raises(
        PullbackError, match="the source of f_backward gives .*, the circuit .*: please report"
    ):
        f.backward_source()


def test_a_division_by_zero_gives_in_python_what_the_circuit_gives():
    source = pb.circuit(lambda x: x / (x - x), name="f").forward_source()
    assert source.verified is True
    assert run(source)["f"](1.0) == math.inf


def test_source_is_plain_text():
    source = f.forward_source()
    assert isinstance(source, str)
    assert source.endswith("return f\n")


# --- refusals ---


def test_python_source_of_an_array_is_refused_with_the_way_out():
    with pytest.raises(FaceError) as caught:
        pb.circuit(lambda weights: pb.sum(weights)).forward_source(np.ones(3))
    assert str(caught.value).splitlines() == [
        "'weights' has shape (3,); python source takes scalars.",
        '  Try: lang="numpy"',
    ]


def test_an_unknown_language_and_style_are_refused():
    with pytest.raises(OptionError, match="lang='fortran'; source is written in python, numpy"):
        f.forward_source(lang="fortran")
    with pytest.raises(OptionError, match="style must be one of steps, ninja"):
        f.forward_source(style="short")


def test_a_constant_too_long_for_source_is_refused():
    long = np.linspace(0.0, 1.0, 1001)
    with pytest.raises(FaceError, match="a constant of 1001 numbers is too long for source"):
        pb.circuit(lambda x: pb.sum(x + long)).forward_source(1.0, lang="numpy")
