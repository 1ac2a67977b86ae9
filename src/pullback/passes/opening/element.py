"""Element: one element of what an array gate puts out, as a circuit of gates between single numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.core.build import Builder
from pullback.core.circuit import Circuit, Row
from pullback.core.gate import Gate
from pullback.core.names import unique
from pullback.core.replay import replay
from pullback.core.shapes import Signature, Spec
from pullback.core.wire import Wire
from pullback.errors import CircuitError, GateError, OptionError
from pullback.passes.opening.cells import Cell, array_of, cell_of, flat_positions
from pullback.passes.pull import opened_recipe

LARGEST = 4_000  # gates of one element; nobody reads more
LARGEST_READ = (
    1_000_000  # elements of the inputs of a gate that are looked through for the right ones
)
SPREAD = ("force",)  # has a shape of its own to check, but works number by number
NAME = 40  # characters of a wire's name that an element's name keeps
Index = tuple[int, ...]


@dataclass(frozen=True)
class Element:
    """circuit: scalars in, one scalar out. sources: for each input, the wire and the index it stands for."""

    circuit: Circuit
    sources: tuple[tuple[int, Index], ...]


def element(
    circuit: Circuit,
    wire: int,
    index: Index,
    leaves: Container[int] | None = None,
    values: Sequence[Any] | None = None,
) -> Element:
    """Element `index` of `wire` as gates between the elements of `leaves`, called `a_0_3`.

    leaves: where to stop, beside the circuit's inputs; what the wire's gate listens to if not given.
    values: of one run, by wire, for gates that read by index. A recipe or a gate with parts is
    opened; other gates open by running their own NumPy body on cells. A gate that works number by
    number stays itself. A `force` by hand pulls this element alone, in the array all of them.
    """
    row = circuit.row(wire)
    if row.gate is None:
        raise CircuitError(f"{circuit.describe(wire)} is no gate's output: nothing can be opened.")
    outer = _Frame(circuit, row.inputs if leaves is None else leaves, values)
    shape = circuit.spec_of(wire).shape
    end = outer.cell(wire, _flat(shape, index))
    order = _in_order(circuit, end)
    return _Writer(circuit, row, order).written(end, _called(circuit.names[wire] or "y", index))


class _Frame:
    """A circuit whose elements are asked for: the person's own, or the inside of one of its gates.

    leaves: wires that are not opened. outer, given: the frame around it and what it feeds in there.
    """

    def __init__(
        self,
        circuit: Circuit,
        leaves: Container[int] = (),
        values: Sequence[Any] | None = None,
        outer: _Frame | None = None,
        given: tuple[int, ...] = (),
    ) -> None:
        self.circuit, self.leaves, self.values = circuit, leaves, values
        self.outer, self.given = outer, given
        self.cells: dict[tuple[int, int], Cell] = {}
        self.arrays: dict[int, Any] = {}
        self.inner: dict[int, _Frame] = {}

    def cell(self, wire: int, flat: int) -> Cell:
        """The one cell of this element."""
        found = self.cells.get((wire, flat))
        if found is None:
            found = self.cells[wire, flat] = Cell(place=(self, wire, flat))
        return found

    def made_of(self, wire: int, flat: int) -> Cell:
        """The cell that says how this element is made; a leaf is itself."""
        circuit = self.circuit
        if circuit.is_constant(wire):
            return Cell(number=np.asarray(circuit.constant_of(wire)).reshape(-1)[flat])
        if wire in self.leaves or (circuit.is_input(wire) and self.outer is None):
            return self.cell(wire, flat)
        if circuit.is_input(wire):
            assert self.outer is not None
            return self.outer.cell(self.given[circuit.inputs.index(wire)], flat)
        row = circuit.row(wire)
        assert row.gate is not None
        if row.gate.elementwise or row.gate.name in SPREAD:
            return self._of_numbers(row, row.gate, flat)
        return self._of_parts(row, flat) if row.gate.inside else self._of_body(row, row.gate, flat)

    def _of_numbers(self, row: Row, gate: Gate, flat: int) -> Cell:
        at = self._index(row.wire, flat)
        shapes = [self.circuit.spec_of(i).shape for i in row.inputs]
        flats = [_flat(s, _aligned(at, s)) for s in shapes]
        inputs = tuple(self.cell(i, f) for i, f in zip(row.inputs, flats, strict=True))
        return Cell(gate, inputs, row.attributes)

    def _of_parts(self, row: Row, flat: int) -> Cell:
        if row.wire not in self.inner:
            assert row.gate is not None
            specs = [self.circuit.spec_of(i) for i in row.inputs]
            opened = opened_recipe(row.gate, specs, row.attributes)
            self.inner[row.wire] = _Frame(opened, outer=self, given=row.inputs)
        inner = self.inner[row.wire]
        return inner.cell(inner.circuit.outputs[0], flat)

    def _of_body(self, row: Row, gate: Gate, flat: int) -> Cell:
        """Run the gate's body on cells: on the part that this element depends on, where that is known."""
        at = self._index(row.wire, flat)
        shapes = [self.circuit.spec_of(i).shape for i in row.inputs]
        cuts, there = _cut(row, shapes, at)
        if cuts is not None:
            return cell_of(self._run(row, gate, cuts)[there])
        if row.wire not in self.arrays:
            if sum(int(np.prod(s, dtype=np.int64)) for s in shapes) > LARGEST_READ:
                raise OptionError(
                    f"{self.circuit.describe(row.wire)} reads more than {LARGEST_READ:,} numbers; "
                    "an element of it cannot be opened.",
                    fix="open it for fewer examples",
                )
            whole = [(slice(None),) * len(s) for s in shapes]
            self.arrays[row.wire] = self._run(row, gate, whole)
        return cell_of(self.arrays[row.wire][at])

    def _run(self, row: Row, gate: Gate, cuts: Sequence[tuple[slice, ...]]) -> Any:
        names = gate.input_names(len(row.inputs))
        inputs = []
        for name, wire, cut in zip(names, row.inputs, cuts, strict=True):
            if name in gate.kinds:
                inputs.append(np.asarray(self.known(wire))[cut])
            else:
                flats = flat_positions(self.circuit.spec_of(wire).shape, cut)
                cells = [self.cell(wire, f) for f in flats.reshape(-1).tolist()]
                inputs.append(array_of(cells, flats.shape))
        try:
            made = gate.body(*inputs, **row.attributes)
        except (TypeError, AttributeError, ValueError) as error:
            raise GateError(
                f"{gate.name} cannot be opened: {error}.",
                why="Its NumPy body does more than move, add and multiply.",
                fix=f"@{gate.name}.parts  def {gate.name}_parts(...): the same, written with gates",
            ) from error
        return made if isinstance(made, np.ndarray) else array_of([made], ())

    def known(self, wire: int) -> Any:
        """The numbers on a wire in this run: what is read by index depends on them."""
        circuit = self.circuit
        if circuit.is_constant(wire):
            return circuit.constant_of(wire)
        if self.outer is not None:
            asked = dataclasses.replace(circuit, outputs=(wire,))
            return replay(asked, [self.outer.known(w) for w in self.given])[0]
        if self.values is None or self.values[wire] is None:
            said = circuit.describe(wire)
            raise OptionError(
                f"which element is read depends on the numbers of {said}.", fix="give values too"
            )
        return self.values[wire]

    def _index(self, wire: int, flat: int) -> Index:
        return tuple(int(i) for i in np.unravel_index(flat, self.circuit.spec_of(wire).shape))


