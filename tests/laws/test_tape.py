"""Large circuits of single numbers on the tape: the reference's numbers, and backward's pulls, to the bit."""

import dataclasses
import importlib
import os
import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from laws.asking import pull_circuit, same_bits
from laws.random_circuits import EXACT, HARD, SCALARS, random_circuit

import pullback as pb
from pullback.core.build import Builder
from pullback.core.shapes import spec_of
from pullback.errors import CircuitError, NotFiniteError, ShapeError
from pullback.executors import compile, compile_steps
from pullback.executors.native.llvm import interruptible

tapes = pytest.importorskip("pullback.executors.native.tape.program")
tape_words = importlib.import_module("pullback.executors.native.tape.superinstructions")
tape_order = importlib.import_module("pullback.executors.native.tape.order")
PAGE = tape_words.PAGE

SMALL = dataclasses.replace(EXACT, steps=(2, 60), dtypes=("float64", "float64", "float32"))
# Short enough that 4 ulp of each curve do not grow beyond this on the way.
CURVES, CLOSE = dataclasses.replace(SCALARS, tame=True, steps=(5, 30)), 1e-11

CIRCUITS = int(os.environ.get("PULLBACK_TAPE_CIRCUITS", "35"))
FIRST, *REST = [range(7), range(7, CIRCUITS)]
every_seed = pytest.mark.parametrize(
    "seeds", [FIRST, *(pytest.param(r, marks=pytest.mark.slow) for r in REST)], ids=str
)


def asked(seed, words=SMALL):
    """The circuit of a seed and its inputs, every other one with NaN, infinities and zeros of both signs.

    Every seventh has thousands of gates.
    """
    if seed % 7 == 6:
        return large(seed, 3000)
    function = random_circuit(seed, words)
    hard = seed % 2 and not words.tame
    values = function.hard(np.random.default_rng(seed)) if hard else function.values
    return pb.circuit(function).circuit(*values), list(values)


def large(seed, count):
    """A random circuit that listens to its last 30 wires and to its inputs."""
    draw = random.Random(seed)
    values = [draw.choice([draw.uniform(-2.0, 2.0), draw.choice(HARD)]) for _ in range(8)]

    def written(a, b, c, d, e, f, g, h):
        wires = [a, b, c, d, e, f, g, h]
        for _ in range(count):
            x, y, z = (draw.choice(draw.choice([wires[:8], wires[-30:]])) for _ in range(3))
            choices = [pb.where(x < y, y, z), pb.relu(x), abs(x), -x, x / y, pb.maximum(x, y)]
            wires.append(draw.choice([x + y, x - y, x * y, pb.minimum(y, z), *choices]))
        return sum(wires[-30:])

    return pb.circuit(written).circuit(*values), values


def reference_pulls(circuit, values):
    """The output and its pulls by the circuit that `backward` makes."""
    back, pulled = pull_circuit(circuit)
    force = np.ones((), circuit.spec_of(circuit.outputs[0]).dtype)[()]
    found = dict(zip(pulled, compile(back).run([*values, force]), strict=True))
    return [found.get(i) for i in range(len(values))]


def same(found, wanted):
    if found is None or wanted is None:
        return found is wanted
    return same_bits(found, wanted)


@every_seed
def test_large_circuits_have_the_references_bits(seeds):
    for seed in seeds:
        circuit, values = asked(seed)
        assert same(tapes.TapeProgram(circuit).run(values)[0], compile(circuit).run(values)[0]), (
            seed
        )


@every_seed
def test_every_wire_can_be_watched(seeds):
    for seed in seeds:
        circuit, values = asked(seed)
        pairs = zip(
            tapes.TapeProgram(circuit).watch(values), compile(circuit).watch(values), strict=True
        )
        assert all(same(f, w) for f, w in pairs if f is not None), seed


@every_seed
def test_forward_and_backward_at_once_have_the_bits_of_the_backward_circuit(seeds):
    for seed in seeds:
        circuit, values = asked(seed)
        if circuit.spec_of(circuit.outputs[0]).dtype.kind == "f":
            _, pulls = tapes.TapeProgram(circuit).value_and_grad(values)
            wanted = reference_pulls(circuit, values)
            assert all(same(f, w) for f, w in zip(pulls, wanted, strict=True)), seed


@every_seed
def test_backward_circuits_run_on_the_tape_too(seeds):
    for seed in seeds:
        circuit, values = asked(seed)
        if circuit.spec_of(circuit.outputs[0]).dtype.kind == "f":
            back, _ = pull_circuit(circuit)
            given = [*values, np.ones((), circuit.spec_of(circuit.outputs[0]).dtype)[()]]
            pairs = zip(tapes.TapeProgram(back).run(given), compile(back).run(given), strict=True)
            assert all(same(f, w) for f, w in pairs), seed


