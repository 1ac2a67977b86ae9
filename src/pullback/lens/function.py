"""`pb.circuit`: a Python function (or typed text) with its circuit. The public methods are here."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, overload

import numpy as np

from pullback.core.circuit import ROLES, Circuit
from pullback.core.replay import replay
from pullback.core.structure import LEAF, put_together, take_apart
from pullback.core.trace import parameters
from pullback.core.wire import Wire
from pullback.emit.picture.look import Look
from pullback.errors import OptionError, ShapeError
from pullback.executors.unit import Unit
from pullback.lens.binding import Inputs
from pullback.lens.card import Card, card
from pullback.lens.draw import Picture, draw, look_of
from pullback.lens.element import open_element
from pullback.lens.expansion import collapsed, expanded
from pullback.lens.explain import Explanation, explain
from pullback.lens.fit import Fitted, fit
from pullback.lens.gradcheck import Report, check_view
from pullback.lens.mapped import Mapped, mapped
from pullback.lens.pickled import reduced
from pullback.lens.proof import Proof, prove
from pullback.lens.settings import put_in, settled, told_apart
from pullback.lens.snapshot import Snapshot, full_force, nested_pulls, plain
from pullback.lens.source import Source, backward_source, forward_source
from pullback.lens.specialize import Specialization, Specializations
from pullback.lens.text import function_of_text
from pullback.lens.training_source import training_source
from pullback.loop.loop import How
from pullback.loop.optimizers import SGD
from pullback.loop.plan import Plan
from pullback.passes.optimizer import Optimizer


class CircuitFunction:
    """A function that traces its circuit once for each shape and dtype of its inputs.

    Made by `pb.circuit`. Values go in by position, by name, or as one dict; so an input may even be
    called `force`. A keyword-only parameter (after `*`) of the function is a setting: it stays a Python
    value (a bool, a whole number, a text), so `if`, `range` and similar may use it.

    >>> f = circuit(lambda x, *, times=1: sum(x * x for _ in range(times)))
    >>> f(3.0), f(3.0, times=2), f.grad(3.0, times=2)
    (9.0, 18.0, {'x': 12.0})
    """

    def __init__(
        self, function: Callable[..., Any], roles: Mapping[str, str] | None = None, name: str = ""
    ) -> None:
        self.function = function
        self.name = name or getattr(function, "__name__", "f").replace("<lambda>", "f")
        self.parameters, self.settings = parameters(function)
        self._settled: dict[Any, CircuitFunction] = {}
        self._last_settled: CircuitFunction | None = None
        self.roles = dict(roles or {})
        self.__name__, self.__doc__, self.__wrapped__ = self.name, function.__doc__, function
        self.__module__ = getattr(function, "__module__", __name__)
        self._inputs = Inputs(function, self.parameters, self.name)
        self.traces = Specializations(function, self.parameters, self.roles, self.name)
        self._prove: Callable[[], Proof] | None = None  # set by `expand` and `collapse`
        for parameter, role in self.roles.items():
            self.check_known(parameter)
            if role not in ROLES:
                raise OptionError(
                    f"the role of {parameter!r} must be one of {', '.join(ROLES)}, got {role!r}."
                )

    @settled
    def __call__(self, /, *values: Any, **named: Any) -> Any:
        """The function's value. Wires and Units go straight through, so circuits nest."""
        bound = self.bind(values, named)
        if any(isinstance(leaf, Wire | Unit) for leaf in take_apart(bound)[0]):
            return self.function(*bound)
        view, leaves = self.specialize(bound)
        return put_together([plain(v) for v in view.program.run(leaves)], view.trace.result)

    @settled
    def run(
        self, /, *values: Any, force: Any = 1.0, checked: bool = False, **named: Any
    ) -> Snapshot:
        """Run forward and backward and keep everything: `run["q"].value`, `run["q"].grad`.

        force pulls on the (first) output; on an array it pulls on every element. checked=True
        raises NotFiniteError at the first wire that is NaN or infinite.
        """
        view, leaves = self.specialize(self.bind(values, named))
        force = full_force(view, force)
        return Snapshot(view, view.watched_program.watch([*leaves, force], checked=checked), force)

    @settled
    def value_and_grad(self, /, *values: Any, **named: Any) -> tuple[Any, dict[str, Any]]:
        """The value, and the gradient of the output, one number, by input name; None for whole numbers."""
        view, leaves = self.specialize(self.bind(values, named))
        view.only_output(self.name)
        outputs, pulls = _outputs_and_pulls(view, leaves)
        value = put_together([plain(v) for v in outputs], view.trace.result)
        return value, nested_pulls(view, pulls, leaves)

    @settled
    def grad(self, /, *values: Any, **named: Any) -> dict[str, Any]:
        """The gradient of the output, one number, by input name."""
        return self.value_and_grad(*values, **named)[1]

    @settled
    def map(self, /, *values: Any, fast: bool = False, threads: int = 1, **named: Any) -> Mapped:
        """The function of single numbers at many points: arrays differ from point to point.

        fast: sums and products may be reordered and fused. threads give the same bits, any number.

        >>> seen = circuit("a*x + b").map(x=[1.0, 2.0, 3.0], a=10.0, b=1.0)
        >>> seen.value
        array([11., 21., 31.])
        >>> seen.grads["x"], float(seen.grads["a"])
        (array([10., 10., 10.]), 6.0)
        """
        return mapped(self, self.traces.as_arrays(self.bind(values, named)), fast, threads)

    @settled
    def gradcheck(self, /, *values: Any, tolerance: float = 1e-9, **named: Any) -> Report:
        """Compare every pull with the numerical gradient, gate by gate and end to end."""
        view, leaves = self.specialize(self.bind(values, named))
        return check_view(view, leaves, tolerance=tolerance)

    @settled
    def explain(self, wire: str, /, *values: Any, paths: int = 5, **named: Any) -> Explanation:
        """Why the pull on `wire` is what it is: branch by branch, and along the strongest paths."""
        return explain(self.run(*values, **named), wire, paths)

    @settled
    def open(
        self, wire: str, index: int | tuple[int, ...] = (), /, *values: Any, **named: Any
    ) -> CircuitFunction:
        """One element of an array wire as a circuit of its own, gate by gate between single numbers.

        Inputs are called after what they are elements of: `a_0_3` is a[0, 3]. With values, each has
        its number of that run as default, so `f.open("y", (0, 2), x).run()` just runs.
        """
        if not values and not named:
            view, leaves = self.latest(), None
        else:
            view, leaves = self.specialize(self.bind(values, named))
        opened = open_element(view, leaves, wire, index)
        return function_of_circuit(opened.circuit, opened.name, opened.values)

    def expand(self, *gates: str, **named: Any) -> CircuitFunction:
        """The same function with these gates opened into what they are made of; all that open if none.

        Values by name say which shapes it is for; those of the latest call if none. `.proof` says how
        far the two agree, and where they differ.
        """
        return self._rewritten(expanded, gates, **named)

    def collapse(self, *gates: str, **named: Any) -> CircuitFunction:
        """The same function with 1/(1 + exp(-x)) closed into sigmoid(x), and so on; see `expand`."""
        return self._rewritten(collapsed, gates, **named)

    @settled
    def _rewritten(
        self, change: Callable[..., Circuit], gates: Iterable[str], /, **named: Any
    ) -> CircuitFunction:
        before = (self.specialization(**named) if named else self.latest()).circuit
        after = change(before, tuple(gates))
        made = function_of_circuit(after, self.name)
        made._prove = partial(prove, before, after)
        return made

    @cached_property
    def proof(self) -> Proof | None:
        """How equal this is to what it was expanded or collapsed from; measured when first asked."""
        return self._prove() if self._prove else None

    @settled
    def card(self, wire: str, /, *values: Any, **named: Any) -> Card:
        """The gate that computes `wire` on one card: rule, formulas, numbers here, corners, cost."""
        return card(self.run(*values, **named), wire)

    @settled
    def draw(
        self, /, *values: Any, look: Look | None = None, force: Any = 1.0, **named: Any
    ) -> Picture:
        """A picture of the circuit; with values, of that run: values above the wires, pulls below.

        Options of `Look` may be given by name, for instance theme="dark" or depth=1.
        """
        look, named = look_of(named, self.parameters, look)
        if not values and not named and not self._inputs.all_have_defaults:
            return draw(self.latest(), None, look, self.name)
        run = self.run(*values, force=force, **named)
        return draw(run.view, run, look, self.name)

    def _repr_svg_(self) -> str:
        return self.draw().svg

    @settled
    def circuit(self, /, *values: Any, **named: Any) -> Circuit:
        """The circuit for inputs like these; scalars when none are given."""
        return self.specialization(*values, **named).circuit

    @settled
    def specialization(self, /, *values: Any, **named: Any) -> Specialization:
        """The traced circuit and its programs for inputs like these; scalars when none are given."""
        if not values and not named:
            values = (0.0,) * len(self.parameters)
        return self.specialize(self.bind(values, named))[0]

    def latest(self) -> Specialization:
        """The specialization of the latest call; for single numbers if there was none."""
        if self._last_settled is not None:
            return self._last_settled.latest()
        return self.traces.latest or self.specialization()

    def forward_source(
        self, *values: Any, lang: str = "python", style: str = "steps", **named: Any
    ) -> Source:
        """The forward pass as code with your own names; verified before it is handed out."""
        return forward_source(self.specialization(*values, **named), self.name, lang, style)

    def backward_source(
        self, *values: Any, lang: str = "python", style: str = "steps", **named: Any
    ) -> Source:
        """The forward and backward pass as code with your own names; verified before it is handed out."""
        return backward_source(self.specialization(*values, **named), self.name, lang, style)

    @settled
    def fit(
        self,
        /,
        *values: Any,
        plan: Plan = Plan(),  # noqa: B008 - frozen
        optimizer: Optimizer = SGD(),  # noqa: B008 - frozen
        executor: str = "auto",
        threads: int = 1,
        **named: Any,
    ) -> Fitted:
        """Train the circuit's `parameters` so that its output, a loss, gets small.

        The standard is SGD(0.01) for 100 epochs of 32 rows a step. Parameters start at the values given
        for them. Data are arrays with a row an example, of which
        a step takes `plan.batch_size`; numbers and frozen inputs are the same in every step. A loss
        with a number a row is averaged. With a batch of 1 and single numbers everywhere, a row comes
        without an axis of rows. Ctrl-C stops after a full step. The whole loop is machine code;
        `threads` share a long step of arrays, with the same bits for any number.

        Errors: RunError, naming the first bad wire, when the loss is no longer finite.

        >>> from pullback.train import SGD, Plan
        >>> f = circuit("loss = (w*x - y) ** 2", parameters="w")
        >>> data = {"w": 0.0, "x": [1.0, 2.0], "y": [2.0, 4.0]}
        >>> fitted = f.fit(data, plan=Plan(batch_size=1, max_epochs=30), optimizer=SGD(0.1))
        >>> round(fitted["w"], 6)
        2.0
        """
        bound = dict(
            zip(self.parameters, self.traces.as_arrays(self.bind(values, named)), strict=True)
        )
        return fit(
            self, bound, plan, optimizer, How("native" if executor == "auto" else executor, threads)
        )

    @settled
    def training_source(
        self,
        lang: str = "numpy",
        /,
        *values: Any,
        plan: Plan,
        optimizer: Optimizer,
        init: Mapping[str, str] | None = None,
        **named: Any,
    ) -> Source:
        """A whole training as a NumPy program: start, minibatches, backward with your names, update.

        The circuit puts out the loss of one batch. Its `parameters` learn, from the values given for
        them, or drawn if `init` says so: {"W": "he"}; "lecun", "xavier" and "zeros" are others. Data
        are arrays with a row an example; numbers and frozen inputs are the same for every batch.

        >>> from pullback.train import SGD, Plan
        >>> f = circuit("loss = mean((w*x - y) ** 2)", parameters="w")
        >>> data = {"w": 0.0, "x": [1.0, 2.0], "y": [2.0, 4.0]}
        >>> print(f.training_source("numpy", data, plan=Plan(1), optimizer=SGD(0.1)))
        import numpy as np
        ...
        """
        if str(lang) not in ("numpy", "np"):
            raise OptionError(f"lang={lang!r:.64}; a training is written in numpy.")
        bound = self.traces.as_arrays(self.bind(values, named))
        return training_source(self, bound, plan, optimizer, init or {})

    def with_settings(
        self, values: tuple[Any, ...], named: Mapping[str, Any]
    ) -> tuple[CircuitFunction, tuple[Any, ...], dict[str, Any]]:
        """The function with the settings among these values put in, and the values that are left."""
        chosen, values, named = told_apart(self.name, self.settings, values, named)
        key = tuple((type(value), value) for value in chosen.values())
        if key not in self._settled:
            self._settled[key] = CircuitFunction(
                put_in(self.function, chosen), self.roles, self.name
            )
        self._last_settled = self._settled[key]
        return self._last_settled, values, named

    def bind(self, values: tuple[Any, ...], named: Mapping[str, Any]) -> list[Any]:
        """One value a parameter, in order, or an error that names the missing or unknown one."""
        return self._inputs.bind(values, named)

    def check_known(self, name: str) -> None:
        """UnknownName if `name` is no input."""
        self._inputs.check_known(name)

    def specialize(self, bound: list[Any]) -> tuple[Specialization, list[Any]]:
        """The specialization for these bound values, which becomes the latest; and their leaves."""
        return self.traces.call(bound)

    def __reduce__(self) -> Any:
        """Pickled by name, with its text, or as the circuit of its latest call; see `reduced`."""
        return reduced(self, _of_text, function_of_circuit)

    def __repr__(self) -> str:
        return f"<circuit {self.name}({', '.join(self.parameters)})>"


