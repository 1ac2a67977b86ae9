"""Stories of saving and loading: what survives, what stays private, and what a person is told."""

import math
import os
import sys

import numpy as np
import pytest
import safetensors.numpy

import pullback.gates  # noqa: F401 - fills the registry
from pullback.core.build import Builder
from pullback.core.file import from_bytes, read_file, to_bytes
from pullback.core.gate import GATES, gate
from pullback.core.shapes import Spec
from pullback.core.sites import scope
from pullback.errors import FileError
from pullback.executors import compile
from pullback.gates.curves import tanh
from pullback.gates.reduce import sum
from pullback.gates.shape import concat
from pullback.passes.backward import backward
from pullback.runs.atomic import write_atomic

FLOAT = Spec((), np.dtype("float64"))


def circuit_of(function, *specs):
    builder = Builder()
    wires = [builder.input(s, f"x{i}") for i, s in enumerate(specs)]
    return builder.finish([builder.adopt(function(*wires))])


def reloaded(circuit):
    return from_bytes(to_bytes(circuit)).circuit


def message(data):
    with pytest.raises(FileError) as error:
        from_bytes(data)
    return str(error.value)


# --- what survives ---


def test_another_program_reads_the_same_weights():
    arrays = {
        "layer1.W": np.arange(6.0).reshape(2, 3),
        "steps": np.array(7),
        "on": np.array([True]),
    }
    found = safetensors.numpy.load(to_bytes(arrays=arrays))
    assert {n: (a.dtype, a.tolist()) for n, a in found.items()} == {
        n: (a.dtype, a.tolist()) for n, a in arrays.items()
    }


def test_another_program_reads_the_file_of_a_circuit():
    data = to_bytes(circuit_of(lambda x: x * 2.0 + np.ones(3), FLOAT))
    assert safetensors.numpy.load(data)["circuit.constants_float64"].tolist() == [2.0]


def test_weights_of_another_program_are_refused_in_words():
    data = safetensors.numpy.save({"w": np.ones(3)})
    assert "not a file that pullback wrote" in message(data)


@pytest.mark.parametrize(
    "value",
    [np.float64(-0.0), np.float64(np.nan), np.float32(-np.inf), np.int64(2**62 + 1), np.True_],
    ids=repr,
)
def test_a_constant_keeps_its_dtype_and_every_bit(value):
    builder = Builder()
    (constant,) = reloaded(builder.finish([builder.constant(value)])).constants
    assert type(constant) is type(value)
    assert constant.tobytes() == value.tobytes()


def test_an_array_constant_comes_back_frozen():
    (constant,) = reloaded(circuit_of(lambda x: x * np.array([1.0, -0.0]), FLOAT)).constants
    assert constant.tobytes() == np.array([1.0, -0.0]).tobytes()
    assert not constant.flags.writeable


def test_attributes_keep_tuples_none_and_bools():
    grid = Spec((2, 3, 4), np.dtype("float64"))
    loaded = reloaded(circuit_of(lambda x: sum(x[None, 1:, ::-1, 0], axis=(0, -1)), grid))
    index, folded = loaded.attributes[1:]
    assert index == {"index": ("new", (1, None, None), (None, None, -1), 0)}
    assert repr(folded) == "{'axis': (0, -1), 'keepdims': False}"
    assert reloaded(circuit_of(sum, grid)).attributes[1] == {"axis": None, "keepdims": False}


@pytest.fixture
def bent():
    """A gate of one's own with an attribute that JSON cannot spell."""

    @gate
    def bent(x, *, slope=math.inf):
        return x * slope

    yield bent
    del GATES["bent"]


@pytest.mark.parametrize("slope", [math.inf, -math.inf, math.nan, 0.1, -0.0, 1e-320, 1e300])
def test_a_float_attribute_keeps_its_value(bent, slope):
    loaded = reloaded(circuit_of(lambda x: bent(x, slope=slope), FLOAT))
    assert repr(loaded.attributes[1]["slope"]) == repr(slope)


def test_names_roles_scopes_and_lines_come_back():
    builder = Builder()
    w = builder.input(FLOAT, "w", "parameter")
    with scope("layer1"), scope("inner"):
        h = tanh(w)
    circuit = builder.finish([(h + 1.0).named("answer")])
    loaded = reloaded(circuit)
    assert loaded.names == ("w", "h", "", "answer")
    assert loaded.roles == ("parameter",)
    assert loaded.groups[loaded.group[1]] == ("layer1", "inner")
    assert str(loaded.sites[loaded.site[1]]) == str(circuit.sites[circuit.site[1]])


