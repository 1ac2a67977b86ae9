"""Formulas of every gate and of random circuits, read by a tool that is not ours.

latex2mathml refuses what a typesetter refuses: brackets that do not close, two exponents on one thing; a
command that it does not know is left as it was, with its backslash.
"""

from dataclasses import replace
from xml.etree import ElementTree

import pytest
from latex2mathml.converter import convert
from latex2mathml.exceptions import DoubleSuperscriptsError, ExtraLeftOrMissingRightError
from laws.gate_cases import ALL_CASES, every_case
from laws.random_circuits import ARRAYS, random_circuit
from laws.test_random_circuits import INPUTS, WIRES

import pullback as pb
from pullback.emit.latex import LATEX
from pullback.emit.program import emit_backward, emit_forward
from pullback.passes.backward import backward

SMOOTH = {case.gate.name: case for case in ALL_CASES if case.is_smooth}  # one for each gate
WORDS = replace(ARRAYS, face="latex")
GREEK = ["alpha", "dx", "W_1", "sigma_2", "x_", "learning_rate", "Gamma", "_", "pi"]
TABLE = "{http://www.w3.org/1998/Math/MathML}mtable"
ROW = "{http://www.w3.org/1998/Math/MathML}mtr"


def rendered(text):
    """The rows of the formula as MathML; an error where a typesetter would give up."""
    mathml = convert(text)
    assert "\\" not in mathml, text
    table = ElementTree.fromstring(mathml).find(f".//{TABLE}")
    return table.findall(ROW)


def formulas(circuit, style="steps"):
    yield "\n".join(emit_forward(circuit, LATEX, "f", style).text)
    if circuit.spec_of(circuit.outputs[0]).dtype.kind == "f":
        yield "\n".join(emit_backward(backward(circuit), LATEX, "f", style).text)


@every_case
def test_every_gates_formula_and_backward_steps_render_line_by_line(case):
    found = [(text, rendered(text)) for text in formulas(case.circuit())]
    assert [text for text, rows in found if len(rows) != len(text.splitlines()) - 2] == []


@pytest.mark.parametrize("case", SMOOTH.values(), ids=SMOOTH)
def test_the_pull_on_every_real_input_has_an_equation(case):
    _, text = formulas(case.circuit())
    assert [i for i in case.real if f"\ndx_{{{i}}} &= " not in text] == []


@pytest.mark.parametrize("style", ["steps", "ninja"])
def test_formulas_written_into_one_another_render(style):
    for seed in range(30):
        start = seed % len(GREEK)
        made = random_circuit(seed, WORDS, [*GREEK, *GREEK][start : start + 1 + seed % 4], WIRES)
        circuit = pb.circuit(made, name="f").circuit(*made.values)
        assert all(map(rendered, formulas(circuit, style)))


@pytest.mark.parametrize(
    "text",
    [
        "(x**2)**y",
        "exp(x)**2",
        "exp(x)**exp(y)",
        "x**(y**2)",
        "-x**2",
        "(-x)**2",
        "sqrt(x)**y",
        "x/y**2",
    ],
)
def test_powers_of_powers_have_one_exponent_each(text):
    assert all(map(rendered, formulas(pb.circuit(text).circuit(), "ninja")))


@pytest.mark.parametrize("name", [*INPUTS, *WIRES, *GREEK])
def test_any_name_renders(name):
    circuit = pb.circuit(lambda x: (pb.exp(x) + x).named(name) * 2.0, name=name).circuit()
    assert all(map(rendered, formulas(circuit)))


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (r"\begin{align*}y &= x^2^3 \\\end{align*}", DoubleSuperscriptsError),
        (r"\begin{align*}y &= \left(x \\\end{align*}", ExtraLeftOrMissingRightError),
        (r"\begin{align*}y &= \softmax(x) \\\end{align*}", AssertionError),
    ],
)
def test_the_tool_refuses_what_a_typesetter_refuses(wrong, error):
    with pytest.raises(error):
        rendered(wrong)
