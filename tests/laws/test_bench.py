"""The bench compares like with like: every row's runners come to the same numbers, or get no time."""

import json
from dataclasses import replace

import numpy as np
import pytest

from pullback.bench import growth
from pullback.bench.growth import Grown, Point, grown
from pullback.bench.growth import lines as growth_lines
from pullback.bench.growth import markdown as growth_page
from pullback.bench.measure import MISSING, disagreement, exponent, measure
from pullback.bench.report import as_data, lines, markdown
from pullback.bench.row import Goal, Row
from pullback.bench.table import FILES, Measured, Result, all_rows, chosen, in_unit
from pullback.cli import answer
from pullback.errors import UnknownName

every_row = pytest.mark.parametrize("row", all_rows(), ids=lambda row: f"{row.key} {row.title}")
AT_HAND = ("plain Python", "NumPy, cone by hand")  # quick, and no other library is loaded


@every_row
@pytest.mark.slow
def test_everybody_at_hand_comes_to_the_same_numbers(row):
    names = [name for name in row.runners if name in row.ours or name in AT_HAND]
    found = measure(row, row.sizes[0] if row.sizes else row.size, names, rounds=0)
    assert {n: one.said for n, one in found.items() if one.said and MISSING not in one.said} == {}


@every_row
def test_a_row_says_how_fast_we_want_to_be_and_beside_whom(row):
    assert row.goals
    assert {goal.of for goal in row.goals} <= {"", *row.runners}
    assert row.peers


def test_keys_are_in_the_order_of_the_files():
    assert [row.key for row in all_rows()] == sorted(
        (r.key for r in all_rows()), key=lambda k: int(k[1:])
    )
    assert {f"P{int(name[1:3])}" for name in FILES} <= {row.key for row in all_rows()}


# --- a row made up ---


def counts(step):
    return lambda work: lambda steps: [work + step * steps]


def missing(work):
    raise ModuleNotFoundError("No module named 'nowhere'", name="nowhere")


def fails(work):
    raise ValueError("two\nlines")


def made(**peers):
    return Row(
        "P0", "counting", each="step", unit="ns", prepare=float, ours={"ours": counts(1)},
        peers=peers, goals=(Goal(1e9), Goal(0.5, of="slow")), turn=1e-6, note="because",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("peer", "said"),
    [
        (counts(2), "disagrees: off by 5.0e-01"),
        (missing, "not installed (nowhere)"),
        (fails, "ValueError: two"),
    ],
    ids=["disagrees", "missing", "fails"],
)
def test_who_disagrees_is_missing_or_fails_gets_words_and_no_time(peer, said):
    row = made(peer=peer)
    found = measure(row, 3, row.runners, rounds=2)["peer"]
    assert (found.said, found.times) == (said, [])


def test_everybody_takes_as_many_turns():
    row = made(one=counts(1), two=counts(1))
    found = measure(row, 1, row.runners, rounds=3)
    assert [len(one.times) for one in found.values()] == [3, 3, 3]
    assert all(one.time > 0 for one in found.values())


def result(**times):
    row = made(slow=counts(1), quick=counts(1))
    roles = {"ours": "ours"}
    return Result(
        row, tuple(Measured(n, roles.get(n, "peer"), t, 0.0, "") for n, t in times.items())
    )


def test_goals_and_ratios_are_said_as_they_are():
    found = result(ours=2e-9, slow=3e-9, quick=1e-9)
    assert found.best_peer == ("quick", 1e-9)
    assert found.goals == [("1e+09 ns", True), ("2 x slow", False)]
    assert lines(found)[-4:] == [
        "    best peer: quick, 0.50 x our time",
        "    goal 1e+09 ns: yes",
        "    goal 2 x slow: no",
        "    because",
    ]


def test_a_goal_beside_nobody_is_neither_met_nor_missed():
    assert result(ours=2e-9).goals[1] == ("2 x slow", None)


@pytest.mark.parametrize(
    ("time", "said"),
    [(1.01, "1.01"), (1.004, "1.004"), (1.0000003, "1.0000003"), (1.26, "1.3"), (17.2, "17")],
)
def test_a_missed_goal_never_reads_as_met(time, said):
    assert result(ours=time).missed == [f"{said} times the goal of 1e+09 ns"]