def test_the_pull_on_the_longest_name_has_a_longer_one_and_comes_back():
    builder = Builder()
    x = builder.input(FLOAT, "x" * 64)
    circuit = backward(builder.finish([x * x])).circuit
    assert "d" + "x" * 64 in reloaded(circuit).names


def test_about_comes_back_with_every_type():
    about = {
        "": None,
        "a": [True, 1, 1.0, -0.0, "größe 🙂\0\n"],
        "b": {"c": [[]], "d": {}},
        "e": -(2**63),
    }
    assert repr(from_bytes(to_bytes(about=about)).about) == repr(about)
    assert math.isnan(from_bytes(to_bytes(about={"loss": math.nan})).about["loss"])


def test_arrays_of_every_shape_come_back_and_may_be_changed():
    arrays = {
        "a": np.array(1.5),
        "b": np.zeros((0, 3)),
        "c": np.arange(6).reshape(2, 3).T,
        "d": np.eye(2) > 0,
    }
    loaded = from_bytes(to_bytes(arrays=arrays)).arrays
    assert all(
        np.array_equal(loaded[n], a) and loaded[n].dtype == a.dtype for n, a in arrays.items()
    )
    loaded["c"][0, 0] = 7
    assert loaded["c"][0, 0] == 7


def test_nan_weights_are_loaded():
    weights = np.array([np.nan, -np.inf, -0.0])
    assert from_bytes(to_bytes(arrays={"w": weights})).arrays["w"].tobytes() == weights.tobytes()


def test_a_gate_of_ones_own_is_loaded_once_it_is_declared(bent):
    data = to_bytes(circuit_of(lambda x: bent(x, slope=3.0), FLOAT))
    assert compile(from_bytes(data).circuit).run([2.0]) == [6.0]
    del GATES["bent"]
    assert "no gate is called 'bent'" in message(data)
    assert "has to be declared before" in message(data)
    GATES["bent"] = bent


# --- what stays private ---


def test_no_folder_of_the_author_is_in_the_file():
    builder = Builder()
    x = builder.input(FLOAT, "x")
    circuit = builder.finish([x * x])
    assert os.path.dirname(__file__) in circuit.sites[1].file
    data = to_bytes(circuit)
    assert os.path.dirname(__file__).encode() not in data
    assert from_bytes(data).circuit.sites[1].file == "test_files.py"


@pytest.mark.parametrize(
    ("path", "kept"),
    [("C:\\Users\\ann\\xor.py", "xor.py"), ("<stdin>", "stdin"), ("/a/größe.py", "größe.py"), ("/a/", "")],
)  # fmt: skip
def test_only_the_name_of_a_code_file_is_kept(path, kept):
    builder = Builder()
    x = builder.input(FLOAT, "x")
    assert reloaded(builder.finish([written_in(path)(x)])).sites[1].file == kept


def written_in(path):
    """A function whose code says that it stands in `path`."""

    def square(x):
        return x * x

    square.__code__ = square.__code__.replace(co_filename=path)
    return square


# --- what cannot be saved ---


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"labels": (1, 2)}, "about['labels']: a file cannot hold the tuple (1, 2)"),
        ({"a": {"b": np.float64(1)}}, "about['a']['b']: a file cannot hold the float64"),
        ({"a": {1: 2}}, "about['a']: a file cannot hold the dict {1: 2}"),
        ({"$float": 1}, "cannot hold the dict"),
        ({"a": 2**63}, "cannot hold the int 9223372036854775808"),
        ({"a": "\ud800"}, "cannot hold the str"),
        ({"a": [[[[[[[[[1]]]]]]]]]}, "8 deep"),
        ({"a": [[[[[[[[math.nan]]]]]]]]}, "8 deep"),
        ({"a": print}, "cannot hold the builtin"),
    ],
    ids=str,
)
def test_what_about_cannot_hold_is_named_when_saving(about, said):
    with pytest.raises(FileError) as error:
        to_bytes(about=about)
    assert said in str(error.value)


def test_about_may_nest_eight_deep():
    about = {"a": [[[[[[[[1]]]]]]]], "b": [[[[[[[math.inf]]]]]]]}
    assert from_bytes(to_bytes(about=about)).about == about


def test_about_that_contains_itself_is_refused():
    about = {}
    about["me"] = about
    with pytest.raises(FileError, match="8 deep"):
        to_bytes(about=about)


