"""Tables from files: read, and encoded for a model; errors name lines, not rows."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from pullback.data.dataset import Features
from pullback.data.dialect import Decimal, Hints
from pullback.data.encode import Cells, Written
from pullback.data.missing import Missing
from pullback.data.shipped import SHIPPED, table_path
from pullback.data.table import Table, read_any_table, shown
from pullback.errors import DataError, OptionError, did_you_mean
from pullback.models.estimator import Estimator
from pullback.models.problem import Problem, Question, problem_of_table
from pullback.models.provenance import Provenance, sha256


def open_problem(data: str, question: Question, seed: int) -> tuple[Problem, Provenance]:
    """Read a table (a file or a shipped name) and make of it what is asked."""
    path = _existing(data)
    table, notes = read_rows(path, question.hints)
    problem = problem_of_table(table, question, seed, name=Path(data).name)
    problem = replace(problem, notes=(*notes, *problem.notes))
    return problem, Provenance(data, sha256(path), question)


def _existing(data: str) -> Path:
    path = table_path(data)
    if re.fullmatch(r"[\w-]+", data) and not os.path.exists(path):
        raise DataError(
            f"there is no file '{data[:80]}', and no table of this name is shipped.",
            where=[f"shipped  {', '.join(SHIPPED)}"],
            why=did_you_mean(data, SHIPPED),
        )
    return path


def columns_of(data: str, question: Question) -> OptionError:
    """The error that asks for a target; it names the columns, of a file that can be read."""
    table, _ = read_rows(_existing(data), question.hints)
    return OptionError(
        f"which column of {table.name} is to be learned?",
        where=[f"columns  {', '.join(map(shown, table.header[:12]))}"],
        fix=f"--target {shlex.quote(table.header[-1][:40])}",
    )


def read_rows(path: Path, hints: Hints | None = None) -> tuple[Table, list[str]]:
    """A person's table, and remarks on how it is written and what was left out of it."""
    table, dialect, notes = read_any_table(table_path(path), hints=hints)
    said = [dialect.said] * (not dialect.plain) + notes
    return table, [f"{table.name}: {text}" for text in said]


def hints_of(model: Estimator, decimal: Decimal = "auto") -> Hints:
    """How the tables of a model are written, as far as it learned that; decimal: what a person says."""
    learned = model.encoder_.hints if model.encoder_ else Hints()
    return replace(learned, decimal=decimal)


def features_of(model: Estimator, table: Table, notes: list[str]) -> tuple[Features, Sequence[str]]:
    """What goes into the net, and the columns it came from."""
    if model.encoder_ is None:
        names = model.feature_names_in_
        columns = [Cells(table, name, Missing(), notes).numbers(Written()) for name in names]
        X = np.column_stack(columns)
        lacking = np.argwhere(np.isnan(X))
        if len(lacking):
            row, column = lacking[0]
            raise DataError(
                f"{table.name}, line {table.lines[row]}, column {shown(names[column])}: the cell is empty; "
                "a number is needed."
            )
        return X, names
    return model.encoder_.encode(table, notes), model.encoder_.names


@contextmanager
def naming_lines(table: Table) -> Iterator[None]:
    """A model counts rows; a person counts lines."""
    try:
        yield
    except DataError as error:
        found = re.match(r"row (\d+), ", error.what)
        if not found:
            raise
        line = table.lines[int(found[1])]
        raise DataError(f"{table.name}, line {line}, {error.what[found.end() :]}") from None
