"""`pullback backward`: the backward pass as code that has been verified."""

from __future__ import annotations

from typing import Literal

from pullback.cli.assignments import bind
from pullback.cli.circuits import CircuitText, load
from pullback.cli.printing import say_json


def backward(
    circuit: CircuitText,
    /,
    *values: str,
    lang: Literal["python", "numpy"] = "python",
    style: Literal["steps", "ninja"] = "steps",
    json: bool = False,
) -> int:
    """Write the backward pass as code, and verify it.

    The code has your names in it and needs nothing of pullback. Before it is
    printed, it is run at three points and compared with the circuit. Only the
    code goes to stdout, so it can be piped into a file or into python.
    Values are needed only to say that an input is an array.

    lang: python is for single numbers, numpy for arrays
    style: steps gives every wire its line, ninja writes a wire where it is used

    $ pullback backward "q = x + y; f = q * z"
    $ pullback backward "sum(w * x)" w=1,2 x=3,4 --lang numpy
    """
    function = load(circuit)
    given = [bind(function, values)] if values else []
    source = function.backward_source(*given, lang=lang, style=style)
    if json:
        say_json({"source": source, "lang": lang, "style": style, "verified": source.verified})
    else:
        print(source, end="")
    return 0
