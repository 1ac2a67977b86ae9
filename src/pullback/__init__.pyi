"""What editors and type checkers see. Written by docs/signatures/make.py: change that, or the gate."""

# mypy: disable-error-code="overload-overlap, no-redef"
# pyright: reportOverlappingOverload=false

from collections.abc import Sequence
from typing import Any, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from pullback.core.gate import gate as gate
from pullback.core.gate import recipe as recipe
from pullback.core.sites import scope as scope
from pullback.core.wire import Wire as Wire
from pullback.errors import PullbackError as PullbackError
from pullback.executors.unit import Unit as Unit
from pullback.lens.compiled import compile as compile
from pullback.lens.function import CircuitFunction as CircuitFunction
from pullback.lens.function import circuit as circuit
from pullback.lens.gradcheck import gradcheck as gradcheck
from pullback.lens.mark import mark as mark
from pullback.lens.strategies import landscape as landscape
from pullback.lens.strategies import microscope as microscope
from pullback.lens.strategies import nudge as nudge
from pullback.lens.transforms import grad as grad
from pullback.lens.transforms import hessian as hessian
from pullback.lens.transforms import hvp as hvp
from pullback.lens.transforms import jacobian as jacobian
from pullback.lens.transforms import jvp as jvp
from pullback.lens.transforms import pullback as pullback
from pullback.lens.transforms import value_and_grad as value_and_grad
from pullback.lens.transforms import vjp as vjp
from pullback.lens.tug_of_war import tug_of_war as tug_of_war
from pullback.models.files import load as load
from pullback.models.files import save as save
from pullback.models.mlp import MLPClassifier as MLPClassifier
from pullback.models.mlp import MLPRegressor as MLPRegressor
from pullback.show.two_views import two_views as two_views

Number: TypeAlias = float | np.floating[Any] | np.integer[Any] | np.bool_
Array: TypeAlias = Number | NDArray[Any] | Sequence[Any]
Axis: TypeAlias = int | Sequence[int] | None
Shape: TypeAlias = int | Sequence[int]

__version__: str

__all__ = [
    "__version__",
    "CircuitFunction",
    "MLPClassifier",
    "MLPRegressor",
    "PullbackError",
    "Unit",
    "Wire",
    "absolute",
    "add",
    "argmax",
    "broadcast_to",
    "cast",
    "circuit",
    "clamp",
    "compile",
    "concat",
    "cos",
    "divide",
    "dot",
    "equal",
    "erf",
    "exp",
    "expm1",
    "floor",
    "force",
    "gate",
    "gather",
    "grad",
    "gradcheck",
    "greater",
    "greater_equal",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "landscape",
    "less",
    "less_equal",
    "load",
    "log",
    "log1p",
    "log_softmax",
    "logaddexp",
    "logsumexp",
    "mark",
    "matmul",
    "max",
    "maximum",
    "mean",
    "microscope",
    "min",
    "minimum",
    "multiply",
    "negative",
    "norm",
    "not_equal",
    "nudge",
    "pad",
    "pick",
    "power",
    "prod",
    "pullback",
    "recipe",
    "relu",
    "reshape",
    "save",
    "scatter_add",
    "scope",
    "sigmoid",
    "sin",
    "slice",
    "softmax",
    "softplus",
    "sqrt",
    "stop_gradient",
    "subtract",
    "sum",
    "sum_to",
    "tanh",
    "transpose",
    "tug_of_war",
    "two_views",
    "unpick",
    "unslice",
    "value_and_grad",
    "vjp",
    "where",
    "xlogy",
]

@overload
def absolute(x: Number, /) -> float:
    """y = |x|. The slope at exactly 0 is 0."""
@overload
def absolute(x: Array, /) -> NDArray[Any]: ...
@overload
def absolute(x: Wire, /) -> Wire: ...
@overload
def absolute(x: Unit, /) -> Unit: ...

@overload
def add(a: Number, b: Number, /) -> float:
    """y = a + b. The pull on both inputs is the pull on the output."""
@overload
def add(a: Array, b: Array, /) -> NDArray[Any]: ...
@overload
def add(a: Wire, b: Wire | Array, /) -> Wire: ...
@overload
def add(a: Array, b: Wire, /) -> Wire: ...
@overload
def add(a: Unit, b: Unit | Array, /) -> Unit: ...
@overload
def add(a: Array, b: Unit, /) -> Unit: ...