def _outputs_and_pulls(view: Specialization, leaves: list[Any]) -> tuple[list[Any], list[Any]]:
    """Every output, and the pull on each input; None where nothing can pull."""
    if view.tape is not None:
        value, pulls = view.tape.value_and_grad(leaves)
        return [value], pulls
    out = view.gradient_program.run([*leaves, full_force(view, 1.0)])
    count = len(view.circuit.outputs)
    pulled = iter(out[count:])
    return out[:count], [next(pulled) if p >= 0 else None for p in view.back.input_pulls]


@overload
def circuit(
    function: Callable[..., Any] | str,
    /,
    *,
    parameters: str | Iterable[str] = (),
    frozen: str | Iterable[str] = (),
    name: str = "",
) -> CircuitFunction: ...
@overload
def circuit(
    *,
    parameters: str | Iterable[str] = (),
    frozen: str | Iterable[str] = (),
    name: str = "",
) -> Callable[[Callable[..., Any]], CircuitFunction]: ...
def circuit(
    function: Callable[..., Any] | str | None = None,
    /,
    *,
    parameters: str | Iterable[str] = (),
    frozen: str | Iterable[str] = (),
    name: str = "",
) -> Any:
    """Make a circuit of a Python function, or of text such as "(x+y)*z". Also a decorator.

    The function runs once on wires and so must be written in operators and gates; `parameters` and
    `frozen` name the inputs that learn and those that never do.

    >>> @circuit
    ... def f(x, y, z):
    ...     q = x + y
    ...     return q * z
    >>> f(-2, 5, -4)
    -12.0
    >>> f.run(-2, 5, -4)["q"].grad
    -4.0
    """
    if function is None:
        return lambda made: circuit(made, parameters=parameters, frozen=frozen, name=name)
    if isinstance(function, str):
        function = function_of_text(function)
    roles = dict.fromkeys(_words(parameters), "parameter") | dict.fromkeys(_words(frozen), "frozen")
    return CircuitFunction(function, roles, name)


