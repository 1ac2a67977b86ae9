"""Machine code as an executor. Its parts are loaded at the first use, because they import llvmlite."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from pullback.executors.record import Executor


def _later(module: str, name: str) -> Callable[..., Any]:
    """A function that is looked up when it is called."""

    def call(*inputs: Any, **options: Any) -> Any:
        return getattr(importlib.import_module(f"{__package__}.{module}"), name)(*inputs, **options)

    return call


NATIVE = Executor(
    "native",
    lacks=_later("llvm.jit", "lacking"),
    program=_later("choose", "choose"),
    map=_later("choose", "choose_map"),
    steps=_later("choose", "choose_steps"),
)
