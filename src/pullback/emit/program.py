"""A whole function as source: the forward pass, or the forward and the backward pass with the author's names.

"steps" gives every wire its own line, "ninja" writes a wire into the only line that uses it, "gates"
gives every gate its own line, those of the backward pass too. In all three no gradient name is used
twice, and every line knows its wires.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pullback.core.circuit import Circuit, Row
from pullback.core.dtypes import FLOAT32
from pullback.core.shapes import Spec
from pullback.emit.expressions import expression, face_of, hands_on, mentions
from pullback.emit.language import ATOM, LINE, SIGN, Language, Text, Variable
from pullback.emit.names import Names, pull_names, wire_names
from pullback.emit.nonzero import never_zero
from pullback.emit.script import Script, backward_script, forward_script
from pullback.errors import OptionError
from pullback.passes.backward import Backward

STYLES = ("steps", "ninja", "gates")
LONGEST = 72  # characters of an expression that is still written into another one


class Step(NamedTuple):
    """A line that computes: the row it gives a value to, its variable, its expression, the rows it reads."""

    row: int
    variable: Variable
    text: str
    reads: tuple[int, ...]


@dataclass
class Program:
    """Source text, one line an entry.

    name: the function's. wires[i]: the forward wire that line i is about, or None; held[i]: all
    wires that it computes or writes out. steps: the lines that compute, for a look inside.
    variables: by row, those that have one.
    """

    name: str
    script: Script
    text: list[str] = field(default_factory=list)
    wires: list[int | None] = field(default_factory=list)
    held: list[tuple[int, ...]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    variables: dict[int, Variable] = field(default_factory=dict)
    helpers: list[str] = field(default_factory=list)

    def add(self, line: str, wire: int | None = None, held: Iterable[int] = ()) -> None:
        for part in line.split("\n"):
            self.text.append(part)
            self.wires.append(wire)
            self.held.append(tuple(held) or (() if wire is None else (wire,)))


def emit_forward(circuit: Circuit, language: Language, name: str, style: str) -> Program:
    """`def name(inputs): ... return value`."""
    return _Emitter(forward_script(circuit, language), language, name, style).program


def emit_backward(
    back: Backward,
    language: Language,
    name: str,
    style: str,
    asked: Sequence[int] | None = None,
) -> Program:
    """`def name_backward(inputs, force): ... return value, {input: pull}`, the asked inputs' or all."""
    script = backward_script(back, language, asked)
    return _Emitter(script, language, f"{name}_backward", style).program