def _aligned(at: Index, shape: Index) -> Index:
    """The index into an input of `shape` that is broadcast to where `at` points."""
    return tuple(0 if s == 1 else i for i, s in zip(at[len(at) - len(shape) :], shape, strict=True))


def _flat(shape: Index, at: Index) -> int:
    return int(np.ravel_multi_index(at, shape)) if shape else 0


def _cut(row: Row, shapes: list[Index], at: Index) -> tuple[list[tuple[slice, ...]] | None, Index]:
    """The part of each input that element `at` depends on, and where the element is then.

    Known for a gate with a signature, by its letters; and for a gate of one input with an `axis`,
    which works along that axis row by row.
    """
    gate = row.gate
    assert gate is not None
    if isinstance(gate.shape, Signature):
        letters = [a for a in gate.shape.output if a != "..."]
        before = gate.shape.output.index("...") if "..." in gate.shape.output else 0
        rest = at[before : before + len(at) - len(letters)]
        bound = dict(zip(letters, at[:before] + at[before + len(rest) :], strict=True))
        pairs = zip(gate.shape.inputs, shapes, strict=True)
        return [_by_letters(axes, shape, bound, rest) for axes, shape in pairs], (0,) * len(at)
    if "axis" in row.attributes and len(shapes) == 1 and not gate.variadic and not gate.kinds:
        return _along(shapes[0], row.attributes["axis"], at)
    return None, at


def _by_letters(
    axes: list[str], shape: Index, bound: dict[str, int], rest: Index
) -> tuple[slice, ...]:
    letters = len(axes) - ("..." in axes)
    free = len(shape) - letters
    spread = iter(_aligned(rest, shape[axes.index("...") :][:free]) if free else ())
    cut = []
    for axis in axes:
        many = free if axis == "..." else 1
        for _ in range(many):
            place = next(spread) if axis == "..." else bound.get(axis)
            cut.append(slice(None) if place is None else slice(place, place + 1))
    return tuple(cut)