def function_of_circuit(
    circuit: Circuit, name: str = "", defaults: Sequence[Any] | None = None
) -> CircuitFunction:
    """A circuit, for instance one from a file, as a circuit function of its inputs.

    defaults: one number an input, for whoever asks without giving one.
    """

    def run(*values: Any) -> Any:
        builder = next((v.builder for v in values if isinstance(v, Wire)), None)
        if builder is None:  # a circuit without inputs
            return next(iter(replay(circuit, values)))
        wires = [builder.adopt(v) for v in values]
        for wire, own in zip(wires, circuit.inputs, strict=True):
            if wire.spec != circuit.spec_of(own):
                wanted = f"{circuit.describe(own)} carries {circuit.spec_of(own)}"
                raise ShapeError(
                    f"this circuit was made for one set of shapes: {wanted}, got {wire.spec}."
                )
        outputs = builder.inline(circuit, wires)
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    given = [inspect.Parameter.empty] * len(circuit.inputs) if defaults is None else defaults
    parameters = [
        inspect.Parameter(n, kind, default=v)
        for n, v in zip(circuit.input_names, given, strict=True)
    ]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__name__ = circuit.names[circuit.outputs[0]] or "f"
    roles = dict(zip(circuit.input_names, circuit.roles, strict=True))
    made = CircuitFunction(run, roles, name)
    specs = [circuit.spec_of(w) for w in circuit.inputs]
    if any(spec.shape or spec.dtype != np.float64 for spec in specs):
        arguments = [(p, LEAF) for p in made.parameters]
        made.traces.latest = made.traces.traced(arguments, specs)  # its only one
    return made


def _of_text(text: str, roles: Mapping[str, str], name: str) -> CircuitFunction:
    return CircuitFunction(function_of_text(text), roles, name)


def _words(names: str | Iterable[str]) -> list[str]:
    return names.replace(",", " ").split() if isinstance(names, str) else list(names)


def as_circuit_function(function: Any) -> CircuitFunction:
    """`function` itself if it is one already, else a circuit of the function or the text."""
    if isinstance(function, str):
        function = function_of_text(function)
    return function if isinstance(function, CircuitFunction) else CircuitFunction(function)


__all__ = ["LEAF", "CircuitFunction", "as_circuit_function", "circuit"]