@pytest.mark.parametrize("seed", [s for s in range(14) if s % 7 != 6])
def test_curves_and_recipes_are_close_forward_and_backward(seed):
    circuit, values = asked(seed, CURVES)
    program = tapes.TapeProgram(circuit)
    if circuit.spec_of(circuit.outputs[0]).dtype.kind == "f":
        value, pulls = program.value_and_grad(values)
        wanted = [*compile(circuit).run(values)[:1], *reference_pulls(circuit, values)]
        pairs = [(f, w) for f, w in zip([value, *pulls], wanted, strict=True) if w is not None]
        assert [
            p for p in zip([value, *pulls], wanted, strict=True) if (p[0] is None) != (p[1] is None)
        ] == []
        assert np.allclose(*zip(*pairs, strict=True), rtol=CLOSE, atol=CLOSE)


def powers(x, w):
    """512 gates with curves among them."""
    for _ in range(128):
        x = pb.tanh(x * w) + w / 3.0
    return x


def test_compile_takes_the_tape_beyond_straight_lines():
    circuit = pb.circuit(powers).circuit(0.5, 0.25)
    program = compile(circuit, executor="native")
    assert isinstance(program, tapes.TapeProgram)
    assert program.run([0.5, 0.25])[0] == pytest.approx(powers(0.5, 0.25), rel=1e-13)
    assert program.call(0.5, 0.25) == program.run([0.5, 0.25])[0]


def long(x, w):
    """2,000 gates, each with the reference's bits: x = (1 + w) / (1 + w/2), whatever x was before."""
    for _ in range(400):
        x = pb.relu(1.0 - x * w * 0.5) + w
    return x


@pytest.mark.parametrize("wrt", [0, "w", ("w", "x")])
def test_a_long_function_gets_its_gradient_from_the_tape_with_the_bits_of_units(wrt):
    f, units = pb.circuit(long), {"x": pb.Unit(0.5), "w": pb.Unit(0.25)}
    out = long(**units)
    out.backward()
    named = {name: float(unit.grad) for name, unit in units.items()}
    asked = {0: named["x"], "w": named["w"], ("w", "x"): (named["w"], named["x"])}[wrt]
    assert f.value_and_grad(0.5, 0.25) == (out.value, named)
    assert pb.value_and_grad(f, wrt)(0.5, 0.25) == (out.value, asked)
    assert "back" not in vars(f.specialization(0.5, 0.25))


def test_second_derivatives_of_a_long_function_go_through_its_backward_circuit():
    slope = pb.grad(long, "w")
    assert slope(0.5, 0.25) == pytest.approx(0.5 / 1.125**2, rel=1e-12)
    assert pb.grad(slope, "w")(0.5, 0.25) == pytest.approx(-0.5 / 1.125**3, rel=1e-12)


@pytest.mark.parametrize("executor", ["reference", "native"])
@pytest.mark.parametrize(
    ("made", "values"),
    [
        (lambda x, y: (x * y, x), (3.0, 5.0)),
        (lambda x, y: (pb.tanh(x @ y), y.sum()), (np.array([0.5, -1.0]), np.array([2.0, 0.25]))),
    ],
)
def test_every_program_goes_forward_and_back_from_any_output(executor, made, values):
    circuit = pb.circuit(made).circuit(*values)
    for output in range(2):
        one = dataclasses.replace(circuit, outputs=(circuit.outputs[output],))
        value, pulls = compile(circuit, executor=executor).value_and_grad(values, output=output)
        assert np.allclose(value, compile(one).run(values)[0])
        for found, wanted in zip(pulls, reference_pulls(one, values), strict=True):
            assert found is wanted is None or np.allclose(found, wanted)


def test_steps_too_long_for_a_straight_line_are_the_references():
    def step(w, rate, x):
        return w - rate * long(x, w), x + w

    circuit, rows = pb.circuit(step).circuit(0.25, 0.01, 0.5), np.linspace(0.0, 1.0, 5)
    plan = {"carried": {0: 0}, "columns": [2], "start": [0.25], "fixed": [0.01]}
    found = []
    for executor in ("native", "reference"):
        steps = compile_steps(circuit, executor=executor, **plan)
        steps.run([rows], [0, 1, 2, 3, 4, 2])
        found.append((steps.carried, steps.records[0].tolist(), type(steps).__name__))
    assert found[0][:2] == found[1][:2]
    assert [kind for *_, kind in found] == ["TapeSteps", "Steps"]


def test_subnormals_count_as_0_in_long_steps_and_nowhere_else():
    def step(w):
        for _ in range(400):
            w = w * 1.0
        return w

    circuit, tiny = pb.circuit(step).circuit(1.0), 1e-310
    steps = compile_steps(circuit, carried={0: 0}, columns=[], start=[tiny], executor="native")
    assert (steps.run([], [0]), steps.carried) == (1, [0.0])
    assert compile(circuit, executor="native").run([tiny]) == [tiny]
    assert tiny * 1.0 == tiny


