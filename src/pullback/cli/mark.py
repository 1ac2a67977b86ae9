"""`pullback mark`: grade hand-written derivatives, one work or a folder of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pullback as pb
from pullback.cli.assignments import bind
from pullback.cli.circuits import CircuitText, load
from pullback.cli.printing import note, say, say_json, say_table
from pullback.errors import FileError
from pullback.lens.mark import RIGHT, Grade, Marker
from pullback.lens.submissions import (
    Submission,
    csv_of,
    grade_folder,
    points,
    printable,
    read_submission,
    rows,
)
from pullback.runs.atomic import write_atomic
from pullback.show.grades import grades

INKS = ("name", "name", "", "")


def mark(
    circuit: CircuitText,
    work: str,
    /,
    *values: str,
    parameters: str = "",
    csv: Path | None = None,
    html: Path | None = None,
    json: bool = False,
) -> int:
    """Grade hand-written derivatives; name each mistake.

    A submission assigns the pull (the gradient) on each input, "dx = ...", and may use the pulls on
    intermediate wires. It is written in the notation of circuits or in NumPy. Its numbers are compared
    around the given values, so any right way of writing passes. It is parsed, never run. One mistake
    does not spoil the lines that
    build on it. Exit code 0 when all is right, 1 when something is wrong.

    work: the assignments, a file of them, or a folder with one file for each person
    parameters: the inputs whose gradient is graded, W,b; by default all of them
    csv: write one row a submission and variable into this file
    html: write a page with the points and mistakes of each submission

    $ pullback mark "q = x*y; f = q*q" "dq = 2*q; dx = y*dq; dy = x*dq" x=3 y=2
    """
    function = load(circuit)
    if parameters:
        function = pb.circuit(function.function, parameters=parameters, name=function.name)
    marker = Marker(function, bind(function, values))
    done = _graded(marker, work)
    if csv:
        write_atomic(csv, csv_of(done))
        note(f"wrote {csv}")
    if html:
        write_atomic(html, grades(done, circuit).encode())
        note(f"wrote {html}")
    passed = [one.grade.passed for one in done]
    if json:
        say_json({"passed": all(passed), "submissions": [_fields(one) for one in done]})
    elif _is_path(work) and Path(work).is_dir():
        _say_folder(done)
    else:
        _say_work(done[0].grade)
    return 0 if all(passed) else 1


def _graded(marker: Marker, work: str) -> list[Submission]:
    if not _is_path(work):
        if "=" not in work:
            raise FileError(
                f"'{printable(work[:200])}' is not a file, and no assignment such as dx = y."
            )
        return [Submission("work", marker.grade(work))]
    path = Path(work)
    if path.is_dir():
        return grade_folder(marker, path)
    return [Submission(printable(path.name), marker.grade(read_submission(path)))]


def _is_path(work: str) -> bool:
    try:
        return Path(work).exists()
    except (OSError, ValueError):
        return False  # too long for a path: a work


def _say_work(grade: Grade) -> None:
    if grade.error:
        say(*grade.error.split("\n"), "")
    say_table(
        ("variable", "verdict", "mistake"),
        [_cells(row[1:4]) for row in rows([Submission("", grade)])],
        INKS[1:],
    )
    say("", f"{_count(grade)} right.")


def _say_folder(done: Sequence[Submission]) -> None:
    """Everybody with the points, then what is wrong, wire by wire."""
    said = [(one.name, points(one), one.grade.mistake or "all right") for one in done]
    say_table(("submission", "points", "first mistake"), [_cells(row) for row in said], INKS[1:])
    wrong = [_cells(row[:4]) for row in rows(done) if row[2] != RIGHT]
    if wrong:
        say("")
        say_table(("submission", "variable", "verdict", "mistake"), wrong, INKS)
    say("", f"{sum(one.grade.passed for one in done)} of {len(done)} submissions are all right.")


def _cells(row: Sequence[str]) -> tuple[str, ...]:
    return tuple(map(printable, row))


def _count(grade: Grade) -> str:
    return f"{sum(m.verdict == RIGHT for m in grade.marks)} of {len(grade.marks)}"


def _fields(one: Submission) -> dict[str, Any]:
    grade = one.grade
    marks = [vars(m) for m in grade.marks]
    passed, score = grade.passed, grade.score
    return {
        "name": one.name,
        "passed": passed,
        "score": score,
        "error": grade.error,
        "marks": marks,
    }
