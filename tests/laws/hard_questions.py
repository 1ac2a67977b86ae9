"""Hard questions to gradcheck: random right expressions at poles, waves, cancellations and kinks, and faults.

The truth comes from mp. `bench/check_truth.py` asks thousands of them, the laws a sample.
"""

from __future__ import annotations

import dataclasses
import math
import random
import re
from collections.abc import Iterator
from typing import Any

from mpmath.ctx_mp import MPContext

import pullback as pb
from pullback.core.gate import GATES
from pullback.lens.gradcheck import OK, WRONG, Report

mp = MPContext()
CURVES = (
    "exp", "sin", "cos", "tanh", "sigmoid", "sqrt", "log", "abs", "relu", "floor", "log1p", "expm1",
    "softplus",
)  # fmt: skip
SMOOTH = ("exp", "sin", "cos", "tanh", "sigmoid", "softplus")
# e stands for any expression: poles, waves, cancelled quotients, saturation, kinks.
HARD_FORMS = (
    "1/({e})", "1/(({e}) - 1)", "y/({e})", "({e})**(-2)", "sin(10000*({e}))", "sin(1e9*({e}))",
    "tanh(1e9*({e}))", "(exp({e}) - 1)/({e})", "(1 - cos({e}))/(({e})*({e}))", "x**({e})",
    "-log(1 - sigmoid({e}))", "log(sigmoid({e}))", "floor({e})*({e})", "abs({e})*({e})",
    "sqrt({e})*({e}) + x", "exp(-1/(({e})*({e})))", "sigmoid(40*({e}))", "relu(({e}) - 1)",
    "maximum({e}, y)", "log(1 + exp({e}))", "({e}) - ({e})*1.0000001", "sqrt(({e})*({e}))",
    "(1 + ({e}) - 1)/({e})", "sin({e})/cos({e})", "exp({e})/exp({e})", "sin({e})**2 + cos({e})**2",
)  # fmt: skip
HARD_NUMBERS = (
    0.0, 1.0, -1.0, 2.0, 0.5, 1e-4, -1e-6, 1e-9, 1e-12, 1e-100, 1e-160, 1e-300, 1 + 1e-12, 1 - 1e-9,
    20.0, 30.0, 36.0, 40.0, -40.0, 700.0, -745.0, 1e4, 1e9, -1e9, 1e16, 1e100, 1e200, 3.0, math.pi,
)  # fmt: skip
DIGITS, NEAR = 500, 1e-8  # what is called ok may differ from the truth by ten times the tolerance


@dataclasses.dataclass(frozen=True)
class Question:
    """An expression of x and y, and where it is asked."""

    text: str
    x: float
    y: float


def question(seed: int) -> Question:
    """One right expression at a random or a hard point; the same seed, the same question."""
    dice = random.Random(seed)
    inner = expression(dice, dice.randint(0, 2))
    form = dice.choice(HARD_FORMS) if dice.random() < 0.6 else expression(dice, 3)
    text = form.replace("{e}", inner)
    missing = [f" + 0*{name}" for name in ("x", "y") if name not in re.findall(r"\b\w\b", text)]
    return Question(text + "".join(missing), number(dice), number(dice))


def expression(dice: random.Random, depth: int, curves: tuple[str, ...] = CURVES) -> str:
    """A random expression of x, y and numbers."""
    if depth == 0:
        return dice.choice(("x", "x", "x", "y", "x*y", f"{dice.choice((2, 3, 0.5, 1.5))}*x"))
    if dice.random() < 0.4:
        return f"{dice.choice(curves)}({expression(dice, depth - 1, curves)})"
    left, right = (expression(dice, depth - 1, curves) for _ in "ab")
    return f"({left}) {dice.choice('+-*/' if curves is CURVES else '+-*')} ({right})"


def number(dice: random.Random) -> float:
    """Half of them hard ones, half of an everyday size."""
    return dice.choice(HARD_NUMBERS) if dice.random() < 0.5 else round(dice.gauss(0.0, 1.5), 3)


def asked(one: Question, *, by_hand: bool = False) -> Report:
    """The report about it; by hand, nothing but the value and the gradient is handed over."""
    f = pb.circuit(one.text)
    if not by_hand:
        return f.gradcheck(x=one.x, y=one.y)

    def backward(x: float, y: float) -> list[float]:
        found = f.grad(x=x, y=y)
        return [found["x"], found["y"]]

    def plain(x: float, y: float) -> float:
        return float(f(x=x, y=y))

    return pb.gradcheck(plain, one.x, one.y, backward=backward)


# --- the truth from outside ---


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


