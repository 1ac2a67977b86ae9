"""The documented results where mathematics has none or several: kinks, ties, NaN, signed zeros, as data.

Below a gate that chooses, a pull of 0 stays 0 whatever slope it meets. After `where` that holds for
every gate, after the others for gates whose slopes can be infinite at finite inputs; a product of
matrices is the exception, for each of its pulls is a sum. Elsewhere 0 * infinity is NaN.

A sum begins at +0, so that of -0 alone is +0, as in NumPy and in a loop; what broadcasting did not
repeat is not added, and keeps its sign. Each product is rounded before it is added. In which order a
sum adds is not promised: where the sizes of its terms together are more than the dtype holds, it may
be an infinity, NaN or finite.

Tests check these rows on every executor, and the manual prints them.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, log, nan
from typing import Any, NamedTuple

import numpy as np

from pullback.gates.arithmetic import divide, power
from pullback.gates.choose import clamp, maximum, minimum, where
from pullback.gates.curves import absolute, logaddexp, relu, softplus, sqrt, xlogy
from pullback.gates.curves import log as log_gate
from pullback.gates.gather import pick
from pullback.gates.linear import dot
from pullback.gates.reduce import log_softmax, logsumexp, max, min, norm, prod, softmax, sum

Numbers = tuple[Any, ...]


class Convention(NamedTuple):
    """One row: what `expression` is at `inputs`, and what each input is pulled with for a force of 1.

    function is the expression as a function of its inputs. torch and jax are their pulls where they
    were measured (torch 2.13), None where not.
    """

    case: str
    expression: str
    function: Callable[..., Any]
    inputs: Numbers
    value: Any
    pulls: Numbers
    torch: Numbers | None = None
    jax: Numbers | None = None


CONVENTIONS: tuple[Convention, ...] = (
    # A curve is flat at its corner.
    Convention("relu at 0", "relu(x)", relu, (0.0,), 0.0, (0.0,), (0.0,), (0.0,)),
    Convention("relu at -0 is +0", "relu(x)", relu, (-0.0,), 0.0, (0.0,), (0.0,)),
    Convention("relu below 0", "relu(x)", relu, (-3.0,), 0.0, (0.0,), (0.0,)),
    Convention("abs at 0", "abs(x)", absolute, (0.0,), 0.0, (0.0,), (0.0,), (1.0,)),
    Convention("abs at -0 is +0", "abs(x)", absolute, (-0.0,), 0.0, (0.0,), (0.0,)),
    Convention("both sides of a corner", "maximum(x, -x)", lambda x: maximum(x, -x), (0.0,), -0.0, (0.0,),
               (0.0,), (0.0,)),
    Convention("clamp on its bound", "clamp(x, low=0)", lambda x: clamp(x, low=0.0), (0.0,), 0.0,
               (0.0,), (1.0,)),
    Convention("clamp at its upper bound", "clamp(x, low=0, high=2)", lambda x: clamp(x, low=0.0, high=2.0),
               (2.0,), 2.0, (0.0,), (1.0,)),
    Convention("clamp between", "clamp(x, low=0, high=2)", lambda x: clamp(x, low=0.0, high=2.0),
               (1.0,), 1.0, (1.0,), (1.0,)),
    Convention("clamp below", "clamp(x, low=0, high=2)", lambda x: clamp(x, low=0.0, high=2.0),
               (-1.0,), 0.0, (0.0,), (0.0,)),
    Convention("clamp above", "clamp(x, low=0, high=2)", lambda x: clamp(x, low=0.0, high=2.0),
               (3.0,), 2.0, (0.0,), (0.0,)),
    Convention("softplus has a round corner", "softplus(x)", softplus, (0.0,), log(2.0), (0.5,), (0.5,)),
    Convention("length of nothing", "norm(x)", norm, ((0.0, 0.0),), 0.0, ((0.0, 0.0),), ((0.0, 0.0),),
               ((nan, nan),)),
    # A tie shares the pull, so that the shares add up to the whole.
    Convention("a tie", "maximum(x, y)", maximum, (1.0, 1.0), 1.0, (0.5, 0.5), (0.5, 0.5), (0.5, 0.5)),
    Convention("a tie for the smaller", "minimum(x, y)", minimum, (1.0, 1.0), 1.0, (0.5, 0.5), (0.5, 0.5)),
    Convention("a tie, first", 'maximum(x, y, ties="first")', lambda x, y: maximum(x, y, ties="first"),
               (1.0, 1.0), 1.0, (1.0, 0.0)),
    Convention("a tie, all (the guide's code)", 'maximum(x, y, ties="all")',
               lambda x, y: maximum(x, y, ties="all"), (1.0, 1.0), 1.0, (1.0, 1.0)),
    Convention("no tie", "maximum(x, y)", maximum, (1.0, 2.0), 2.0, (0.0, 1.0), (0.0, 1.0), (0.0, 1.0)),
    Convention("a tie in an array", "max(x)", max, ((1.0, 1.0),), 1.0, ((0.5, 0.5),), ((0.5, 0.5),)),
    Convention("the smallest ties", "min(x)", min, ((1.0, 1.0),), 1.0, ((0.5, 0.5),), ((0.5, 0.5),)),
    Convention("three of four tie", "max(x)", max, ((3.0, 1.0, 3.0, 3.0),), 3.0,
               ((1 / 3, 0.0, 1 / 3, 1 / 3),)),
    # Signed zeros are equal; of equal numbers `maximum` and `minimum` put out the second.
    Convention("larger of +0 and -0", "maximum(x, y)", maximum, (0.0, -0.0), -0.0, (0.5, 0.5), (0.5, 0.5)),
    Convention("larger of -0 and +0", "maximum(x, y)", maximum, (-0.0, 0.0), 0.0, (0.5, 0.5), (0.5, 0.5)),
    Convention("smaller of +0 and -0", "minimum(x, y)", minimum, (0.0, -0.0), -0.0, (0.5, 0.5), (0.5, 0.5)),
    Convention("largest of -0, -0 is +0", "max(x)", max, ((-0.0, -0.0),), 0.0, ((0.5, 0.5),), ((0.5, 0.5),)),
    Convention("a sum of -0", "sum(x)", sum, ((-0.0, -0.0),), 0.0, ((1.0, 1.0),), ((1.0, 1.0),)),
    Convention("-1 times 0, added up", "dot(x, y)", dot, ((-1.0,), (0.0,)), 0.0, ((0.0,), (-1.0,)),
               ((0.0,), (-1.0,))),
    # A NaN is never swallowed by a value; nothing knows which way it should be pulled.
    Convention("relu of NaN", "relu(x)", relu, (nan,), nan, (0.0,), (1.0,)),
    Convention("abs of NaN", "abs(x)", absolute, (nan,), nan, (0.0,), (0.0,)),
    Convention("clamp of NaN", "clamp(x, low=0)", lambda x: clamp(x, low=0.0), (nan,), nan, (0.0,), (0.0,)),
    Convention("NaN beside 0", "maximum(x, y)", maximum, (nan, 0.0), nan, (0.0, 0.0), (1.0, 1.0)),
    Convention("0 beside NaN", "maximum(x, y)", maximum, (0.0, nan), nan, (0.0, 0.0), (1.0, 1.0)),
    Convention("0 beside NaN, smaller", "minimum(x, y)", minimum, (0.0, nan), nan, (0.0, 0.0), (1.0, 1.0)),
    Convention("NaN in an array", "max(x)", max, ((nan, 1.0),), nan, ((0.0, 0.0),), ((nan, nan),)),
    # Infinite slopes are infinite; `run(checked=True)` names the wire.
    Convention("square root at 0", "sqrt(x)", sqrt, (0.0,), 0.0, (inf,), (inf,), (inf,)),
    Convention("square root as a power", "x ** 0.5", lambda x: x**0.5, (0.0,), 0.0, (inf,), (inf,), (inf,)),
    Convention("logarithm at 0", "log(x)", log_gate, (0.0,), -inf, (inf,), (inf,)),
    Convention("1 / 0", "x / y", divide, (1.0, 0.0), inf, (inf, -inf), (inf, -inf)),
    Convention("0 / 0", "x / y", divide, (0.0, 0.0), nan, (inf, nan), (inf, nan)),
    Convention("0 to the 0", "x ** y", power, (0.0, 0.0), 1.0, (0.0, 0.0), (0.0, 0.0)),
    Convention("0 to the 1", "x ** y", power, (0.0, 1.0), 0.0, (1.0, 0.0), (1.0, 0.0)),
    Convention("0 to the 2", "x ** y", power, (0.0, 2.0), 0.0, (0.0, 0.0), (0.0, 0.0)),
    Convention("a negative base", "x ** 3", lambda x: x**3, (-2.0,), -8.0, (12.0,), (12.0,)),
    Convention("a product with one 0", "prod(x)", prod, ((0.0, 2.0, 3.0),), 0.0, ((6.0, 0.0, 0.0),),
               ((6.0, 0.0, 0.0),)),
    # The side of a `where` that is not chosen never pulls, not even with 0 * inf.
    Convention("a masked infinite slope", "where(x > 0, sqrt(x), x)",
               lambda x: where(x > 0, sqrt(x), x), (0.0,), 0.0, (1.0,), (nan,), (nan,)),
    Convention("a masked logarithm", "where(x > 0, log(x), 0)",
               lambda x: where(x > 0, log_gate(x), 0.0), (0.0,), 0.0, (0.0,), (nan,)),
    Convention("a masked quotient", "where(x != 0, 1 / x, x)",
               lambda x: where(x != 0, 1 / x, x), (0.0,), 0.0, (1.0,), (nan,)),
    Convention("the second is not chosen", "where(x > 0, x, y)", lambda x, y: where(x > 0, x, y),
               (1.0, 3.0), 1.0, (1.0, 0.0), (1.0, 0.0)),
    Convention("the first is not chosen", "where(x > 0, x, y)", lambda x, y: where(x > 0, x, y),
               (-1.0, 3.0), 3.0, (0.0, 1.0), (0.0, 1.0)),
    # So it is with every gate that chooses, whatever is below: 0 * inf is 0 there.
    Convention("a clamped logarithm", "clamp(log(x), low=-10)", lambda x: clamp(log_gate(x), low=-10.0),
               (0.0,), -10.0, (0.0,), (nan,)),
    Convention("a relu of a logarithm", "relu(log(x))", lambda x: relu(log_gate(x)), (0.0,), 0.0,
               (0.0,), (nan,)),
    Convention("a square root below 1", "maximum(sqrt(x), 1)", lambda x: maximum(sqrt(x), 1.0), (0.0,), 1.0,
               (0.0,), (nan,)),
    Convention("a quotient above 1", "minimum(1 / x, 1)", lambda x: minimum(1.0 / x, 1.0), (0.0,), 1.0,
               (0.0,), (nan,)),
    Convention("the largest of logarithms", "max(log(x))", lambda x: max(log_gate(x)), ((0.0, 1.0),), 0.0,
               ((0.0, 1.0),), ((nan, 1.0),)),
    Convention("a logarithm that is not picked", "pick(log(x), 1)",
               lambda x: pick(log_gate(x), np.int64(1)), ((0.0, 1.0),), 0.0, ((0.0, 1.0),), ((nan, 1.0),)),
    Convention("a square root at a flat corner", "abs(sqrt(x))", lambda x: absolute(sqrt(x)), (0.0,), 0.0,
               (0.0,), (nan,)),
    # 0 log 0 is 0, as entropy wants it, and steep.
    Convention("x log x at 0", "xlogy(x, x)", lambda x: xlogy(x, x), (0.0,), 0.0, (-inf,), (nan,)),
    Convention("0 log 0", "xlogy(x, y)", xlogy, (0.0, 0.0), 0.0, (-inf, 0.0), (0.0, nan)),
    Convention("0 log 2", "xlogy(x, y)", xlogy, (0.0, 2.0), 0.0, (log(2.0), 0.0), (log(2.0), 0.0)),
    Convention("0 log of NaN", "xlogy(x, y)", xlogy, (0.0, nan), 0.0, (nan, 0.0)),
    # A row that is masked away with -inf counts for nothing and pulls nothing.
    Convention("logsumexp of nothing but -inf", "logsumexp(x)", logsumexp, ((-inf, -inf),), -inf,
               ((0.0, 0.0),), ((nan, nan),), ((nan, nan),)),
    Convention("softmax of nothing but -inf", "softmax(x)", softmax, ((-inf, -inf),), (0.0, 0.0),
               ((0.0, 0.0),), ((nan, nan),)),
    Convention("logaddexp of -inf and -inf", "logaddexp(x, y)", logaddexp, (-inf, -inf), -inf, (0.0, 0.0),
               (nan, nan)),
    Convention("logaddexp of -inf and 3", "logaddexp(x, y)", logaddexp, (-inf, 3.0), 3.0, (0.0, 1.0)),
    Convention("logaddexp of 3 and -inf", "logaddexp(x, y)", logaddexp, (3.0, -inf), 3.0, (1.0, 0.0)),
    Convention("logaddexp of far apart", "logaddexp(x, y)", logaddexp, (-1e4, 3.0), 3.0, (0.0, 1.0)),
    # +inf takes all; several of them share, as at a tie.
    Convention("logaddexp of inf and 1", "logaddexp(x, y)", logaddexp, (inf, 1.0), inf, (1.0, 0.0)),
    Convention("logsumexp with one inf", "logsumexp(x)", logsumexp, ((inf, 1.0),), inf, ((1.0, 0.0),),
               ((nan, 0.0),)),
    Convention("logsumexp with two inf", "logsumexp(x)", logsumexp, ((inf, inf),), inf, ((0.5, 0.5),),
               ((nan, nan),)),
    Convention("softmax with one inf", "softmax(x)", softmax, ((inf, 1.0),), (1.0, 0.0), ((0.0, 0.0),),
               ((nan, nan),)),
    Convention("log_softmax with one inf", "log_softmax(x)", log_softmax, ((inf, 1.0),), (0.0, -inf),
               ((-1.0, 1.0),), ((nan, nan),)),
    Convention("logaddexp of inf and inf", "logaddexp(x, y)", logaddexp, (inf, inf), inf, (0.5, 0.5)),
)  # fmt: skip
