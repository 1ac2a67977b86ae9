"""`pullback guide`: the numbers of the "Hacker's guide", computed, beside the ones it prints."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

from pullback.cli.printing import say, say_json, say_table
from pullback.guide.chapters import chosen
from pullback.guide.errata import erratum
from pullback.guide.item import Answer, Numbers, answered, numbers

INKS = ("name", "", "value", "value", "")


def guide(*items: str, chapter: Literal["", "1", "2"] = "", json: bool = False) -> int:
    """Check the numbers of Karpathy's guide.

    Each number printed in the "Hacker's guide to Neural Networks" is computed and compared. Where the
    two differ, the reason is given. The exit code is 0
    when every number agrees or its erratum is known.

    items: ids such as S24, or E4 for a mistake; all when none are given
    chapter: only this chapter

    $ pullback guide S14 S24 E3
    """
    answers = answered(chosen(items, chapter))
    mistakes = [e for e in (erratum(asked) for asked in items) if e]
    held = all(answer.holds for answer in answers)
    if json:
        rows = [_fields(answer) for answer in answers]
        say_json({"holds": held, "items": rows, "errata": [asdict(e) for e in mistakes]})
        return 0 if held else 1
    for mistake in mistakes:
        say(f"{mistake.id}  {mistake.where}: {mistake.truth}")
    if not answers:
        return 0
    head = ("item", "what", "guide", "ours", "")
    say_table(head, [_cells(answer) for answer in answers], INKS)
    if any(a.item.guide is not None for a in answers):
        say("", _summary(answers))
    return 0 if held else 1


def _cells(answer: Answer) -> tuple[str, ...]:
    item = answer.item
    return item.id, item.what, _shown(item.guide), _shown(answer.value), _verdict(answer)


def _verdict(answer: Answer) -> str:
    if answer.item.guide is None:
        return answer.item.erratum or "the guide prints no number"
    if answer.agrees and not answer.item.erratum:
        return "agrees"
    return answer.item.erratum or "DIFFERS"


def _shown(value: Numbers | None) -> str:
    return "-" if value is None else ", ".join(f"{n:.6g}" for n in numbers(value))


def _summary(answers: list[Answer]) -> str:
    printed = [a for a in answers if a.item.guide is not None]
    agree = sum(a.agrees for a in printed)
    known = sum(a.holds and not a.agrees for a in printed)
    other = len(printed) - agree - known
    said = {"agree": agree, "differ for a known reason": known, "differ": other}
    parts = [f"{count} {what}" for what, count in said.items() if count or what == "agree"]
    return f"of {len(printed)} numbers that the guide prints, {', '.join(parts)}."


def _fields(answer: Answer) -> dict[str, Any]:
    item = answer.item
    return {
        "id": item.id,
        "what": item.what,
        "guide": item.guide,
        "ours": answer.value,
        "agrees": answer.agrees if item.guide is not None else None,
        "erratum": item.erratum,
    }
