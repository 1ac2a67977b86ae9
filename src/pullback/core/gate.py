"""`Gate`: a small function with its value, shape, pull and code in other languages; the registry of gates.

A gate is called the same way with anything: numbers compute at once, wires record a row, Units do
both. That is why one pull rule, written in gates, serves numbers, circuits and second derivatives.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any, NamedTuple, NoReturn, TypeVar, overload

import numpy as np

from pullback.core.dtypes import BOOL, FLOAT64, INT64, canonical, promoted, weak
from pullback.core.names import check_name
from pullback.core.options import Kind, plain, told
from pullback.core.shapes import Shape, Signature, Spec, broadcast, check_shape
from pullback.core.tables import attribute_key
from pullback.errors import (
    DtypeError,
    FaceError,
    GateError,
    PullbackError,
    UnknownName,
    did_you_mean,
)

Rule = TypeVar("Rule", bound=Callable[..., Any])
GATES: dict[str, Gate] = {}
LANGUAGES = ("python", "numpy", "javascript", "c", "latex", "onnx")
CHOOSES = ("", "value", "condition")
SLOPES = ("fixed", "finite", "any")
_SHORT = {"py": "python", "np": "numpy", "js": "javascript"}
KEPT = 4096  # kinds of inputs that a gate remembers to take as they are


class Meeting(NamedTuple):
    """What a gate makes of inputs: the specs they are brought to, and what comes out.

    result is None for a recipe that does not declare its shape: that follows from the gates inside.
    """

    wanted: tuple[Spec, ...]
    result: Spec | None


@dataclass(frozen=True)
class Declaration:
    """What `@gate(...)` may say beside the body; see `gate` for the meaning of each."""

    shape: str | Callable[..., Shape] | None = None
    takes: str = "float"
    kinds: Mapping[str, np.dtype[Any]] = field(default_factory=dict)
    options: Mapping[str, Kind] = field(default_factory=dict)
    check: Callable[..., None] | None = None
    result: np.dtype[Any] | Callable[..., np.dtype[Any]] | None = None
    kink: Callable[..., Any] | None = None
    domain: tuple[float, float] = (-np.inf, np.inf)
    pattern: str = ""
    chooses: str = ""
    slopes: str | Callable[..., str] = "any"
    length: bool = False
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
        raise GateError(f"gate {name!r}: there is no keyword or language {wrong!r}.", why=near)
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
        self.needs_options = inspect.Parameter.empty in self.defaults.values()
        self.rule: Callable[..., Any] | None = None
        self.helpers: dict[str, str] = {}
        self._ready: set[Any] = set()
        self.options = {name: said.options.get(name, plain) for name in self.defaults}
        for unknown in said.options.keys() - self.defaults.keys():
            raise GateError(f"gate {self.name!r} has no attribute {unknown!r} to give options for.")
        self.elementwise = said.shape is None
        self.shape = Signature(said.shape) if isinstance(said.shape, str) else said.shape
        self.takes, self.kinds, self.result = said.takes, dict(said.kinds), said.result
        self.kink, self.domain, self.pattern = said.kink, said.domain, said.pattern
        self.infix, self.holomorphic, self.faces = said.infix, said.holomorphic, dict(said.faces)
        self.folds, self.chooses, self.slopes = said.folds, said.chooses, said.slopes
        self.length = said.length
        self.check = said.check

    def __repr__(self) -> str:
        return f"<{'recipe' if self.recipe else 'gate'} {self.name}>"

    def __reduce__(self) -> Any:
        """Pickled by name. A gate that stands under its name in a module is imported from there; any
        other has to be declared again before it is loaded."""
        if getattr(sys.modules.get(self.__module__), self.name, None) is self:
            return self.name
        if GATES.get(self.name) is self:
            return find_gate, (self.name,)
        raise GateError(
            f"gate {self.name!r} cannot be pickled: that name means another gate by now.",
            fix="another name, or declare it in a module",
        )

    def __call__(self, *inputs: Any, **attributes: Any) -> Any:
        for value in inputs:
            if hasattr(value, "__apply_gate__"):
                return value.__apply_gate__(self, inputs, attributes)
        bound = self.bind(attributes) if attributes or self.defaults else attributes
        self.check_count(len(inputs), inputs)
        kind = _kind if self.recipe else _kind_or_float
        kinds: Any = tuple([kind(x) for x in inputs])
        key = (kinds, *bound.items()) if bound else kinds
        numbers = inputs if key in self._ready else self._brought(inputs, bound, kinds, key)
        with np.errstate(all="ignore"):
            return self.body(*numbers, **bound)

    def _brought(
        self, inputs: tuple[Any, ...], bound: dict[str, Any], kinds: Any, key: Any
    ) -> list[Any]:
        """The numbers as a circuit brings them: one dtype, but for inputs with a kind of their own.

        Kinds that come out as they went in are remembered: they need not be looked at again.
        """
        values = [self.taken(x) for x in inputs]
        wanted = self.meet(tuple([given_of(x) for x in values]), bound).wanted
        pairs = zip(values, wanted, strict=True)
        brought = [x if _has(x, spec) else _as(x, spec.dtype) for x, spec in pairs]
        if tuple([_kind(x) for x in brought]) != kinds:
            return brought
        if len(self._ready) >= KEPT:
            self._ready.clear()
        self._ready.add(key)
        return list(inputs)

    def taken(self, value: Any) -> Any:
        """An input that is no wire and no Unit: a plain Python number, or NumPy numbers."""
        if type(value) is float or type(value) is int:
            return value
        if isinstance(value, list | tuple):
            self._check_list(value)
        return canonical(value, f"an input of {self.name}")

    def _check_list(self, values: Sequence[Any]) -> None:
        """A list is an array of plain numbers: not of wires and Units, and not the inputs of concat."""
        if any(hasattr(x, "__apply_gate__") for x in values):
            raise DtypeError(
                f"an input of {self.name} is a list that holds wires or Units.",
                fix="concat(a, b) of arrays, concat(a[None], b[None]) of single numbers",
            )
        if self.variadic and any(isinstance(x, np.ndarray) and x.ndim for x in values):
            raise GateError(
                f"{self.name} takes its inputs one by one, not in a list.",
                fix=f"{self.name}(*{self.inputs[0]})",
            )

    def meet(self, given: tuple[Any, ...], bound: dict[str, Any]) -> Meeting:
        """The one check of a gate's inputs and options, before any number, Unit or wire is made.

        given: each input's spec, or the type of a plain Python number. Errors: DtypeError, ShapeError.
        """
        return _met(self, given, attribute_key(bound))

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
                f"gate {self.name!r} has no {language} implementation.",
                fix=f'@gate({short}="...") on {self.name} in {self.__module__}',
            ) from None

    def check_count(self, count: int, given: Sequence[Any] = ()) -> None:
        """GateError unless the gate takes so many inputs. given: what they are, for the fix."""
        if count != len(self.inputs) and not (self.variadic and count):
            self._refuse_count(count, given)

    def _refuse_count(self, count: int, given: Sequence[Any]) -> NoReturn:
        names = ", ".join(self.inputs)
        wants = "one input or more" if self.variadic else f"{len(self.inputs)} ({names})"
        # Who gives more may have meant the options, which have names.
        more = [told(x) if isinstance(x, int | float) else "..." for x in given[len(self.inputs) :]]
        named = [f"{name}={value}" for name, value in zip(self.defaults, more, strict=False)]
        fix = f"{self.name}({', '.join([names, *named])})" if named else ""
        raise GateError(f"{self.name} takes {wants}, got {count}.", fix=fix)

    def bind(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """All attributes with defaults filled in, in declared order, each a plain value that fits."""
        bound = dict(self.defaults)
        for name, given in attributes.items():
            if name not in bound:
                raise GateError(
                    f"{self.name} has no attribute {name!r}.", why=did_you_mean(name, self.defaults)
                )
            try:
                bound[name] = self.options[name](name, given)
            except PullbackError as error:
                raise self._named(error) from None
        if self.needs_options:
            for name, value in bound.items():
                if value is inspect.Parameter.empty:
                    raise GateError(f"{self.name} needs the attribute {name!r}.")
        return bound

    def _named(self, error: PullbackError) -> PullbackError:
        """The same error with the gate's name in front."""
        what = error.what if error.what.startswith(self.name) else f"{self.name}: {error.what}"
        return type(error)(what, where=error.where, why=error.why, fix=error.fix)

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
        if dtype == BOOL and self.kinds[name] == INT64:
            # Cast, True and False would be places 1 and 0.
            raise DtypeError(
                f"{self.name}: {name!r} is a mask (bool), wanted places (int64).",
                why="How many numbers a mask keeps is not known before the circuit runs.",
                fix=f"where({name}, x, 0.0), which keeps the shape and is 0 where the mask is False",
            )
        if dtype != self.kinds[name]:
            fix = f"{name} != 0" if self.kinds[name] == BOOL else f"cast({name}, dtype='int64')"
            raise DtypeError(
                f"{self.name}: {name!r} is {dtype.name}, wanted {self.kinds[name].name}.", fix=fix
            )


