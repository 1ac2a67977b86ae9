"""The pictures in the manual are what the code draws today."""

import functools
import importlib.util
import re
from pathlib import Path

import pytest

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"


@functools.cache
def made():
    place = importlib.util.spec_from_file_location("make", PICTURES / "make.py")
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    return module.pictures()


def seen(text):
    """What is drawn. All digits of a number, in titles, may differ between mathematical libraries."""
    return re.sub(r"<(title|desc)\b.*?</\1>|pb-[0-9a-f]{10}", "", text)


@pytest.mark.parametrize("name", sorted(p.name for p in PICTURES.glob("*.svg")))
def test_a_picture_of_the_manual_is_up_to_date(name):
    assert seen((PICTURES / name).read_text(encoding="utf-8")) == seen(made()[name].svg)
