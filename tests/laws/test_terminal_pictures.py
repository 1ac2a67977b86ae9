"""Every picture in characters can be read back: following its wires leads to the circuit it shows.

That the pictures are drawn at all says that no cell was written twice and no two wires touch: the
sheet asserts it.
"""

import functools
import random
import re
from collections import Counter

import pytest

import pullback as pb
from pullback.emit.terminal import picture

ACROSS, ALONG, FORK, CROSSING = "─╌", "│╎", "●", "┼"
GATES = [
    lambda a, b, c: a + b,
    lambda a, b, c: a * b,
    lambda a, b, c: a - 2.5,
    lambda a, b, c: pb.relu(a),
    lambda a, b, c: pb.sigmoid(a),
    lambda a, b, c: pb.maximum(a, b),
    lambda a, b, c: pb.where(a > b, b, c),
]
SIGNS = {"×": "multiply", "+": "add", "-": "subtract", ">": "greater"}


def random_function(seed):
    """Up to 12 gates on three inputs, some used often, some not at all; one or two outputs."""
    dice = random.Random(seed)

    def f(x, y, long_name):
        wires = [x, y, long_name]
        for _ in range(dice.randint(1, 11)):
            drawn = [dice.choice([*wires[-4:], *wires]) for _ in range(3)]
            wires.append(dice.choice(GATES)(*drawn))
        return wires[-1] if dice.random() < 0.7 else (wires[-1], dice.choice(wires))

    return f


@functools.cache
def drawn(seed, only_ascii=False):
    numbers = random.Random(seed)
    run = pb.circuit(random_function(seed)).run(*(numbers.uniform(-99, 99) for _ in range(3)))
    return run, picture(run.view.back, run.values, only_ascii=only_ascii)


class Reader:
    """Reads a picture as a person does: by following wires from right to left."""

    def __init__(self, lines):
        self.lines = lines
        self.boxes = {}  # (row, column) of the right port -> (sign, rows of the left ports, column)
        for top, line in enumerate(lines):
            for left, character in enumerate(line):
                if character == "┌":
                    self._read_box(top, left)

    def at(self, row, column):
        line = self.lines[row] if 0 <= row < len(self.lines) else ""
        return line[column] if 0 <= column < len(line) else " "

    def _read_box(self, top, left):
        right = self.lines[top].index("┐", left)
        bottom = next(r for r in range(top, len(self.lines)) if self.at(r, left) == "└")
        inside = [self.lines[r][left + 1 : right].strip() for r in range(top + 1, bottom)]
        ports = [r for r in range(top, bottom) if self.at(r, left) == "┤"]
        out = next(r for r in range(top, bottom) if self.at(r, right) == "├")
        self.boxes[out, right] = ("".join(inside), ports, left)

    def source(self, row, column):
        """Where the wire through a cell comes from: the port of a box, or a name or number."""
        up = False
        while True:
            here, before = self.at(row, column), self.at(row, column - 1)
            if here == "╰":
                up = True
            elif here == FORK:
                up = before not in ACROSS + FORK + CROSSING + "├"
            elif here == "├":
                return row, column
            elif here == " ":
                return self.lines[row][:column].split(" ")[-1]
            row, column = (row - 1, column) if up else (row, column - 1)

    def ends(self):
        """The last cell of every wire that leads to an output."""
        wires = [re.search(r"[─╌]( \w*)?$", line) for line in self.lines]
        return [(r, w.start()) for r, w in enumerate(wires) if w and w[1] != " unused"]


def assert_shows(circuit, reader, wire, source):
    """Compare the picture behind `source` with the circuit behind `wire`, gate by gate."""
    waiting, met = [(wire, source)], {}
    while waiting:
        wire, source = waiting.pop()
        if wire in met:
            assert met[wire] == source
            continue
        row = circuit.row(wire)
        if circuit.is_constant(wire):
            assert source == f"{circuit.constant_of(wire):g}"
        elif row.gate is None:
            assert source == circuit.names[wire]
        else:
            met[wire] = source
            sign, ports, column = reader.boxes[source]
            assert SIGNS.get(sign, sign) == row.gate.name
            assert len(ports) == len(row.inputs)
            sources = [reader.source(port, column - 1) for port in ports]
            waiting += zip(row.inputs, sources, strict=True)


@pytest.mark.parametrize("seed", range(300))
def test_a_picture_read_back_is_its_circuit(seed):
    run, made = drawn(seed)
    reader = Reader(made.lines)
    ends = reader.ends()
    assert len(ends) == len(run.circuit.outputs)
    for output, (row, column) in zip(run.circuit.outputs, ends, strict=True):
        assert_shows(run.circuit, reader, output, reader.source(row, column))


@pytest.mark.parametrize("seed", range(300))
def test_a_picture_shows_every_value_and_every_pull(seed):
    run, made = drawn(seed)
    alive = behind(run.circuit)
    wires = [wire for wire in run if wire.gate == "input" or wire.id in alive]
    assert inked(made, "value") == Counter(spelled(wire.value) for wire in wires)
    pulls = Counter(spelled(wire.grad) for wire in wires if wire.grad is not None)
    assert pulls <= inked(made, "pull")


def behind(circuit):
    """The wires that some output depends on."""
    found = set(circuit.outputs)
    for wire in range(len(circuit) - 1, -1, -1):
        found |= set(circuit.row(wire).inputs) if wire in found else set()
    return found


def inked(made, ink):
    return Counter(read(text.split(" = ")[-1]) for row in made.rows for i, text in row if i == ink)


def spelled(value):
    """What a value becomes when three digits of it are read, or all before the point of a longer one."""
    if isinstance(value, bool):
        return str(value)
    return float(round(value)) if 100 <= abs(value) < 99_999 else float(f"{value:.3g}")


def read(text):
    return {"true": "True", "false": "False"}.get(text) or float(text)


@pytest.mark.parametrize("seed", range(0, 300, 10))
def test_ascii_pictures_have_the_same_shape_and_only_ascii(seed):
    _, unicode = drawn(seed)
    _, plain = drawn(seed, only_ascii=True)
    assert str(plain).isascii()
    assert [len(line) for line in plain.lines] == [len(line) for line in unicode.lines]
