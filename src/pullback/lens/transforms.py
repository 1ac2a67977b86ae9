"""grad, value_and_grad, vjp, jvp, hvp, jacobian, hessian: functions in, functions or numbers out.

Each works on numbers and, inside another traced function, on wires; so they nest.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from numbers import Integral
from typing import Any

import numpy as np

from pullback.core.build import Builder
from pullback.core.circuit import Circuit
from pullback.core.dtypes import canonical
from pullback.core.structure import Structure, map_leaves, put_together
from pullback.core.wire import Wire
from pullback.errors import CircuitError, OptionError, ShapeError
from pullback.executors.reference.program import check_force, force_on
from pullback.gates.shape import broadcast_to, concat, reshape
from pullback.lens.function import CircuitFunction, as_circuit_function
from pullback.lens.snapshot import plain
from pullback.lens.specialize import Derived, Specialization
from pullback.lens.whole import is_real, refuse_moves, refuse_whole, without_whole
from pullback.passes.backward import backward
from pullback.passes.forward_mode import forward_mode
from pullback.passes.tidy import tidy

Wrt = int | str | Sequence[int | str]


def grad(function: Any, wrt: Wrt = 0) -> Callable[..., Any]:
    """A function that gives the gradient of `function` with respect to one or more inputs.

    wrt: a position or name, or several (then a tuple comes back). The function must put out one number
    and nothing else; `jacobian` and `vjp` take functions of several outputs. An input of whole numbers is
    refused: `x.astype(float)`.

    >>> grad(lambda x: x * x)(3.0)
    6.0
    >>> grad(grad(lambda x: x * x * x))(2.0)
    12.0
    """
    both = value_and_grad(function, wrt)
    return _called_like(function, lambda *values, **named: both(*values, **named)[1])


def value_and_grad(function: Any, wrt: Wrt = 0) -> Callable[..., Any]:
    """A function that gives (value, gradient) at once.

    >>> value_and_grad(lambda x, y: x * y, wrt=("x", "y"))(-2.0, 3.0)
    (-6.0, (3.0, -2.0))
    """
    made = as_circuit_function(function)
    positions = _positions(made, wrt)

    def both(*values: Any, **named: Any) -> tuple[Any, Any]:
        view, leaves = _viewed(made, values, named)
        view.only_output(made.name)
        starts = _starts(view)
        wanted = [w for p in positions for w in range(starts[p], starts[p + 1])]
        refuse_whole(view, wanted)
        outputs = _pulled(view, leaves, wanted)
        count = len(view.circuit.outputs)
        value = put_together(outputs[:count], view.trace.result)
        grads = _split(outputs[count:], [view.arguments[p][1] for p in positions])
        return value, grads[0] if isinstance(wrt, Integral | str) else tuple(grads)

    return _called_like(function, both)


def vjp(function: Any, *values: Any) -> tuple[Any, Callable[[Any], Any]]:
    """(value, pullback): `pullback(force)` is the pull on every input when `force` pulls the output.

    Several outputs are pulled by a force each, nested as they are; None for one that is yes or no. None
    comes back for an input of whole numbers.

    >>> value, pull = vjp(lambda x, y: x * y, -2.0, 3.0)
    >>> value, pull(1.0)
    (-6.0, (3.0, -2.0))
    """
    made = as_circuit_function(function)
    view, leaves = _viewed(made, values, {})
    circuit, count = view.circuit, len(view.circuit.outputs)
    real = [o for o in range(count) if circuit.spec_of(circuit.outputs[o]).dtype.kind == "f"]
    every = _gradient(view, range(len(leaves)), real or [0])
    plainly = view.derived("value", lambda: view.circuit)
    value = put_together(_applied(view, leaves, plainly, []), view.trace.result)

    def pull(force: Any) -> Any:
        out = _applied(view, leaves, every, _forces(view, force, real))[count:]
        return tuple(_split(without_whole(view, out), [s for _, s in view.arguments]))

    return value, pull


pullback = vjp


def jvp(function: Any, values: Sequence[Any], directions: Sequence[Any]) -> tuple[Any, Any]:
    """(value, push): how the output moves when each input moves along its direction.

    An output that cannot move (yes or no, an index) has None in the push.

    >>> jvp(lambda x, y: x * y, (-2.0, 3.0), (1.0, 0.0))
    (-6.0, 3.0)
    """
    made = as_circuit_function(function)
    _check_lists("jvp", values, directions)
    view, leaves = _viewed(made, tuple(values), {})
    if len(directions) != len(values):
        raise CircuitError(f"jvp got {len(values)} values and {len(directions)} directions.")
    # Wires captured from outside are inputs too, but they stand still here.
    nests = zip(directions, (structure for _, structure in view.arguments), strict=True)
    all_ways = [
        way for nest in nests for way in _like(*nest, "direction", "value that moves along it")
    ]
    refuse_moves(view, all_ways)
    specs = [view.circuit.spec_of(w) for w in view.circuit.inputs]
    moved = [i for i in range(len(leaves)) if is_real(specs[i])]
    ways = [_direction(all_ways[i], specs[i].shape) for i in moved]
    pushed = view.derived("push", lambda: forward_mode(view.circuit, moved))
    out = _applied(view, leaves, pushed, ways)
    count = len(view.circuit.outputs)
    pushes = iter(out[count:])
    kinds = [view.circuit.spec_of(o).dtype.kind for o in view.circuit.outputs]
    moves = [next(pushes) if kind == "f" else None for kind in kinds]
    return put_together(out[:count], view.trace.result), put_together(moves, view.trace.result)


def hvp(function: Any, values: Sequence[Any], directions: Sequence[Any]) -> Any:
    """The Hessian of a scalar function times a direction, without forming the Hessian.

    >>> hvp(lambda x, y: x * x * y, (2.0, 3.0), (1.0, 0.0))
    (6.0, 4.0)
    """
    made = as_circuit_function(function)
    _check_lists("hvp", values, directions)
    view = _viewed(made, tuple(values), {})[0]
    starts = _starts(view)
    real = [
        all(is_real(view.circuit.spec_of(w)) for w in view.circuit.inputs[start:stop])
        for start, stop in pairwise(starts)
    ]
    every = grad(made, wrt=[i for i, one in enumerate(real) if one])
    moved = iter(jvp(_with_parameters(every, made.parameters), values, directions)[1])
    return tuple(next(moved) if one else None for one in real)


def jacobian(function: Any, wrt: Wrt = 0) -> Callable[..., Any]:
    """A function that gives d output / d input: the output's shape, then the input's.

    Nested as the outputs are, and in each as the input; of several inputs a tuple, one for each. One
    backward pass an output element.

    >>> jacobian(lambda x: x * x)(np.array([1.0, 3.0]))
    array([[2., 0.],
           [0., 6.]])
    """
    made = as_circuit_function(function)
    positions = _positions(made, wrt)

    def table(*values: Any, **named: Any) -> Any:
        view, leaves = _viewed(made, values, named)
        starts = _starts(view)
        wanted = [w for p in positions for w in range(starts[p], starts[p + 1])]
        refuse_whole(view, wanted)
        structures = [view.arguments[p][1] for p in positions]
        rows = []
        for output in range(len(view.circuit.outputs)):
            blocks = _split(_blocks(view, leaves, wanted, output), structures)
            rows.append(blocks[0] if isinstance(wrt, Integral | str) else tuple(blocks))
        return put_together(rows, view.trace.result)

    return _called_like(function, table)


def _blocks(
    view: Specialization, leaves: list[Any], wanted: Sequence[int], output: int
) -> list[Any]:
    """The derivatives of one output by each of the wanted inputs."""
    circuit, count = view.circuit, len(view.circuit.outputs)
    spec = circuit.spec_of(circuit.outputs[output])
    derived, size = _gradient(view, wanted, [output]), math.prod(spec.shape)
    forces = np.eye(size, dtype=spec.dtype).reshape(size, *spec.shape)
    found = [_applied(view, leaves, derived, [force[()]])[count:] for force in forces]
    shapes = [spec.shape + circuit.spec_of(circuit.inputs[w]).shape for w in wanted]
    return [_stacked([row[i] for row in found], shape) for i, shape in enumerate(shapes)]


def _stacked(rows: Sequence[Any], shape: tuple[int, ...]) -> Any:
    """The rows as one array of `shape`: of numbers, or as a wire when the rows are wires."""
    if not any(isinstance(row, Wire) for row in rows):
        return plain(np.reshape(np.array(rows), shape)[()])
    flat = [reshape(row, shape=(1, *row.shape)) for row in rows]
    return reshape(concat(*flat, axis=0), shape=shape)


def hessian(function: Any, wrt: Wrt = 0) -> Callable[..., Any]:
    """A function that gives the second derivatives of a scalar function.

    Of several inputs a tuple of tuples: `hessian(f, wrt=(0, 1))(x, y)[0][1]` is d2f / dx dy.

    >>> hessian(lambda x: (x * x * x).sum())(np.array([1.0, 2.0]))
    array([[ 6.,  0.],
           [ 0., 12.]])
    """
    made = as_circuit_function(function)
    return jacobian(_with_parameters(grad(made, wrt), made.parameters), wrt)


def _with_parameters(function: Callable[..., Any], names: Sequence[str]) -> Callable[..., Any]:
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    function.__signature__ = inspect.Signature([inspect.Parameter(n, kind) for n in names])  # type: ignore[attr-defined]
    return function


def _called_like(function: Any, made: Callable[..., Any]) -> Callable[..., Any]:
    names = as_circuit_function(function).parameters
    made.__name__ = f"grad_{getattr(function, '__name__', 'f')}".replace("<lambda>", "f")
    return _with_parameters(made, names)


def _positions(made: CircuitFunction, wrt: Wrt) -> list[int]:
    several = isinstance(wrt, Iterable) and not isinstance(wrt, str | bytes)
    wanted: list[Any] = list(wrt) if several else [wrt]  # type: ignore[arg-type]
    if not wanted:
        raise OptionError(f"wrt={wrt!r:.60} names no input.", fix=f'wrt="{made.parameters[0]}"')
    return [_position(made, one, wrt) for one in wanted]


def _position(made: CircuitFunction, one: Any, wrt: Any) -> int:
    names = made.parameters
    if isinstance(one, str):
        made.check_known(one)
        return names.index(one)
    if not isinstance(one, Integral):
        raise OptionError(
            f"wrt must be a position or a name of an input, or several, got {wrt!r:.60}.",
            fix=f'wrt=0, or wrt="{names[0]}"',
        )
    if not -len(names) <= int(one) < len(names):
        raise OptionError(f"wrt={one}, but {made.name} has {len(names)} inputs.")
    return int(one) % len(names)


def _check_lists(name: str, values: Any, directions: Any) -> None:
    for given in (values, directions):
        if not isinstance(given, Sequence | np.ndarray) or isinstance(given, str | bytes):
            raise CircuitError(
                f"{name} takes a list of values and one of directions, got {type(given).__name__}.",
                fix=f"{name}(f, (2.0,), (1.0,))",
            )


def _viewed(
    made: CircuitFunction, values: tuple[Any, ...], named: dict[str, Any]
) -> tuple[Specialization, list[Any]]:
    if made.settings:
        made, values, named = made.with_settings(values, named)
    return made.specialize(made.bind(values, named))


def _starts(view: Specialization) -> list[int]:
    starts = [0]
    for _, structure in view.arguments:
        starts.append(starts[-1] + structure.leaves)
    return starts


def _pulled(view: Specialization, leaves: list[Any], wanted: Sequence[int]) -> list[Any]:
    """The outputs, then the pulls on the wanted inputs."""
    numbers = not any(isinstance(x, Wire) for x in (*leaves, *view.trace.captured))
    if not numbers or view.tape is None:
        return _applied(view, leaves, _gradient(view, wanted), [1.0])
    value, pulls = view.tape.value_and_grad(leaves)
    found = [_zero(view, w) if pulls[w] is None else pulls[w] for w in wanted]
    return [plain(v) for v in (value, *found)]


def _forces(view: Specialization, force: Any, real: Sequence[int]) -> list[Any]:
    """A force in the shape of each real output, or an error that says which does not fit."""
    outputs = view.circuit.outputs
    forces = _like(force, view.trace.result, "force", "output it pulls")
    for output, given in enumerate(forces):
        if output not in real and given is not None and len(forces) > 1:
            what = view.circuit.describe(outputs[output])
            raise CircuitError(f"{what} is not a real number; nothing can pull it.", fix="None")
    return [_shaped(forces[o], view.circuit.spec_of(outputs[o]).shape) for o in real]


def _shaped(force: Any, shape: tuple[int, ...]) -> Any:
    if not isinstance(force, Wire):
        return force_on(shape, force)
    check_force(force.shape, shape)
    return force if force.shape == shape else broadcast_to(force, shape=shape)


def _direction(way: Any, shape: tuple[int, ...]) -> Any:
    found = np.shape(way if isinstance(way, Wire) else canonical(way, "a direction"))
    if found != shape:
        raise ShapeError(f"a direction has shape {found}, the value that moves along it {shape}.")
    return way


def _like(value: Any, structure: Structure, what: str, of: str) -> list[Any]:
    """The leaves of `value` where `structure` has its own; a list of numbers at a leaf is an array."""
    if structure.kind == "leaf":
        return [value]
    if structure.kind == "dict":
        fits = isinstance(value, dict) and set(value) == set(structure.keys)
        parts = [value[key] for key in structure.keys] if fits else []
    else:
        fits = isinstance(value, list | tuple) and len(value) == len(structure.children)
        parts = list(value) if fits else []
    if not fits:
        wanted = ", ".join(map(repr, structure.keys)) or f"{len(structure.children)} entries"
        raise CircuitError(
            f"a {what} is nested like the {of}: a {structure.kind} of {wanted}, got {value!r:.60}."
        )
    pairs = zip(parts, structure.children, strict=True)
    return [leaf for part, child in pairs for leaf in _like(part, child, what, of)]


def _gradient(
    view: Specialization, wanted: Sequence[int], outputs: Sequence[int] = (0,)
) -> Derived:
    """(inputs, a force an output) -> outputs, then the pulls on the wanted inputs (zeros for none)."""
    key = ("pulls", tuple(wanted), tuple(outputs))
    return view.derived(key, lambda: _gradient_circuit(view, wanted, outputs))


def _gradient_circuit(
    view: Specialization, wanted: Sequence[int], outputs: Sequence[int]
) -> Circuit:
    back = backward(view.circuit, outputs)
    pulls = [back.input_pulls[w] for w in wanted]
    if all(p >= 0 for p in pulls):
        return tidy(back.asking([*back.forward.outputs, *pulls]))
    builder = Builder(back.circuit)
    ends = [builder.wire(o) for o in back.forward.outputs]
    for w, p in zip(wanted, pulls, strict=True):
        ends.append(builder.wire(p) if p >= 0 else builder.constant(_zero(view, w)))
    return tidy(builder.finish(ends))


def _zero(view: Specialization, position: int) -> Any:
    """The pull on an input that nothing pulls."""
    spec = view.circuit.spec_of(view.circuit.inputs[position])
    return np.zeros(spec.shape, spec.dtype if spec.dtype.kind == "f" else np.float64)[()]


def _applied(
    view: Specialization, leaves: list[Any], derived: Derived, more: list[Any]
) -> list[Any]:
    """Run a circuit on numbers, or write it into the circuit that the wires among the inputs belong to."""
    # Captured wires are the last inputs of the traced circuit; forces and directions follow them.
    values = [*leaves, *view.trace.captured, *more]
    builders = [value.builder for value in values if isinstance(value, Wire)]
    if not builders:
        return [plain(v) for v in derived.program.run(values)]
    circuit = derived.circuit
    builder = max(builders, key=lambda b: b.serial)  # the innermost takes the others' wires in
    wires = []
    for wire, value in zip(circuit.inputs, values, strict=True):
        spec = circuit.spec_of(wire)
        if not isinstance(value, Wire):
            value = np.broadcast_to(np.asarray(value, spec.dtype), spec.shape)[()]
        wires.append(builder.adopt(value))
    return list(builder.inline(circuit, wires))


def _split(leaves: list[Any], structures: Sequence[Any]) -> list[Any]:
    found = []
    left = list(leaves)
    for structure in structures:
        found.append(put_together(left[: structure.leaves], structure))
        left = left[structure.leaves :]
    return found


__all__ = [
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "map_leaves",
    "pullback",
    "value_and_grad",
    "vjp",
]
