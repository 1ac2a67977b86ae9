"""Laws of pictures: nothing overlaps, ports keep argument order, forks add up, the same bytes always."""

import hashlib
import os
import subprocess
import sys
from functools import cache
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from laws.picture_cases import (
    boxes,
    crossings,
    free_labels,
    grown,
    merged,
    mlp,
    numbers_of,
    overlaps,
    random_circuit,
    random_tree,
    segments,
    solid_boxes,
)

from pullback.emit.dot import dot
from pullback.emit.layout.place import pooled
from pullback.emit.numerals import shown
from pullback.emit.picture.drawing import PART
from pullback.emit.picture.fold import every, folded
from pullback.emit.picture.look import Look
from pullback.emit.picture.stamp import picture
from pullback.emit.svg import svg

# Flat, by scopes all open, by scopes closed, and as the picture would choose; to the right and down.
LOOKS = tuple(
    (scoped, Look(depth=depth, direction=direction, width=None))
    for scoped, depth in ((False, "all"), (True, "all"), (True, 0), (True, None))
    for direction in ("right", "down")
)
SEEDS = [pytest.param(s, marks=pytest.mark.slow if s >= 24 else ()) for s in range(300)]

every_drawing = pytest.mark.parametrize("seed", SEEDS)
every_seed = pytest.mark.parametrize("seed", range(24))


@cache
def drawn(seed):
    scoped, look = LOOKS[seed % 8]
    circuit = random_circuit(seed, scoped=scoped)
    return circuit, picture(circuit, numbers_of(circuit), look)


def apart(rectangles):
    pairs = overlaps(rectangles, rectangles)
    return not (pairs[:, 0] < pairs[:, 1]).any()


@every_drawing
def test_nothing_overlaps_in_a_picture(seed):
    _, drawing = drawn(seed)
    labels, lines = free_labels(drawing), segments(drawing)[0]
    assert apart(boxes(drawing))
    assert apart(labels)
    assert not len(overlaps(labels, boxes(drawing)))
    assert not len(overlaps(labels, grown(lines, 0.5), room=0.6))
    assert not len(overlaps(grown(solid_boxes(drawing), -1.0), grown(lines, 0.3)))
    assert merged(drawing) == 0


@every_drawing
def test_E16_no_label_touches_the_edge_of_the_sheet(seed):
    _, drawing = drawn(seed)
    labels = free_labels(drawing)
    assert (labels[:, :2] > 1.0).all()
    assert (labels[:, 2] < drawing.width - 1.0).all()
    assert (labels[:, 3] < drawing.height - 1.0).all()


@every_seed
def test_wires_arrive_in_argument_order(seed):
    _, drawing = drawn(seed)
    along, across = (1, 0) if LOOKS[seed % 8][1].direction == "down" else (0, 1)
    ports = {}
    for branch in (b for wire in drawing.wires for b in wire.branches if b.gate >= 0):
        ports.setdefault((branch.gate, branch.points[-1][along]), []).append(
            (branch.points[-1][across], branch.position)
        )
    gates = {b.wire: (b.x, b.y)[along] for b in drawing.boxes if b.kind == "gate"}
    seen = [
        sorted(some) for (gate, at), some in ports.items() if abs(gates.get(gate, -9) - at) < 1e-6
    ]
    assert seen
    assert all([p for _, p in some] == sorted(p for _, p in some) for some in seen)


@every_seed
def test_the_contributions_of_a_fork_add_up_to_its_pull(seed):
    numbers = numbers_of(random_circuit(seed))
    forks = {w: [p for _, _, p in some] for w, some in numbers.branches.items()}
    pulls = [numbers.pulls[w] for w in forks]
    np.testing.assert_allclose([sum(some) for some in forks.values()], pulls, rtol=1e-12)