def test_a_force_scales_the_pulls():
    program = tapes.TapeProgram(pb.circuit(lambda x, y: x * y + x).circuit(3.0, 5.0))
    assert program.value_and_grad([3.0, 5.0], force=2.0) == (18.0, [12.0, 6.0])


def test_an_output_that_is_an_input_is_pulled_as_it_is():
    circuit = pb.circuit(lambda x, y: (x * y, y)).circuit(3.0, 5.0)
    assert tapes.TapeProgram(circuit).value_and_grad([3.0, 5.0], output=1) == (5.0, [None, 1.0])


def test_what_nothing_pulls_has_no_pull():
    circuit = pb.circuit(lambda x, y: pb.where(y > 0.0, x, 2.0 * x)).circuit(3.0, 5.0)
    assert tapes.TapeProgram(circuit).value_and_grad([3.0, -5.0]) == (6.0, [2.0, None])


def test_the_side_of_a_where_that_was_not_chosen_never_poisons():
    circuit = pb.circuit(lambda x: pb.where(x > 0.0, pb.sqrt(x), x)).circuit(0.0)
    assert tapes.TapeProgram(circuit).value_and_grad([0.0]) == (0.0, [1.0])


def test_a_yes_or_no_cannot_be_pulled():
    program = tapes.TapeProgram(pb.circuit(lambda x: x > 0.0).circuit(1.0))
    with pytest.raises(CircuitError, match="not a real number"):
        program.value_and_grad([1.0])


def test_the_wrong_number_of_inputs_is_said():
    program = tapes.TapeProgram(pb.circuit(lambda x: x * x).circuit(1.0))
    with pytest.raises(ShapeError, match="has 1 inputs, got 2"):
        program.run([1.0, 2.0])


def test_a_checked_run_names_the_first_bad_wire():
    program = tapes.TapeProgram(pb.circuit("bad = 1.0 / x; bad * 2.0").circuit())
    with pytest.raises(NotFiniteError, match="'bad' is inf"):
        program.run([0.0], checked=True)


def test_two_runs_do_not_disturb_each_other():
    program = tapes.TapeProgram(pb.circuit(powers).circuit(0.5, 0.25))
    first = program.run([0.5, 0.25])
    program.value_and_grad([0.1, 0.9])
    assert program.run([0.5, 0.25]) == first


def tangled(x, w):
    """Wires that the next gate listens to, twice or with others."""
    for _ in range(20):
        y = x * w
        z = (y + w) * y
        q = z + 0.7
        x = q / q * z / q + 0.3
    return x


def test_a_second_pass_has_the_bits_of_the_first_and_of_units():
    units = [pb.Unit(0.7), pb.Unit(0.9)]
    tangled(*units).backward()
    wanted = [unit.grad for unit in units]
    program = tapes.TapeProgram(pb.circuit(tangled).circuit(0.7, 0.9))
    assert [program.value_and_grad([0.7, 0.9])[1] for _ in range(2)] == [wanted, wanted]
    assert abs(wanted[1]) > 0.1


def test_threads_do_not_disturb_each_other():
    program = tapes.TapeProgram(pb.circuit(powers).circuit(0.5, 0.25))
    points = [[0.01 * i, 0.25] for i in range(200)]
    alone = [program.value_and_grad(point) for point in points]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(program.value_and_grad, points)) == alone


def listeners(gates, wires):
    """Of each wire, the places of those that listen to it, in the order of `gates`."""
    found = {}
    for place, (_, *inputs) in enumerate(zip(gates.tolist(), *wires.tolist(), strict=True)):
        for wire in {w for w in inputs if w >= 0}:
            found.setdefault(wire, []).append(place)
    return found


@pytest.mark.parametrize(("back", "share"), [(5, 0.99), (60, 0.6), (10**6, 0.01)])
def test_gates_move_only_behind_their_inputs_and_those_that_listened_before(back, share):
    draw, count, leaves = np.random.default_rng(back), 3 * tape_order.BLOCK // 2, 8
    gates = leaves + np.arange(count)
    kind = draw.integers(0, 5, count)
    wires = draw.integers(np.maximum(gates - back, 0), gates, (4, count))
    wires[1:][draw.random((3, count)) < 0.5] = -1
    order = tape_order.grouped(kind, gates, list(wires), 1.0)
    place = np.argsort(order)
    assert sorted(order.tolist()) == list(range(count))
    made = np.concatenate([np.full(leaves, -1), place])  # of each wire
    assert all((made[column[has]] < place[has]).all() for column in wires for has in [column >= 0])
    assert all((np.diff(place[places]) > 0).all() for places in listeners(gates, wires).values())
    runs = 1 + np.count_nonzero(np.diff(kind[order]))
    assert tape_order.grouped(kind, gates, list(wires), 1.01 * count / runs) is None
    assert runs < share * np.count_nonzero(np.diff(kind))


