"""A whole training as one NumPy program: start, minibatches, loss and pulls, update, the loop around them.

The pieces that hold arithmetic come in as programs of their own; here they are put one below the other
and the loop that calls them is written, with the author's names.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pullback.emit.names import Names
from pullback.emit.numpy import NUMPY
from pullback.emit.program import Program, defined

GENERATOR = "generator = np.random.Generator(np.random.PCG64([{seed}, {number}]))"


@dataclass(frozen=True)
class Start:
    """Where one weight starts: its input wire, its name, an expression; `drawn` if that is random."""

    wire: int
    name: str
    text: str
    drawn: bool


@dataclass(frozen=True)
class Training:
    """What a training program is made of.

    step: value and pulls on the weights, for a batch. update: (weight, grad, *state) -> (weight,
    *state). states: where each starts, by name. inputs: of the circuit, in order; rows: those of
    them that bring a row an example, `size` of them a batch.
    """

    step: Program
    update: Program
    states: Mapping[str, float]
    starts: Sequence[Start]
    inputs: Sequence[str]
    rows: Sequence[str]
    loss: str
    size: int
    epochs: int
    seed: int


def emit_training(training: Training) -> Program:
    """The program; its last function, `train`, does it all."""
    return _Writer(training).program


@dataclass
class _Called:
    """What the program calls its functions and, in `train`, its variables."""

    names: Names
    functions: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    states: dict[tuple[str, str], str] = field(default_factory=dict)
    own: dict[str, str] = field(default_factory=dict)


OWN = ("count", "epochs", "seed", "epoch", "losses", "total", "rows", "pulls")


class _Writer:
    """Writes the functions one below the other."""

    def __init__(self, training: Training) -> None:
        self.training = training
        programs = [training.step, training.update]
        helpers = list(dict.fromkeys(h for program in programs for h in program.helpers))
        self.called = self._call(helpers)
        self.program = dataclasses.replace(
            training.step,
            name=self.called.functions["train"],
            helpers=helpers,
            text=[],
            wires=[],
            held=[],
        )
        self._function(training.step, self.called.functions["step"])
        self._function(training.update, self.called.functions["update"])
        self._start()
        self._batches()
        self._train()
        head = NUMPY.header("\n".join([*helpers, *self.program.text]))
        for helper in reversed(helpers):
            self._on_top(["", "", *helper.split("\n")])
        self._on_top(head)

    def _call(self, helpers: Sequence[str]) -> _Called:
        """Functions first, so that no variable of `train` hides one; then the author's names."""
        training = self.training
        called = _Called(Names(NUMPY, defined(helpers)))
        fresh = called.names.fresh
        called.functions["step"] = fresh(training.step.name)
        for name in ("update", "start", "batches", "train"):
            called.functions[name] = fresh(name)
        called.inputs = {name: fresh(name) for name in training.inputs}
        for weight in training.starts:
            for state in training.states:
                called.states[weight.name, state] = fresh(f"{weight.name}_{state}")
        called.own = {name: fresh(name) for name in (*OWN, training.loss)}
        return called

    def _on_top(self, lines: Sequence[str]) -> None:
        program = self.program
        program.text[:0], program.wires[:0] = lines, [None] * len(lines)
        program.held[:0] = [()] * len(lines)

    def _add(self, *lines: str, wire: int | None = None, indent: int = 1) -> None:
        for line in lines:
            self.program.add("    " * indent + line, wire)

    def _function(self, piece: Program, name: str) -> None:
        """A function from another program, without what stands on top of it."""
        first = next(i for i, t in enumerate(piece.text) if t.startswith(f"def {piece.name}("))
        opening = piece.text[first].replace(piece.name, name, 1)
        mine = piece is not self.training.update  # an optimizer's wires are not the author's
        self._add("", "", indent=0)
        for at, line in enumerate([opening, *piece.text[first + 1 :]], start=first):
            self.program.add(line, *((piece.wires[at], piece.held[at]) if mine else ()))

    # Functions written here

    def _start(self) -> None:
        starts, drawn = self.training.starts, any(s.drawn for s in self.training.starts)
        seed = f"seed={self.training.seed}" if drawn else ""
        self._add("", "", f"def {self.called.functions['start']}({seed}):", indent=0)
        if drawn:
            self._add(GENERATOR.format(seed="seed", number=0))
        local = Names(NUMPY, ())
        names = {name: local.fresh(name) for name in ("seed", "generator")}
        names |= {s.name: local.fresh(s.name) for s in starts}
        for start in starts:
            self._add(f"{names[start.name]} = {start.text}", wire=start.wire)
        self._add(f"return {', '.join(names[s.name] for s in starts)}")

    def _batches(self) -> None:
        size = self.training.size
        self._add("", "", f"def {self.called.functions['batches']}(count, epoch, seed):", indent=0)
        self._add(
            GENERATOR.format(seed="seed", number="epoch"),
            "order = np.argsort(generator.random(count), kind='stable')",
            f"return [order[i : i + {size}] for i in range(0, count, {size})]",
        )

    def _train(self) -> None:
        training, called, own = self.training, self.called, self.called.own
        weights = [called.inputs[s.name] for s in training.starts]
        given = [called.inputs[name] for name in training.inputs]
        given = [name for name in given if name not in weights]
        options = [f"{own['epochs']}={training.epochs}", f"{own['seed']}={training.seed}"]
        self._add(
            "", "", f"def {called.functions['train']}({', '.join([*given, *options])}):", indent=0
        )
        seed = own["seed"] if any(s.drawn for s in training.starts) else ""
        self._add(f"{', '.join(weights)} = {called.functions['start']}({seed})")
        for start in training.starts:
            for state, value in training.states.items():
                self._add(self._state(start, state, value), wire=start.wire)
        self._add(
            f"{own['losses']} = []", f"{own['count']} = len({called.inputs[training.rows[0]]})"
        )
        self._loop()
        found = ", ".join(f"{s.name!r}: {called.inputs[s.name]}" for s in training.starts)
        self._add(f"return {{{found}}}, {own['losses']}")

    def _state(self, start: Start, state: str, value: float) -> str:
        weight, name = self.called.inputs[start.name], self.called.states[start.name, state]
        filled = f"np.full_like({weight}, {NUMPY.number(value)})"
        return f"{name} = {filled if value else f'np.zeros_like({weight})'}"

    def _loop(self) -> None:
        own, count = self.called.own, self.called.own["count"]
        order = f"{self.called.functions['batches']}({count}, {own['epoch']}, {own['seed']})"
        self._add(
            f"for {own['epoch']} in range(1, {own['epochs']} + 1):", f"    {own['total']} = 0.0"
        )
        self._add(f"for {own['rows']} in {order}:", indent=2)
        self._add(self._step(), indent=3)
        for start in self.training.starts:
            self._add(self._updated(start), wire=start.wire, indent=3)
        loss = own[self.training.loss]
        self._add(f"{own['total']} += float({loss}) * len({own['rows']})", indent=3)
        self._add(f"{own['losses']}.append({own['total']} / {count})", indent=2)

    def _step(self) -> str:
        """The call of the step: of the rows of a batch, and of what is the same for every row."""
        training, own = self.training, self.called.own
        taken = dict.fromkeys(training.rows, f"[{own['rows']}]")
        arguments = [self.called.inputs[name] + taken.get(name, "") for name in training.inputs]
        answer = f"{own[training.loss]}, {own['pulls']}"
        return f"{answer} = {self.called.functions['step']}({', '.join(arguments)})"

    def _updated(self, start: Start) -> str:
        weight = self.called.inputs[start.name]
        states = [self.called.states[start.name, state] for state in self.training.states]
        moved = ", ".join([weight, *states])
        pull = f"{self.called.own['pulls']}[{start.name!r}]"
        arguments = ", ".join([weight, pull, *states])
        return f"{moved} = {self.called.functions['update']}({arguments})"


__all__ = ["Start", "Training", "emit_training"]