def _along(shape: Index, axis: Any, at: Index) -> tuple[list[tuple[slice, ...]], Index]:
    named = range(len(shape)) if axis is None else (axis,) if isinstance(axis, int) else axis
    axes = {a % len(shape) for a in named} if shape else set()
    kept = len(at) == len(shape)
    batch = iter([i for d, i in enumerate(at) if d not in axes] if kept else at)
    cut = [slice(None) if d in axes else _one(next(batch)) for d in range(len(shape))]
    there = tuple(i if d in axes else 0 for d, i in enumerate(at)) if kept else (0,) * len(at)
    return [tuple(cut)], there


def _one(place: int) -> slice:
    return slice(place, place + 1)


def _in_order(circuit: Circuit, end: Cell) -> list[Cell]:
    """Every cell that `end` is made of, each after those it needs. Places are looked up on the way."""
    done: dict[int, None] = {}
    order: list[Cell] = []
    gates, waiting = 0, [(end, False)]
    while waiting:
        cell, seen = waiting.pop()
        if seen:
            order.append(cell)
        elif id(cell) not in done:
            done[id(cell)] = None
            if cell.place is not None:
                frame, wire, flat = cell.place
                made = frame.made_of(wire, flat)
                cell.args = () if made is cell else (made,)
            gates += cell.gate is not None
            if gates > LARGEST:
                said = circuit.describe(end.place[1])
                raise OptionError(
                    f"one element of {said} is made of more than {LARGEST:,} gates, which is the limit.",
                    fix="give a wire on the way a name, and open that one; or open a smaller array",
                )
            waiting.append((cell, True))
            waiting += [(a, False) for a in reversed(cell.args)]
    return order


class _Writer:
    """Cells become rows of a circuit; its inputs stand wire by wire in the order of their use."""

    def __init__(self, circuit: Circuit, row: Row, order: list[Cell]) -> None:
        self.circuit, self.row, self.order = circuit, row, order
        self.builder = Builder()
        self.made: dict[int, Any] = {}  # id of a cell -> its wire or number

    def written(self, end: Cell, name: str) -> Element:
        """The circuit that ends in the cell `end`, called `name`."""
        builder = self.builder
        sources = self._inputs(name)
        with builder.standing_in(self.circuit, self.row.wire):
            assert builder.here is not None
            builder.here = (builder.here[0], 0)  # the gate's own line, but not the scope around it
            for cell in self.order:
                if id(cell) not in self.made:
                    self.made[id(cell)] = self._of(cell)
        out = self.made[id(end)]
        if not isinstance(out, Wire):  # a border of zeros, for instance
            out = builder.constant(np.asarray(out, self.circuit.spec_of(self.row.wire).dtype)[()])
        elif builder.kind_of(out.id).op > 1:
            builder.name(out.id, name)
        return Element(builder.finish([out]), tuple(sources))

    def _inputs(self, name: str) -> list[tuple[int, Index]]:
        leaves = [c for c in self.order if c.place and not c.args]
        first = {wire: at for at, wire in reversed(list(enumerate(c.place[1] for c in leaves)))}
        leaves.sort(key=lambda c: (first[c.place[1]], c.place[2]))
        sources, taken = [], {name}
        for leaf in leaves:
            _, wire, flat = leaf.place
            spec = self.circuit.spec_of(wire)
            index = tuple(int(i) for i in np.unravel_index(flat, spec.shape))
            said = unique(_called(self._name(wire), index), taken)
            taken.add(said)
            role = _role(self.circuit, wire)
            self.made[id(leaf)] = self.builder.input(Spec((), spec.dtype), said, role)
            sources.append((wire, index))
        return sources

    def _name(self, wire: int) -> str:
        """A wire's own name, else what the gate calls this input."""
        named, row = self.circuit.names[wire], self.row
        assert row.gate is not None
        if named or wire not in row.inputs:
            return named or "t"
        return row.gate.input_names(len(row.inputs))[row.inputs.index(wire)]

    def _of(self, cell: Cell) -> Any:
        if cell.gate is not None:
            inputs = [self.made[id(a)] for a in cell.args]
            return self.builder.apply(cell.gate, inputs, cell.attributes)
        return self.made[id(cell.args[0])] if cell.args else cell.number


def _role(circuit: Circuit, wire: int) -> str:
    return circuit.roles[int(circuit.attribute[wire])] if circuit.is_input(wire) else "data"


def _called(name: str, index: Index) -> str:
    """`a_0_3`: the name of an element. Short enough for a wire, however long the array's is."""
    return "_".join([name[:NAME], *map(str, index)])
