"""Random circuits in JavaScript and C: every line gives the engine's number, and so does the whole.

PULLBACK_SOURCE_CIRCUITS=1000 asks more of them.
"""

import inspect
import itertools
import keyword
import os
import re
import subprocess

import numpy as np
import pytest
from laws.other_machines import compiler, every_machine, line_by_line, run_pieces, ulps, whole
from laws.random_circuits import ATTRIBUTES, ELEMENTWISE, EXACT, HARD, Vocabulary, random_circuit
from laws.test_random_circuits import WIRES

import pullback as pb
from pullback.lens.conventions import CONVENTIONS

CIRCUITS = int(os.environ.get("PULLBACK_SOURCE_CIRCUITS", "40"))
CHUNK = 40
EXP_FAMILY = {"exp", "expm1", "log", "log1p", "tanh", "sigmoid", "sin", "cos", "erf", "power"}
ROUNDED_ALIKE = (*EXACT.only, "sqrt", "floor", "clamp")
APART = 4  # ulps, for the exp family: each language has its own mathematics library
CLOSE = 1e-12  # what a few of those come to in a whole program

FIRST, *REST = [range(s, min(s + CHUNK, CIRCUITS)) for s in range(0, CIRCUITS, CHUNK)]
every_chunk = pytest.mark.parametrize(
    "seeds", [FIRST, *(pytest.param(r, marks=pytest.mark.slow) for r in REST)], ids=str
)
PRECISIONS = ("float64", "float64", "float32")

# Names that a program could trip over: keywords, what its own lines call, a pull's, a temporary's.
DANGEROUS = {
    "javascript": "dx x function Math f_backward NaN let t1 arguments Number dx_1 pulls exp",
    "c": "dx x int exp double f_backward NAN pulls t1 main I static dx_1",
}


def drawn(seed, language, dtypes=("float64",), only=()):
    """The circuit of a seed with dangerous names; its own numbers and hard ones."""
    names = DANGEROUS[language.name].split()
    start = seed % len(names)
    words = Vocabulary(shapes=((),), dtypes=dtypes, face=language.name, only=only)
    made = random_circuit(
        seed, words, (names[start:] + names[:start])[: 1 + seed % 4], WIRES[seed % 5 :]
    )
    return pb.circuit(made, name="f"), [made.values, made.hard(np.random.default_rng(seed))]


# --- every line by itself ---


@every_chunk
@every_machine
def test_every_line_gives_the_engines_number(seeds, language):
    asked = [drawn(seed, language, PRECISIONS) for seed in seeds]
    pieces = [line_by_line(language, f, inputs, "gates") for f, inputs in asked]
    found = run_pieces(language, pieces)
    lines = [line for both in zip(pieces, found, strict=True) for line in lines_of(*both)]
    assert [said for gate, apart, said in lines if apart > APART * (gate in EXP_FAMILY)] == []


def lines_of(piece, found):
    """Every line in every run: its gate, how far it is apart from the engine, and what to say of that."""
    rows, steps = piece.program.script.rows, piece.program.steps
    pairs = [list(zip(steps, *both, strict=True)) for both in zip(found, piece.wanted, strict=True)]
    return [
        (rows[step.row].gate.name, ulps(got, float_of(want)), (step.text, got, want))
        for run in pairs
        for step, got, want in run
    ]


@every_machine
def test_every_gate_and_its_pull_give_the_engines_number_at_hard_numbers(language):
    asked = [single(gate) for gate in ELEMENTWISE if language.name in gate.faces or gate.infix]
    pieces = [line_by_line(language, f, inputs, "gates") for f, inputs in asked]
    found = run_pieces(language, pieces)
    lines = [line for both in zip(pieces, found, strict=True) for line in lines_of(*both)]
    assert [said for gate, apart, said in lines if apart > APART * (gate in EXP_FAMILY)] == []


def single(gate):
    """A circuit of one gate, and every combination of hard numbers for it."""
    names = "xyz"[: len(gate.inputs)]
    attributes = {a: ATTRIBUTES[a][0] for a in gate.defaults}

    def run(*inputs):
        truths = [x > 0 if n in gate.kinds else x for x, n in zip(inputs, gate.inputs, strict=True)]
        return pb.where(True, gate(*truths, **attributes), 0.0)

    return pb.circuit(taking(names, run), name="f"), list(
        itertools.product(HARD, repeat=len(names))
    )


WHOLE = (np.int64(0), np.int64(3), np.int64(-7), np.int64(2**40))
TRUTHS = (np.bool_(False), np.bool_(True))
KINDS = {
    "whole and real": (lambda n, x: n * x + n - x / n, WHOLE, HARD),
    "one zero": (lambda n, x: (-n) * x + (n * -3) * x, WHOLE, HARD),
    "choices of whole": (lambda n, x: x * pb.maximum(n, 2) + abs(n) + pb.relu(n), WHOLE, HARD),
    "compared": (lambda n, x: pb.where(n == 3, x, 1.0) + pb.where(n != 3, x, 2.0), WHOLE, HARD),
    "truths": (lambda p, x: p * x + pb.where(p == (x > 0), x, 0.5), TRUTHS, HARD),
    "chosen truths": (lambda p, q: pb.where(pb.where(p, q, p), 1.5, q) * 2.0, TRUTHS, TRUTHS),
    "made whole": (lambda x, y: pb.cast(x, dtype="int64") * y, (-2.7, -0.3, 0.0, 5.5), HARD),
    "made true": (lambda x, y: pb.where(pb.cast(x, dtype="bool"), y, x), HARD, HARD),
    "made real": (lambda x, y: pb.cast(x > y, dtype="float64") * y, HARD, HARD),
    "made single": (lambda x, y: pb.cast(x, dtype="float32") * y, HARD, HARD),
}