@every_seed
def test_each_branch_of_a_fork_says_what_it_adds(seed):
    circuit = random_circuit(seed)
    numbers = numbers_of(circuit)
    drawing = picture(circuit, numbers, Look(depth="all"))
    said = {w.wires[0]: sorted(k.text for k in w.labels if k.ink == PART) for w in drawing.wires}
    forks = {w: sorted(shown(p).text for *_, p in b) for w, b in numbers.branches.items()}
    assert {w: texts for w, texts in said.items() if texts} == {
        w: texts for w, texts in forks.items() if len(texts) > 1
    }


@pytest.mark.parametrize("seed", range(60))
def test_a_tree_has_no_crossing(seed):
    circuit = random_tree(seed)
    assert crossings(picture(circuit, numbers_of(circuit), Look(depth="all"))) == 0


def test_a_crossing_is_seen_where_there_must_be_one():
    # K(3,3) is not planar.
    circuit, numbers = mlp((3, 3, 1))
    assert crossings(picture(circuit, numbers, Look(depth="all"))) > 0


@every_seed
@pytest.mark.parametrize("depth", [0, 1, "all", None])
def test_every_gate_stands_in_one_place_of_a_folded_picture(seed, depth):
    circuit = random_circuit(seed, scoped=True)
    opened = [g for g in every(folded(circuit, depth).root) if g.open]
    alone = [m for g in opened for m in g.members if isinstance(m, int)]
    hidden = [r for g in opened for m in g.groups if not m.open for r in m.rows]
    assert sorted(alone + hidden) == np.nonzero(circuit.op > 1)[0].tolist()


@every_seed
def test_a_picture_is_well_formed_and_names_each_wire(seed):
    circuit, drawing = drawn(seed)
    root = ElementTree.fromstring(svg(drawing))
    named = [e.get("data-pb-wire") for e in root.iter() if e.get("class", "").startswith("pb-wire")]
    assert len(named) == len(drawing.wires)
    assert {int(i) for some in named for i in some.split()} <= set(range(len(circuit)))


def bytes_of_pictures():
    drawings = [drawn(seed)[1] for seed in range(4)]
    texts = [svg(d) for d in drawings]
    return "".join([*texts, *(dot(random_circuit(s, scoped=True)) for s in range(4))])


def test_the_same_circuit_gives_the_same_bytes():
    assert bytes_of_pictures() == bytes_of_pictures()


@pytest.mark.slow
@pytest.mark.parametrize("seed", ["0", "1", "4711"])
def test_the_bytes_do_not_depend_on_the_process(seed):
    code = (
        "import hashlib, laws.test_pictures as t;"
        "print(hashlib.sha256(t.bytes_of_pictures().encode()).hexdigest())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
    out = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == hashlib.sha256(bytes_of_pictures().encode()).hexdigest()


WANTS = st.lists(
    st.tuples(st.floats(-100, 100), st.sampled_from([0.2, 1.0, 6.0]), st.floats(0, 40)),
    min_size=1,
    max_size=8,
)


@given(WANTS, st.lists(st.floats(-5, 5), min_size=8, max_size=8))
def test_pooled_heights_keep_their_gaps_and_none_nearer_do(some, steps):
    wants, weights, gaps = (list(column) for column in zip(*some, strict=True))

    def cost(ys):
        return sum(w * (y - a) ** 2 for w, y, a in zip(weights, ys, wants, strict=True))

    def fits(ys):
        return all(b - a >= g - 1e-9 for a, b, g in zip(ys, ys[1:], gaps, strict=False))

    heights = pooled(wants, weights, gaps[:-1])
    other = [y + step for y, step in zip(heights, steps, strict=False)]
    assert fits(heights)
    assert not fits(other) or cost(heights) <= cost(other) + 1e-6


@example(-0.0, 3)
@example(-1e-300, 1)
@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(1, 17))
def test_a_shown_number_is_the_nearest_with_so_many_digits(value, digits):
    text = shown(value, digits).text
    read = float(text.replace("−", "-"))
    assert "-" not in text
    assert text != "−0"
    assert read == float(f"{value:.{digits - 1}e}") or abs(read - value) <= abs(value) * 10**-digits
