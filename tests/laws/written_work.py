"""Written backward passes from a seed: random small circuits, their derivatives by hand rules, and slips.

The derivatives come from the tables below, which are the ones of a calculus book, not from the library.
"""

import random
import re
from dataclasses import dataclass, field

import numpy as np

# d(result)/d(each input) as text over the inputs {0}, {1} and the result {y}.
SCALAR_GATES = {
    "{0} * {1}": ("{1}", "{0}"),
    "{0} + {1}": ("1", "1"),
    "{0} - {1}": ("1", "(-1)"),
    "{0} / {1}": ("1 / {1}", "(-{0} / ({1} * {1}))"),
    "sig({0})": ("{y} * (1 - {y})",),
    "tanh({0})": ("(1 - {y} * {y})",),
    "exp({0})": ("{y}",),
    "{0} * 3": ("3",),
}


@dataclass
class Term:
    """One branch of a pull: its local slope and the pull from above."""

    local: str
    upstream: str

    def text(self, rng=None):
        factors = [f for f in (self.local, self.upstream) if f != "1"] or ["1"]
        if rng and rng.random() < 0.5:
            factors.reverse()
        # A division's slope has a sign of precedence of its own.
        return " * ".join(f if f.isidentifier() else f"({f})" for f in factors)


@dataclass
class Piece:
    """A circuit as text, its pulls as terms, values for its inputs."""

    circuit: str
    order: list[str]  # wires whose pulls are written, the latest first
    terms: dict[str, list[Term]]
    partners: dict[str, str]  # what stands beside a wire in its first gate
    values: dict[str, object]
    formula: dict[str, str] = field(default_factory=dict)


def scalar_piece(seed):
    """Two to five gates on three inputs; every wire is used, so that everything is pulled."""
    rng = random.Random(seed)
    wires = ["x", "y", "z"]
    lines, terms, partners, formula = [], {w: [] for w in wires}, {}, {}
    unused = list(wires)
    names = iter("abcdeghijk")
    while len(unused) > 1 or len(lines) < 2:
        gate = rng.choice(list(SCALAR_GATES))
        if gate.startswith("exp") and not set(unused) & set("xyz"):
            continue  # exp of exp is soon beyond all numbers
        count = 2 if "{1}" in gate else 1
        taken = [rng.choice([w for w in unused if w in "xyz" or not gate.startswith("exp")])]
        if count == 2:
            taken.append(rng.choice(unused if rng.random() < 0.7 and len(unused) > 1 else wires))
        if len(lines) > 3 and len(unused) > 1:  # come to an end
            gate, taken = "{0} * {1}", unused[:2]
        name = next(names)
        formula[name] = gate.format(*taken)
        lines.append(f"{name} = {formula[name]}")
        for at, (wire, local) in enumerate(zip(taken, SCALAR_GATES[gate], strict=True)):
            terms[wire].append(Term(local.format(*taken, y=name), f"d{name}"))
            if len(taken) == 2 and len(set(taken)) == 2:
                partners.setdefault(wire, taken[1 - at])
        unused = [w for w in unused if w not in taken] + [name]
        wires.append(name)
        terms[name] = []
    last = unused[0]
    terms[last] = []
    # The last gate's pull is 1 and called by the output's name.
    order = [w for w in reversed(wires) if w != last]
    values = {w: round(rng.uniform(0.4, 1.6), 3) for w in "xyz"}
    return Piece("\n".join(lines), order, terms, partners, values, formula)


CURVES = {"sig": "s * (1 - s)", "tanh": "(1 - s * s)", "exp": "s"}


def array_piece(seed):
    """A layer with a bias, a curve, a distance to targets, a sum or a mean."""
    rng, numbers = random.Random(seed), np.random.default_rng(seed)
    n, d, k = rng.choice([(3, 2, 4), (4, 3, 2), (5, 4, 3)])
    curve, total = rng.choice(list(CURVES)), rng.choice(["sum", "mean"])
    share = f"1 / {n * k}" if total == "mean" else "1"
    circuit = f"h = X @ W\np = h + b\ns = {curve}(p)\ne = s - T\nq = e * e\nL = {total}(q)"
    terms = {
        "q": [Term(f"broadcast_to({share}, shape=({n}, {k}))", "dL")],
        "e": [Term("2 * e", "dq")],
        "T": [Term("(-1)", "de")],
        "s": [Term("1", "de")],
        "p": [Term(CURVES[curve], "ds")],
        "b": [Term("1", "sum(dp, axis=0)")],
        "h": [Term("1", "dp")],
        "W": [Term("1", "transpose(X) @ dh")],
        "X": [Term("1", "dh @ transpose(W)")],
    }
    values = {
        "X": numbers.normal(size=(n, d)), "W": numbers.normal(size=(d, k)),
        "b": numbers.normal(size=k), "T": numbers.normal(size=(n, k)),
    }  # fmt: skip
    return Piece(circuit, list(terms), terms, {}, values)