@every_machine
@pytest.mark.parametrize("kind", KINDS)
def test_whole_numbers_and_truths_are_exact(language, kind):
    function, first, second = KINDS[kind]
    f = pb.circuit(taking("nx", function), name="f")
    piece = line_by_line(language, f, list(itertools.product(first, second)), "gates")
    (found,) = run_pieces(language, [piece])
    assert [said for _, apart, said in lines_of(piece, found) if apart] == []


def float_of(value):
    """The number as it travels: whole numbers and truths as float64."""
    return value if np.asarray(value).dtype.kind == "f" else np.float64(value)


# --- whole programs ---


@every_chunk
@every_machine
def test_a_whole_program_gives_the_engines_numbers(seeds, language):
    asked = [drawn(seed, language) for seed in seeds]
    assert differing(asked, language, lambda a, b: np.isclose(a, b, CLOSE, 1e-300, True)) == []


@every_chunk
@every_machine
def test_whole_sums_products_quotients_and_choices_are_exact(seeds, language):
    asked = [drawn(seed, language, PRECISIONS, ROUNDED_ALIKE) for seed in seeds]
    assert differing(asked, language, lambda a, b: ulps(a, b) == 0) == []


@every_machine
@pytest.mark.parametrize("style", ["steps", "ninja"])
def test_single_precision_is_rounded_at_every_gate_not_only_at_the_end_of_a_line(language, style):
    inputs = np.random.default_rng(0).uniform(0.5, 2.0, (50, 2)).astype(np.float32)
    piece = whole(language, pb.circuit("sqrt(stop_gradient(x)) + y", name="f"), inputs, style)
    (found,) = run_pieces(language, [piece])
    assert found.tolist() == np.array(piece.wanted, float).tolist()


def differing(asked, language, agree):
    """The circuits whose value or pulls come out otherwise than the engine's, in either style."""
    styled = [(f, inputs, style) for f, inputs in asked for style in ("steps", "ninja")]
    pieces = [whole(language, *one) for one in styled]
    return [
        (f.function, style)
        for (f, _, style), piece, found in zip(
            styled, pieces, run_pieces(language, pieces), strict=True
        )
        if not all(map(agree, found.ravel(), [x for run in piece.wanted for x in run]))
    ]


@every_machine
def test_corners_ties_and_nan_are_answered_as_the_conventions_say(language):
    asked = [c for c in CONVENTIONS if not any(map(np.ndim, c.inputs))]
    circuits = [pb.circuit(taking("xy"[: len(c.inputs)], c.function), name="f") for c in asked]
    pieces = [whole(language, f, [c.inputs], "steps") for f, c in zip(circuits, asked, strict=True)]
    found = np.hstack([numbers[0] for numbers in run_pieces(language, pieces)])
    wanted = np.hstack([[c.value, *c.pulls] for c in asked])
    assert found.tolist() == pytest.approx(wanted.tolist(), nan_ok=True)
    assert np.signbit(found)[wanted == 0].tolist() == np.signbit(wanted)[wanted == 0].tolist()


def taking(names, function):
    """A function of inputs with these names."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    made = lambda *inputs: function(*inputs)  # noqa: E731 - gates have signatures of their own
    made.__signature__ = inspect.Signature([inspect.Parameter(n, kind) for n in names])
    return made


# --- names ---

# Those of ECMA-262, the globals that are no keywords, and what our own lines call.
JAVASCRIPT_WORDS = """
    await break case catch class const continue debugger default delete do else enum export extends false
    finally for function if import in instanceof new null return super switch this throw true try typeof
    var void while with yield let static implements interface package private protected public async of
    get set arguments eval NaN Infinity undefined Math Number isNaN globalThis Object module exports
"""
# Those of C11 and C23, and what our own lines call.
C_WORDS = """
    auto break case char const continue default do double else enum extern float for goto if inline int long
    register restrict return short signed sizeof static struct switch typedef union unsigned void volatile
    while _Alignas _Alignof _Atomic _Bool _Complex _Generic _Imaginary _Noreturn _Static_assert
    _Thread_local bool true false nullptr alignas alignof constexpr static_assert thread_local typeof
    asm exp log pow tanh sqrt fabs log1p expm1 sin cos erf floor printf malloc main y0 y1 j0 gamma abs
"""


def words_of(language):
    return JAVASCRIPT_WORDS.split() if language.name == "javascript" else C_WORDS.split() + macros()


def macros():
    """What <math.h> makes a macro of; a variable of that name would not compile."""
    done = subprocess.run(
        [compiler(), "-std=gnu17", "-dM", "-E", "-include", "math.h", "-x", "c", "/dev/null"],
        capture_output=True,
        text=True,
        check=True,
    )
    return re.findall(r"^#define (_?[a-zA-Z]\w*)\b", done.stdout, re.MULTILINE)


def circuit_with(word):
    """exp(a) x + tanh(x), called so; and so is its first input, or a wire where Python needs the word."""
    first, wire = ("a", word) if keyword.iskeyword(word) else (word, "q")
    made = taking([first, "x"], lambda a, x: (pb.exp(a) * x).named(wire) + pb.tanh(x))
    return pb.circuit(made, name=word)


@every_machine
def test_a_wire_and_a_circuit_may_be_called_by_any_word_of_the_language(language):
    pieces = [whole(language, circuit_with(w), [(0.5, 2.0)], "steps") for w in words_of(language)]
    value = 2.0 * np.exp(0.5) + np.tanh(2.0)
    firsts = [found[0, 0] for found in run_pieces(language, pieces)]
    assert firsts == pytest.approx([value] * len(pieces))
