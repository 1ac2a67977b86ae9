"""`pullback.compile`: a circuit as a program that runs often."""

from __future__ import annotations

from pullback.core.circuit import Circuit
from pullback.errors import CircuitError, ShapeError
from pullback.executors import compile as compile_circuit
from pullback.executors.reference.program import Program
from pullback.lens.function import CircuitFunction


def compile(
    circuit: Circuit | CircuitFunction,
    *,
    executor: str = "auto",
    fast: bool = False,
    threads: int = 1,
) -> Program:
    """A program for one circuit: `run([a value an input, in order])` gives a list of outputs.

    circuit: a Circuit, such as `f.circuit(x, w)` for inputs like these, or the function `f` itself:
    then the circuit of its latest call, of single numbers if there was none. executor: "reference"
    is the readable NumPy one, the meaning of every gate; "native" and "auto" are machine code, and
    the reference for what that cannot do. fast: native sums and products may be reordered and fused,
    so last bits differ. threads: how many may share the work of arrays; the result is the same for
    any number. `program.watch(inputs)` gives the value of every wire.

    Errors: CircuitError for a function of arrays that was never called, since no shapes are known;
    ShapeError and DtypeError when a run brings other inputs than the circuit was traced for.

    >>> import pullback as pb
    >>> program = pb.compile(pb.circuit("x * y"))
    >>> program.run([3.0, 4.0])
    [np.float64(12.0)]
    """
    if isinstance(circuit, CircuitFunction):
        circuit = _latest(circuit)
    if not isinstance(circuit, Circuit):
        raise CircuitError(
            f"compile takes a circuit, got {type(circuit).__name__}.",
            fix="pb.compile(pb.circuit(function)); for arrays, pb.compile(f.circuit(x, w))",
        )
    return compile_circuit(circuit, executor=executor, fast=fast, threads=threads)


def _latest(made: CircuitFunction) -> Circuit:
    """The circuit of the latest call, of single numbers if there was none."""
    try:
        return made.latest().circuit
    except (ShapeError, IndexError) as error:  # made for arrays, and nobody knows yet for which
        raise CircuitError(
            f"{made.name} was not called yet: no shapes are known, and single numbers do not fit it.",
            why=str(getattr(error, "what", error)),
            fix=f"pb.compile({made.name}.circuit({', '.join(made.parameters)}))",
        ) from error