@overload
def argmax(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> NDArray[Any]:
    """The index of the largest element along one axis; of equal ones the first. Nothing can pull it."""
@overload
def argmax(x: Wire, /, *, axis: Axis = None, keepdims: bool = False) -> Wire: ...
@overload
def argmax(x: Unit, /, *, axis: Axis = None, keepdims: bool = False) -> Unit: ...

@overload
def broadcast_to(x: Array, /, *, shape: Shape) -> NDArray[Any]:
    """x repeated along new axes and along axes of size 1. The pulls on the copies add up."""
@overload
def broadcast_to(x: Wire, /, *, shape: Shape) -> Wire: ...
@overload
def broadcast_to(x: Unit, /, *, shape: Shape) -> Unit: ...

@overload
def cast(x: Number, /, *, dtype: str) -> float:
    """x as another kind of number: "float64", "float32", "int64" or "bool". Only real numbers pass a pull on."""
@overload
def cast(x: Array, /, *, dtype: str) -> NDArray[Any]: ...
@overload
def cast(x: Wire, /, *, dtype: str) -> Wire: ...
@overload
def cast(x: Unit, /, *, dtype: str) -> Unit: ...

@overload
def clamp(x: Number, /, *, low: float = ..., high: float = ...) -> float:
    """y = x limited to low..high; an omitted bound does not limit. A NaN stays a NaN."""
@overload
def clamp(x: Array, /, *, low: float = ..., high: float = ...) -> NDArray[Any]: ...
@overload
def clamp(x: Wire, /, *, low: float = ..., high: float = ...) -> Wire: ...
@overload
def clamp(x: Unit, /, *, low: float = ..., high: float = ...) -> Unit: ...

@overload
def concat(*xs: Array, axis: int = 0) -> NDArray[Any]:
    """The inputs one behind the other along an axis they differ in at most."""
@overload
def concat(*xs: Wire | Array, axis: int = 0) -> Wire: ...
@overload
def concat(*xs: Unit | Array, axis: int = 0) -> Unit: ...

@overload
def cos(x: Number, /) -> float:
    """y = cos(x), x in radians. NaN at infinity."""
@overload
def cos(x: Array, /) -> NDArray[Any]: ...
@overload
def cos(x: Wire, /) -> Wire: ...
@overload
def cos(x: Unit, /) -> Unit: ...

@overload
def divide(a: Number, b: Number, /) -> float:
    """y = a / b, as IEEE 754 has it: 1/0 is infinite, 0/0 is NaN."""
@overload
def divide(a: Array, b: Array, /) -> NDArray[Any]: ...
@overload
def divide(a: Wire, b: Wire | Array, /) -> Wire: ...
@overload
def divide(a: Array, b: Wire, /) -> Wire: ...
@overload
def divide(a: Unit, b: Unit | Array, /) -> Unit: ...
@overload
def divide(a: Array, b: Unit, /) -> Unit: ...

@overload
def dot(a: Array, b: Array, /) -> NDArray[Any]:
    """y = sum(a b) of two vectors; of matrices their product a b, as numpy.dot has it."""
@overload
def dot(a: Wire, b: Wire | Array, /) -> Wire: ...
@overload
def dot(a: Array, b: Wire, /) -> Wire: ...
@overload
def dot(a: Unit, b: Unit | Array, /) -> Unit: ...
@overload
def dot(a: Array, b: Unit, /) -> Unit: ...

@overload
def equal(a: Number, b: Number, /) -> bool:
    """a == b. False where either is NaN; +0 equals -0."""
@overload
def equal(a: Array, b: Array, /) -> NDArray[Any]: ...
@overload
def equal(a: Wire, b: Wire | Array, /) -> Wire: ...
@overload
def equal(a: Array, b: Wire, /) -> Wire: ...
@overload
def equal(a: Unit, b: Unit | Array, /) -> Unit: ...
@overload
def equal(a: Array, b: Unit, /) -> Unit: ...

@overload
def erf(x: Number, /) -> float:
    """y = 2/sqrt(pi) times the integral of e^(-t^2) from 0 to x, squashed into (-1, 1)."""
@overload
def erf(x: Array, /) -> NDArray[Any]: ...
@overload
def erf(x: Wire, /) -> Wire: ...
@overload
def erf(x: Unit, /) -> Unit: ...

@overload
def exp(x: Number, /) -> float:
    """y = e^x. Its own slope. Overflows to infinity above 709.8 (float32: 88.7)."""
@overload
def exp(x: Array, /) -> NDArray[Any]: ...
@overload
def exp(x: Wire, /) -> Wire: ...
@overload
def exp(x: Unit, /) -> Unit: ...

@overload
def expm1(x: Number, /) -> float:
    """y = e^x - 1, exact near 0 where e^x - 1 would lose every digit."""
@overload
def expm1(x: Array, /) -> NDArray[Any]: ...
@overload
def expm1(x: Wire, /) -> Wire: ...
@overload
def expm1(x: Unit, /) -> Unit: ...

@overload
def floor(x: Number, /) -> float:
    """y = the largest whole number that is not above x. Flat between the steps: nothing can pull it."""
@overload
def floor(x: Array, /) -> NDArray[Any]: ...
@overload
def floor(x: Wire, /) -> Wire: ...
@overload
def floor(x: Unit, /) -> Unit: ...

@overload
def force(x: Array, f: Array, /) -> NDArray[Any]:
    """y = x in the forward pass. In the backward pass the pull on x is f: a gradient written by hand."""
@overload
def force(x: Wire, f: Wire | Array, /) -> Wire: ...
@overload
def force(x: Array, f: Wire, /) -> Wire: ...
@overload
def force(x: Unit, f: Unit | Array, /) -> Unit: ...
@overload
def force(x: Array, f: Unit, /) -> Unit: ...

@overload
def gather(x: Array, index: Array, /, *, axis: int = 0) -> NDArray[Any]:
    """y = x[index] along one axis: rows of a table by number. RangeError outside 0..size-1."""
@overload
def gather(x: Wire, index: Wire | Array, /, *, axis: int = 0) -> Wire: ...
@overload
def gather(x: Array, index: Wire, /, *, axis: int = 0) -> Wire: ...
@overload
def gather(x: Unit, index: Unit | Array, /, *, axis: int = 0) -> Unit: ...
@overload
def gather(x: Array, index: Unit, /, *, axis: int = 0) -> Unit: ...

@overload
def greater(a: Number, b: Number, /) -> bool:
    """a > b. False where either is NaN."""
@overload
def greater(a: Array, b: Array, /) -> NDArray[Any]: ...
@overload
def greater(a: Wire, b: Wire | Array, /) -> Wire: ...
@overload
def greater(a: Array, b: Wire, /) -> Wire: ...
@overload
def greater(a: Unit, b: Unit | Array, /) -> Unit: ...
@overload
def greater(a: Array, b: Unit, /) -> Unit: ...

@overload
def greater_equal(a: Number, b: Number, /) -> bool:
    """a >= b. False where either is NaN."""
@overload
def greater_equal(a: Array, b: Array, /) -> NDArray[Any]: ...
@overload
def greater_equal(a: Wire, b: Wire | Array, /) -> Wire: ...
@overload
def greater_equal(a: Array, b: Wire, /) -> Wire: ...
@overload
def greater_equal(a: Unit, b: Unit | Array, /) -> Unit: ...
@overload
def greater_equal(a: Array, b: Unit, /) -> Unit: ...

@overload
def less(a: Number, b: Number, /) -> bool:
    """a < b. False where either is NaN."""
@overload
def less(a: Array, b: Array, /) -> NDArray[Any]: ...
@overload
def less(a: Wire, b: Wire | Array, /) -> Wire: ...
@overload
def less(a: Array, b: Wire, /) -> Wire: ...
@overload
def less(a: Unit, b: Unit | Array, /) -> Unit: ...
@overload
def less(a: Array, b: Unit, /) -> Unit: ...

@overload
def less_equal(a: Number, b: Number, /) -> bool:
    """a <= b. False where either is NaN."""
@overload
def less_equal(a: Array, b: Array, /) -> NDArray[Any]: ...
@overload
def less_equal(a: Wire, b: Wire | Array, /) -> Wire: ...
@overload
def less_equal(a: Array, b: Wire, /) -> Wire: ...
@overload
def less_equal(a: Unit, b: Unit | Array, /) -> Unit: ...
@overload
def less_equal(a: Array, b: Unit, /) -> Unit: ...

@overload
def log(x: Number, /) -> float:
    """y = log(x), natural. -inf at 0, NaN below."""
@overload
def log(x: Array, /) -> NDArray[Any]: ...
@overload
def log(x: Wire, /) -> Wire: ...
@overload
def log(x: Unit, /) -> Unit: ...

@overload
def log1p(x: Number, /) -> float:
    """y = log(1 + x), exact near 0. -inf at -1, NaN below."""
@overload
def log1p(x: Array, /) -> NDArray[Any]: ...
@overload
def log1p(x: Wire, /) -> Wire: ...
@overload
def log1p(x: Unit, /) -> Unit: ...

@overload
def log_softmax(x: Array, /, *, axis: Axis = -1) -> NDArray[Any]:
    """y = x - logsumexp(x): the log of softmax where softmax itself would round to 0."""
@overload
def log_softmax(x: Wire, /, *, axis: Axis = -1) -> Wire: ...
@overload
def log_softmax(x: Unit, /, *, axis: Axis = -1) -> Unit: ...

@overload
def logaddexp(a: Number, b: Number, /) -> float:
    """y = log(e^a + e^b) without overflow: the sum of two probabilities kept as logarithms."""
@overload
def logaddexp(a: Array, b: Array, /) -> NDArray[Any]: ...
@overload
def logaddexp(a: Wire, b: Wire | Array, /) -> Wire: ...
@overload
def logaddexp(a: Array, b: Wire, /) -> Wire: ...
@overload
def logaddexp(a: Unit, b: Unit | Array, /) -> Unit: ...
@overload
def logaddexp(a: Array, b: Unit, /) -> Unit: ...

@overload
def logsumexp(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> NDArray[Any]:
    """y = log(sum(e^x)) along axis, without overflow."""
@overload
def logsumexp(x: Wire, /, *, axis: Axis = None, keepdims: bool = False) -> Wire: ...
@overload
def logsumexp(x: Unit, /, *, axis: Axis = None, keepdims: bool = False) -> Unit: ...

@overload
def matmul(a: Array, b: Array, /) -> NDArray[Any]:
    """y = a b. The pull on each side uses the other, transposed. Axes before the last two broadcast."""
@overload
def matmul(a: Wire, b: Wire | Array, /) -> Wire: ...
@overload
def matmul(a: Array, b: Wire, /) -> Wire: ...
@overload
def matmul(a: Unit, b: Unit | Array, /) -> Unit: ...
@overload
def matmul(a: Array, b: Unit, /) -> Unit: ...

@overload
def max(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> NDArray[Any]:
    """y = the largest element; a NaN wins, and a zero is +0. Equal largest elements share the pull."""
@overload
def max(x: Wire, /, *, axis: Axis = None, keepdims: bool = False) -> Wire: ...
@overload
def max(x: Unit, /, *, axis: Axis = None, keepdims: bool = False) -> Unit: ...

@overload
def maximum(a: Number, b: Number, /, *, ties: str = 'split') -> float:
    """y = the larger of a and b; b where they are equal (so max(+0, -0) is -0). A NaN wins."""
@overload
def maximum(a: Array, b: Array, /, *, ties: str = 'split') -> NDArray[Any]: ...
@overload
def maximum(a: Wire, b: Wire | Array, /, *, ties: str = 'split') -> Wire: ...
@overload
def maximum(a: Array, b: Wire, /, *, ties: str = 'split') -> Wire: ...
@overload
def maximum(a: Unit, b: Unit | Array, /, *, ties: str = 'split') -> Unit: ...
@overload
def maximum(a: Array, b: Unit, /, *, ties: str = 'split') -> Unit: ...

@overload
def mean(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> NDArray[Any]:
    """y = sum(x) / n: n elements share the pull. The mean of nothing is NaN."""
@overload
def mean(x: Wire, /, *, axis: Axis = None, keepdims: bool = False) -> Wire: ...
@overload
def mean(x: Unit, /, *, axis: Axis = None, keepdims: bool = False) -> Unit: ...

@overload
def min(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> NDArray[Any]:
    """y = the smallest element; a NaN wins. Equal smallest elements share the pull."""
@overload
def min(x: Wire, /, *, axis: Axis = None, keepdims: bool = False) -> Wire: ...
@overload
def min(x: Unit, /, *, axis: Axis = None, keepdims: bool = False) -> Unit: ...

@overload
def minimum(a: Number, b: Number, /, *, ties: str = 'split') -> float:
    """y = the smaller of a and b; b where they are equal. A NaN wins."""
@overload
def minimum(a: Array, b: Array, /, *, ties: str = 'split') -> NDArray[Any]: ...
@overload
def minimum(a: Wire, b: Wire | Array, /, *, ties: str = 'split') -> Wire: ...
@overload
def minimum(a: Array, b: Wire, /, *, ties: str = 'split') -> Wire: ...
@overload
def minimum(a: Unit, b: Unit | Array, /, *, ties: str = 'split') -> Unit: ...
@overload
def minimum(a: Array, b: Unit, /, *, ties: str = 'split') -> Unit: ...

@overload
def multiply(a: Number, b: Number, /) -> float:
    """y = a b. The pull on each input is the value of the other times the pull on y."""
@overload
def multiply(a: Array, b: Array, /) -> NDArray[Any]: ...
@overload
def multiply(a: Wire, b: Wire | Array, /) -> Wire: ...
@overload
def multiply(a: Array, b: Wire, /) -> Wire: ...
@overload
def multiply(a: Unit, b: Unit | Array, /) -> Unit: ...
@overload
def multiply(a: Array, b: Unit, /) -> Unit: ...

@overload
def negative(x: Number, /) -> float:
    """y = -x."""
@overload
def negative(x: Array, /) -> NDArray[Any]: ...
@overload
def negative(x: Wire, /) -> Wire: ...
@overload
def negative(x: Unit, /) -> Unit: ...

@overload
def norm(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> NDArray[Any]:
    """y = sqrt(sum(x^2)), without overflow. At the zero vector nothing pulls."""
@overload
def norm(x: Wire, /, *, axis: Axis = None, keepdims: bool = False) -> Wire: ...
@overload
def norm(x: Unit, /, *, axis: Axis = None, keepdims: bool = False) -> Unit: ...

@overload
def not_equal(a: Number, b: Number, /) -> bool:
    """a != b. True where either is NaN."""
@overload
def not_equal(a: Array, b: Array, /) -> NDArray[Any]: ...
@overload
def not_equal(a: Wire, b: Wire | Array, /) -> Wire: ...
@overload
def not_equal(a: Array, b: Wire, /) -> Wire: ...
@overload
def not_equal(a: Unit, b: Unit | Array, /) -> Unit: ...
@overload
def not_equal(a: Array, b: Unit, /) -> Unit: ...

@overload
def pad(x: Array, /, *, widths: Any, value: float = 0.0) -> NDArray[Any]:
    """x with a border of `value`: one (before, after) pair an axis."""
@overload
def pad(x: Wire, /, *, widths: Any, value: float = 0.0) -> Wire: ...
@overload
def pad(x: Unit, /, *, widths: Any, value: float = 0.0) -> Unit: ...

@overload
def pick(x: Array, index: Array, /) -> NDArray[Any]:
    """y[i] = x[i, index[i]]: one element of each row, for instance the score of the right label."""
@overload
def pick(x: Wire, index: Wire | Array, /) -> Wire: ...
@overload
def pick(x: Array, index: Wire, /) -> Wire: ...
@overload
def pick(x: Unit, index: Unit | Array, /) -> Unit: ...
@overload
def pick(x: Array, index: Unit, /) -> Unit: ...

@overload
def power(a: Number, b: Number, /) -> float:
    """y = a^b, real: NaN for a negative base with a fractional exponent. 0^0 is 1."""
@overload
def power(a: Array, b: Array, /) -> NDArray[Any]: ...
@overload
def power(a: Wire, b: Wire | Array, /) -> Wire: ...
@overload
def power(a: Array, b: Wire, /) -> Wire: ...
@overload
def power(a: Unit, b: Unit | Array, /) -> Unit: ...
@overload
def power(a: Array, b: Unit, /) -> Unit: ...

@overload
def prod(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> NDArray[Any]:
    """y = x[0] x[1] ...: the pull on each element is the product of the others. Of no elements, 1."""
@overload
def prod(x: Wire, /, *, axis: Axis = None, keepdims: bool = False) -> Wire: ...
@overload
def prod(x: Unit, /, *, axis: Axis = None, keepdims: bool = False) -> Unit: ...

@overload
def relu(x: Number, /) -> float:
    """y = x if x > 0 else 0. A NaN stays a NaN; relu(-0) is +0."""
@overload
def relu(x: Array, /) -> NDArray[Any]: ...
@overload
def relu(x: Wire, /) -> Wire: ...
@overload
def relu(x: Unit, /) -> Unit: ...

@overload
def reshape(x: Array, /, *, shape: Shape) -> NDArray[Any]:
    """The same numbers in rows of another shape; one size may be -1."""
@overload
def reshape(x: Wire, /, *, shape: Shape) -> Wire: ...
@overload
def reshape(x: Unit, /, *, shape: Shape) -> Unit: ...

@overload
def scatter_add(x: Array, index: Array, /, *, axis: int = 0, size: int) -> NDArray[Any]:
    """Zeros with x added at `index` along one axis: equal indices add up."""
@overload
def scatter_add(x: Wire, index: Wire | Array, /, *, axis: int = 0, size: int) -> Wire: ...
@overload
def scatter_add(x: Array, index: Wire, /, *, axis: int = 0, size: int) -> Wire: ...
@overload
def scatter_add(x: Unit, index: Unit | Array, /, *, axis: int = 0, size: int) -> Unit: ...
@overload
def scatter_add(x: Array, index: Unit, /, *, axis: int = 0, size: int) -> Unit: ...

@overload
def sigmoid(x: Number, /) -> float:
    """y = 1 / (1 + e^-x), squashed into (0, 1). No overflow on either side."""
@overload
def sigmoid(x: Array, /) -> NDArray[Any]: ...
@overload
def sigmoid(x: Wire, /) -> Wire: ...
@overload
def sigmoid(x: Unit, /) -> Unit: ...

@overload
def sin(x: Number, /) -> float:
    """y = sin(x), x in radians. NaN at infinity."""
@overload
def sin(x: Array, /) -> NDArray[Any]: ...
@overload
def sin(x: Wire, /) -> Wire: ...
@overload
def sin(x: Unit, /) -> Unit: ...

@overload
def slice(x: Array, /, *, index: Any) -> NDArray[Any]:
    """A part of x: integers, (start, stop, step) triples and "new" axes, one an axis. `x[1:, 0]` makes one."""
@overload
def slice(x: Wire, /, *, index: Any) -> Wire: ...
@overload
def slice(x: Unit, /, *, index: Any) -> Unit: ...

@overload
def softmax(x: Array, /, *, axis: Axis = -1) -> NDArray[Any]:
    """y = e^x / sum(e^x) along axis: positive and summing to 1. A row of all -inf gives zeros, +inf 1."""
@overload
def softmax(x: Wire, /, *, axis: Axis = -1) -> Wire: ...
@overload
def softmax(x: Unit, /, *, axis: Axis = -1) -> Unit: ...

@overload
def softplus(x: Number, /) -> float:
    """y = log(1 + e^x), a relu with a round corner. No overflow for any x."""
@overload
def softplus(x: Array, /) -> NDArray[Any]: ...
@overload
def softplus(x: Wire, /) -> Wire: ...
@overload
def softplus(x: Unit, /) -> Unit: ...

@overload
def sqrt(x: Number, /) -> float:
    """y = sqrt(x). NaN below 0; the slope at 0 is infinite."""
@overload
def sqrt(x: Array, /) -> NDArray[Any]: ...
@overload
def sqrt(x: Wire, /) -> Wire: ...
@overload
def sqrt(x: Unit, /) -> Unit: ...

@overload
def stop_gradient(x: Number, /) -> float:
    """y = x, and nothing pulls through it."""
@overload
def stop_gradient(x: Array, /) -> NDArray[Any]: ...
@overload
def stop_gradient(x: Wire, /) -> Wire: ...
@overload
def stop_gradient(x: Unit, /) -> Unit: ...

@overload
def subtract(a: Number, b: Number, /) -> float:
    """y = a - b. The pull on the second input has the opposite sign."""
@overload
def subtract(a: Array, b: Array, /) -> NDArray[Any]: ...
@overload
def subtract(a: Wire, b: Wire | Array, /) -> Wire: ...
@overload
def subtract(a: Array, b: Wire, /) -> Wire: ...
@overload
def subtract(a: Unit, b: Unit | Array, /) -> Unit: ...
@overload
def subtract(a: Array, b: Unit, /) -> Unit: ...

@overload
def sum(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> NDArray[Any]:
    """y = x[0] + x[1] + ...: every element is pulled as hard as the sum. Empty sums are 0."""
@overload
def sum(x: Wire, /, *, axis: Axis = None, keepdims: bool = False) -> Wire: ...
@overload
def sum(x: Unit, /, *, axis: Axis = None, keepdims: bool = False) -> Unit: ...

@overload
def sum_to(x: Array, /, *, shape: Shape) -> NDArray[Any]:
    """Sum over the axes along which `shape` was broadcast to x's shape. The pull of broadcasting."""
@overload
def sum_to(x: Wire, /, *, shape: Shape) -> Wire: ...
@overload
def sum_to(x: Unit, /, *, shape: Shape) -> Unit: ...

@overload
def tanh(x: Number, /) -> float:
    """y = tanh(x), squashed into (-1, 1)."""
@overload
def tanh(x: Array, /) -> NDArray[Any]: ...
@overload
def tanh(x: Wire, /) -> Wire: ...
@overload
def tanh(x: Unit, /) -> Unit: ...

@overload
def transpose(x: Array, /, *, axes: Axis = None) -> NDArray[Any]:
    """x with its axes in another order; reversed when `axes` is None."""
@overload
def transpose(x: Wire, /, *, axes: Axis = None) -> Wire: ...
@overload
def transpose(x: Unit, /, *, axes: Axis = None) -> Unit: ...

@overload
def unpick(x: Array, index: Array, /, *, size: int) -> NDArray[Any]:
    """Rows of zeros with x[i] at index[i]. The pull of pick."""
@overload
def unpick(x: Wire, index: Wire | Array, /, *, size: int) -> Wire: ...
@overload
def unpick(x: Array, index: Wire, /, *, size: int) -> Wire: ...
@overload
def unpick(x: Unit, index: Unit | Array, /, *, size: int) -> Unit: ...
@overload
def unpick(x: Array, index: Unit, /, *, size: int) -> Unit: ...

@overload
def unslice(x: Array, /, *, index: Any, shape: Shape) -> NDArray[Any]:
    """Zeros of `shape` with x put where `slice` would have read it. The pull of slice."""
@overload
def unslice(x: Wire, /, *, index: Any, shape: Shape) -> Wire: ...
@overload
def unslice(x: Unit, /, *, index: Any, shape: Shape) -> Unit: ...

@overload
def where(condition: Number, a: Number, b: Number, /) -> float:
    """y = a where the condition holds, else b. The pull on the side not chosen is always 0."""
@overload
def where(condition: Array, a: Array, b: Array, /) -> NDArray[Any]: ...
@overload
def where(condition: Wire, a: Wire | Array, b: Wire | Array, /) -> Wire: ...
@overload
def where(condition: Array, a: Wire, b: Wire | Array, /) -> Wire: ...
@overload
def where(condition: Array, a: Array, b: Wire, /) -> Wire: ...
@overload
def where(condition: Unit, a: Unit | Array, b: Unit | Array, /) -> Unit: ...
@overload
def where(condition: Array, a: Unit, b: Unit | Array, /) -> Unit: ...
@overload
def where(condition: Array, a: Array, b: Unit, /) -> Unit: ...

@overload
def xlogy(x: Number, y: Number, /) -> float:
    """x log(y), and 0 where x is 0, whatever y is: the entropy's convention."""
@overload
def xlogy(x: Array, y: Array, /) -> NDArray[Any]: ...
@overload
def xlogy(x: Wire, y: Wire | Array, /) -> Wire: ...
@overload
def xlogy(x: Array, y: Wire, /) -> Wire: ...
@overload
def xlogy(x: Unit, y: Unit | Array, /) -> Unit: ...
@overload
def xlogy(x: Array, y: Unit, /) -> Unit: ...
