"""Laws of the file form: what is saved comes back bit for bit, and every other byte is refused."""

import numpy as np
import pytest
from laws.asking import real_outputs, same_bits
from laws.forging import SMALL, signed
from laws.gate_cases import circuit_of, every_case
from laws.random_circuits import random_circuit

from pullback.core.file import from_bytes, to_bytes
from pullback.errors import FileError
from pullback.executors import compile
from pullback.passes.backward import backward

COLUMNS = ["op", "first", "operands", "attribute", "spec", "site", "group", "label"]
TABLES = [
    "ops",
    "specs",
    "attributes",
    "groups",
    "labels",
    "inputs",
    "roles",
    "outputs",
    "explicit",
]


def refusal(data):
    with pytest.raises(FileError) as error:
        from_bytes(data)
    return str(error.value)


def assert_equal_circuits(found, wanted):
    assert all(np.array_equal(getattr(found, c), getattr(wanted, c)) for c in COLUMNS)
    assert all(getattr(found, c).dtype == getattr(wanted, c).dtype for c in COLUMNS)
    assert all(getattr(found, t) == getattr(wanted, t) for t in TABLES)
    assert found.names == wanted.names
    assert len(found.constants) == len(wanted.constants)
    assert all(map(same_bits, found.constants, wanted.constants))
    assert list(map(str, found.sites)) == list(map(str, wanted.sites))
    assert repr(found.attributes) == repr(wanted.attributes)  # tells True from 1, tuples from lists


# --- what is saved comes back ---


@every_case
def test_a_circuit_comes_back_with_equal_columns_and_runs_to_the_same_bits(case):
    circuit = case.circuit()
    loaded = from_bytes(to_bytes(circuit)).circuit
    assert_equal_circuits(loaded, circuit)
    runs = [compile(c).run(case.inputs) for c in (loaded, circuit)]
    assert all(map(same_bits, *runs))


@pytest.mark.parametrize("seed", range(60))
def test_a_random_circuit_and_its_backward_come_back(seed):
    function = random_circuit(seed)
    circuit = circuit_of(function, *function.values)
    for saved in (circuit, backward(circuit, real_outputs(circuit)).circuit):
        assert_equal_circuits(from_bytes(to_bytes(saved)).circuit, saved)


@every_case
def test_saving_again_gives_the_same_bytes(case):
    data = to_bytes(case.circuit(), {"b": np.zeros(2), "a.x": np.ones(3, bool)}, {"k": [1, {}]})
    assert (
        to_bytes(case.circuit(), {"a.x": np.ones(3, bool), "b": np.zeros(2)}, {"k": [1, {}]})
        == data
    )
    assert to_bytes(*from_bytes(data)) == data


# --- damage ---


@pytest.mark.parametrize("flip", [1, "random"])
def test_every_flip_in_a_byte_is_found(flip):
    rng = np.random.default_rng(0)
    for at in range(len(SMALL)):
        mask = flip if flip == 1 else int(rng.integers(2, 256))
        refusal(SMALL[:at] + bytes([SMALL[at] ^ mask]) + SMALL[at + 1 :])


def test_every_truncation_is_found():
    for size in range(len(SMALL)):
        refusal(SMALL[:size])


@pytest.mark.parametrize("more", [b"\0", b" ", SMALL], ids=["nul", "space", "itself"])
def test_nothing_may_follow_a_file_not_even_with_a_right_checksum(more):
    assert "checksum" in refusal(SMALL + more)
    assert "where its tensors end" in refusal(signed(SMALL + more))
