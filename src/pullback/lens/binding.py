"""Which value is for which input: by position, by name, as one dict, or an input's own default."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pullback.errors import CircuitError, UnknownName, did_you_mean


class Inputs:
    """The inputs of a circuit function, by name and in order."""

    def __init__(self, function: Callable[..., Any], names: Sequence[str], called: str) -> None:
        self.function, self.names, self.called = function, names, called

    def bind(self, values: tuple[Any, ...], named: Mapping[str, Any]) -> list[Any]:
        """One value an input, in order, or an error that names the missing or unknown one."""
        only = values[0] if len(values) == 1 and not named else None
        if isinstance(only, dict) and self._is_all(only):
            values, named = (), only
        if len(values) > len(self.names):
            raise CircuitError(f"{self.called} takes {len(self.names)} values, got {len(values)}.")
        bound = dict(zip(self.names, values, strict=False))
        for name, value in named.items():
            self.check_known(name)
            if name in bound:
                raise CircuitError(f"{self.called} got two values for {name!r}.")
            bound[name] = value
        return [bound[n] if n in bound else self._default(n) for n in self.names]

    def check_known(self, name: str) -> None:
        """UnknownName if `name` is no input."""
        if name not in self.names:
            why = did_you_mean(name, self.names) or f"its inputs are {', '.join(self.names)}."
            raise UnknownName(f"{self.called} has no input {name[:64]!r}.", why=why)

    @property
    def all_have_defaults(self) -> bool:
        """Whether every input has one, as those of an opened element have."""
        known = inspect.signature(self.function).parameters
        return bool(known) and all(p.default is not p.empty for p in known.values())

    def _is_all(self, values: dict[Any, Any]) -> bool:
        return len(self.names) > 1 or set(values) == set(self.names)

    def _default(self, name: str) -> Any:
        default = inspect.signature(self.function).parameters[name].default
        if default is inspect.Parameter.empty:
            raise CircuitError(f"{self.called} needs a value for {name!r}.", fix=f"{name}=1.0")
        return default