def test_a_page_has_a_line_a_row_and_the_reason_where_a_peer_wins_or_a_goal_is_missed():
    page = markdown([result(ours=2e-9, slow=3e-9, quick=1e-9)], {"cores": "2"})
    assert "| **P0** counting (a step) | ours 2.00 ns | quick 1.00 | 0.50 x |" in page
    assert "- **P0** (ns) slow 3.00; goal: 1e+09 ns (met), 2 x slow (missed)" in page
    assert page.endswith("- P0: quick is faster, 1.3 times the goal of 2 x slow: because")
    assert markdown([result(ours=2e-9, slow=3e-9)], {}).endswith(
        "- P0: 1.3 times the goal of 2 x slow: because"
    )
    assert "because" not in markdown([result(ours=1e-9, slow=3e-9)], {})


def test_growth_is_the_slope_between_logarithms():
    assert exponent({n: 7.0 * n**1.5 for n in (10, 20, 80)}) == pytest.approx(1.5)


def test_results_of_other_shapes_disagree_and_nan_does():
    assert disagreement([1.0], [1.0, 2.0], 1.0) == "disagrees: 1 numbers, not 2"
    assert disagreement([np.nan], [1.0], 1.0).startswith("disagrees")


def test_times_are_shown_with_the_digits_that_count():
    assert [in_unit(t, "us") for t in (1.234e-6, 12.34e-6, 1234e-6)] == ["1.23", "12.3", "1,234"]


def test_data_for_programs_names_the_best_peer():
    said = as_data(result(ours=2e-9, slow=3e-9))
    assert json.loads(json.dumps(said))["peer_over_ours"] == pytest.approx(1.5)


@pytest.mark.slow
def test_a_sweep_measures_each_size_in_a_process_of_its_own_with_its_memory():
    place = chosen(["P9"])[0]
    one = grown(replace(all_rows()[place], sizes=(64, 1024)), place, "pullback")
    assert [point.size for point in one.points] == [64, 1024]
    assert all(point.memory > 1e6 and point.time > 0 for point in one.points)
    assert one.exponent is not None


def points(*times):
    return tuple(Point(10 * 4**n, time, "", 2**20) for n, time in enumerate(times))


def test_growth_is_shown_with_its_exponent_in_the_terminal_and_on_a_page():
    row = replace(made(), sizes=(10, 40), counted="beans")
    one = Grown(row, "ours", points(1e-9, 16e-9))
    assert growth_lines(one)[0] == "P0  counting, ours: time grows as beans^2.00"
    page = growth_page([one])
    assert "|  | time grows as | beans 10 | beans 40 |" in page
    assert "| ours | beans^2.00 | 1.00 ns, 1 MiB | 16.0 ns, 1 MiB |" in page


def test_who_takes_long_or_fails_is_not_asked_for_a_larger_size(monkeypatch):
    times = iter([0.5, 1.5, 99.0])
    monkeypatch.setattr(growth, "_point", lambda _, __, size: Point(size, next(times), "", 1))
    one = grown(replace(made(), sizes=(1, 2, 3, 4)), 0, "peer")
    assert [point.time for point in one.points] == [0.5, 1.5, None, None]
    assert "1,500,000,000 ns, 0 MiB | skipped: too slow | skipped: too slow |" in growth_page([one])


def test_work_of_one_size_is_shown_without_growth_and_who_is_missing_says_so():
    row = made()
    one = Grown(row, "peer", (Point(1, None, "not installed", 2**20),))
    assert [line.split() for line in growth_lines(one)] == [
        ["P0", "counting,", "peer"],
        ["not", "installed", "1", "MiB"],
    ]
    assert "| peer |  | not installed, 1 MiB |" in growth_page([one])


def test_an_unknown_row_is_refused_with_those_there_are():
    with pytest.raises(UnknownName, match="P1, P2"):
        chosen(["P99"])
    assert answer(["bench", "P99"]) == 2
