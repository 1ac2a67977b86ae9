"""All items of the guide by chapter, and a selection of them."""

from __future__ import annotations

from collections.abc import Sequence

from pullback.errors import UnknownName, did_you_mean
from pullback.guide import chapter1, chapter2
from pullback.guide.errata import ERRATA, erratum
from pullback.guide.item import Item

CHAPTERS: dict[str, tuple[Item, ...]] = {"1": chapter1.ITEMS, "2": chapter2.ITEMS}


def chosen(ids: Sequence[str] = (), chapter: str = "") -> list[Item]:
    """The items of these ids, of this chapter, or all. UnknownName if there is none.

    S20 means S20b as well, E4 the items where that mistake shows.

    >>> [item.id for item in chosen(["S36"])]
    ['S36', 'S36b']
    """
    items = CHAPTERS[chapter] if chapter else sum(CHAPTERS.values(), ())
    for asked in ids:
        if not erratum(asked) and not any(_is_meant(item, asked) for item in items):
            where = f"chapter {chapter}" if chapter else "the guide"
            hint = did_you_mean(asked, [item.id for item in items] + [e.id for e in ERRATA])
            raise UnknownName(
                f"{where} has no item {asked[:40]!r} that is a number.",
                why=hint,
                fix="pullback guide",
            )
    return [i for i in items if not ids or any(_is_meant(i, asked) for asked in ids)]


def _is_meant(item: Item, asked: str) -> bool:
    mistakes = item.erratum.partition(":")[0].replace(",", "").split()
    return asked.upper() in (item.id.upper(), item.id.upper().rstrip("ABC"), *mistakes)
