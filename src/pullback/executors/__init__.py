"""Floor 4, executors: run a circuit. One narrow door, `compile`."""

from __future__ import annotations

import importlib
import sys
import traceback
import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from pullback.core.circuit import Circuit
from pullback.errors import OptionError, did_you_mean
from pullback.executors.reference.points import Points
from pullback.executors.reference.program import Program
from pullback.executors.reference.steps import Steps, check_positions

EXECUTORS = ("auto", "native", "reference")
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
    made: Program | None = None
    _check_threads(threads)
    if _is_native(executor):
        made = _native().choose(circuit, fast=fast, threads=threads)
    if made is None:
        made = Program(circuit)
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
    made: Points | None = None
    _check_threads(threads)
    if _is_native(executor):
        made = _native().choose_map(circuit, mapped, summed, fast=fast, threads=threads)
    if made is None:
        made = Points(circuit, mapped=mapped, summed=summed)
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
    plan["owned"] = owned
    made: Steps | None = None
    _check_threads(threads)
    check_positions(circuit, carried, columns)
    if _is_native(executor):
        made = _native().choose_steps(circuit, fast=fast, threads=threads, **plan)
    if made is None:
        made = Steps(circuit, **plan)
    how: dict[str, Any] = {"executor": executor, "fast": fast, "threads": threads}
    made.again = partial(compile_steps, carried=dict(carried), columns=tuple(columns), **how)
    return made


def _check_threads(threads: object) -> None:
    if not isinstance(threads, int) or isinstance(threads, bool) or threads < 1:
        raise OptionError(f"threads={threads!r}; it is a whole number from 1 on.")


def _is_native(executor: str) -> bool:
    if executor not in EXECUTORS:
        known = ", ".join(map(repr, EXECUTORS))
        raise OptionError(
            f"executor={executor!r}; there is {known}.", why=did_you_mean(executor, EXECUTORS)
        )
    return executor != "reference" and not _lacking()


def _native() -> Any:
    # Loaded when it is first asked for: it brings llvmlite.
    return importlib.import_module("pullback.executors.native.choose")


def _lacking() -> bool:
    """Whether there is no machine code here; the first time that is said."""
    # Imported here, too: it takes llvmlite, and time.
    why: str = importlib.import_module("pullback.executors.native.llvm.jit").lacking()
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