@pytest.mark.parametrize(
    "name", ["", "a b", "../a", "circuit.op", "circuit", "1a", "a..b", "a.", "x" * 65, 7]
)
def test_an_array_needs_a_safe_name(name):
    with pytest.raises(FileError, match="cannot name an array"):
        to_bytes(arrays={name: np.zeros(1)})


@pytest.mark.parametrize("dtype", ["float16", "int32", ">f8", "O", "U3", "complex128"])
def test_an_array_of_another_dtype_is_refused_by_name(dtype):
    with pytest.raises(FileError, match="array 'w' is"):
        to_bytes(arrays={"w": np.zeros(2, dtype)})


def test_an_attribute_that_is_an_object_is_refused_when_saving(bent):
    circuit = circuit_of(lambda x: bent(x, slope=print), FLOAT)
    with pytest.raises(FileError, match="cannot hold the builtin"):
        to_bytes(circuit)


def test_a_wire_that_carries_halves_is_refused_when_saving():
    builder = Builder()
    x = builder.input(Spec((), np.dtype("float16")), "x")
    with pytest.raises(FileError, match="no wire can carry"):
        to_bytes(builder.finish([x]))


def test_a_gate_may_listen_to_a_hundred_thousand_wires_but_to_no_more():
    builder = Builder()
    x = builder.input(Spec((1,), np.dtype("float64")), "x")
    circuit = builder.finish([concat(*[x] * 100_001, axis=0)])
    with pytest.raises(FileError, match="100,001 inputs; a file allows 100,000"):
        to_bytes(circuit)


# --- files on disk ---


def test_a_file_comes_back_from_disk(tmp_path):
    write_atomic(tmp_path / "a.safetensors", to_bytes(arrays={"w": np.ones(3)}))
    assert read_file(tmp_path / "a.safetensors").arrays["w"].tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "cut off or of another kind: it has 0 bytes"),
        (b"\x80\x04]\x94.", "cut off or of another kind"),
        (b"PK\x03\x04" + bytes(300), "cut off or of another kind"),
        (bytes(300), "not a file that pullback wrote"),
        (to_bytes(arrays={"w": np.ones(3)})[:-1], "does not end where its tensors end"),
    ],
    ids=["empty", "pickle", "zip", "zeros", "one byte short"],
)
def test_a_foreign_file_is_refused_with_its_path(tmp_path, content, said):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(FileError) as error:
        read_file(tmp_path / "a")
    assert said in error.value.what
    assert str(tmp_path / "a") in error.value.what


def test_a_missing_file_and_a_folder_are_typed_errors(tmp_path):
    with pytest.raises(FileError, match="No such file"):
        read_file(tmp_path / "a")
    with pytest.raises(FileError, match="this is not a file"):
        read_file(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_a_named_pipe_is_refused_without_waiting_for_it(tmp_path):
    os.mkfifo(tmp_path / "a")
    with pytest.raises(FileError, match="this is not a file"):
        read_file(tmp_path / "a")


def test_a_file_of_a_terabyte_of_another_kind_is_not_read(tmp_path):
    with (tmp_path / "a").open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(FileError, match="not a file that pullback wrote"):
        read_file(tmp_path / "a")


# --- sizes ---


def chain(gates):
    builder = Builder()
    h = x = builder.input(FLOAT, "x")
    builder.input(Spec((3,), np.dtype("float64")), "unused")
    for _ in range(gates // 2):
        h = h * 0.5 + x
    return builder.finish([h])


def test_an_empty_file_and_an_empty_circuit_come_back():
    assert from_bytes(to_bytes()) == (None, {}, {})
    assert len(reloaded(Builder().finish([]))) == 0


@pytest.mark.slow
def test_a_chain_of_100_000_gates_comes_back():
    circuit = chain(100_000)
    loaded = reloaded(circuit)
    assert np.array_equal(loaded.operands, circuit.operands)
    assert loaded.names == circuit.names
    inputs = [1.0, np.zeros(3)]
    assert compile(loaded).run(inputs) == compile(circuit).run(inputs)


@pytest.mark.slow
def test_one_lie_among_100_000_rows_is_found():
    circuit = chain(100_000)
    circuit.spec[88_888] = 1
    with pytest.raises(
        FileError, match=r"row 88888 says \(3,\) float64, but its add gate puts out \(\)"
    ):
        to_bytes(circuit)
