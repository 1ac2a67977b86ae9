"""`pullback check`: is every pull right?"""

from __future__ import annotations

import dataclasses

from pullback.cli.assignments import bind
from pullback.cli.circuits import CircuitText, load
from pullback.cli.printing import say, say_json, say_table
from pullback.lens.gradcheck import KINK, OK, WRONG, Finding, Report

INKS = ("name", "value", "value", "", "")


def check(
    circuit: CircuitText, /, *values: str, tolerance: float = 1e-9, json: bool = False
) -> int:
    """Compare every gradient with a numerical one.

    Each input is moved a little and the output measured; each gate's own rule is checked too, so a
    wrong rule is named. Where the slope jumps there is no gradient: that is reported as a kink, not an
    error. A gradient is called wrong only where steps of several sizes agree. Where the slope is
    infinite, a pole or a fast oscillation is near, or rounding hides the slope, the verdict is unsure,
    with the reason. Exit codes: 0 every gradient was measured and is right, or is at a kink; 1 a
    gradient is wrong or could not be measured.

    tolerance: the largest relative error that passes

    $ pullback check "sig(a*x + b*y + c)" a=1 b=2 c=-3 x=-1 y=3
    $ pullback check "relu(x)" x=0
    """
    function = load(circuit)
    report = function.gradcheck(bind(function, values), tolerance=tolerance)
    if json:
        unsure = [f.where for f in report.unsure]
        said = {"passed": report.passed, "worst": report.worst, "unsure": unsure}
        say_json({**said, **dataclasses.asdict(report)})
    else:
        _say(report)
    return 0 if report.passed else 1


def _say(report: Report) -> None:
    head = ("input", "grad", "numerical", "rel. error", "verdict")
    say_table(head, [_cells(f) for f in report.findings], INKS)
    say("", *(_blame(f) for f in report.bad_gates[:5]), verdict(report))


def _cells(finding: Finding) -> tuple[str, ...]:
    f = finding
    return f.where, f"{f.analytic:.9g}", f"{f.numerical:.9g}", f"{f.error:.1e}", _verdict(f)


def _verdict(finding: Finding) -> str:
    if finding.verdict == KINK:
        return f"a kink: {finding.gate} switches here" if finding.gate else "a kink"
    return f"{finding.verdict}: {finding.reason}" if finding.reason else finding.verdict


def _blame(finding: Finding) -> str:
    f = finding
    return (
        f"{f.gate}: its pull on {f.where} has a relative error of {f.error:.1e}  {f.line}".rstrip()
    )


def verdict(report: Report) -> str:
    """The sentence below the table."""
    found = [f.verdict for f in report.findings]
    if WRONG in found:
        return f"wrong: {found.count(WRONG)} of {_pulls(len(found))}."
    if report.bad_gates:
        return "wrong: the rule of a gate."
    agree, kinks = found.count(OK), found.count(KINK)
    said = [report.unmeasured] if report.unsure else []
    said += (
        [f"{_pulls(agree)} {_agree(agree)}, the largest error is {report.worst:.1e}"]
        if agree
        else []
    )
    said += [f"{_pulls(kinks)} at a kink, where no gradient exists"] if kinks else []
    head = "inconclusive" if report.unsure else "all right"
    return f"{head}: {'; '.join(said)}." if said else f"{head}."


def _agree(count: int) -> str:
    return "agrees" if count == 1 else "agree"


def _pulls(count: int) -> str:
    return f"{count} gradient" if count == 1 else f"{count} gradients"
