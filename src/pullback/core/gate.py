"""`Gate`: a small function that knows its value, shape, pull and faces; and the registry of all gates.

A gate is called the same way with anything: numbers compute at once, wires record a row, Units do
both. That is why one pull rule, written in gates, serves numbers, circuits and second derivatives.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar, overload

import numpy as np

from pullback.core.dtypes import BOOL, FLOAT64, INT64, canonical, promoted, weak
from pullback.core.names import check_name
from pullback.core.shapes import Shape, Signature, Spec, broadcast
from pullback.errors import DtypeError, FaceError, GateError, UnknownName, did_you_mean

Rule = TypeVar("Rule", bound=Callable[..., Any])
GATES: dict[str, Gate] = {}
LANGUAGES = ("python", "numpy", "javascript", "c", "latex", "onnx")
CHOOSES = ("", "value", "condition")
SLOPES = ("fixed", "finite", "any")
_SHORT = {"py": "python", "np": "numpy", "js": "javascript"}


@dataclass(frozen=True)
class Declaration:
    """What `@gate(...)` may say beside the body; see `gate` for the meaning of each."""

    shape: str | Callable[..., Shape] | None = None
    takes: str = "float"
    kinds: Mapping[str, np.dtype[Any]] = field(default_factory=dict)
    result: np.dtype[Any] | Callable[..., np.dtype[Any]] | None = None
    kink: Callable[..., Any] | None = None
    domain: tuple[float, float] = (-np.inf, np.inf)
    pattern: str = ""
    chooses: str = ""
    slopes: str | Callable[..., str] = "any"
    infix: str = ""
    folds: tuple[str, ...] = ()
    holomorphic: bool = False
    faces: Mapping[str, str] = field(default_factory=dict)


def _declaration(name: str, declared: dict[str, Any]) -> Declaration:
    """The keywords of `@gate`, faces told apart from the rest; each wrong one is named."""
    known = {f.name for f in fields(Declaration)} - {"faces"}
    faces = {_SHORT.get(k, k): v for k, v in declared.items() if k not in known}
    for wrong in faces.keys() - set(LANGUAGES):
        near = did_you_mean(wrong, [*known, *LANGUAGES, *_SHORT])
        raise GateError(f"gate {name!r}: there is no keyword or face {wrong!r}.", why=near)
    said = Declaration(**{k: v for k, v in declared.items() if k in known}, faces=faces)
    if said.takes not in ("float", "number", "any"):
        raise GateError(f"gate {name!r}: takes= is 'float', 'number' or 'any', not {said.takes!r}.")
    if said.chooses not in CHOOSES:
        raise GateError(f"gate {name!r}: chooses= is one of {CHOOSES}, not {said.chooses!r}.")
    if not callable(said.slopes) and said.slopes not in SLOPES:
        raise GateError(f"gate {name!r}: slopes= is one of {SLOPES}, not {said.slopes!r}.")
    return said


class Gate:
    """One gate. Made by `@gate` or `@recipe`; called with numbers, wires or Units.

    inputs are the positional parameters of the body, attributes its keyword-only ones.
    """

    def __init__(self, body: Callable[..., Any], said: Declaration, *, recipe: bool) -> None:
        self.name = check_name(body.__name__)
        self.body, self.recipe = body, recipe
        # The same value written with plainer gates: what the gate shows when it is opened.
        self.inside: Callable[..., Any] | None = body if recipe else None
        self.__doc__, self.__name__, self.__module__ = body.__doc__, body.__name__, body.__module__
        self.__wrapped__ = body
        self.inputs, self.variadic, self.defaults = _parameters(body)
        self.rule: Callable[..., Any] | None = None
        self.helpers: dict[str, str] = {}
        self._ready: set[Any] = set()
        self.elementwise = said.shape is None
        self.shape = Signature(said.shape) if isinstance(said.shape, str) else said.shape
        self.takes, self.kinds, self.result = said.takes, dict(said.kinds), said.result
        self.kink, self.domain, self.pattern = said.kink, said.domain, said.pattern
        self.infix, self.holomorphic, self.faces = said.infix, said.holomorphic, dict(said.faces)
        self.folds, self.chooses, self.slopes = said.folds, said.chooses, said.slopes

    def __repr__(self) -> str:
        return f"<{'recipe' if self.recipe else 'gate'} {self.name}>"

    def __call__(self, *inputs: Any, **attributes: Any) -> Any:
        for value in inputs:
            if hasattr(value, "__apply_gate__"):
                return value.__apply_gate__(self, inputs, attributes)
        bound = self.bind(attributes) if attributes or self.defaults else attributes
        self.check_count(len(inputs))
        kinds = tuple([_kind(x) for x in inputs])
        numbers = inputs if kinds in self._ready else self._brought(inputs, kinds)
        with np.errstate(all="ignore"):
            return self.body(*numbers, **bound)

    def _brought(self, inputs: tuple[Any, ...], kinds: Any) -> list[Any]:
        """The numbers as a circuit brings them: one dtype, but for inputs with a kind of their own.

        Kinds that come out as they went in are remembered: they need not be looked at again.
        """
        plain = [type(x) is float or type(x) is int for x in inputs]
        pairs = list(zip(inputs, plain, strict=True))
        values = [x if p else canonical(x, f"an input of {self.name}") for x, p in pairs]
        common = self.common([None if p else x.dtype for x, p in zip(values, plain, strict=True)])
        if common.kind != "f" and any(type(x) is float for x in inputs):
            common = FLOAT64
        names = self.input_names(len(inputs))
        brought = [self._as(name, x, common) for name, x in zip(names, values, strict=True)]
        if tuple(_kind(x) for x in brought) != kinds:
            return brought
        self._ready.add(kinds)
        return list(inputs)

    def _as(self, name: str, value: Any, common: np.dtype[Any]) -> Any:
        wanted = self.kinds.get(name, common)
        number = type(value) is float or type(value) is int
        dtype = FLOAT64 if number and wanted == BOOL else wanted if number else value.dtype
        if name in self.kinds and dtype != wanted:
            self.check_kind(name, dtype)
        if number:
            return weak(value, wanted)
        return value if dtype == wanted else value.astype(wanted)

    def pulls(self, rule: Rule) -> Rule:
        """Give the gate its pull rule: `d_name(dy, y, *inputs, **attributes)`.

        It returns the pull on the one input, or a tuple with one pull an input; None where nothing
        can pull. It is written with gates and operators only and ignores broadcasting.
        """
        self.rule = rule
        return rule

    def parts(self, opened: Rule) -> Rule:
        """Say how the gate is made of plainer gates: what a person sees who opens it.

        For a gate that is no recipe. Written with gates only, as the textbook has it; it may give up
        at extremes where the gate itself does not, and whoever opens it is told where.
        """
        self.inside = opened
        return opened

    def helper(self, **sources: str) -> None:
        """Short function definitions that a face calls, by language: emitted once a program."""
        self.helpers.update({_SHORT.get(k, k): v for k, v in sources.items()})

    def face(self, language: str) -> str:
        """The template of this gate in `language`, or a FaceError that names the line to add."""
        language = _SHORT.get(language, language)
        try:
            return self.faces[language]
        except KeyError:
            short = {v: k for k, v in _SHORT.items()}.get(language, language)
            raise FaceError(
                f"gate {self.name!r} has no {language} face.",
                fix=f'@gate({short}="...") on {self.name} in {self.__module__}',
            ) from None

    def check_count(self, count: int) -> None:
        if self.variadic:
            wrong = count < 1
        else:
            wrong = count != len(self.inputs)
        if wrong:
            wants = (
                "one input or more"
                if self.variadic
                else f"{len(self.inputs)} ({', '.join(self.inputs)})"
            )
            raise GateError(f"{self.name} takes {wants}, got {count}.")

    def bind(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """All attributes with defaults filled in, in declared order, hashable."""
        for name in attributes:
            if name not in self.defaults:
                raise GateError(
                    f"{self.name} has no attribute {name!r}.", why=did_you_mean(name, self.defaults)
                )
        bound = {k: _frozen(attributes.get(k, v)) for k, v in self.defaults.items()}
        for name, value in bound.items():
            if value is inspect.Parameter.empty:
                raise GateError(f"{self.name} needs the attribute {name!r}.")
        return bound

    def input_names(self, count: int) -> list[str]:
        """The names of `count` inputs; a variadic gate numbers them."""
        return (
            [f"{self.inputs[0]}{i}" for i in range(count)] if self.variadic else list(self.inputs)
        )

    def common(self, dtypes: list[np.dtype[Any] | None]) -> np.dtype[Any]:
        """The dtype that the inputs without a kind of their own are brought to. None = weak."""
        named = zip(self.input_names(len(dtypes)), dtypes, strict=True)
        strong = tuple(d for n, d in named if n not in self.kinds and d is not None)
        dtype = promoted(strong) if strong else FLOAT64
        if self.takes == "float" and dtype.kind != "f":
            return FLOAT64
        return INT64 if self.takes == "number" and dtype == BOOL else dtype

    def infer(self, specs: list[Spec], attributes: Mapping[str, Any]) -> Spec:
        """The output's spec; the inputs already have the right dtypes. Raises ShapeError."""
        names = self.input_names(len(specs))
        shapes = [s.shape for s in specs]
        if self.shape is None:
            shape = shapes[0] if len(shapes) == 1 else broadcast(shapes, names)
        elif isinstance(self.shape, Signature):
            shape = self.shape.result(shapes, names)
        else:
            shape = tuple(int(s) for s in self.shape(*shapes, **attributes))
        same = [s.dtype for n, s in zip(names, specs, strict=True) if n not in self.kinds]
        dtype = same[0] if same else specs[0].dtype
        if callable(self.result):
            dtype = self.result(**attributes)
        elif self.result is not None:
            dtype = self.result
        return Spec(shape, dtype)

    def check_kind(self, name: str, dtype: np.dtype[Any]) -> None:
        """Inputs with a kind of their own (a condition, an index) are never converted silently."""
        if dtype != self.kinds[name]:
            fix = f"{name} != 0" if self.kinds[name] == BOOL else f"cast({name}, dtype='int64')"
            raise DtypeError(
                f"{self.name}: {name!r} is {dtype.name}, wanted {self.kinds[name].name}.", fix=fix
            )


