"""How a circuit function is pickled: by its name, with its text, or as the circuit of its latest call."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from pullback.core.structure import LEAF, Structure
from pullback.errors import CircuitError, PullbackError
from pullback.lens.specialize import Specialization

if TYPE_CHECKING:
    from pullback.lens.function import CircuitFunction


def reduced(
    made: CircuitFunction, of_text: Callable[..., Any], of_circuit: Callable[..., Any]
) -> Any:
    """What `__reduce__` of a circuit function returns; no code is written.

    A function that stands in a module is imported from there. A lambda or local function is pickled as
    the circuit it was last run as, for one set of shapes, as `pb.save` does.
    """
    function, told = made.function, (dict(made.roles), made.name)
    if _is_there(function, made):
        return function.__qualname__
    text = getattr(function, "text", None)
    if isinstance(text, str):
        return of_text, (text, *told)
    inner = function.func if isinstance(function, partial) else function
    if _is_there(inner, inner):
        return type(made), (function, *told)
    circuit = _latest(made).circuit
    return of_circuit, (circuit, made.name, _defaults(function))


def _is_there(function: Any, wanted: Any) -> bool:
    """Whether the name of `function` means `wanted` in its module."""
    found: Any = sys.modules.get(getattr(function, "__module__", None) or "")
    for name in getattr(function, "__qualname__", "?").split("."):
        found = getattr(found, name, None)
    return found is wanted


def _latest(made: CircuitFunction) -> Specialization:
    why = f"{made.name} is a lambda or a local function, so it is pickled as the circuit of its latest call"
    fix = f"def {made.name}(...) in a module, with @pb.circuit"
    if made.settings:
        raise CircuitError(f"{why}; its settings (the parameters after *) would be lost.", fix=fix)
    try:
        view = made.latest()
    except (PullbackError, IndexError) as error:
        what = f"{why}; it was not called yet, and single numbers do not fit it."
        raise CircuitError(what, why=str(getattr(error, "what", error)), fix=fix) from error
    nests = [structure for _, structure in view.arguments]
    if any(nest != LEAF for nest in nests) or not _is_flat(view.trace.result):
        raise CircuitError(f"{why}; lists, tuples and dicts in it would be lost.", fix=fix)
    return view


def _is_flat(result: Structure) -> bool:
    several = result.kind == "tuple" and len(result.children) > 1
    return result == LEAF or (several and all(child == LEAF for child in result.children))


def _defaults(function: Callable[..., Any]) -> list[Any] | None:
    """The defaults of the inputs, if every one has one."""
    found = [p.default for p in inspect.signature(function).parameters.values()]
    return None if inspect.Parameter.empty in found else found
