"""Why a training is no longer finite: the input that is not, else the first wire that is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from pullback.errors import NotFiniteError, RunError
from pullback.executors.reference.program import Program
from pullback.executors.reference.steps import blame
from pullback.loop.loop import Loop, Portion
from pullback.loop.plan import Array
from pullback.passes.training_step import Step


class _One(NamedTuple):
    """A single step: which, and what is carried before it (None where that was not kept)."""

    epoch: int
    number: int
    step: Step
    rows: Array
    carried: Mapping[str, Any] | None
    single: bool


def diverged(loop: Loop, said: str = "training") -> RunError:
    """The error of a training whose numbers left the finite ones in one of its last two steps."""
    # Two: a loss may hide from its own step what has spoilt the weights.
    rate = f"learning_rate is {loop.step.optimizer.learning_rate:g}; a step was too long."
    last = None
    for last in _last_steps(loop):
        wrong = _given_so(loop, last)
        if wrong:
            return wrong
        if last.carried is None:
            continue
        rows = last.rows[0] if last.single else last.rows
        inputs = loop.inputs(last.step, last.carried, rows)
        try:
            Program(last.step.circuit).run(inputs, checked=True)
        except NotFiniteError as error:
            here = f"epoch {last.epoch}, step {last.number}"
            return RunError(
                f"{said} diverged in {here}: {error.what}",
                where=tuple(dict.fromkeys(error.where)),
                why=rate,
            )
    here = f"epoch {last.epoch}, step {last.number}" if last else f"epoch {loop.now.epoch + 1}"
    name = next((n for n, x in loop.now.carried.items() if not np.isfinite(x).all()), "the loss")
    return RunError(f"{said} diverged in {here}: {name!r} is no longer finite.", why=rate)


def blamed_rows(columns: Mapping[str, Array], rows: Array, of: str = "") -> RunError | None:
    """The error for the first of these rows that holds a number that is not finite."""
    found = (blame(f"{name!r}{of} is", column, rows) for name, column in columns.items())
    return next(filter(None, found), None)


def _given_so(loop: Loop, one: _One) -> RunError | None:
    """What was not finite before this step was made."""
    carried = one.carried or {}
    starts = [blame(f"{n!r} starts as", carried[n]) for n in loop.step.carried if n in carried]
    fixed = [blame(f"{name!r} is", value) for name, value in loop.data.fixed.items()]
    rows = blamed_rows(loop.data.columns, one.rows)
    return next(filter(None, [*starts, *fixed, rows]), None)


def _last_steps(loop: Loop) -> list[_One]:
    """The last two steps, up to the first that showed a number that is not finite."""
    last: list[_One] = []
    for portion in loop.recent:
        made = _count(loop, portion)
        last = [*last, *_steps_of(loop, portion, range(max(0, made - 2), made))][-2:]
    return last


def _count(loop: Loop, portion: Portion) -> int:
    """How many steps of a portion were made, the first bad one included."""
    steps = portion.made.steps
    if portion.kept is None:  # it can only be the latest one that is asked for
        return steps.done if portion is loop.recent[-1] else len(portion.rows) // steps.batch
    _replay(loop, portion, portion.rows)
    wrong = [np.flatnonzero(~np.isfinite(record)) for record in steps.records]
    return min([steps.done, *(int(w[0]) + 1 for w in wrong if len(w))])


def _steps_of(loop: Loop, portion: Portion, numbers: range) -> Iterator[_One]:
    steps, before = portion.made.steps, portion.at
    size = steps.batch
    for n in numbers:
        carried = None
        if portion.kept is not None:
            _replay(loop, portion, portion.rows[: n * size])
            carried = dict(zip(portion.made.step.carried, steps.carried, strict=True))
        epochs, number = divmod(before.step + n, loop.steps_an_epoch)
        yield _One(
            epoch=before.epoch + epochs + 1,
            number=number + 1,
            step=portion.made.step,
            rows=portion.rows[n * size : (n + 1) * size],
            carried=carried,
            single=steps.single,
        )


def _replay(loop: Loop, portion: Portion, rows: Array) -> None:
    """Make the first steps of a portion once more."""
    step, steps = portion.made
    assert portion.kept is not None
    steps.hold([np.array(portion.kept.carried[name]) for name in step.carried])
    steps.run([loop.data.columns[name] for name in step.columns], rows)
