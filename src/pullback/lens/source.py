"""The forward and backward pass as code, run beside the circuit at three points before it is handed out."""

from __future__ import annotations

from collections.abc import Mapping
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
from pullback.errors import OptionError, PullbackError
from pullback.lens.views import View

SOURCES: Mapping[str, Language] = {
    language.name: language for language in (PYTHON, NUMPY, JAVASCRIPT, C, LATEX)
}
SHORT = {"py": "python", "np": "numpy", "js": "javascript", "tex": "latex"}
VERIFIED = ("python", "numpy")  # the others need their own machine; the tests run them
POINTS = 3
# The stdlib's math and NumPy each round exp and its kin once more than the engine may.
TOLERANCE = 1e-12


class Source(str):
    """Source code: a string that knows which wire each line is about.

    lines: wire id -> line numbers from 1. verified: it was run and agreed with the circuit.
    """

    lines: dict[int, list[int]]
    wires: list[int | None]
    verified: bool

    @classmethod
    def of(cls, program: Program, verified: bool) -> Source:
        made = cls("\n".join(program.text) + "\n")
        made.wires, made.lines, made.verified = program.wires, wires_of(program.wires), verified
        return made


def forward_source(view: View, name: str, lang: str, style: str) -> Source:
    """The forward pass of `view` as verified source."""
    program = emit_forward(view.circuit, _language(lang), name, style)
    return _handed_out(program, name, view, lang, pulls=False)


def backward_source(view: View, name: str, lang: str, style: str) -> Source:
    """The forward and backward pass of `view` as verified source."""
    program = emit_backward(view.back, _language(lang), name, style)
    return _handed_out(program, f"{name}_backward", view, lang, pulls=True)


def _handed_out(program: Program, name: str, view: View, lang: str, *, pulls: bool) -> Source:
    verified = SHORT.get(lang, lang) in VERIFIED and _verify(program, name, view, pulls)
    return Source.of(program, verified)


def _language(lang: str) -> Language:
    short = SHORT.get(lang, lang)
    if short not in SOURCES:
        raise OptionError(f"lang={lang!r}; source is written in {', '.join(SOURCES)}.")
    return SOURCES[short]


def _verify(program: Program, name: str, view: View, pulls: bool) -> bool:
    """Run the emitted program (our own text, names checked) beside the circuit; disagreeing is our bug.

    False when no point could be compared, because Python refuses there: a division by zero.
    """
    space: dict[str, Any] = {}
    exec(compile("\n".join(program.text), f"<{name}>", "exec"), space)  # noqa: S102 - our own text
    generator = np.random.Generator(np.random.PCG64(11))
    compared = 0
    for _ in range(POINTS):
        values = [_sample(view.circuit, w, generator) for w in view.circuit.inputs]
        try:
            with np.errstate(all="ignore"):
                got = _flat(
                    space[name](*[v.item() if np.ndim(v) == 0 else v for v in values]), pulls
                )
        except (ArithmeticError, ValueError):
            continue
        compared += 1
        for one, other in zip(got, _expected(view, values, pulls), strict=True):
            if not np.allclose(one, other, rtol=TOLERANCE, atol=1e-300, equal_nan=True):
                raise PullbackError(
                    f"the source of {name} gives {one}, the circuit {other}: please report this."
                )
    return compared > 0


def _flat(answer: Any, pulls: bool) -> list[Any]:
    """Every output, then every pull."""
    value, pulled = answer if pulls else (answer, {})
    return [*(value if isinstance(value, tuple) else [value]), *pulled.values()]


def _expected(view: View, values: list[Any], pulls: bool) -> list[Any]:
    if not pulls:
        return view.program.run(values)
    spec = view.circuit.spec_of(view.circuit.outputs[0])
    out = view.gradient_program.run([*values, np.ones(spec.shape, spec.dtype)])
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
