"""`x[...]` of wires and Units is what NumPy's is, forward and back, or is refused in words of ours."""

import random

import numpy as np
import pytest

import pullback as pb
from pullback.errors import CircuitError, PullbackError

COUNT = 400
SHAPES = [(3,), (4, 3), (2, 3, 4), (0, 2), (1, 1)]


def drawn(seed):
    """An array and an index of it: integers, slices, None, `...`, lists and arrays of places."""
    dice = random.Random(seed)
    shape = dice.choice(SHAPES)
    parts = [part_of(dice, size) for size in shape[: dice.randint(1, len(shape))]]
    if dice.random() < 0.3:
        parts.insert(dice.randint(0, len(parts)), dice.choice([None, ...]))
    x = np.random.default_rng(seed).normal(size=shape)
    return x, parts[0] if len(parts) == 1 else tuple(parts)


def part_of(dice, size):
    inside = lambda: dice.randint(-size, size - 1) if size else 0  # noqa: E731
    end = lambda: dice.choice([None, dice.randint(-size - 2, size + 2)])  # noqa: E731
    return dice.choice([
        inside, inside, lambda: np.int64(inside()), lambda: slice(None),
        lambda: slice(end(), end(), dice.choice([None, 1, 2, -1, -2])),
        lambda: [inside() for _ in range(3)], lambda: np.array([inside() for _ in range(3)]),
        list, lambda: [[inside()], [inside()]], lambda: size + 3,
    ])()  # fmt: skip


def outcome(function):
    try:
        return np.asarray(function())
    except (PullbackError, IndexError) as error:
        return error


def is_apart(index):
    """Whether something lies between the arrays and integers, which NumPy turns round and we refuse."""
    parts = index if isinstance(index, tuple) else (index,)
    kinds = ["a" if isinstance(p, list | np.ndarray) else "i" if isinstance(p, int | np.integer) else " "
             for p in parts]  # fmt: skip
    return "a" in kinds and " " in "".join(kinds).strip()


@pytest.mark.parametrize("seeds", [range(s, s + 50) for s in range(0, COUNT, 50)], ids=str)
def test_an_index_reads_and_pulls_what_numpys_reads(seeds):
    assert [seed for seed in seeds if not agrees(*drawn(seed))] == []


def agrees(x, index):
    wanted = outcome(lambda: x[index])
    f = pb.circuit(lambda x: x[index])
    found, by_unit = outcome(lambda: f(x)), outcome(lambda: pb.Unit(x)[index].value)
    if isinstance(wanted, Exception):
        return all(isinstance(o, PullbackError) for o in (found, by_unit))
    if is_apart(index):
        return all(isinstance(o, CircuitError) for o in (found, by_unit))
    if not wanted.size and isinstance(found, IndexError):
        return isinstance(
            by_unit, IndexError
        )  # NumPy does not look at places that it does not read
    same = all(o.shape == wanted.shape and np.array_equal(o, wanted) for o in (found, by_unit))
    return same and np.allclose(pulled(f, x, wanted), scattered(x, index, wanted))


def pulled(f, x, wanted):
    force = np.arange(1.0, wanted.size + 1).reshape(wanted.shape)[()]
    return pb.vjp(f, x)[1](force)[0]


def scattered(x, index, wanted):
    dx = np.zeros_like(x)
    np.add.at(dx, index, np.arange(1.0, wanted.size + 1).reshape(wanted.shape))
    return dx


def test_of_the_indices_of_this_law_few_are_refused():
    asked = [drawn(seed) for seed in range(COUNT)]
    found = [outcome(lambda x=x, i=i: pb.circuit(lambda x: x[i])(x)) for x, i in asked]
    assert sum(isinstance(o, Exception) for o in found) < COUNT / 3
    assert sum(is_apart(index) for _, index in asked) > COUNT / 50


# --- places that are computed ---

TABLE = np.arange(12.0).reshape(4, 3)


@pytest.mark.parametrize("read", [
    lambda x, i, j: x[i], lambda x, i, j: x[:, j], lambda x, i, j: x[i, j],
    lambda x, i, j: x[np.arange(4), j],
    lambda x, i, j: x[[0, 2, 1, 3], j], lambda x, i, j: x[i, [0, 2, 1, 1]], lambda x, i, j: x[1, j],
    lambda x, i, j: x[i, 2], lambda x, i, j: x[i[:, None], j],
])  # fmt: skip
def test_places_that_a_wire_carries_read_the_same(read):
    i, j = np.array([3, 0, 0, 2]), np.array([0, 2, 2, 1])
    assert np.array_equal(pb.circuit(read)(TABLE, i, j), read(TABLE, i, j))
    units = read(pb.Unit(TABLE), pb.Unit(i), pb.Unit(j))
    assert np.array_equal(units.value, read(TABLE, i, j))
