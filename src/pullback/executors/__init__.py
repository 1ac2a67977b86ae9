"""Floor 4, executors: run a circuit. `compile` is the way in."""

from __future__ import annotations

import sys
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from pullback.core.circuit import Circuit
from pullback.errors import OptionError
from pullback.executors import registry
from pullback.executors.record import Executor
from pullback.executors.reference.points import Points
from pullback.executors.reference.program import Program
from pullback.executors.reference.steps import Steps, check_positions

EXECUTORS = registry.names()
_warned: dict[str, object] = {}


def compile(
    circuit: Circuit,
    *,
    executor: str = "reference",
    fast: bool = False,
    threads: int = 1,
) -> Program:
    """A program that runs `circuit`: `program.run([values in the order of circuit.inputs])`, and
    forward and backward at once: `program.value_and_grad([values])`.

    executor: "reference" is the readable NumPy one, the meaning of every gate; "native" is machine
    code, for what it has no kernel for the reference; "auto" takes native where that is worth
    compiling. fast: native sums and products may be reordered and fused, so last bits differ.
    threads: how many share the work of a circuit of arrays where it is long enough to gain, from some
    100 us on; any number gives the same bits. Other Python threads run meanwhile.

    >>> from pullback import circuit
    >>> program = compile(circuit("x * y").circuit(), executor="native")
    >>> float(program.run([3.0, 4.0])[0])
    12.0
    """
    _check_threads(threads)
    options = {"fast": fast, "threads": threads}
    made: Program = _first(executor, lambda one: one.program(circuit, **options))
    made.again = partial(compile, executor=executor, fast=fast, threads=threads)
    return made


def compile_map(
    circuit: Circuit,
    *,
    mapped: Sequence[int],
    summed: Sequence[int] = (),
    executor: str = "auto",
    fast: bool = False,
    threads: int = 1,
) -> Points:
    """A program that runs a circuit of single numbers for many points at once.

    mapped: positions of the inputs that are arrays, a number a point; the others are the same for
    all. summed: positions of the outputs that are added up over the points, such as the pulls on
    parameters; any number of threads gives the same bits.

    >>> from pullback import circuit
    >>> points = compile_map(circuit("x * w").circuit(), mapped=[0])
    >>> points.run([[1.0, 2.0, 3.0], 10.0])
    [array([10., 20., 30.])]
    """
    _check_threads(threads)
    plan: dict[str, Any] = {"mapped": mapped, "summed": summed, "fast": fast, "threads": threads}
    made: Points = _first(executor, lambda one: one.map(circuit, **plan))
    how: dict[str, Any] = {"executor": executor, "fast": fast, "threads": threads}
    made.again = partial(compile_map, mapped=tuple(mapped), summed=tuple(summed), **how)
    return made


def compile_steps(  # noqa: PLR0913 - one keyword a question
    circuit: Circuit,
    *,
    carried: Mapping[int, int],
    columns: Sequence[int],
    start: Sequence[Any],
    fixed: Sequence[Any] = (),
    owned: bool = False,
    executor: str = "auto",
    fast: bool = False,
    threads: int = 1,
) -> Steps:
    """A step circuit that keeps what it carries from step to step, such as weights.

    carried: which input each output becomes in the next step, {input: output} by position. columns:
    positions of the inputs that each step brings. The other inputs are `fixed`. owned: the steps may
    work in the very arrays of `start`, so that nothing is copied. fast: sums and products may be
    reordered and fused. threads: how many share a step of arrays that is long enough; any number gives
    the same bits.

    >>> from pullback import circuit
    >>> step = circuit("w - rate * x").circuit()
    >>> steps = compile_steps(step, carried={0: 0}, columns=[2], start=[5.0], fixed=[0.5])
    >>> steps.step(2.0)
    ()
    >>> [float(w) for w in steps.carried]
    [4.0]
    """
    plan: dict[str, Any] = {"carried": carried, "columns": columns, "start": start, "fixed": fixed}
    plan |= {"owned": owned, "fast": fast, "threads": threads}
    _check_threads(threads)
    check_positions(circuit, carried, columns)
    made: Steps = _first(executor, lambda one: one.steps(circuit, **plan))
    how: dict[str, Any] = {"executor": executor, "fast": fast, "threads": threads}
    made.again = partial(compile_steps, carried=dict(carried), columns=tuple(columns), **how)
    return made


def _check_threads(threads: object) -> None:
    if not isinstance(threads, int) or isinstance(threads, bool) or threads < 1:
        raise OptionError(f"threads must be a whole number from 1 on, got {threads!r}.")


def _first(executor: str, make: Callable[[Executor], Any]) -> Any:
    """What the first executor makes that is asked for, can run here, and has something."""
    for one in registry.asked(executor):
        made = None if _lacks(one) else make(one)
        if made is not None:
            return made
    raise AssertionError("the reference has something for every circuit")


def _lacks(executor: Executor) -> bool:
    """Whether an executor cannot run here; the first time that is said."""
    why = executor.lacks()
    first = object()
    if why and _warned.setdefault(why, first) is first:
        warnings.warn(why, RuntimeWarning, stacklevel=level_of_the_caller())
    return bool(why)


def level_of_the_caller() -> int:
    """The stacklevel of the line that called into this library, however deep in it that was."""
    frames = traceback.walk_stack(sys._getframe(1))
    names = [frame.f_globals.get("__name__", "").partition(".")[0] for frame, _ in frames]
    outside = len(names) - names[::-1].index(__name__.partition(".")[0])
    while names[outside : outside + 1] == ["functools"]:  # a cached property of ours was asked
        outside += 1
    return outside + 1
