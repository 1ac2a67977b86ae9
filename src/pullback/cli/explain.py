"""`pullback explain`: why is the pull on a wire what it is?"""

from __future__ import annotations

import dataclasses

from pullback.cli.assignments import bind
from pullback.cli.circuits import CircuitText, load
from pullback.cli.printing import say, say_json
from pullback.lens.card import Card


def explain(
    circuit: CircuitText,
    wire: str,
    /,
    *values: str,
    paths: int = 5,
    card: bool = False,
    json: bool = False,
) -> int:
    """Explain where the gradient of a wire comes from.

    One line for each branch: the slope of a gate that uses the wire, times the pull (the gradient) on
    that gate's output. The lines add up to the pull, digit for digit.
    Followed further, the pull is a sum over all paths to the output: the
    strongest are listed, and one line holds the others.

    A card describes the gate that computes the wire: its rule, its formulas, its numbers in this run,
    its corners, and its measured cost.

    Where a part is 0, infinite or NaN, the gate that made it so is named.

    wire: an input, a name given in the expression, or t1, t2 ... as `run` prints
    paths: how many paths to list
    card: the card of the gate that computes the wire instead

    $ pullback explain "q = x + y; f = q * z" x x=-2 y=5 z=-4
    $ pullback explain "a = x*y; b = a + x; b*b" x x=2 y=3 --paths 2
    $ pullback explain "q = x + y; f = q * z" --card q x=-2 y=5 z=-4
    """
    function = load(circuit)
    if card:
        return _show(function.card(wire, bind(function, values)), json)
    told = function.explain(wire, bind(function, values), paths=paths)
    if json:
        say_json({**dataclasses.asdict(told), "lines": repr(told).split("\n")})
    else:
        say(*repr(told).split("\n"))
    return 0


def _show(card: Card, json: bool) -> int:
    if json:
        say_json(card.as_dict())
    else:
        say(*card.rows())
    return 0
