"""Laws of source in every language: each line knows its wires, each wire its lines, no name twice."""

import re
from dataclasses import replace
from functools import cache

import pytest
from laws.random_circuits import ARRAYS, SCALARS, random_circuit
from laws.test_random_circuits import HELPERS, INPUTS, WIRES

import pullback as pb
from pullback.emit.names import Names
from pullback.lens.source import SOURCES
from pullback.passes.rewrite import live

SEEDS = range(16)

# How a line of each language looks that gives a name a value.
ASSIGNS = {
    "python": re.compile(r"    (\w+) = "),
    "numpy": re.compile(r"    (\w+) = "),
    "javascript": re.compile(r"  const (\w+) = "),
    "c": re.compile(r"  const (?:double|float|int|long long) (\w+) = "),
    "latex": re.compile(r"(\S+) &= "),
}
every_language = pytest.mark.parametrize("lang", SOURCES)
every_style = pytest.mark.parametrize("style", ["steps", "ninja", "gates"])


def drawn(seed, lang):
    """A random circuit with dangerous names, that this language can spell, and its values."""
    words = ARRAYS if lang in ("numpy", "latex") else SCALARS
    names = (INPUTS[seed % 13 :] + INPUTS[: seed % 13])[: 1 + seed % 4]
    made = random_circuit(seed, replace(words, face=lang), names, WIRES[seed % 5 :])
    return pb.circuit(made, name="f"), made.values


@cache
def sources(lang, style):
    """Circuits, each with its forward and with its backward source."""
    pairs = []
    for f, values in [drawn(seed, lang) for seed in SEEDS]:
        asked = {"lang": lang, "style": style}
        pairs.append((f.circuit(*values), f.forward_source(*values, **asked)))
        pairs.append((f.circuit(*values), f.backward_source(*values, **asked)))
    return pairs


def assigned(source, lang):
    """Line indices and the names that get a value there, in the function itself."""
    lines = source.splitlines()
    own = re.compile(rf"\b{source.function}\(|begin{{align")
    first = next(n for n, line in enumerate(lines) if own.search(line))
    found = [(n, ASSIGNS[lang].match(line)) for n, line in enumerate(lines[first:], first)]
    return [(n, match[1]) for n, match in found if match]


@every_language
@every_style
def test_every_wire_that_matters_has_a_line(lang, style):
    pairs = [(circuit, source.lines) for circuit, source in sources(lang, style)]
    assert [circuit for circuit, lines in pairs if set(lines) != lively(circuit)] == []


def lively(circuit):
    """The wires that the output listens to and that are no fixed numbers, and all inputs."""
    wanted = live(circuit)
    heard = {w for w in range(len(circuit)) if wanted[w] and not circuit.is_constant(w)}
    return heard | set(circuit.inputs)


@every_language
@every_style
def test_every_line_that_computes_knows_its_wire(lang, style):
    lost = [
        source.splitlines()[n]
        for _, source in sources(lang, style)
        for n, _ in assigned(source, lang)
        if source.wires[n] is None or n + 1 not in source.lines[source.wires[n]]
    ]
    assert lost == []


@every_language
@every_style
def test_the_line_that_gives_an_authors_name_its_value_is_about_that_wire(lang, style):
    pairs = [
        (circuit.find(name), source.wires[n], source)
        for circuit, source in sources(lang, style)
        for n, name in assigned(source, lang)
        if name in kept(circuit, SOURCES[lang]) and SOURCES[lang].show(name) == name
    ]
    assert len(pairs) > len(SEEDS) / 2
    assert [source for wire, about, source in pairs if wire != about] == []


@every_language
@every_style
def test_E14_no_name_is_given_a_value_twice(lang, style):
    texts = [
        (source, [name for _, name in assigned(source, lang)]) for _, source in sources(lang, style)
    ]
    assert [source for source, names in texts if len(names) > len(set(names))] == []


@pytest.mark.parametrize("lang", ["javascript", "c"])
@every_style
def test_E14_the_authors_names_are_kept(lang, style):
    pairs = [(circuit, source) for circuit, source in sources(lang, style)]
    gone = [
        name
        for circuit, source in pairs
        for name in kept(circuit, SOURCES[lang])
        if not re.search(rf"\b{name}\b", source)
    ]
    assert gone == []


def kept(circuit, language):
    """The author's names that a program can keep: of live wires, no word of the language, no helper's."""
    wanted = live(circuit)
    names = {n for w, n in enumerate(circuit.names) if n and wanted[w]} - HELPERS
    return {n for n in names if not Names(language, ()).clashes(n)}
