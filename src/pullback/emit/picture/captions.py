"""What is written where in a picture: names, values, pulls, contributions, and the same in sentences."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pullback.core.circuit import Circuit
from pullback.core.gate import Gate
from pullback.emit.numerals import exact, shape_text, shown
from pullback.emit.picture.drawing import FAINT, NAME, PART, PULL, VALUE
from pullback.emit.picture.fold import Group, gate_count
from pullback.emit.picture.frames import Cable, Item, Use
from pullback.emit.picture.gauges import Gauges
from pullback.emit.picture.look import Look, Numbers

SYMBOLS = {"*": "×", "-": "−", "/": "÷", "**": "xʸ", "<=": "≤", ">=": "≥", "!=": "≠", "==": "="}
SENTENCES = 40  # named wires that the description of a picture tells about
LONGEST = 24  # characters under a gate's symbol


class Text(NamedTuple):
    """One piece of a label. odd: it is NaN or infinite."""

    text: str
    ink: str
    odd: bool = False


class Captions:
    """The texts of one picture."""

    def __init__(self, circuit: Circuit, numbers: Numbers | None, look: Look, name: str) -> None:
        self.circuit, self.numbers, self.look, self.name = circuit, numbers, look, name
        self.rows = list(circuit.rows())
        self.gauges = Gauges(circuit, self.rows, numbers)
        # Whether there are pulls to write under the wires.
        self.pulled = numbers is not None and numbers.pulls is not None and look.grads
        self.ends = {w: i for i, w in reversed(list(enumerate(circuit.outputs)))}
        self.branches: dict[int, dict[Use, Any]] = {}
        for wire, some in (numbers.branches if numbers else {}).items():
            if len(some) > 1:
                self.branches[wire] = {(gate, position): pull for gate, position, pull in some}
        self._above: dict[Cable, list[Text]] = {}
        self._below: dict[Cable, list[Text]] = {}

    # Wires

    def above(self, cable: Cable) -> list[Text]:
        """A name where one was given, and the value; without numbers the shape of an array."""
        if cable not in self._above:
            self._above[cable] = self._over(cable)
        return self._above[cable]

    def _over(self, cable: Cable) -> list[Text]:
        if len(cable.wires) > 1:
            count = f"{len(cable.wires):,}"
            return [Text(count if self.pulled else f"{count} values", FAINT)]
        wire = cable.wires[0]
        name, shape = self.circuit.names[wire], self.circuit.spec_of(wire).shape
        told_elsewhere = self.circuit.is_input(wire) or wire in self.ends
        texts = [Text(name, NAME)] if name and self.look.names and not told_elsewhere else []
        if self.numbers is None:
            return [*texts, Text(shape_text(shape), FAINT)] if shape else texts
        if self.look.values:
            texts.append(self._number(self.numbers.values[wire], VALUE))
        return texts

    def below(self, cable: Cable) -> list[Text]:
        """The pull: the sum over all branches."""
        if cable not in self._below:
            self._below[cable] = self._under(cable) if self.pulled else []
        return self._below[cable]

    def _under(self, cable: Cable) -> list[Text]:
        if len(cable.wires) > 1:
            return [Text("values", FAINT)]
        pull = self.gauges.pull(cable.wires[0])
        return [] if pull is None else [self._number(pull, PULL)]

    def part(self, cable: Cable, uses: list[Use]) -> Text | None:
        """What the branch to these uses adds to the pull; None where that is all of it."""
        parts = self._parts(cable, uses)
        if not parts or not self.pulled or not self.look.contributions or np.ndim(parts[0]):
            return None
        if len(parts) == len(self.branches[cable.wires[0]]):
            return None
        return self._number(parts[0] if len(parts) == 1 else sum(map(float, parts)), PART)

    def still(self, cable: Cable) -> bool:
        """Nothing pulls here: each pull is exactly 0, or no path leads from here to the output."""
        return all(self._still(w) for w in cable.wires)

    def _still(self, wire: int) -> bool:
        pull = self.gauges.pull(wire)
        return _zero(pull) if pull is not None else self._unheard(wire)

    def _unheard(self, wire: int) -> bool:
        """Whether the run has pulls, but none on this wire, which could be pulled."""
        known = self.numbers is not None and self.numbers.pulls is not None
        real = self.circuit.spec_of(wire).dtype.kind == "f" and not self.circuit.is_constant(wire)
        return known and real and self.gauges.pull(wire) is None

    def branch_still(self, cable: Cable, uses: list[Use]) -> bool:
        """This branch adds exactly 0, or nothing pulls where it leads."""
        parts = self._parts(cable, uses)
        if parts:
            return all(_zero(p) for p in parts)
        return bool(uses) and all(gate >= 0 and self._unheard(gate) for gate, _ in uses)

    def _parts(self, cable: Cable, uses: list[Use]) -> list[Any]:
        branches = self.branches.get(cable.wires[0])
        if branches is None or len(cable.wires) > 1:
            return []
        # The force comes as (-1, 0), whichever output it pulls.
        keys = [use if use[0] >= 0 else (-1, 0) for use in uses]
        return [branches[key] for key in keys if key in branches]

    def _number(self, value: Any, ink: str) -> Text:
        text, odd = shown(value, self.look.digits)
        return Text(text, ink, odd)

    # Boxes

    def symbol(self, gate: Gate) -> str:
        """What stands in a gate: its operator, or its name."""
        if gate.name == "negative":
            return "−"
        return SYMBOLS.get(gate.infix, gate.infix) or gate.name

    def under(self, wire: int) -> str:
        """Below the symbol: attributes that are not the usual ones, and the pattern if asked for."""
        row = self.rows[wire]
        assert row.gate is not None
        usual = row.gate.defaults
        texts = [_attribute(k, v) for k, v in row.attributes.items() if v != usual[k]]
        if self.look.patterns and row.gate.pattern:
            texts.append(row.gate.pattern)
        text = ", ".join(texts)
        return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"

    def tag(self, item: Item) -> str:
        """The text of a leaf or an end."""
        wire = item.wires[0]
        if len(item.wires) > 1:
            return f"{len(item.wires):,} inputs"
        if item.kind == "end":
            return self.end(item.position)
        if self.circuit.is_constant(wire):
            return self._number(self.circuit.constant_of(wire), FAINT).text
        return self.circuit.names[wire]

    def end(self, position: int) -> str:
        """What an output is called: by its wire, else by the function."""
        wire = self.circuit.outputs[position]
        if self.circuit.names[wire] and not self.circuit.is_input(wire):
            return self.circuit.names[wire]
        return self.name if len(self.circuit.outputs) == 1 else f"{self.name}[{position}]"

    def group(self, group: Group) -> str:
        """The second line of a group: how much is in it, what comes out, how many relus are off."""
        texts = [gate_count(len(group.rows))]
        shape = self.circuit.spec_of(group.rows[-1]).shape
        if shape:
            texts.append(shape_text(shape))
        off, relus = self.gauges.off(group)
        if relus > 1:
            texts.append(f"off {off:,}/{relus:,}")
        return " · ".join(texts)

    # Sentences

    def sentence(self, wire: int) -> str:
        """A wire in words: "q = 3, pull −4", with all digits."""
        text = self.circuit.names[wire] or self._called(wire)
        if self.numbers is None:
            shape = self.circuit.spec_of(wire).shape
            return f"{text} {shape_text(shape)}" if shape else text
        text += f" = {exact(self.numbers.values[wire])}"
        pull = self.gauges.pull(wire)
        return text if pull is None else f"{text}, pull {exact(pull)}"

    def _called(self, wire: int) -> str:
        if wire in self.ends:
            return self.end(self.ends[wire])
        gate = self.rows[wire].gate
        return f"{gate.name} gate {wire}" if gate else "constant"

    def gate_title(self, wire: int) -> str:
        """A gate and the first sentence of its manual."""
        gate = self.rows[wire].gate
        assert gate is not None
        manual = (gate.__doc__ or "").strip().splitlines()
        return f"{gate.name}: {manual[0]}" if manual else gate.name

    def sentences(self) -> list[str]:
        """The first named wires and outputs, in running order, and how many more there are."""
        circuit = self.circuit
        told = [w for w in range(len(circuit)) if circuit.names[w] or w in self.ends][:SENTENCES]
        rest = int((circuit.op != 1).sum()) - len(told)
        more = [f"and {rest:,} more wires"] if rest > 0 else []
        return [*(self.sentence(w) for w in told), *more]


def _zero(pull: Any) -> bool:
    return bool(pull == 0.0) if np.ndim(pull) == 0 else not np.any(pull)


def _attribute(name: str, value: Any) -> str:
    """An attribute as a person would write it; an index as Python would.

    >>> _attribute("axis", -1), _attribute("index", (0, (1, None, None)))
    ('axis −1', '[0, 1:]')
    """
    if name == "index" and isinstance(value, tuple):
        return f"[{', '.join(_index(part) for part in value)}]".replace("-", "−")
    return f"{name} {value}".replace("'", "").replace("-", "−")


def _index(part: Any) -> str:
    if not isinstance(part, tuple):
        return str(part)
    start, stop, step = ("" if p is None else str(p) for p in part)
    return f"{start}:{stop}" + (f":{step}" if step else "")
