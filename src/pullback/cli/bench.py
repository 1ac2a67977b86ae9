"""`pullback bench`: the same work by us, by other libraries and by C."""

from __future__ import annotations

from pullback.bench import growth
from pullback.bench.machine import machine
from pullback.bench.report import as_data, lines, markdown
from pullback.bench.row import Row
from pullback.bench.table import Result, all_rows, chosen, run_rows
from pullback.cli.printing import note, say, say_json, say_table


def bench(
    *rows: str,
    quick: bool = False,
    sweep: bool = False,
    list: bool = False,
    markdown: bool = False,
    json: bool = False,
) -> int:
    """Time the same work beside other libraries.

    Each row runs in a process of its own, on one core. All libraries must compute the same numbers
    before a time counts; then they take turns, and medians of processor time are shown. Libraries that
    are not installed are listed as such.

    rows: which rows, such as P1 P10; without any, all of them (some minutes)
    quick: one short round of pullback and the limit alone
    sweep: how time and memory grow with the size of the work, in place of the table
    list: only list the rows
    markdown: write the table, or with --sweep the growth, as a Markdown page

    $ pullback bench --list
    $ pullback bench P2 --quick
    """
    places = chosen(rows)
    if list:
        return _list([all_rows()[place] for place in places], json)
    if sweep:
        return _grow(places, as_json=json, as_page=markdown)
    found = []
    for place in places:
        note(f"{all_rows()[place].key}  {all_rows()[place].title} ...")
        for result in run_rows([place], quick=quick):
            found.append(result)
            if not (json or markdown):
                say(*lines(result), "")
    return _said(found, as_json=json, as_page=markdown)


def _said(found: list[Result], *, as_json: bool, as_page: bool) -> int:
    if as_json:
        say_json({"machine": machine(), "rows": [as_data(result) for result in found]})
    elif as_page:
        say(markdown(found, machine()))
    else:
        say(*(f"{key}: {value}" for key, value in machine().items()))
    return 0 if all(result.ours for result in found) else 1


def _list(rows: list[Row], json: bool) -> int:
    if json:
        said = [{"row": r.key, "title": r.title, "runners": [*r.runners]} for r in rows]
        say_json({"machine": machine(), "rows": said})
        return 0
    goals = [", ".join(goal.said(row.unit) for goal in row.goals) for row in rows]
    cells = [(row.key, row.title, goal) for row, goal in zip(rows, goals, strict=True)]
    say_table(("row", "work", "goal"), cells, ("name", "", ""))
    return 0


def _grow(places: list[int], *, as_json: bool, as_page: bool) -> int:
    found = []
    for one in growth.grow(places):
        found.append(one)
        if as_json or as_page:
            note(f"{one.row.key}  {one.runner}")
        else:
            say(*growth.lines(one), "")
    if as_json:
        say_json({"machine": machine(), "growth": [growth.as_data(one) for one in found]})
    elif as_page:
        say(growth.markdown(found))
    return 0