_FLOAT = (np.float64, FLOAT64, ())


def _kind(x: Any) -> tuple[type, Any, Any]:
    return type(x), getattr(x, "dtype", None), getattr(x, "shape", None)


def _kind_or_float(x: Any) -> tuple[type, Any, Any]:
    # To a NumPy body a Python float is as good as an np.float64; a recipe may ask for its shape.
    return _FLOAT if type(x) is float else _kind(x)


def given_of(value: Any) -> Any:
    """What `meet` asks about an input: the spec of NumPy numbers, the type of a plain Python number."""
    kind = type(value)
    return kind if kind is float or kind is int else Spec(value.shape, value.dtype)


def _has(value: Any, spec: Spec) -> bool:
    return type(value) is not float and type(value) is not int and value.dtype == spec.dtype


def _as(value: Any, dtype: np.dtype[Any]) -> Any:
    plain_number = type(value) is float or type(value) is int
    return weak(value, dtype) if plain_number else value.astype(dtype)


@lru_cache(maxsize=65536)
def _met(gate: Gate, given: tuple[Any, ...], key: tuple[Any, ...]) -> Meeting:
    wanted = _wanted(gate, given)
    bound = {name: value for name, _, value in key}
    try:
        if gate.check:
            gate.check(**bound)
        if gate.recipe and gate.elementwise:
            return Meeting(wanted, None)
        result = gate.infer(list(wanted), bound)
        check_shape(result.shape)
    except PullbackError as error:
        raise gate._named(error) from None
    return Meeting(wanted, result)


