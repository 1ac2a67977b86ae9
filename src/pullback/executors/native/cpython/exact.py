"""Gates on single float64 numbers as machine code with the very bits of their own bodies.

Plain arithmetic and choices have those bits anyway; exp and its kin call NumPy's own inner loops.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence

import numpy as np

from pullback.core.dtypes import FLOAT64
from pullback.core.gate import GATES, Gate
from pullback.core.once import once
from pullback.core.shapes import Spec
from pullback.executors.native.llvm.code import Code, Number
from pullback.executors.native.llvm.lower import RULES, lower_rows
from pullback.passes.pull import Use, opened_recipe, pull_template

LOOPS = {
    name: getattr(np, name)
    for name in ("exp", "expm1", "log", "log1p", "tanh", "sin", "cos", "power")
}
REAL = Spec((), FLOAT64)

# When a constant second input makes the slopes finite: what `slopes` of these gates says.
FINITE: dict[str, Callable[[Code, Number], Number]] = {
    "divide": lambda code, b: code.compare("une", b, 0.0) & code.compare("oeq", b - b, 0.0),
    "power": lambda code, b: (
        code.compare("oge", b, 1.0)
        & code.compare("oeq", code.intrinsic("floor", b), b)
        & code.compare("oeq", b - b, 0.0)
    ),
}

# double @np.exp(double) through the loop at its place in @loops.
_CALL = """define internal double @np.{name}({params}) noinline nounwind {{
  %numbers = alloca [{count} x double]
  %places = alloca [{count} x ptr]
  %once = alloca i64
  %steps = alloca [{count} x i64]
{stores}
  store i64 1, ptr %once
  %loop.at = getelementptr ptr, ptr @loops, i64 {place}
  %loop = load ptr, ptr %loop.at
  %data.at = getelementptr ptr, ptr @loops, i64 {after}
  %data = load ptr, ptr %data.at
  call void %loop(ptr %places, ptr %once, ptr %steps, ptr %data)
  %y = load double, ptr %n{last}
  ret double %y
}}"""


def loop_addresses() -> list[int]:
    """Function and data of each of LOOPS, as NumPy keeps them in its ufunc objects."""
    found: list[int] = []
    head = object.__basicsize__ + 16  # four ints: nin, nout, nargs, identity
    for ufunc in LOOPS.values():
        wanted = ufunc.types.index("d" * ufunc.nin + "->d")
        for table in (head, head + 8):
            start = ctypes.c_void_p.from_address(id(ufunc) + table).value or 0
            found.append(ctypes.c_void_p.from_address(start + 8 * wanted).value or 0)
    return found


class ExactCode(Code):
    """Code that asks NumPy for exp and its kin instead of computing them its own way."""

    def strict(self, rule: Callable[[Number], Number], x: Number) -> Number:
        name = rule.__name__
        if name == "sigmoid":
            return self._sigmoid(x)
        if name == "erf":
            return super().each_lane("erf", x)
        return self._numpy(name, x)

    def each_lane(self, name: str, *inputs: Number) -> Number:
        return self._numpy("power" if name == "pow" else name, *inputs)

    def _sigmoid(self, x: Number) -> Number:
        tail = self._numpy("exp", -abs(x))
        return self.select(self.compare("slt", x.bits(), 0), tail, 1.0) / (1.0 + tail)

    def _numpy(self, name: str, *inputs: Number) -> Number:
        self.declare(f"@np.{name}", _calling(name, len(inputs)))
        given = ", ".join(map(str, inputs))
        return self.emit(f"call double @np.{name}({given})", "double")


def _calling(name: str, inputs: int) -> str:
    place, count = 2 * list(LOOPS).index(name), inputs + 1
    stores = [
        line
        for i in range(count)
        for line in (
            f"  %n{i} = getelementptr double, ptr %numbers, i64 {i}",
            f"  %p{i} = getelementptr ptr, ptr %places, i64 {i}",
            f"  %s{i} = getelementptr i64, ptr %steps, i64 {i}",
            f"  store ptr %n{i}, ptr %p{i}",
            f"  store i64 0, ptr %s{i}",
            *([f"  store double %x{i}, ptr %n{i}"] if i < inputs else []),
        )
    ]
    params = ", ".join(f"double %x{i}" for i in range(inputs))
    return _CALL.format(
        name=name, params=params, count=count, stores="\n".join(stores), place=place,
        after=place + 1, last=inputs,
    )  # fmt: skip


@once
def exact_gates() -> tuple[Gate, ...]:
    """The library's own gates from one or two real numbers to one, without settings of their own."""
    return tuple(g for g in GATES.values() if _is_plain(g))


def _is_plain(gate: Gate) -> bool:
    if not gate.__module__.startswith("pullback.gates") or len(gate.inputs) > 2:
        return False
    said = gate.elementwise and not gate.kinds and not gate.variadic and gate.result is None
    values = gate.defaults.values()
    if not said or any(isinstance(v, type) or v is None for v in values):
        return False
    if gate.recipe:
        rows = opened_recipe(gate, [REAL] * len(gate.inputs), {}).rows()
        return all(row.gate is None or row.gate.name in RULES for row in rows)
    return gate.name in RULES


def value_of(code: Code, gate: Gate, inputs: Sequence[Number]) -> Number:
    """What `gate` puts out."""
    if gate.name in RULES and not gate.recipe:
        return RULES[gate.name](*inputs, **gate.defaults)
    opened = opened_recipe(gate, [REAL] * len(inputs), dict(gate.defaults))
    found = lower_rows(code, opened, inputs)[opened.outputs[0]]
    assert found is not None
    return found


def pulls_of(
    code: Code, gate: Gate, numbers: Sequence[Number], wanted: tuple[bool, ...]
) -> list[Number | None]:
    """The pull on each input for (dy, y, *inputs); None where nothing can pull or none is wanted."""
    count = len(numbers) - 2
    settings = tuple((k, type(v), v) for k, v in gate.defaults.items())
    use = Use(
        gate, gate.rule, REAL, (REAL,) * count, settings, wanted, (None,) * count, guarded=False
    )
    circuit, kept = pull_template(use)
    values = lower_rows(code, circuit, numbers)
    pulls = iter(circuit.outputs)
    return [values[next(pulls)] if k else None for k in kept]


def unpoisoned(code: Code, gate: Gate, pull: Number) -> Number:
    """`pull`, but 0 where %guarded holds, %dy is 0 and 0 * infinity made NaN of it."""
    if gate.slopes == "fixed":
        return pull
    nothing = code.compare("oeq", code.number("%dy", "double"), 0.0)
    poisoned = code.number("%guarded", "i1") & nothing & code.compare("uno", pull, pull)
    return code.select(poisoned, 0.0, pull)