def _kind(x: Any) -> tuple[type, Any]:
    # A Python float needs no change where an np.float64 needs none.
    return (np.float64, FLOAT64) if type(x) is float else (type(x), getattr(x, "dtype", None))


def _parameters(body: Callable[..., Any]) -> tuple[tuple[str, ...], bool, dict[str, Any]]:
    inputs: list[str] = []
    defaults: dict[str, Any] = {}
    variadic = False
    for p in inspect.signature(body).parameters.values():
        if p.kind is p.KEYWORD_ONLY:
            defaults[p.name] = p.default
        elif p.kind is p.VAR_KEYWORD:
            raise GateError(
                f"gate {body.__name__!r}: **{p.name} is not allowed; name each attribute."
            )
        else:
            inputs.append(p.name)
            variadic = variadic or p.kind is p.VAR_POSITIONAL
    if not inputs:
        raise GateError(f"gate {body.__name__!r} has no input.")
    return tuple(inputs), variadic, defaults


def _frozen(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(_frozen(v) for v in value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.dtype):
        return value.name
    return value


def find_gate(name: str) -> Gate:
    """The gate called `name`, or UnknownName with the nearest one."""
    try:
        return GATES[name]
    except KeyError:
        raise UnknownName(
            f"no gate is called {name[:64]!r}.", why=did_you_mean(name, GATES)
        ) from None


def _register(made: Gate) -> Gate:
    old = GATES.get(made.name)
    if old is not None and old.__module__ != made.__module__:
        raise GateError(
            f"a gate {made.name!r} exists already, in {old.__module__}.", fix="another name"
        )
    GATES[made.name] = made
    return made


@overload
def gate(body: Callable[..., Any], /) -> Gate: ...
@overload
def gate(**declared: Any) -> Callable[[Callable[..., Any]], Gate]: ...
def gate(body: Callable[..., Any] | None = None, /, **declared: Any) -> Any:
    """Declare a gate: the body computes the value in NumPy, the keywords say the rest.

    shape: None (elementwise, broadcasts), a signature "(n,d),(d,k)->(n,k)", or a function of the
    input shapes and attributes. takes: "float" (integers become float64), "number" (integers stay),
    "any". kinds: inputs with a dtype of their own. result: the output's dtype. kink: a function of
    the inputs that is zero where the slope jumps. domain: where the gate is defined. pattern: how
    the pull flows ("distributes", "routes", "swaps"). folds: inputs whose pull rule becomes plainer
    when they are constants, as the exponent of a power. py, np, js, c, latex, onnx: its faces.

    chooses: whether the gate pulls an input with 0 because it took another number: by "value", or by
    a "condition" that a person wrote. Below it a pull of 0 stays 0, where 0 * infinity would be NaN:
    after a condition in every gate, after a value in those whose slopes can be infinite. slopes:
    "fixed" (a force of 0 pulls with 0 whatever the inputs are), "finite" (finite inputs give finite
    values and slopes, unless they overflow), "any", or a function that says which for the inputs,
    each a constant or None.

    >>> @gate(py="({x} * {x} * {x})")
    ... def cube(x):
    ...     "y = x^3."
    ...     return x * x * x
    >>> @cube.pulls
    ... def d_cube(dy, y, x):
    ...     return 3 * x * x * dy
    >>> cube(2.0)
    8.0
    """
    return _declared(body, declared, recipe=False)


@overload
def recipe(body: Callable[..., Any], /) -> Gate: ...
@overload
def recipe(**declared: Any) -> Callable[[Callable[..., Any]], Gate]: ...
def recipe(body: Callable[..., Any] | None = None, /, **declared: Any) -> Any:
    """Declare a gate made of gates: it runs everywhere at once, and its pull is derived.

    Give it `pulls` of its own only where that is steadier or plainer than the derived one. Its
    shape follows from the gates inside.
    """
    declared.setdefault("takes", "any")
    return _declared(body, declared, recipe=True)


def _declared(body: Callable[..., Any] | None, declared: dict[str, Any], *, recipe: bool) -> Any:
    if body is None:
        return lambda found: _declared(found, declared, recipe=recipe)
    return _register(Gate(body, _declaration(body.__name__, declared), recipe=recipe))
