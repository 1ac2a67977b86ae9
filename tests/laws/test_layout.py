"""Where CPython and NumPy keep what machine code reads: every offset is tried before it is used."""

import re
import string

import pytest

from pullback.executors.native.cpython import layout

TEXTS = ("scalar_call.ll", "array_call.ll", "unit.ll", "unit_fields.ll", "unit_pull.ll")


def probes():
    return [*layout.PLAIN, *layout.ARRAYS, layout._counts]


def test_this_interpreter_is_as_we_say():
    assert [layout.plain_objects(), layout.counted_objects(), layout.arrays()] == [True] * 3
    assert all(probe() for probe in probes())


@pytest.mark.parametrize("step", [8, -8, 16])
@pytest.mark.parametrize("name", sorted({*layout.OFFSETS} - {"HEAD"}))
def test_an_offset_that_is_wrong_is_found_by_a_probe(name, step, monkeypatch):
    monkeypatch.setitem(layout.OFFSETS, name, layout.OFFSETS[name] + step)
    assert not all(probe() for probe in probes())


@pytest.mark.parametrize("file", TEXTS)
def test_texts_know_offsets_by_name_only(file):
    """What the probes did not see, no text reads: there is no number of bytes behind an object."""
    names = dict.fromkeys(_names(file), 0)
    assert layout.text(file, names)
    bare = [
        line
        for line in _raw(file).splitlines()
        if re.search(r"getelementptr i8, ptr %(object|one|list|type|self|bytes), i64 \d", line)
    ]
    assert bare == []


def _raw(file):
    folder = layout.resources.files(layout.__package__)
    return folder.joinpath(file).read_text("ascii")


def _names(file):
    found = string.Template.pattern.findall(_raw(file))
    return {name for _, name, braced, _ in found if name} | {b for _, _, b, _ in found if b}
