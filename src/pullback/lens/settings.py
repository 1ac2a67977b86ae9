"""Settings: what stands behind `*` in a circuit's function stays a Python value."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from pullback.core.wire import Wire
from pullback.errors import CircuitError
from pullback.executors.unit import Unit

if TYPE_CHECKING:
    from pullback.lens.function import CircuitFunction

P = ParamSpec("P")
Result = TypeVar("Result")


def settled(
    method: Callable[Concatenate[CircuitFunction, P], Result],
) -> Callable[Concatenate[CircuitFunction, P], Result]:
    """A method that takes settings too: it is then that of the function with these settings."""

    @wraps(method)
    def call(self: CircuitFunction, /, *values: P.args, **named: P.kwargs) -> Result:
        if not self.settings:
            return method(self, *values, **named)
        made, rest, left = self.with_settings(values, named)
        return method(made, *rest, **left)

    return call


def told_apart(
    function: str, settings: Mapping[str, Any], values: tuple[Any, ...], named: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[Any, ...], dict[str, Any]]:
    """The value of every setting, and what is left for the inputs. Settings may stand in the one dict."""
    given = dict(named)
    if len(values) == 1 and isinstance(values[0], dict):
        given |= {n: v for n, v in values[0].items() if n in settings}
        values = ({n: v for n, v in values[0].items() if n not in settings},)
    chosen = {n: _checked(n, given.pop(n, standard), function) for n, standard in settings.items()}
    return chosen, values, given


def put_in(function: Callable[..., Any], chosen: Mapping[str, Any]) -> Callable[..., Any]:
    """The function of the inputs alone."""
    made = partial(function, **chosen)
    inputs = [p for n, p in inspect.signature(function).parameters.items() if n not in chosen]
    made.__doc__ = function.__doc__
    made.__signature__ = inspect.Signature(inputs)  # type: ignore[attr-defined]
    return made


def _checked(name: str, value: Any, function: str) -> Any:
    """A setting decides what is traced, so it must be a plain value that can be told from others."""
    if value is inspect.Parameter.empty:
        raise CircuitError(f"{function} needs the setting {name!r}.", fix=f"{name}=...")
    if isinstance(value, Wire | Unit) or type(value).__hash__ is None:
        raise CircuitError(
            f"the setting {name!r} of {function} is a {type(value).__name__}; it must be a plain value: "
            "a number, a text, or a tuple of them.",
            fix=f"{name} as an input: before the * in the function",
        )
    return value