def piece(seed):
    return (array_piece if seed % 3 == 2 else scalar_piece)(seed)


def right_lines(one, rng=None):
    """The pull of each wire as lines of text. rng: written in one of many ways."""
    lines = []
    for wire in one.order:
        parts = [t.text(rng) for t in one.terms[wire]]
        if rng:
            rng.shuffle(parts)
        if rng and len(parts) > 1 and rng.random() < 0.5:  # one branch after the other
            start = [f"d{wire} = {parts[0]}"] if rng.random() < 0.5 else [f"d{wire} = 0"]
            rest = parts[1:] if start[0] != f"d{wire} = 0" else parts
            lines.append([*start, *(f"d{wire} += {p}" for p in rest)])
        elif rng and len(parts) == 1 and rng.random() < 0.3:  # by way of a name of one's own
            lines.append([f"step_{wire} = {parts[0]}", f"d{wire} = step_{wire} * 0.5 * 2"])
        elif rng and _common(one, wire) and rng.random() < 0.7:  # the upstream factored out
            locals_ = " + ".join(f"({t.local})" for t in one.terms[wire])
            lines.append([f"d{wire} = {one.terms[wire][0].upstream} * ({locals_})"])
        else:
            lines.append([f"d{wire} = {' + '.join(parts)}"])
    return lines


def _common(one, wire):
    return len({t.upstream for t in one.terms[wire]}) == 1 and len(one.terms[wire]) > 1


def right_work(one, seed):
    """A right answer, written differently each time; sometimes a wire's formula stands for its name."""
    rng = random.Random(seed)
    text = "\n".join(line for lines in right_lines(one, rng) for line in lines)
    for name, formula in one.formula.items():
        if rng.random() < 0.3:
            text = _spelled_out(text, name, formula)
    return text


def _spelled_out(text, name, formula):
    """`name` replaced by its formula on the right of every line."""
    halves = [re.match(r"(\w+ \+?= )(.*)", line).groups() for line in text.split("\n")]
    return "\n".join(left + re.sub(rf"\b{name}\b", f"({formula})", right) for left, right in halves)


@dataclass
class Slip:
    """A wrong answer: which variable, what kind of mistake, the text."""

    kind: str
    wire: str
    text: str


def slips(one):
    """Every usual mistake that can be made in this piece."""
    for wire in one.order:
        for kind, wrong in _wrong(one, wire):
            lines = [
                "\n".join(ls)
                for w, ls in zip(one.order, right_lines(one), strict=True)
                if w != wire
            ]
            yield Slip(kind, wire, "\n".join([*lines, wrong]))


def _wrong(one, wire):
    terms = one.terms[wire]
    parts = [t.text() for t in terms]
    whole, name = " + ".join(parts), f"d{wire}"
    yield "sign", f"{name} = -({whole})"
    for i, term in enumerate(terms):
        rest = parts[:i] + parts[i + 1 :]
        if (
            "@" not in term.upstream
            and "sum" not in term.upstream
            and "broadcast" not in term.local
        ):
            yield "upstream", f"{name} = {' + '.join([*rest, term.local])}"
        if rest:
            yield "branch", f"{name} = {' + '.join(rest)}"
            yield "sign", f"{name} = {' + '.join(rest)} - {parts[i]}"
    if len(terms) == 1 and wire in one.partners and terms[0].local == one.partners[wire]:
        yield "swapped", f"{name} = {wire} * {terms[0].upstream}"
    if "@" in whole:
        left, right = whole.strip("()").split(" @ ")
        bare = [s.removeprefix("transpose(").removesuffix(")") for s in (left, right)]
        yield "transposed", f"{name} = transpose({whole})"
        yield "transposed", f"{name} = {bare[0]} @ {bare[1]}"
        yield "swapped", f"{name} = {right} @ {left}"
    if "sum(" in whole:
        yield "broadcast", f"{name} = dp"
    if "1 / " in whole and "broadcast_to" in whole:
        yield "share", f"{name} = {whole.replace('1 / ', '1 + 0 / ')}"
