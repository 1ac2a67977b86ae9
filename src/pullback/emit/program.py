"""A whole function as source: the forward pass, or the forward and the backward pass with the author's names.

"steps" gives every wire its own line; "ninja" writes a wire into the only line that uses it. In both
no gradient name is used twice, and every line knows its wire.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from pullback.core.circuit import Circuit, Row
from pullback.core.gate import GATES, Gate
from pullback.core.names import unique
from pullback.core.shapes import Spec
from pullback.emit.expressions import ATOM, SIGN, Text, expression, mentions
from pullback.emit.language import Language, Variable
from pullback.errors import FaceError, OptionError
from pullback.passes.backward import Backward
from pullback.passes.expand import expand
from pullback.passes.pull import opened_recipe
from pullback.passes.rewrite import live

STYLES = ("steps", "ninja")
DEFINED = re.compile(r"(?:def|function|double) (\w+)\(")  # the name of a helper, in any language


@dataclass
class Program:
    """Source text under construction. wires[i] is the forward wire that line i is about, or None."""

    text: list[str] = field(default_factory=list)
    wires: list[int | None] = field(default_factory=list)

    def add(self, line: str, wire: int | None = None) -> None:
        for part in line.split("\n"):
            self.text.append(part)
            self.wires.append(wire)


def emit_forward(circuit: Circuit, language: Language, name: str, style: str) -> Program:
    """`def name(inputs): ... return value`."""
    return _Emitter(circuit, language, name, style).forward()


def emit_backward(back: Backward, language: Language, name: str, style: str) -> Program:
    """`def name_backward(inputs, force): ... return value, {input: pull}`."""
    return _Emitter(back.circuit, language, name, style, back).backward()


class _Emitter:
    """Writes rows in running order: each becomes a line, or is written into the one line that uses it."""

    def __init__(
        self,
        circuit: Circuit,
        language: Language,
        name: str,
        style: str,
        back: Backward | None = None,
    ) -> None:
        if style not in STYLES:
            raise OptionError(f"style={style!r}; it is one of {', '.join(STYLES)}.")
        self.circuit, self.language, self.name, self.back = circuit, language, name, back
        self.steps = style == "steps"
        self.author = back.forward if back else circuit
        self.rows = list(circuit.rows())
        self._read_uses()
        self.opened = {r.wire: self._inside(r) for r in self.rows if self._is_opened(r)}
        self.gates = list(self._gates())
        written = [g.helpers.get(language.name, "") for g in self.gates]
        # Some gates bring the same function: each is written once.
        self.helpers = list(
            dict.fromkeys(f for source in written for f in source.split("\n\n\n") if f)
        )
        defined = (DEFINED.search(source) for source in self.helpers)
        self.reserved = set(language.reserved) | {found[1] for found in defined if found}
        self.taken: set[str] = set()
        self.called: dict[int, str] = {}  # the variable of a row that gets a line of its own
        self.written: dict[int, Text] = {}  # what stands where a row is used
        self.temporaries = 0
        self.program = Program()
        for wire, given in enumerate(self.author.names):
            if given and self.live[wire]:
                self.called[wire] = self._fresh(given)

    def _read_uses(self) -> None:
        circuit, back = self.circuit, self.back
        pulls = [p for p in back.input_pulls if p >= 0] if back else []
        self.outputs = (*circuit.outputs, *pulls)
        self.live = live(back.asking(self.outputs) if back else circuit)
        self.uses = [0] * len(circuit)
        self.user: dict[int, Row] = {}
        for row in self.rows:
            if self.live[row.wire]:
                for i in row.inputs:
                    self.uses[i] += 1
                    self.user[i] = row

    def _fresh(self, name: str) -> str:
        """`name`, or the nearest name that is neither a keyword nor used before."""
        while name in self.reserved:
            name += "_"
        name = unique(name, self.taken)
        self.taken.add(name)
        return name

    def forward(self) -> Program:
        self._open(self.name, [])
        self._lines(range(len(self.author)))
        self._close(None)
        return self.program

    def backward(self) -> Program:
        assert self.back is not None
        for wire, name in self._pull_names().items():
            self.called[wire] = name
        self._open(f"{self.name}_backward", [self._variable(f) for f in self.back.forces])
        self._lines(range(len(self.author)))
        self.program.add(self.language.comment("backward: the pull on each wire, in reverse"))
        self.written.update({f: Text(self.language.show(self.called[f])) for f in self.back.forces})
        self._backward_lines(self.back)
        self._close(self._input_pulls(self.back))
        return self.program

    def _open(self, name: str, forces: list[Variable]) -> None:
        if self.language.preamble:
            self.program.add(self.language.preamble)
        for source in self.helpers:
            self.program.add("\n\n" + source)
        if self.program.text:
            self.program.add("\n")
        inputs = [self._variable(w) for w in self.author.inputs]
        outputs = [self._variable(w) for w in self.author.outputs]
        for line in self.language.open(name, inputs, forces, outputs):
            self.program.add(line)

    def _close(self, pulls: dict[str, str] | None) -> None:
        values = [self.written[o].text for o in self.author.outputs]
        for line in self.language.close(values, pulls):
            self.program.add(line)

    # Rows

    def _lines(self, wires: Iterable[int]) -> None:
        for wire in wires:
            if self.live[wire]:
                self._line(self.rows[wire])

    def _line(self, row: Row) -> None:
        wire = row.wire
        self._check_scalar(wire)
        if row.gate is None:
            self.written[wire] = self._leaf(wire)
        elif wire not in self.called and self._fits_inside(row):
            self.written[wire] = self._expression(row)
        else:
            text = self._expression(row).text
            name = self.called.get(wire) or self._temporary()
            self.called[wire] = name
            self.program.add(self.language.assign(self._variable(wire), text), self._about(wire))
            self.written[wire] = Text(self.language.show(name))

    def _leaf(self, wire: int) -> Text:
        if not self.circuit.is_constant(wire):
            return Text(self.language.show(self.called[wire]))
        return self._constant(self.circuit.constant_of(wire))

    def _constant(self, value: object) -> Text:
        text = self.language.number(value)
        return Text(text, SIGN if text.startswith("-") else ATOM)

    def _fits_inside(self, row: Row) -> bool:
        """A row that only one line uses, and writes out once, may stand inside that line."""
        wire = row.wire
        author_step = self.steps and wire < len(self.author)
        if author_step or self.uses[wire] != 1 or wire in self.outputs:
            return False
        return self.user[wire].wire not in self.opened and self._once(self.user[wire], wire)

    def _once(self, user: Row, wire: int) -> bool:
        """Whether the line of `user` writes out its input `wire` once only."""
        assert user.gate is not None
        return mentions(user.gate, self.language, user.inputs.index(wire), len(user.inputs)) == 1

    def _expression(self, row: Row) -> Text:
        inputs = [self.written[i] for i in row.inputs]
        if row.wire in self.opened:
            return self._lines_inside(self.opened[row.wire], inputs, self._about(row.wire))
        return expression(self.language, row, inputs)

    def _temporary(self) -> str:
        self.temporaries += 1
        return self._fresh(f"t{self.temporaries}")

    def _variable(self, wire: int) -> Variable:
        return _variable(self.called.get(wire, ""), self.circuit.spec_of(wire))

    def _about(self, wire: int) -> int:
        return wire if self.back is None else self.back.origin[wire]

    def _check_scalar(self, wire: int) -> None:
        shape = self.circuit.spec_of(wire).shape
        if self.language.scalar and shape:
            what = self.circuit.describe(wire)
            raise FaceError(
                f"{what} has shape {shape}; {self.language.name} source takes scalars.",
                fix='lang="numpy"',
            )

    # Recipes without a face of their own are written as the gates they are made of

    def _is_opened(self, row: Row) -> bool:
        gate = row.gate
        faceless = gate is not None and gate.recipe and self.language.name not in gate.faces
        return faceless and self.live[row.wire]

    def _inside(self, row: Row) -> Circuit:
        assert row.gate is not None
        faceless = {
            g.name for g in GATES.values() if g.recipe and self.language.name not in g.faces
        }
        specs = [self.circuit.spec_of(i) for i in row.inputs]
        return expand(opened_recipe(row.gate, specs, row.attributes), faceless)

    def _gates(self) -> Iterator[Gate]:
        """Every gate that is written out, in the order of its first use."""
        for row in self.rows:
            if row.wire in self.opened:
                yield from (g for g in self.opened[row.wire].gates if g is not None)
            elif row.gate is not None and self.live[row.wire]:
                yield row.gate

    def _lines_inside(self, inside: Circuit, inputs: Sequence[Text], about: int) -> Text:
        """The lines of an opened recipe but the last, whose expression comes back."""
        texts = dict(zip(inside.inputs, inputs, strict=True))
        uses, user = inside.use_counts().tolist(), {i: r for r in inside.rows() for i in r.inputs}
        for row in inside.rows():
            wire = row.wire
            if inside.is_constant(wire):
                texts[wire] = self._constant(inside.constant_of(wire))
            elif row.gate is not None:
                texts[wire] = expression(self.language, row, [texts[i] for i in row.inputs])
                last = wire == inside.outputs[0]
                if (
                    uses[wire]
                    and not last
                    and not (uses[wire] == 1 and self._once(user[wire], wire))
                ):
                    made = _variable(self._temporary(), inside.spec_of(wire))
                    self.program.add(self.language.assign(made, texts[wire].text), about)
                    texts[wire] = Text(self.language.show(made.name))
        return texts[inside.outputs[0]]

    # Pulls

    def _pull_names(self) -> dict[int, str]:
        """A variable for the pull on each named wire: dq; and for each of several branches: dq_1, dq_2."""
        assert self.back is not None
        back, names = self.back, self.author.names
        forces = set(back.forces)
        found: dict[int, str] = {f: self._fresh(self.circuit.names[f]) for f in back.forces}
        for wire in range(len(self.author) - 1, -1, -1):
            pull, name = back.pulls[wire], names[wire]
            if not name or not self._is_own(pull):
                continue
            branches = back.branches[wire]
            for number, branch in enumerate(branches, start=1):
                if (
                    len(branches) > 1
                    and self._is_own(branch.pull)
                    and branch.pull not in found
                    and not self._is_pull_of_named(branch.pull)
                ):
                    found[branch.pull] = self._fresh(f"d{name}_{number}")
            if pull not in found and pull not in forces:
                found[pull] = self._fresh(f"d{name}")
        return found

    def _is_own(self, pull: int) -> bool:
        """A pull with a row of its own: a force written by hand is an author's wire and keeps its name."""
        return pull >= len(self.author) and self.live[pull]

    def _is_pull_of_named(self, row: int) -> bool:
        assert self.back is not None
        return any(p == row and n for p, n in zip(self.back.pulls, self.author.names, strict=True))

    def _backward_lines(self, back: Backward) -> None:
        """Gate by gate in reverse: the rows its rule made, then wires it passes its own pull on to."""
        made: dict[int, list[int]] = {}
        for wire in range(len(self.author), len(self.rows)):
            if wire not in back.forces:
                made.setdefault(back.origin[wire], []).append(wire)
        passed = self._passed_on(back)
        for gate in range(len(self.author) - 1, -1, -1):
            self._lines(made.get(gate, []))
            for wire in passed.get(gate, []):
                self._pass_on(back, wire)

    def _passed_on(self, back: Backward) -> dict[int, list[int]]:
        """By gate: the named wires whose finished pull is a variable of another wire."""
        found: dict[int, list[int]] = {}
        for wire, name in enumerate(self.author.names):
            pull = back.pulls[wire]
            shared = pull >= 0 and self.live[pull] and back.branches[wire][-1].gate >= 0
            if (
                name
                and shared
                and self.called.get(pull) != f"d{name}"
                and len(back.branches[wire]) == 1
            ):
                found.setdefault(back.branches[wire][-1].gate, []).append(wire)
        return found

    def _pass_on(self, back: Backward, wire: int) -> None:
        pull = back.pulls[wire]
        if re.fullmatch(rf"d{self.author.names[wire]}(_\d+)?", self.called.get(pull, "")):
            return
        name = self._fresh(f"d{self.author.names[wire]}")
        self.program.add(self.language.assign(Variable(name), self.written[pull].text), wire)
        self.called[-1 - wire] = name

    def _input_pulls(self, back: Backward) -> dict[str, str]:
        real = [w for w in self.author.inputs if self.circuit.spec_of(w).dtype.kind == "f"]
        return {self.author.names[w]: self._input_pull(back, w) for w in real}

    def _input_pull(self, back: Backward, wire: int) -> str:
        pull = back.pulls[wire]
        if pull < 0:
            return self.language.zero(self.called[wire])
        return self.called.get(-1 - wire) or self.written[pull].text


def _variable(name: str, spec: Spec) -> Variable:
    return Variable(name, spec.dtype.kind, spec.shape, spec.dtype.name)


def wires_of(lines: Sequence[int | None]) -> dict[int, list[int]]:
    """Line numbers (from 1) by wire."""
    found: dict[int, list[int]] = {}
    for number, wire in enumerate(lines, start=1):
        if wire is not None:
            found.setdefault(wire, []).append(number)
    return found
