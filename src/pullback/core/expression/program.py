"""What reading yields: a `Parsed` text, which is postfix instructions, its inputs and its names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

Attribute = int | bool | tuple[int, ...]


class Instruction(NamedTuple):
    """One step of a machine with a stack of values.

    number  push `value`                            text: as typed, "2.5" or "Math.PI"
    name    push what the name stands for           text: the name
    call    pop `arity` values, push the gate's     text: the gate, "add" or "sigmoid"
    assign  pop a value and give it a name          text: the name

    text[start:stop] of the source is the number, the name or the operator that asked for the step.
    A tuple, not a dataclass: a long text has thousands of them.
    """

    kind: str
    text: str
    value: float
    arity: int
    start: int
    stop: int
    attributes: tuple[tuple[str, Attribute], ...] = ()


@dataclass(frozen=True, slots=True)
class Parsed:
    """A text that was read; running its instructions leaves exactly one value, the result.

    inputs: names used before they were given a value, in order of first use.
    assigned: names that were given one, in order. result: the name of the result, if it has one.
    """

    text: str
    instructions: tuple[Instruction, ...]
    inputs: tuple[str, ...]
    assigned: tuple[str, ...]
    result: str | None
