"""Typed text becomes a function: its instructions are bound to gates and run on whatever comes in."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from pullback.core.expression import Instruction, Parsed, parse
from pullback.core.gate import GATES, Gate
from pullback.core.wire import Wire
from pullback.errors import CircuitError, ExpressionError, GateError, did_you_mean


def function_of_text(text: str) -> Callable[..., Any]:
    """A function of the text's free names, in order of first use. It never evaluates Python.

    >>> f = function_of_text("q = x + y; f = q * z")
    >>> float(f(-2.0, 5.0, -4.0))
    -12.0
    """
    parsed = parse(text)
    bound = [(i, _gate_of(parsed, i) if i.kind == "call" else None) for i in parsed.instructions]
    if not parsed.inputs:
        raise CircuitError("the expression has no input: nothing in it can move.", fix='"x * 2"')

    def run(*values: Any) -> Any:
        return _run(parsed, bound, dict(zip(parsed.inputs, values, strict=True)))

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    run.__signature__ = inspect.Signature([inspect.Parameter(n, kind) for n in parsed.inputs])  # type: ignore[attr-defined]
    run.__name__, run.__doc__ = parsed.result or "f", text
    run.text = text  # type: ignore[attr-defined]  # from which it can be made again
    return run


def _run(
    parsed: Parsed,
    bound: list[tuple[Instruction, Gate | None]],
    names: dict[str, Any],
) -> Any:
    stack: list[Any] = []
    for step, gate in bound:
        if gate is not None:
            taken = stack[len(stack) - step.arity :]
            del stack[len(stack) - step.arity :]
            stack.append(_called(parsed, step, gate, taken))
        elif step.kind == "number":
            stack.append(step.value)
        elif step.kind == "name":
            stack.append(names[step.text])
        else:
            names[step.text] = _named(stack[-1], step.text)
            stack.pop()
    return names[parsed.result] if parsed.result else stack.pop()


def _called(parsed: Parsed, step: Instruction, gate: Gate, inputs: list[Any]) -> Any:
    builder = next((x.builder for x in inputs if isinstance(x, Wire)), None)
    try:
        with builder.nowhere() if builder else nullcontext():  # no line of Python made this gate
            return gate(*inputs, **dict(step.attributes))
    except (CircuitError, GateError) as error:
        raise ExpressionError(
            error.what, text=parsed.text, position=step.start, why=error.why, fix=error.fix
        ) from None


def _named(value: Any, name: str) -> Any:
    fresh = (
        isinstance(value, Wire)
        and value.builder.kind_of(value.id).op > 1
        and not value.builder.label_of(value.id)
    )
    return value.named(name) if fresh else value


def _gate_of(parsed: Parsed, step: Instruction) -> Gate:
    gate = GATES.get(step.text)
    if gate is None:
        raise ExpressionError(
            f"there is no gate called {step.text!r}.",
            text=parsed.text,
            position=step.start,
            why=did_you_mean(step.text, GATES),
        )
    try:
        gate.check_count(step.arity)
        gate.bind(dict(step.attributes))
    except GateError as error:
        raise ExpressionError(
            error.what, text=parsed.text, position=step.start, why=error.why
        ) from None
    return gate