TRUE = {
    "exp": mp.exp, "sin": mp.sin, "cos": mp.cos, "tanh": mp.tanh, "sigmoid": _sigmoid,
    "sqrt": mp.sqrt, "log": mp.log, "abs": abs, "relu": lambda x: max(x, mp.mpf(0)),
    "floor": mp.floor, "log1p": mp.log1p, "expm1": mp.expm1, "maximum": max,
    "softplus": lambda x: mp.log1p(mp.exp(-abs(x))) + max(x, mp.mpf(0)),
}  # fmt: skip


def truth(one: Question, wire: str) -> float:
    """d/d wire by mpmath: a central difference with 500 digits, step 1e-60; NaN where there is none."""
    code = compile(one.text, "<question>", "eval")
    with mp.workdps(DIGITS):
        at = {"x": mp.mpf(one.x), "y": mp.mpf(one.y)}
        step = mp.mpf(10) ** -60 * min(abs(at[wire]) or 1, 1)
        try:
            ends = []
            for sign in (1, -1):
                moved = {**at, wire: at[wire] + sign * step}
                ends.append(eval(code, {"__builtins__": {}, **TRUE}, moved))  # noqa: S307 - our own text
            found = (ends[0] - ends[1]) / (2 * step)
            return float(found) if mp.im(found) == 0 else math.nan
        except (ArithmeticError, ValueError, TypeError):
            return math.nan


def untrue(one: Question, report: Report, *, by_hand: bool = False) -> Iterator[str]:
    """What the report says that is not so. By hand a pull that rounding has spoilt may be called wrong."""
    for bad in report.bad_gates:
        yield f"{one}: {bad.gate} called wrong at {bad.where}: {bad.analytic} and {bad.numerical}"
    for f in report.findings:
        if f.verdict == WRONG and (not by_hand or _is_right(f.analytic, truth(one, f.where))):
            yield f"{one}: {f.where} called wrong: {f.analytic} and {f.numerical}"
        if f.verdict == OK:
            right = truth(one, f.where)
            scale = max(abs(right), 1e-3 * max(abs(g.analytic) for g in report.findings))
            if math.isfinite(right) and abs(f.analytic - right) > NEAR * scale + 1e-307:
                yield f"{one}: {f.where} called ok: {f.analytic}, the truth is {right}"


def _is_right(pull: float, right: float) -> bool:
    return math.isfinite(pull) and abs(pull - right) <= 1e-9 * abs(right)


# --- planted faults ---

PLANTED = 1e-8
SLOPED = (
    "exp",
    "sin",
    "cos",
    "tanh",
    "sigmoid",
    "softplus",
    "multiply",
    "divide",
    "add",
    "subtract",
)


CONDITIONED = 0.01  # the least share by which a value moves when its input moves by the whole of it


def planted(seed: int) -> tuple[Question, str]:
    """A smooth expression at a point where its gates are well-conditioned, and a gate to plant a fault in."""
    dice = random.Random(seed)
    while True:
        text = expression(dice, 3, SMOOTH) + " + 0.5*x*y"
        one = Question(text, round(dice.uniform(0.3, 1.7), 3), round(dice.uniform(0.3, 1.7), 3))
        used = {g.name for g in pb.circuit(text).circuit().gates if g is not None}
        gate = dice.choice(sorted(used & set(SLOPED)))
        if is_conditioned(one, gate):
            return one, gate


def is_conditioned(one: Question, name: str) -> bool:
    """Whether no gate of this name is so flat, or so steep, that its slope drowns in rounding."""
    run = pb.circuit(one.text).run(x=one.x, y=one.y)
    for row in run.circuit.rows():
        if row.gate is not None and row.gate.name == name:
            inputs = [float(run.values[i]) for i in row.inputs]
            ends = [float(row.gate.body(*(x * (1.0 + h) for x in inputs))) for h in (0.0, 1e-6)]
            share = abs(ends[1] - ends[0]) / abs(1e-6 * ends[0]) if ends[0] else 0.0
            if not CONDITIONED < share < 1.0 / CONDITIONED:
                return False
    return True


def caught(one: Question, name: str) -> bool:
    """Whether a fault of 1e-8 in the rule of this gate is called wrong, and the gate named."""
    gate = GATES[name]
    right = gate.rule

    def bent(*wires: Any, **attributes: Any) -> Any:
        pulls = right(*wires, **attributes)
        pulls = pulls if isinstance(pulls, tuple) else (pulls,)
        return tuple(None if p is None else p * (1.0 + PLANTED) for p in pulls)

    gate.rule = bent
    try:
        report = asked(one)
    finally:
        gate.rule = right
    return any(b.gate.split()[0] == name for b in report.bad_gates)
