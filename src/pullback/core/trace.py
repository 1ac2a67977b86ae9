"""A Python function becomes a Circuit: it runs once on wires, and every gate it meets writes a row."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pullback.core.build import Builder
from pullback.core.circuit import Circuit
from pullback.core.dtypes import canonical
from pullback.core.names import is_safe, unique
from pullback.core.shapes import Spec
from pullback.core.structure import Structure, leaf_names, put_together, take_apart
from pullback.core.wire import Wire
from pullback.errors import CircuitError, PullbackError


@dataclass(frozen=True, eq=False)
class Trace:
    """What tracing leaves: the circuit, how its outputs nest, and wires captured from outside."""

    circuit: Circuit
    result: Structure
    captured: tuple[Wire, ...] = ()


def trace(
    function: Callable[..., Any],
    arguments: Sequence[tuple[str, Structure]],
    specs: Sequence[Spec],
    roles: Mapping[str, str] | None = None,
    name: str = "",
) -> Trace:
    """Run `function` on wires of the given specs and return what it recorded.

    arguments: each parameter's name and nest; specs: one a leaf, in order; roles by parameter name.
    name: what to call a single output that the code stores into no variable.
    """
    builder = Builder()
    wires: list[Any] = []
    left = list(specs)
    taken: set[str] = set()
    for argument, structure in arguments:
        leaves = []
        for leaf in leaf_names(argument, structure):
            leaf = unique(leaf, taken)
            taken.add(leaf)
            leaves.append(builder.input(left.pop(0), leaf, (roles or {}).get(argument, "data")))
        wires.append(put_together(leaves, structure))
    outputs, structure = take_apart(function(*wires))
    out = [_checked(builder, o) for o in outputs]
    if not out:
        raise CircuitError(
            f"{name or 'the function'} returns nothing; return a wire, a tuple or a dict of wires."
        )
    _name_outputs(builder, out, structure, name)
    circuit = builder.finish(out)
    return Trace(circuit, structure, tuple(builder.captured.values()))


def _checked(builder: Builder, output: Any) -> Wire:
    if output is None:
        raise CircuitError(
            "the function returns None where a wire is expected.", fix="return the wire"
        )
    try:
        return builder.adopt(output if isinstance(output, Wire) else canonical(output, "an output"))
    except PullbackError:
        raise
    except Exception as error:
        raise CircuitError(f"the function returns {type(output).__name__}, not a wire.") from error


def _name_outputs(builder: Builder, outputs: list[Wire], structure: Structure, name: str) -> None:
    names = (
        leaf_names("", structure)
        if structure.kind == "dict"
        else [name]
        if len(outputs) == 1
        else []
    )
    for wire, label in zip(outputs, names, strict=False):
        label = label.lstrip("_")
        free = not builder.label_of(wire.id) and builder.kind_of(wire.id).op > 1
        if is_safe(label) and free and label not in builder.labels:
            builder.name(wire.id, label)


def parameters(function: Callable[..., Any]) -> tuple[list[str], dict[str, Any]]:
    """The inputs of a function that can become a circuit, and its settings with their defaults.

    Settings stand behind `*`: they stay Python values. `inspect.Parameter.empty`: it has no default.
    """
    names, settings = [], {}
    for p in inspect.signature(function).parameters.values():
        if p.kind is p.KEYWORD_ONLY:
            settings[p.name] = p.default
        elif p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD):
            names.append(p.name)
        else:
            raise CircuitError(
                f"{getattr(function, '__name__', 'f')}: a circuit's inputs are plain names, {p} is not.",
                fix="def f(x, y, z): ...",
            )
    return names, settings
