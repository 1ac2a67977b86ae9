"""The meaning of a loop of steps: a circuit that gives back what it will take next, run again and again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np

from pullback.core.circuit import Circuit
from pullback.core.dtypes import canonical
from pullback.errors import CircuitError, DtypeError, OptionError, RangeError, RunError, ShapeError
from pullback.executors.reference.program import Program, fitted, typed

Array = np.ndarray[Any, Any]


class Steps:
    """A step circuit that keeps what it carries from step to step, such as weights.

    carried: which input each output becomes in the next step, {input: output} by position. columns:
    positions of the inputs that each step brings. The other inputs are `fixed` until they are set
    anew. Outputs that are not carried are shown. owned: see `hold`.

    Ctrl-C or an error ends `run` after a full step: `done` counts the steps made, `carried` is what
    they came to, and `records` has for each shown single number an entry a step.

    >>> from pullback import circuit
    >>> step = circuit("w - rate * x").circuit()
    >>> steps = Steps(step, carried={0: 0}, columns=[2], start=[5.0], fixed=[0.5])
    >>> steps.step(2.0)
    ()
    >>> [float(w) for w in steps.carried]
    [4.0]
    """

    again: Callable[..., Steps] | None = None  # compiles another circuit as this one was

    def __init__(
        self,
        circuit: Circuit,
        *,
        carried: Mapping[int, int],
        columns: Sequence[int],
        start: Sequence[Any],
        fixed: Sequence[Any] = (),
        owned: bool = False,
    ) -> None:
        self.circuit = circuit
        self._pairs, self._columns = tuple(carried.items()), tuple(columns)
        taken = {*carried, *columns}
        self._fixed = tuple(i for i in range(len(circuit.inputs)) if i not in taken)
        self._shown = [o for o in range(len(circuit.outputs)) if o not in carried.values()]
        self._check()
        self.records: list[Array] = []
        self._done = 0
        self._prepare()
        self.fixed = fixed
        if owned:
            self.hold(start)
        else:
            self.carried = start

    def __reduce__(self) -> Any:
        """Pickled are the circuit, how it was compiled, and what is carried by now; no records."""
        made = partial(Steps, carried=dict(self._pairs), columns=self._columns)
        state = {"start": self.carried, "fixed": self.fixed}
        return partial(self.again or made, **state), (self.circuit,)

    @property
    def done(self) -> int:
        """How many steps the last `run` has made."""
        return self._done

    @property
    def carried(self) -> list[Any]:
        """What is carried, after the last step, in the order it was declared."""
        return [_own(x) for x in self._kept()]

    @carried.setter
    def carried(self, values: Sequence[Any]) -> None:
        # An interruption before the next step must not find the steps of the last run.
        self._forget()
        self._keep([_own(x) for x in self._fit([i for i, _ in self._pairs], values)])

    @property
    def held(self) -> list[Any]:
        """What is carried, not copied: these arrays are as they are until the next step is made."""
        return list(self._kept())

    def hold(self, values: Sequence[Any] | None = None) -> None:
        """Go on from these very arrays; from now on they belong to the steps, which may write into them.

        So two `Steps` that hold the same arrays in turn hand over what they carry without copies.
        None: those it has; `done` is 0 until the next run.
        """
        self._forget()
        if values is not None:
            self._adopt(values)

    def _adopt(self, values: Sequence[Any]) -> None:
        self._keep(self._fit([i for i, _ in self._pairs], values))

    @property
    def fixed(self) -> list[Any]:
        """The inputs that are neither carried nor columns, such as a learning rate."""
        return [_own(x) for x in self._given]

    @fixed.setter
    def fixed(self, values: Sequence[Any]) -> None:
        self._give([_own(x) for x in self._fit(self._fixed, values)])

    def step(self, *columns: Any) -> Any:
        """One step; gives the shown outputs, a tuple or the one there is.

        Raises what the circuit raises, and then nothing has moved.
        """
        self._state, shown = self._stepped(self._fit(self._columns, columns))
        plain = tuple([x.item() if np.ndim(x) == 0 else _own(x) for x in shown])
        return plain[0] if len(plain) == 1 else plain

    def run(self, columns: Sequence[Any], order: Any) -> int:
        """A step for each batch of `order`, the rows to take; how many steps that were.

        A column has its rows along the first axis, and a step takes as many of them as its input
        has; one row a step, without that axis, where an input of the columns is a single number.
        Without columns `order` only says how many steps.
        It ends early after a step that shows a number that is not finite.
        """
        self._forget()
        data = self._data(columns)
        rows = self._rows(data, order)
        total = len(rows) // self.batch
        shown = [self._spec(o) for o in self._singles]
        self.records = [np.zeros(total, s.dtype) for s in shown]
        try:
            self._loop(data, rows, total)
        finally:
            self.records = [r[: self.done] for r in self.records]
        return self.done

    # What an executor does in its own way

    def _prepare(self) -> None:
        self._program = Program(self.circuit)

    def _forget(self) -> None:
        """No step has been made since `carried` was what it is."""
        self._done, self.records = 0, []

    def _kept(self) -> Sequence[Any]:
        return self._state

    def _keep(self, state: list[Any]) -> None:
        self._state = state

    def _give(self, given: list[Any]) -> None:
        self._given = given

    def _loop(self, data: list[Array], rows: Array, total: int) -> None:
        for step in range(total):
            batch = rows[step * self.batch : (step + 1) * self.batch]
            state, shown = self._stepped([x[batch[0] if self.single else batch] for x in data])
            singles = [x for x in shown if np.ndim(x) == 0]
            for record, value in zip(self.records, singles, strict=True):
                record[step] = value
            # In one go: an interruption finds the step made or not made.
            self._state, self._done = state, step + 1
            if not np.isfinite(singles).all():
                return

    # What all executors share

    def _stepped(self, columns: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """What is carried and what is shown after one step from here."""
        given: dict[int, Any] = dict(zip(self._columns, columns, strict=True))
        given.update(zip((i for i, _ in self._pairs), self._state, strict=True))
        given.update(zip(self._fixed, self._given, strict=True))
        outputs = self._program.run([given[i] for i in range(len(given))])
        return [_own(outputs[o]) for _, o in self._pairs], [outputs[o] for o in self._shown]

    def _check(self) -> None:
        circuit = self.circuit
        for i, o in self._pairs:
            taken, given = circuit.spec_of(circuit.inputs[i]), self._spec(o)
            if taken != given:
                name = circuit.input_names[i]
                raise CircuitError(f"'{name}' is carried as {taken}, but output {o} is {given}.")

    def _spec(self, output: int) -> Any:
        return self.circuit.spec_of(self.circuit.outputs[output])

    @cached_property
    def _singles(self) -> list[int]:
        """The shown outputs that are single numbers."""
        return [o for o in self._shown if not self._spec(o).shape]

    def _fit(self, positions: Sequence[int], values: Sequence[Any]) -> list[Any]:
        if len(values) != len(positions):
            names = ", ".join(self.circuit.input_names[i] for i in positions)
            raise ShapeError(f"wanted {len(positions)} values ({names}), got {len(values)}.")
        wires = [self.circuit.inputs[i] for i in positions]
        return [
            fitted(value, self.circuit.spec_of(wire), self.circuit.describe(wire))
            for wire, value in zip(wires, values, strict=True)
        ]

    @cached_property
    def batch(self) -> int:
        """How many rows one step takes."""
        if self.single:
            return 1
        sizes = {shape[0] for shape in self._shapes}
        if len(sizes) != 1 or 0 in sizes:
            raise CircuitError(
                "a loop over rows wants columns that take one number of rows a step."
            )
        return sizes.pop()

    @cached_property
    def single(self) -> bool:
        """Whether a step takes one row as it is, without an axis of rows; or no row at all."""
        return not self._columns or () in self._shapes

    @cached_property
    def _shapes(self) -> list[tuple[int, ...]]:
        return [self.circuit.spec_of(self.circuit.inputs[i]).shape for i in self._columns]

    def _data(self, columns: Sequence[Any]) -> list[Array]:
        """The columns as dense arrays, or an error that names the wrong one."""
        names = [self.circuit.input_names[i] for i in self._columns]
        if len(columns) != len(names):
            raise ShapeError(f"the loop takes {len(names)} columns, got {len(columns)}.")
        data = []
        for i, name, column in zip(self._columns, names, columns, strict=True):
            spec = self.circuit.spec_of(self.circuit.inputs[i])
            array = np.asarray(typed(column, spec.dtype, f"column {name!r}"))
            row = spec.shape if self.single else spec.shape[1:]
            if array.shape[1:] != row or not array.ndim:
                said = f"rows of {name!r} have shape {array.shape[1:]}"
                raise ShapeError(f"{said}, the circuit wants {row}.")
            data.append(np.require(array, requirements=["C", "A"]))
        return data

    def _rows(self, data: list[Array], order: Any) -> Array:
        rows = np.asarray(order if type(order) is int else canonical(order, "order"))
        if rows.size and rows.dtype.kind not in "iu":
            raise DtypeError(f"order holds {rows.dtype.name}; rows are whole numbers.")
        rows = np.ascontiguousarray(rows, np.int64).ravel()
        size, count = self.batch, min((len(x) for x in data), default=0)
        if len(rows) % size:
            raise RangeError(f"order has {len(rows)} rows, which steps of {size} do not divide.")
        if data and len(rows) and int(rows.view(np.uint64).max()) >= count:
            wrong = int(rows.min() if rows.min() < 0 else rows.max())
            raise RangeError(f"order asks for row {wrong}, the columns have rows 0 to {count - 1}.")
        return rows


def check_positions(circuit: Circuit, carried: Mapping[int, int], columns: Sequence[int]) -> None:
    """Refuse inputs and outputs that the circuit does not have, and an input asked for twice."""
    names, count = circuit.input_names, len(circuit.outputs)
    asked = [*carried, *columns]
    for i in asked:
        if i not in range(len(names)):
            what = f"there is no input {i!r}; the circuit counts from 0, and it has {len(names)}"
            raise OptionError(f"{what}: {', '.join(names)}.")
        if asked.count(i) > 1:
            raise OptionError(
                f"{names[i]!r} is asked for twice; an input is carried or one column."
            )
    for o in carried.values():
        if o not in range(count):
            raise OptionError(
                f"there is no output {o!r}; the circuit counts from 0, and it has {count}."
            )


def blame(said: str, value: Any, rows: Array | None = None) -> RunError | None:
    """The error for a value, or for these rows of it, that is not finite itself; None where it is not.

    said: "'y' is". It is asked when a training has failed, so it costs a healthy one nothing.

    >>> blame("'y' is", np.array([1.0, np.nan]), np.array([1])).what
    "'y' is nan at row 1, so the training cannot go on."
    """
    array = np.asarray(value)
    met = None if rows is None else np.unique(rows)
    found = array if met is None else array[met]
    wrong = np.argwhere(~np.isfinite(found))
    if not len(wrong):
        return None
    first = tuple(wrong[0].tolist())
    place, fix = f" at index {first}" if first else "", "give it a finite number"
    if met is not None:
        column = ", column " + ", ".join(map(str, first[1:])) if first[1:] else ""
        place, fix = f" at row {met[first[0]]}{column}", "leave that row out"
    return RunError(f"{said} {found[first]}{place}, so the training cannot go on.", fix=fix)


def _own(value: Any) -> Any:
    """`value`, which nobody else can write into: what a step carries is its own."""
    return value.copy() if isinstance(value, np.ndarray) else value
