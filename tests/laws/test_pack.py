"""Packs side by side: a loop of neurons gives the bits of each neuron computed alone."""

import numpy as np
import pytest
from laws.asking import run, same_bits
from laws.random_circuits import EXACT, random_circuit

import pullback as pb
from pullback.bench.p01_neuron import NEURON
from pullback.bench.p03_two_layers import TWO_LAYERS
from pullback.core.build import Builder
from pullback.core.shapes import spec_of
from pullback.executors.native.scalars.loop import Loop
from pullback.executors.native.scalars.pack import packs

# No number near the subnormal ones, which count as 0 inside loops.
STARTS = [0.0, -0.0, 1.5, -2.0, 0.25, 30.0, np.inf, -np.inf, np.nan]


def layer(seed, neurons):
    """A step that carries the weights of some neurons; what a neuron does with its weights is random.

    In every other layer a neuron listens to weights of its neighbours too.
    """
    drawn = random_circuit(seed, EXACT)
    neuron = pb.circuit(drawn, name="neuron").circuit(*drawn.values)
    if neuron.spec_of(neuron.outputs[0]).dtype.kind != "f":
        return None
    builder, count = Builder(), len(neuron.inputs)
    shifts = np.random.default_rng(seed).integers(0, 3, count) * (seed % 2)
    weights = [builder.input(spec_of(0.0), f"w{i}") for i in range(neurons * count)]
    x, total, moved = builder.input(spec_of(0.0), "x"), builder.constant(np.float64(0.0)), []
    for n in range(neurons):
        own = weights[n * count : (n + 1) * count]
        heard = [weights[(n + shift) % neurons * count + i] for i, shift in enumerate(shifts)]
        (y,) = builder.inline(neuron, heard)
        total = total + y
        moved += [0.5 * w + x * y for w in own]
    return builder.finish([*moved, total])


def next_of(circuit, count):
    return dict(zip(circuit.inputs[:count], circuit.outputs[:count], strict=True))


@pytest.mark.parametrize("cost", [4, -1], ids=["where it pays", "wherever it can be"])
@pytest.mark.parametrize("neurons", [2, 3, 4, 7])
def test_a_loop_of_twins_has_the_bits_of_steps_made_one_by_one(neurons, cost, monkeypatch):
    monkeypatch.setattr("pullback.executors.native.scalars.pack.COST", cost)
    monkeypatch.setattr("pullback.executors.native.llvm.cache.load", lambda key: None)
    rng, grouped = np.random.default_rng(neurons), 0
    for circuit in filter(None, (layer(seed, neurons) for seed in range(12))):
        count = len(circuit.inputs) - 1
        grouped += bool(packs(circuit, next_of(circuit, count)).of)
        loop = Loop(
            circuit, carried={i: i for i in range(count)}, columns=[count], recorded=[count]
        )
        state, column = rng.choice(STARTS, count).tolist(), rng.normal(size=3)
        found, totals = loop.run(state, columns=[column]), []
        for x in column:
            *state, total = run(circuit, [*state, x])
            totals.append(total)
        assert same_bits(np.array(found.carried), np.array(state))
        assert same_bits(found.records[0], np.array(totals))
    assert grouped


def test_neurons_of_a_layer_stand_side_by_side_with_their_weights():
    circuit = TWO_LAYERS.circuit
    found = packs(circuit, next_of(circuit, 13))
    groups = set(found.of.values())
    assert {(0, 3, 6), (1, 4, 7), (2, 5, 8), (9, 10, 11)} <= groups
    assert {len(group) for group in groups} == {3}
    assert found.saved == sum(2 for group in groups if circuit.row(group[0]).gate)


def test_a_single_neuron_is_left_as_it_is():
    circuit = NEURON.circuit
    found = packs(circuit, next_of(circuit, 5))
    assert (found.of, found.saved) == ({}, 0)
    assert sorted(found.order) == [row.wire for row in circuit.rows() if row.gate]


def test_whoever_is_listened_to_comes_first():
    circuit = TWO_LAYERS.circuit
    order = packs(circuit, next_of(circuit, 13)).order
    places = {wire: place for place, wire in enumerate(order)}
    for wire in order:
        heard = [places[i] for i in circuit.row(wire).inputs if i in places]
        assert all(place < places[wire] for place in heard)