def test_only_gates_in_no_pattern_are_moved():
    circuits = [large(6, 5000)[0], grown(5000), chosen(5000)]
    places = [tapes.TapeProgram(one).machine(0).tape.place for one in circuits]
    moved = [bool((np.diff(at[at >= 0]) < 0).any()) for at in places]
    assert moved == [True, False, False]


@pytest.mark.parametrize("kinds", [1, 2, 5])
def test_words_say_the_same_entries_in_the_same_order(kinds):
    draw = np.random.default_rng(kinds)
    tokens = draw.integers(0, kinds, 3 * PAGE).astype(np.uint8)
    at = np.concatenate([[0], np.cumsum(1 + tokens % 2)[:-1]])  # odd kinds take two entries
    words, begins, spelled = tape_words.words(tokens, at, kinds, room=500)
    assert [t for word in words for t in spelled[word]] == tokens.tolist()
    assert len(words) < len(tokens) / 2
    starts = np.cumsum([0, *(len(spelled[word]) for word in words)])[:-1]
    assert begins.tolist() == at[starts].tolist()


def test_no_word_goes_on_over_the_end_of_a_page():
    tokens, at = np.zeros(3 * PAGE, np.uint8), 3 + np.arange(3 * PAGE)
    _, begins, _ = tape_words.words(tokens, at, 1, room=500)
    assert {PAGE, 2 * PAGE, 3 * PAGE} <= set(begins.tolist())


@pytest.mark.parametrize("made", [lambda: grown(3 * PAGE + 100), lambda: chosen(2 * PAGE)])
def test_work_in_pieces_has_the_same_bits(made, monkeypatch):
    program, given = tapes.TapeProgram(made()), [3.0, 1.0 - 1e-5]
    whole = program.value_and_grad(given)
    monkeypatch.setattr(tapes, "FIRST", 1)  # page, then as many as fit into no time
    monkeypatch.setattr(interruptible, "PAUSE", 0.0)
    assert program.value_and_grad(given) == whole
    assert np.isfinite(whole[1]).all()
    assert whole[1][0] > 0.1


def test_more_kinds_of_gates_than_a_byte_can_tell_are_left_to_the_reference():
    def clamped(x):
        for i in range(400):
            x = pb.clamp(x * 1.5, low=-1.0 - i, high=1.0 + i)
        return x

    circuit = pb.circuit(clamped).circuit(0.5)
    program = compile(circuit, executor="native")
    assert not isinstance(program, tapes.TapeProgram)
    assert program.run([0.5]) == compile(circuit).run([0.5])


def test_more_kinds_of_pulls_than_a_byte_can_tell_go_through_the_backward_circuit():
    def clamped(x):
        y = z = x
        for i in range(150):  # y is behind a `where`, and z is not: two kinds for each clamp
            y = pb.clamp(y * 1.01, low=-1.0 - i, high=1.0 + i)
            z = pb.clamp(z * 1.01, low=-1.0 - i, high=1.0 + i)
        return z + pb.where(x > 0.0, y, 0.0 * x)

    circuit = pb.circuit(clamped).circuit(0.1)
    program = tapes.TapeProgram(circuit)
    with pytest.raises(tapes.TooManyKinds):
        program.machine(0)
    value, pulls = program.value_and_grad([0.1])
    assert value == program.run([0.1])[0] == clamped(0.1)
    assert pulls == reference_pulls(circuit, [0.1])
    assert pulls[0] == pytest.approx(2 * 1.01**150)


def grown(count):
    """x w + w, again and again: the product and its pulls are known in closed form."""
    builder = Builder()
    x, w = (builder.input(spec_of(0.0), name) for name in "xw")
    y = x
    for _ in range(count // 2):
        y = y * w + w
    return builder.finish([y])


def chosen(count):
    """x w and not w, again and again: each choice takes two entries, one of them over the end of a page."""
    builder = Builder()
    x, w = (builder.input(spec_of(0.0), name) for name in "xw")
    y = x + w
    larger = y > w
    for _ in range(count // 3):
        y = pb.where(larger, y * w, w)
    return builder.finish([y])


@pytest.mark.slow
def test_a_hundred_thousand_gates_run_forward_and_backward():
    gates, w = 100_000, 0.5
    value, pulls = tapes.TapeProgram(grown(gates)).value_and_grad([3.0, w])
    # y = w / (1 - w) far from the start, whatever x was; dy/dw = 1 / (1 - w)^2.
    assert (value, pulls) == (1.0, [0.0, pytest.approx(4.0, rel=1e-13)])