def _wanted(gate: Gate, given: tuple[Any, ...]) -> tuple[Spec, ...]:
    """The specs that inputs are brought to: one dtype, but for those with a kind of their own."""
    dtypes = [one.dtype if isinstance(one, Spec) else None for one in given]
    common = gate.common(dtypes)
    if common.kind != "f" and float in given:
        common = FLOAT64
    wanted = []
    for name, one, dtype in zip(gate.input_names(len(given)), given, dtypes, strict=True):
        own = gate.kinds.get(name, common)
        if name in gate.kinds and dtype is not None:
            gate.check_kind(name, dtype)
        elif name in gate.kinds and own == BOOL:
            gate.check_kind(name, FLOAT64)  # no number is a truth
        wanted.append(Spec(() if dtype is None else one.shape, own))
    return tuple(wanted)


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
    "any". kinds: inputs with a dtype of their own. options: what each attribute takes, a kind of
    `core.options`. check: a function of the attributes that raises where they do not fit each other.
    result: the output's dtype. kink: a function of the inputs that is zero where the slope jumps.
    domain: where the gate is defined. pattern: how the pull flows ("distributes", "routes", "swaps").
    folds: inputs whose pull rule becomes plainer when they are constants, as the exponent of a power.
    py, np, js, c, latex, onnx: its code in other languages.

    chooses: whether the gate pulls an input with 0 because it took another number: by "value", or by
    a "condition" that a person wrote. Below it a pull of 0 stays 0, where 0 * infinity would be NaN:
    after a condition in every gate, after a value in those whose slopes can be infinite. slopes:
    "fixed" (a force of 0 pulls with 0 whatever the inputs are), "finite" (finite inputs give finite
    values and slopes, unless they overflow), "any", or a function that says which for the inputs,
    each a constant or None. length: y is the length of x, with a tip at 0.

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
