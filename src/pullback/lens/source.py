"""The forward and backward pass as code, run beside the circuit at three points before it is handed out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np

from pullback.core.circuit import Circuit
from pullback.emit.c import C
from pullback.emit.javascript import JAVASCRIPT
from pullback.emit.language import Language
from pullback.emit.latex import LATEX
from pullback.emit.numpy import NUMPY
from pullback.emit.program import Program, emit_backward, emit_forward, wires_of
from pullback.emit.python import PYTHON
from pullback.errors import OptionError, PullbackError, UnknownName, did_you_mean
from pullback.lens.rounding import shaken_runs
from pullback.lens.specialize import Specialization

SOURCES: Mapping[str, Language] = {
    language.name: language for language in (PYTHON, NUMPY, JAVASCRIPT, C, LATEX)
}
SHORT = {"py": "python", "np": "numpy", "js": "javascript", "tex": "latex"}
VERIFIED = ("python", "numpy")  # the others need their own machine; the tests run them
POINTS = 3
# The stdlib's math and NumPy each round exp and its kin once more than the engine may.
TOLERANCE = 1e-12
# Where much cancels that rounding shows: as much as shaking the last digits on the way shows, and more.
NOISE = 1e3
ASSIGNED = re.compile(r"(\S+) (?:=|&=) ")  # the name that a line gives a value to


class Source(str):
    """Source code: a string that knows which wires each line is about.

    function: what the code calls itself. wires: for each line, the wire that it computes, or None.
    lines: wire id -> the numbers, from 1, of the lines that compute it or write it out. pull_lines: the
    same for the pull on it. names: wire ids by name; the same ids as `data-pb-wire` in a picture.
    verified: it was run and agreed with the circuit.
    """

    function: str
    lines: dict[int, list[int]]
    wires: list[int | None]
    names: dict[str, int]
    pull_lines: dict[int, list[int]]
    verified: bool

    @classmethod
    def of(cls, program: Program, names: dict[str, int], verified: bool) -> Source:
        made = cls("\n".join(program.text) + "\n")
        made.wires, made.lines, made.verified = program.wires, wires_of(program.held), verified
        made.function, made.names, made.pull_lines = program.name, names, {}
        return made

    def _repr_html_(self) -> str:
        """As code, for a notebook."""
        return f"<pre><code>{escape(self)}</code></pre>"

    def about(self, wire: str) -> list[tuple[int, str]]:
        """The lines about a wire: where it is computed, where its pull is, what its gate passes on.

        >>> from pullback.lens.function import circuit
        >>> circuit("q = x + y; f = q * z").backward_source().about("q")
        [(2, 'q = x + y'), (5, 'dq = z * df')]
        """
        if wire not in self.names:
            hint = did_you_mean(wire, self.names)
            raise UnknownName(f"no wire is called {wire[:64]!r}.", why=hint)
        text, at = self.splitlines(), self.names[wire]
        numbers = {*self.lines.get(at, []), *self.pull_lines.get(at, [])}
        return [(n, text[n - 1].strip()) for n in sorted(numbers)]


def _pull_lines(program: Program) -> dict[int, list[int]]:
    """The lines that give a value to the pull on a wire, or to one branch of it. No name is given twice."""
    given: dict[str, int] = {}
    for number, line in enumerate(program.text, start=1):
        for name in ASSIGNED.findall(line):
            given.setdefault(name, number)
    found: dict[int, list[int]] = {}
    for wire, pull in enumerate(program.script.pulls):
        rows = [pull, *(row for _, row in program.script.branches.get(wire, []))]
        called = [program.variables[r].name for r in rows if r in program.variables]
        found[wire] = sorted({given[name] for name in called if name in given})
    return found


def forward_source(view: Specialization, name: str, lang: str, style: str) -> Source:
    """The forward pass of `view` as verified source."""
    program = emit_forward(view.circuit, language_of(lang), name, style)
    return _handed_out(program, view, lang, pulls=False)


def backward_source(view: Specialization, name: str, lang: str, style: str) -> Source:
    """The forward and backward pass of `view` as verified source."""
    program = emit_backward(view.back, language_of(lang), name, style)
    return _handed_out(program, view, lang, pulls=True)


def language_of(lang: str) -> Language:
    """The language called `lang`, also by its short name: py, np, js, tex."""
    short = SHORT.get(lang, lang)
    if short not in SOURCES:
        raise OptionError(
            f"lang={lang!r}; source is written in {', '.join(SOURCES)}.",
            why=did_you_mean(str(lang), SOURCES),
        )
    return SOURCES[short]


def _handed_out(program: Program, view: Specialization, lang: str, *, pulls: bool) -> Source:
    verified = SHORT.get(lang, lang) in VERIFIED and _verify(program, view, pulls)
    made = Source.of(program, view.circuit.by_name, verified)
    made.pull_lines = _pull_lines(program)
    return made


def _verify(program: Program, view: Specialization, pulls: bool) -> bool:
    """Run the emitted program (our own text, names checked) beside the circuit; disagreeing is our bug.

    False when no point could be compared, because Python refuses there.
    """
    space: dict[str, Any] = {}
    exec(compile("\n".join(program.text), f"<{program.name}>", "exec"), space)  # noqa: S102 - our text
    generator = np.random.Generator(np.random.PCG64(11))
    compared = 0
    for _ in range(POINTS):
        values = [_sample(view.circuit, w, generator) for w in view.circuit.inputs]
        plain = [v.item() if np.ndim(v) == 0 else v for v in values]
        try:
            with np.errstate(all="ignore"):
                got = _flat(space[program.name](*plain), pulls)
        except (ArithmeticError, ValueError):
            continue
        compared += 1
        _compare(program.name, got, view, values, pulls)
    return compared > 0


def _compare(
    name: str, got: list[Any], view: Specialization, values: list[Any], pulls: bool
) -> None:
    want = _expected(view, values, pulls)
    if all(_close(g, w) for g, w in zip(got, want, strict=True)):
        return
    nearby = _shaken(view, values, pulls)
    for one, other, *near in zip(got, want, *nearby, strict=True):
        with np.errstate(all="ignore"):
            noise = NOISE * np.max([np.abs(np.subtract(n, other)) for n in near], axis=0)
        if not _close(one, other, noise):
            raise PullbackError(
                f"the source of {name} gives {one}, the circuit {other}: please report this."
            )


def _close(one: Any, other: Any, noise: Any = 0.0) -> bool:
    if np.asarray(other).dtype.kind != "f" or np.shape(one) != np.shape(other):
        return bool(np.array_equal(one, other))
    with np.errstate(all="ignore"):
        room = TOLERANCE * np.abs(other) + np.where(np.isfinite(noise), noise, 0.0) + 1e-300
        near = np.abs(np.subtract(one, other)) <= room
    same = np.equal(one, other) | (np.isnan(one) & np.isnan(other))
    return bool(np.all(near | same))


def _flat(answer: Any, pulls: bool) -> list[Any]:
    """Every output, then every pull."""
    value, pulled = answer if pulls else (answer, {})
    return [*(value if isinstance(value, tuple) else [value]), *pulled.values()]


def _expected(view: Specialization, values: list[Any], pulls: bool) -> list[Any]:
    """Every output, and with pulls then those on the real inputs."""
    program = view.gradient_program if pulls else view.program
    return _with_zeros(view, program.run(_forced(view, values, pulls)), pulls)


def _shaken(view: Specialization, values: list[Any], pulls: bool) -> list[list[Any]]:
    """The same from runs whose last digits are shaken."""
    circuit = (view.gradient_program if pulls else view.program).circuit
    runs = shaken_runs(circuit, _forced(view, values, pulls))
    return [_with_zeros(view, run, pulls) for run in runs]


def _forced(view: Specialization, values: list[Any], pulls: bool) -> list[Any]:
    spec = view.circuit.spec_of(view.circuit.outputs[0])
    return [*values, np.ones(spec.shape, spec.dtype)] if pulls else values


def _with_zeros(view: Specialization, out: list[Any], pulls: bool) -> list[Any]:
    """A zero pull for every real input that nothing pulls."""
    if not pulls:
        return out
    count = len(view.circuit.outputs)
    pulled = iter(out[count:])
    wanted = []
    for wire, pull in zip(view.circuit.inputs, view.back.input_pulls, strict=True):
        if view.circuit.spec_of(wire).dtype.kind == "f":
            wanted.append(next(pulled) if pull >= 0 else np.zeros(view.circuit.spec_of(wire).shape))
    return [*out[:count], *wanted]


def _sample(circuit: Circuit, wire: int, generator: np.random.Generator) -> Any:
    spec = circuit.spec_of(wire)
    if spec.dtype.kind == "f":
        return generator.uniform(0.3, 1.7, spec.shape).astype(spec.dtype)[()]
    if spec.dtype.kind == "b":
        return (generator.random(spec.shape) > 0.5)[()]
    return np.zeros(spec.shape, np.int64)[()]
