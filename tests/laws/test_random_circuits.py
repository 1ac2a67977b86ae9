"""Random circuits as source: what is printed runs, gives the engine's numbers and keeps the author's names.

PULLBACK_RANDOM_CIRCUITS=100000 asks more of them.
"""

import ast
import os

import numpy as np
import pytest
from laws.asking import same_bits
from laws.random_circuits import ARRAYS, EXACT, SCALARS, random_circuit

import pullback as pb
from pullback.core.gate import GATES
from pullback.emit.numpy import NUMPY
from pullback.emit.program import emit_backward
from pullback.emit.python import PYTHON, RESERVED
from pullback.passes.rewrite import live

CIRCUITS = int(os.environ.get("PULLBACK_RANDOM_CIRCUITS", "500"))
CHUNK = 100
CLOSE = 1e-12  # exp and its kin may round once more in `math` than in NumPy, a few times over

# Names that a program could trip over: a pull's, a keyword's, a module's, a helper's, a temporary's.
INPUTS = [
    "dx",
    "x",
    "math",
    "np",
    "force",
    "subscript",
    "t1",
    "f_backward",
    "lambda_",
    "sum",
    "exp",
    "df",
    "abs",
]
WIRES = ["dy", "q", "t2", "dq", "ddx", "maximum", "f", "x_2", "dx_1", "print", "sigmoid", "where"]
HELPERS = {*GATES, "subscript"}  # functions that a program may bring along

FIRST, *REST = [range(s, s + CHUNK) for s in range(0, CIRCUITS, CHUNK)]
every_chunk = pytest.mark.parametrize(
    "seeds", [FIRST, *(pytest.param(r, marks=pytest.mark.slow) for r in REST)], ids=str
)
every_style = pytest.mark.parametrize("style", ["steps", "ninja"])
PAIRS = {"python": (PYTHON, SCALARS), "numpy": (NUMPY, ARRAYS)}
every_language = pytest.mark.parametrize(("language", "words"), PAIRS.values(), ids=PAIRS)


def drawn(seed, words):
    """The circuit of a seed with dangerous names for its inputs and wires, and its values."""
    start = seed % len(INPUTS)
    names = (INPUTS[start:] + INPUTS[:start])[: 1 + seed % 4]
    made = random_circuit(seed, words, names=names, wires=WIRES[seed % 5 :])
    return pb.circuit(made, name="f"), made


def printed(f, values, language, style):
    return "\n".join(emit_backward(f.specialization(*values).back, language, "f", style).text)


def by_source(f, values, language, style):
    """The output and the pulls as the printed program computes them; None where Python refuses."""
    space = {}
    exec(printed(f, values, language, style), space)  # noqa: S102 - our own source
    plain = [v.item() if language.scalar else v for v in values]
    try:
        with np.errstate(all="ignore"):
            value, pulls = space["f_backward"](*plain)
    except (ArithmeticError, ValueError):
        return None
    return [value, *pulls.values()]


def by_engine(f, values):
    run = f.run(*values)
    return [run.value, *run.grads.values()]


def close(found, wanted):
    fits = np.allclose(found, wanted, rtol=CLOSE, atol=1e-300, equal_nan=True)
    return fits and np.shape(found) == np.shape(wanted)


def same(found, wanted):
    return same_bits(np.float64(found), np.float64(wanted))


def differing(asked, language, style, agree):
    """The circuits whose printed program disagrees with the engine, and how many Python refused."""
    differ, refused = [], 0
    for f, values in asked:
        found = by_source(f, values, language, style)
        refused += found is None
        pairs = zip(found or [], by_engine(f, values) if found else [], strict=True)
        if not all(agree(one, other) for one, other in pairs):
            differ.append(f.function)
    return differ, refused


@every_chunk
@every_style
@every_language
def test_a_printed_program_gives_the_engines_numbers(seeds, style, language, words):
    asked = [(f, made.values) for f, made in (drawn(seed, words) for seed in seeds)]
    differ, refused = differing(asked, language, style, close)
    assert (differ, refused) == ([], 0)


@every_chunk
@every_style
@pytest.mark.parametrize("language", [PYTHON, NUMPY], ids=lambda x: x.name)
def test_sums_products_quotients_and_choices_are_printed_exactly(seeds, style, language):
    asked = [(f, made.values) for f, made in (drawn(seed, EXACT) for seed in seeds)]
    differ, _ = differing(asked, language, style, same)
    assert differ == []


@every_chunk
@every_language
def test_hard_numbers_give_the_engines_numbers_too(seeds, language, words):
    circuits = [drawn(seed, words) for seed in seeds]
    asked = [(f, made.hard(np.random.default_rng(made.seed))) for f, made in circuits]
    differ, refused = differing(asked, language, "ninja", close)
    assert (differ, refused) == ([], 0)


def test_source_that_is_handed_out_was_run_beside_the_circuit():
    sources = [drawn(seed, SCALARS)[0].backward_source() for seed in range(20)]
    assert [s for s in sources if not s.verified] == []


# --- names ---


@every_chunk
@every_style
@every_language
def test_E14_no_name_is_used_twice_and_the_authors_are_kept(seeds, style, language, words):
    asked = [(f, made.values) for f, made in (drawn(seed, words) for seed in seeds)]
    pairs = [
        (f.specialization(*v).circuit, written(printed(f, v, language, style))) for f, v in asked
    ]
    assert [circuit for circuit, found in pairs if len(set(found)) < len(found)] == []
    assert [circuit for circuit, found in pairs if not kept(circuit) <= set(found)] == []


def written(source):
    """Every name that f_backward gives a value to: its inputs and what it assigns."""
    function = next(n for n in ast.parse(source).body if getattr(n, "name", "") == "f_backward")
    names = [n for n in ast.walk(function) if isinstance(n, ast.Name)]
    return [a.arg for a in function.args.args] + [
        n.id for n in names if isinstance(n.ctx, ast.Store)
    ]


def kept(circuit):
    """The author's names that a program can keep: of live wires, no word of Python, no helper's."""
    wanted = live(circuit)
    return {n for w, n in enumerate(circuit.names) if n and wanted[w]} - RESERVED - HELPERS