class _Emitter:
    """Writes rows in running order: each becomes a line, or is written into the one line that uses it."""

    def __init__(self, script: Script, language: Language, name: str, style: str) -> None:
        if style not in STYLES:
            raise OptionError(f"style must be one of {', '.join(STYLES)}, got {style!r}.")
        self.script, self.language, self.style = script, language, style
        helpers = self._helpers()
        self.names = Names(language, defined(helpers))
        self.called = wire_names(self.names, script, style != "ninja")
        for force in script.forces:
            self.called[force] = self.names.fresh(script.circuit.names[force])
        self.called.update(pull_names(self.names, script))
        self.written: dict[int, Text] = {}  # what stands where a row is used
        self.holds: dict[int, tuple[int, ...]] = {}  # the wires inside that text
        self.reads: dict[int, tuple[int, ...]] = {}  # the rows whose variables stand in it
        self.plain: set[int] = set()  # rows that may be a bare number of the language
        self.program = Program(self.names.of_function(name), script, helpers=helpers)
        self._write()

    # The parts of a program

    def _write(self) -> None:
        script, language, program = self.script, self.language, self.program
        outputs = [
            Variable(self.names.fresh(f"{self.called.get(o) or 'y'}_out"), self._spec(o))
            for o in script.outputs
        ]
        inputs = [self._variable(script.row_of[w]) for w in script.inputs]
        forces = [self._variable(f) for f in script.forces]
        for line in language.open(program.name, inputs, forces, outputs):
            program.add(line, held=script.inputs)
        self._lines(range(script.forward))
        if script.forces:
            program.add(language.comment("backward: the pull on each wire, in reverse"))
            self._backward_lines()
        self._close(outputs)
        self._head()

    def _close(self, outputs: Sequence[Variable]) -> None:
        script, language = self.script, self.language
        values = [self.written[o].text for o in script.outputs]
        pulls = {script.names[w]: self._input_pull(w) for w, _ in script.real_inputs()}
        about = [*(script.wires[o] for o in script.outputs), *(w for w, _ in script.real_inputs())]
        for line, of in language.close(values, pulls if script.forces else None, outputs):
            self.program.add(line, None if of is None else about[of])

    def _head(self) -> None:
        """The imports and the helpers go on top, once each."""
        program, helpers = self.program, self.program.helpers
        head = self.language.header("\n".join([*helpers, *program.text]))
        for helper in helpers:
            head += [*(["", ""] if head else []), *helper.split("\n")]
        head += ["", ""] if head else []
        program.text[:0], program.wires[:0] = head, [None] * len(head)
        program.held[:0] = [()] * len(head)

    def _helpers(self) -> list[str]:
        found: dict[str, None] = {}
        for row in self.script.rows:
            if row.gate is not None and self.script.live[row.wire]:
                face, helpers = self._face(row), self.language.helpers(row.gate)
                if self._is_guarded(row):
                    helpers = [self.language.guarded[row.gate.name][1]]
                if any(f"{name}(" in face for name in defined(helpers)):
                    found.update(dict.fromkeys(helpers))
        return list(found)

    # Rows

    def _lines(self, rows: Iterable[int]) -> None:
        for row in rows:
            if self.script.live[row]:
                self._line(self.script.rows[row])

    def _line(self, row: Row) -> None:
        if row.gate is None:
            self._leaf(row.wire)
            return
        text = self._expression(row)
        wire = self.script.wires[row.wire]
        held = (wire, *(w for i in row.inputs for w in self.holds.get(i, ())))
        reads = tuple(dict.fromkeys(r for i in row.inputs for r in self.reads.get(i, ())))
        if row.wire not in self.called and self._fits_inside(row, text):
            self.written[row.wire], self.holds[row.wire] = text, held
            self.reads[row.wire] = reads
            return
        name = self.called.get(row.wire) or self.names.temporary()
        self.called[row.wire] = name
        variable = self._variable(row.wire)
        self.program.variables[row.wire] = variable
        self.reads[row.wire] = (row.wire,)
        self.program.steps.append(Step(row.wire, variable, text.text, reads))
        self.program.add(self.language.assign(variable, text.text), wire, dict.fromkeys(held))
        self.written[row.wire] = Text(self.language.show(name))

    def _leaf(self, row: int) -> None:
        """An input, a force or a constant: no line, its name or number stands where it is used."""
        constant = self.script.circuit.is_constant(row)
        value = self.script.circuit.constant_of(row) if constant else None
        shown = self.language.show
        text = self.language.number(value) if constant else shown(self.called[row])
        if not constant:
            self.program.variables[row], self.reads[row] = self._variable(row), (row,)
        self.written[row] = Text(text, SIGN if text.startswith("-") else ATOM)
        if not self._spec(row).shape:
            self.plain.add(row)

    def _expression(self, row: Row) -> Text:
        inputs = [self.written[i] for i in row.inputs]
        if self.language.strong:
            inputs = self._strengthened(row, inputs)
        return expression(self.language, row, self._spec(row.wire), inputs, self._face(row))

    def _face(self, row: Row) -> str:
        assert row.gate is not None
        if self._is_guarded(row):
            return self.language.guarded[row.gate.name][0]
        specs = [self._spec(i) for i in row.inputs]
        return face_of(self.language, row, self._spec(row.wire), specs)

    def _strengthened(self, row: Row, inputs: list[Text]) -> list[Text]:
        """A row that meets nothing but bare numbers is told what kind of numbers they are."""
        gate, face, strong = row.gate, self._face(row), self.language.strong
        assert gate is not None
        assert strong is not None
        names = gate.input_names(len(inputs))
        numbers = [at for at, name in enumerate(names) if name not in gate.kinds]
        if not self.plain.issuperset(row.inputs[at] for at in numbers):
            return inputs
        if hands_on(gate, face, len(inputs)):
            self.plain.add(row.wire)
            return inputs
        dtypes = {at: self._spec(row.inputs[at]).dtype for at in numbers}
        if face.startswith("np.") and FLOAT32 not in dtypes.values():
            return inputs
        told = [at for at in numbers if at == numbers[0] or dtypes[at] == FLOAT32]
        return [strong(t, dtypes[at]) if at in told else t for at, t in enumerate(inputs)]

    def _is_guarded(self, row: Row) -> bool:
        """Whether the language's own form of this gate could stop the program at some numbers."""
        assert row.gate is not None
        guarded = row.gate.name in self.language.guarded
        return guarded and not never_zero(self.script.circuit, row.inputs[-1])

    def _fits_inside(self, row: Row, text: Text) -> bool:
        """A row that only one line uses, and writes out once, may stand inside that line."""
        own_line = self.style == "gates" or (
            self.style == "steps" and row.wire < self.script.forward and row.wire in self.script.own
        )
        users = self.script.users[row.wire]
        if own_line or len(users) != 1 or row.wire in self.script.wanted:
            return False
        if text.level == LINE or len(text.text) > LONGEST:
            return False
        user = users[0]
        assert user.gate is not None
        place, count = user.inputs.index(row.wire), len(user.inputs)
        return mentions(user.gate, self._face(user), place, count) == 1

    def _spec(self, row: int) -> Spec:
        return self.script.circuit.spec_of(row)

    def _variable(self, row: int) -> Variable:
        return Variable(self.called.get(row, ""), self._spec(row))

    # Pulls

    def _backward_lines(self) -> None:
        """Gate by gate in reverse: the rows its rule made, then wires it passes its own pull on to."""
        script = self.script
        made: dict[int, list[int]] = {}
        for row in range(script.forward, len(script.rows)):
            if row in script.forces:
                self._leaf(row)
            else:
                made.setdefault(script.wires[row], []).append(row)
        passed = self._passed_on()
        for gate in range(len(script.names) - 1, -1, -1):
            self._lines(made.get(gate, []))
            for wire in passed.get(gate, []):
                self._pass_on(wire)
        if not self.language.returns:
            for wire, pull in script.real_inputs():
                if pull < 0:
                    self._pass_on(wire)

    def _passed_on(self) -> dict[int, list[int]]:
        """By gate: the named wires whose whole pull is a variable that was called after another wire."""
        script = self.script
        # A force is called after its output, if that has a name: after no other wire.
        owner = dict.fromkeys(script.forces, -1)
        for wire in reversed(range(len(script.names))):
            if script.names[wire]:
                owner.setdefault(script.pulls[wire], wire)
        found: dict[int, list[int]] = {}
        for wire, name in enumerate(script.names):
            pull, branches = script.pulls[wire], script.branches.get(wire, [])
            if not name or pull < 0 or not script.live[pull] or branches[-1][0] < 0:
                continue
            if owner[pull] != wire or pull < script.forward or pull not in self.called:
                found.setdefault(branches[-1][0], []).append(wire)
        return found

    def _pass_on(self, wire: int) -> None:
        name = self.names.fresh(f"d{self.script.names[wire]}")
        variable = Variable(name, self._spec(self.script.row_of[wire]))
        self.program.add(self.language.assign(variable, self._input_pull(wire)), wire)
        self.called[-1 - wire] = variable.name

    def _input_pull(self, wire: int) -> str:
        pull = self.script.pulls[wire]
        if pull < 0:
            return self.language.zero(self._variable(self.script.row_of[wire]))
        passed = self.called.get(-1 - wire)
        return self.language.show(passed) if passed else self.written[pull].text


def defined(helpers: Sequence[str]) -> list[str]:
    """The names of the functions that `helpers` define."""
    return [helper.split("(")[0].split()[-1] for helper in helpers]


def wires_of(held: Sequence[Sequence[int]]) -> dict[int, list[int]]:
    """Line numbers (from 1) by wire."""
    found: dict[int, list[int]] = {}
    for number, wires in enumerate(held, start=1):
        for wire in wires:
            found.setdefault(wire, []).append(number)
    return found
