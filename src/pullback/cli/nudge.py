"""`pullback nudge`: move the inputs a little so that the output goes up, by one of three strategies."""

from __future__ import annotations

from typing import Literal

from pullback.cli.assignments import bind
from pullback.cli.circuits import CircuitText, load
from pullback.cli.printing import say, say_json, say_table
from pullback.cli.wires import shown
from pullback.lens import strategies
from pullback.lens.strategies import Microscope, Nudge


def nudge(  # noqa: PLR0913 - one question, and every knob of it by name
    circuit: CircuitText,
    /,
    *values: str,
    step: float = 0.01,
    strategy: Literal["analytic", "numerical", "random"] = "analytic",
    method: Literal["forward", "central", "richardson", "complex"] = "central",
    pin: str = "",
    down: bool = False,
    seed: int = 0,
    microscope: bool = False,
    json: bool = False,
) -> int:
    """Move the inputs a little so that the output goes up.

    Three strategies: follow the gradient from the backward pass, measure it by
    moving each input, or try 100 points at random and keep the best. The number
    of circuit runs that each strategy needs is printed. The gradient predicts
    the output well for small steps only: --microscope compares several step
    sizes. The exit code is 1 when the output did not move the right way.

    step: how far along the gradient, or how far around for random
    strategy: how the direction is found
    method: how numerical measures a slope
    pin: inputs that stay where they are, as in x,y
    down: lower the output instead
    seed: random seed of the random strategy
    microscope: compare prediction and output at many steps along the gradient

    $ pullback nudge "(x+y)*z" x=-2 y=5 z=-4
    $ pullback nudge "x*y" x=-2 y=3 --microscope
    """
    function = load(circuit)
    given = bind(function, values)
    pinned = pin.replace(",", " ").split()
    if microscope:
        return _look(strategies.microscope(function, given, up=not down, pinned=pinned), json)
    done = strategies.nudge(
        function, given, step=step, strategy=strategy, method=method, up=not down, pinned=pinned, seed=seed
    )  # fmt: skip
    if json:
        say_json({**vars(done), "gain": done.gain})
    else:
        _say(done)
    return 0 if (done.gain < 0 if down else done.gain > 0) else 1


def _say(done: Nudge) -> None:
    gradient = done.gradient or {}
    rows = [(n, shown(gradient.get(n)), shown(v)) for n, v in done.values.items()]
    say_table(("input", "grad", "moved to"), rows, ("name", "pull", "value"))
    promised = (
        "" if done.predicted is None else f"; predicted from the gradient: {done.predicted:.6g}"
    )
    runs = "1 run" if done.evaluations == 1 else f"{done.evaluations} runs"
    said = f"the output went from {done.before:.6g} to {done.after:.6g}{promised}."
    say("", said, f"finding the direction took {runs}.")


def _look(seen: Microscope, json: bool) -> int:
    if json:
        say_json({**vars(seen), "best": seen.best})
    elif seen.is_flat:
        say(repr(seen))
    else:
        columns = zip(seen.steps, seen.promised, seen.actual, strict=True)
        rows = [tuple(f"{v:.6g}" for v in row) for row in columns]
        say_table(("step", "predicted", "actual"), rows, ("value", "pull", "value"))
        say("", f"the output here is {seen.before:.6g}; the best of these steps is {seen.best:g}.")
    return 0 if seen.best else 1
