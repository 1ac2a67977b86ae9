"""Laws of linked faces: a wire has one id in its picture, its source and its run, and is found in each."""

import re
from functools import cache

import pytest
from laws.random_circuits import TAME, random_circuit

import pullback as pb
from pullback.errors import UnknownName
from pullback.passes.rewrite import live

every_seed = pytest.mark.parametrize("seed", range(24))
DRAWN = re.compile(r'data-pb-wire="([^"]*)"')
TO = re.compile(r'data-pb-to="(\d+):(\d+)"')


@cache
def faces(seed):
    """A random circuit, its run, its picture with everything open, and its backward source."""
    made = random_circuit(seed, TAME)
    f = pb.circuit(made, name="f")
    run = f.run(*made.values)
    return run, run.draw(depth="all").svg, f.backward_source(*made.values, lang="numpy")


def drawn(svg):
    return {int(w) for some in DRAWN.findall(svg) for w in some.split()}


def computed(circuit):
    """The wires that matter and are no fixed numbers: those are written where they are used."""
    alive = live(circuit)
    return {w for w in range(len(circuit)) if alive[w] and not circuit.is_constant(w)}


@every_seed
def test_every_wire_with_a_line_has_a_place_in_the_picture(seed):
    _, svg, source = faces(seed)
    assert set(source.lines) - drawn(svg) == set()


@every_seed
def test_every_wire_in_the_picture_that_matters_has_a_line(seed):
    run, svg, source = faces(seed)
    assert (drawn(svg) & computed(run.circuit)) - set(source.lines) == set()
    assert computed(run.circuit) <= drawn(svg)


@every_seed
def test_the_branches_in_a_picture_end_where_the_circuit_says(seed):
    run, svg, _ = faces(seed)
    ends = {(int(gate), int(position)) for gate, position in TO.findall(svg)}
    rows = {gate: run.circuit.row(gate).inputs for gate, _ in ends}
    assert ends
    assert [e for e in ends if e[1] >= len(rows[e[0]])] == []


@every_seed
def test_a_named_wire_is_found_in_all_three(seed):
    run, svg, source = faces(seed)
    named = [w for w in run if run.circuit.names[w.id] and w.id in computed(run.circuit)]
    assert named
    assert [w.name for w in named if not source.about(w.name)] == []
    assert [w.name for w in named if w.id not in drawn(svg)] == []
    assert [w.name for w in named if run[w.name].id != source.names[w.name]] == []


@every_seed
def test_a_line_about_a_named_wire_computes_it_or_its_pull(seed):
    run, _, source = faces(seed)
    named = [w for w in run if run.circuit.names[w.id]]
    f = [w.name for w in named if w.gate not in ("input", "constant")]
    first = {name: source.about(name)[0][1] for name in f if source.lines.get(source.names[name])}
    assert [n for n, line in first.items() if not re.match(rf"{n}_? = ", line)] == []


def test_the_lines_about_a_wire_are_its_own_and_its_pulls():
    source = pb.circuit("q = x + y; f = q * z").backward_source()
    assert source.about("q") == [(2, "q = x + y"), (5, "dq = z * df")]
    assert source.about("z")[1:] == [(6, "dz = q * df")]


def test_a_pull_of_two_branches_has_the_lines_of_both_and_of_their_sum():
    lines = [line for _, line in pb.circuit("q = x + y; q * z + q").backward_source().about("q")]
    assert [line.split(" = ")[0] for line in lines] == ["q", "dq_2", "dq"]


@pytest.mark.parametrize("lang", ["python", "numpy", "javascript", "c", "latex"])
def test_every_language_says_where_a_pull_is(lang):
    source = pb.circuit("q = x + y; f = q * z").backward_source(lang=lang)
    assert ["dq" in line for _, line in source.about("q")] == [False, True]


def test_a_wire_that_the_source_does_not_know_is_named():
    with pytest.raises(UnknownName, match="no wire is called 'p'"):
        pb.circuit("q = x + y; f = q * z").backward_source().about("p")
