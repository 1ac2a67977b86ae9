"""`pullback backward`: the backward pass, or a whole training, as code."""

from __future__ import annotations

from typing import Any, Literal

import pullback as pb
from pullback.cli.assignments import bind
from pullback.cli.circuits import CircuitText, load
from pullback.cli.printing import say_json


def backward(
    circuit: CircuitText,
    /,
    *values: str,
    lang: Literal["python", "numpy", "javascript", "c", "latex"] = "python",
    style: Literal["steps", "ninja", "gates"] = "steps",
    train: str = "",
    json: bool = False,
) -> int:
    """Write the backward pass as code, and verify it.

    The code uses your names and does not import pullback. Before it is
    printed, python and numpy code is run at three points and compared with the
    circuit. Only the code goes to stdout, so it can be piped into a file or into
    python. Values are needed only to say that an input is an array.

    lang: numpy and latex take arrays, the others single numbers
    style: steps gives every wire its line, ninja writes a wire where it is used, gates
        gives every gate its line, in the backward pass too
    train: the names of the weights: writes a whole training in NumPy, which starts at
        the values you give; the other inputs are data, a number a row

    $ pullback backward "q = x + y; f = q * z"
    $ pullback backward "sum(w * x)" w=1,2 x=3,4 --lang numpy
    $ pullback backward "sig(w*x + b)" --lang javascript
    $ pullback backward "mean((w*x - y)**2)" x=1,2,3 y=2,4,7 w=0 --train w
    """
    function = load(circuit)
    given = [bind(function, values)] if values else []
    if train:
        source, lang, style = training(function, given, train), "numpy", "steps"
    else:
        source = function.backward_source(*given, lang=lang, style=style)
    if json:
        say_json({"source": source, "lang": lang, "style": style, "verified": source.verified})
    else:
        print(source, end="")
    return 0


def training(function: Any, given: list[Any], weights: str) -> Any:
    """The training program of some of the inputs; its rates and counts are there to be changed."""
    from pullback.train import SGD, Plan

    made = pb.circuit(function.function, parameters=weights, name=function.name)
    return made.training_source("numpy", *given, plan=Plan(), optimizer=SGD(momentum=0.9))
