"""Laws of the loader: no lie is believed, however well it is signed, and none costs much to refuse."""

import sys
import tracemalloc
from random import Random

import numpy as np
import pytest
from laws.forging import (
    SMALL,
    closed,
    compact,
    damaged,
    forged,
    forged_header,
    lied,
    opened,
    parts,
    signed,
    small_circuit,
)

from pullback.core.build import Builder
from pullback.core.file import check, from_bytes, to_bytes
from pullback.core.shapes import Spec
from pullback.errors import FileError
from pullback.gates.shape import concat

ALLOWED = 64 * 2**20  # bytes that refusing a file may take, beyond the file and its size again
DIMS = 2**62


def refusal(data):
    with pytest.raises(FileError) as error:
        from_bytes(data)
    return str(error.value)


# --- hostile tables and columns, rightly signed ---


def put(name, at, value):
    """Write one integer into a column."""

    def change(tables, tensors):
        tensors[f"circuit.{name}"][at] = value

    return change


def table(name, edit):
    """Change one table of the circuit."""

    def change(tables, tensors):
        edit(tables["circuit"][name])

    return change


def tensor(name, edit):
    """Replace one tensor by what `edit` makes of it; None takes it away."""

    def change(tables, tensors):
        tensors[name] = edit(tensors.get(name))
        if tensors[name] is None:
            del tensors[name]

    return change


def both(*changes):
    def change(tables, tensors):
        for one in changes:
            one(tables, tensors)

    return change


def row_of(gate):
    """The first row of a gate in the small circuit."""
    tables, tensors = opened(SMALL)
    return int(np.flatnonzero(tensors["circuit.op"] == tables["circuit"]["ops"].index(gate))[0])


def operand_of(gate):
    return int(opened(SMALL)[1]["circuit.first"][row_of(gate)])


def attribute_of(gate):
    return int(opened(SMALL)[1]["circuit.attribute"][row_of(gate)])


def site(*entry):
    return table("sites", lambda t: t.append(list(entry)))


def spec(*entry):
    return table("specs", lambda t: t.append(list(entry)))


def attribute(gate, **values):
    return table("attributes", lambda t: t[attribute_of(gate)].update(values))


def labels(edit):
    return tensor("circuit.labels", lambda t: np.frombuffer(edit(t.tobytes()), np.uint8))


HUGE = 2**31 - 1
ROWS = len(small_circuit())
CHANGES = {
    "a cycle": (put("operands", operand_of("add"), row_of("tanh")), "not before it"),
    "a gate that listens to itself": (put("operands", operand_of("tanh"), row_of("tanh")), "not before it"),
    "a negative operand": (put("operands", 0, -1), "not before it"),
    "an operand beyond all rows": (put("operands", 0, HUGE), "not before it"),
    "operands shared out wrongly": (put("first", -1, 3), "does not divide"),
    "an operand that nobody listens to": (
        tensor("circuit.operands", lambda t: np.append(t, t[:1])), "does not divide"
    ),
    "operands of one row too many": (
        tensor("circuit.first", lambda t: np.append(t, t[-1:])), "'first' has"
    ),
    "operands that do not start at 0": (put("first", 0, 1), "does not divide"),
    "operands shared out backwards": (put("first", row_of("tanh"), 0), "does not divide"),
    "operands beyond 64 bits": (put("first", 1, -(2**63)), "'first'"),
    "a constant that listens": (put("op", row_of("tanh"), 1), "has inputs of its own"),
    "too few inputs": (put("op", row_of("tanh"), 4), "takes 2"),
    "a gate without inputs": (
        both(put("first", row_of("add"), 0), put("first", row_of("add") + 1, 0)), "."
    ),
    "an unknown gate": (table("ops", lambda t: t.__setitem__(2, "tanhh")), "did you mean 'tanh'"),
    "a Python name as a gate": (table("ops", lambda t: t.__setitem__(2, "__import__")), "no gate is called"),
    "a gate named twice": (table("ops", lambda t: t.append("tanh")), "none twice"),
    "constants before inputs": (
        table("ops", lambda t: t.__setitem__(slice(2), ["constant", "input"])), "begins with"
    ),
    "no input gate": (table("ops", lambda t: t.__setitem__(0, "constant")), "begins with"),
    "a gate beyond the table": (put("op", 3, 99), "'op'"),
    "a negative gate": (put("op", 3, -1), "'op'"),
    "a spec beyond the table": (put("spec", 3, 99), "'spec'"),
    "a site beyond the table": (put("site", 3, 99), "'site'"),
    "a negative group": (put("group", 3, -1), "'group'"),
    "a label beyond the table": (put("label", 3, 99), "'label'"),
    "a label below -1": (put("label", 3, -2), "'label'"),
    "an attribute beyond the table": (put("attribute", row_of("tanh"), 99), "'attribute'"),
    "a constant beyond the table": (put("attribute", row_of("constant"), 99), "'attribute'"),
    "an input of another position": (put("attribute", 0, 1), "position stored"),
    "a wrong spec": (put("spec", row_of("tanh"), 1), "its tanh gate puts out (2, 3) float64"),
    "a wrong dtype": (put("spec", row_of("greater"), 0), "puts out"),
    "a constant of another spec": (put("spec", row_of("constant"), 0), "than it says"),
    "inputs of different dtypes": (put("operands", operand_of("multiply") + 1, 1), "different dtypes"),
    "a column too short": (tensor("circuit.spec", lambda t: t[1:].copy()), "entries instead of"),
    "a column missing": (tensor("circuit.site", lambda t: None), "is missing"),
    "a column of floats": (tensor("circuit.op", lambda t: t.astype("f4")), "is missing"),
    "a column of 64 bits": (tensor("circuit.op", lambda t: t.astype("i8")), "is missing"),
    "a column with two axes": (tensor("circuit.op", lambda t: t.reshape(1, -1)), "is missing"),
    "a column too many": (tensor("circuit.extra", lambda t: np.zeros(3)), "cannot name an array"),
    "an unsafe array name": (tensor("a b", lambda t: np.zeros(3)), "cannot name an array"),
    "an array name with a path": (tensor("../w", lambda t: np.zeros(3)), "cannot name an array"),
    "a dunder array name": (tensor("w.__class__", lambda t: np.zeros(3)), "cannot name an array"),
    "an array of bytes": (tensor("w", lambda t: np.zeros(3, np.uint8)), "uint8"),
    "a bool that is 2": (tensor("w", lambda t: np.full(3, 2, np.uint8).view(bool)), "neither true"),
    "an output beyond all rows": (put("outputs", 0, ROWS), "'outputs'"),
    "a negative output": (put("outputs", 0, -1), "'outputs'"),
    "an input twice": (put("inputs", 1, 0), "list of inputs"),
    "an input that is a gate": (put("inputs", 1, 5), "list of inputs"),
    "an input left out": (tensor("circuit.inputs", lambda t: t[:1].copy()), "."),
    "an unknown role": (put("roles", 0, 99), "'roles'"),
    "a negative role": (put("roles", 0, -1), "'roles'"),
    "a role too few": (tensor("circuit.roles", lambda t: t[:1].copy()), "roles"),
    "an input without a name": (
        both(put("label", 0, -1), tensor("circuit.explicit", lambda t: t[1:].copy())), "has no name"
    ),
    "two inputs of one name": (put("label", 1, 0), "two inputs have the same name"),
    "an unsafe wire name": (labels(lambda t: b"x;y" + t[1:]), "not an ASCII identifier"),
    "a wire name that is not ASCII": (labels(lambda t: "é".encode() + t[1:]), "not an ASCII identifier"),
    "an empty wire name": (labels(lambda t: t + b"\n"), "not an ASCII identifier"),
    "a dunder wire name": (labels(lambda t: t + b"__init__\n"), "not an ASCII identifier"),
    "a wire name without an end": (labels(lambda t: t[:-1]), "not an ASCII identifier"),
    "a wire name of 256 letters": (labels(lambda t: t + b"x" * 256 + b"\n"), "not an ASCII identifier"),
    "a given name that is none": (put("label", row_of("sum"), -1), "name has none"),
    "a given name beyond all rows": (put("explicit", -1, ROWS), "'explicit'"),
    "a given name twice": (
        tensor("circuit.explicit", lambda t: np.repeat(t, 2)), "not in order"
    ),
    "an unsafe scope": (table("groups", lambda t: t.append(["a-b"])), "not an ASCII identifier"),
    "a first group with a name": (table("groups", lambda t: t.insert(0, ["a"])), "are empty"),
    "a first site in a file": (table("sites", lambda t: t.insert(0, ["a.py", 1, ""])), "are empty"),
    "a first attribute with a value": (table("attributes", lambda t: t.insert(0, {"a": 1})), "are empty"),
    "a place with a folder": (site("/home/ann/a.py", 1, ""), "not the place"),
    "a place that ends its comment": (site("a.py\nimport os", 1, ""), "not the place"),
    "a place with a tag": (site("<script>", 1, ""), "not the place"),
    "a place of 65 letters": (site("x" * 65, 1, ""), "not the place"),
    "a place on line -1": (site("a.py", -1, ""), "not the place"),
    "a place with an unsafe variable": (site("a.py", 1, "a b"), "not the place"),
    "a place with a broken line": (site("a.py", 1.5, ""), "not readable"),
    "an enormous shape": (spec("float64", [DIMS, DIMS]), "no wire can carry"),
    "a large shape that hides behind a 0": (spec("float64", [0, DIMS]), "no wire can carry"),
    "a negative size": (spec("float64", [-1]), "no wire can carry"),
    "too many axes": (spec("float64", [1] * 33), "no wire can carry"),
    "an unknown dtype": (spec("object", []), "not 'object'"),
    "a spec twice": (table("specs", lambda t: t.append(t[0])), "specs are equal"),
    "a size of 100 digits": (spec("float64", [10**100]), "not readable"),
    "an attribute too many": (attribute("sum", extra=1), "no attribute 'extra'"),
    "an attribute too few": (
        table("attributes", lambda t: t[attribute_of("sum")].pop("axis")), "its attributes are"
    ),
    "attributes in another order": (
        table("attributes", lambda t: t[attribute_of("sum")].update(axis=t[attribute_of("sum")].pop("axis"))),
        "its attributes are",
    ),
    "an attribute of another kind": (attribute("sum", axis="all"), "cannot be a sum gate"),
    "an axis that does not exist": (attribute("sum", axis=7), "axis 7"),
    "an attribute that is a program": (attribute("sum", keepdims="f('x')"), "no gate has"),
    "an attribute that is a dict": (attribute("sum", axis={"a": 1}), "no gate has"),
    "attributes that are a float": (
        table("attributes", lambda t: t.append({"$float": "inf"})), "unknown mark"
    ),
    "an unsafe attribute name": (attribute("sum", **{"a b": 1}), "no gate has the attributes"),
    "an attribute with an unknown mark": (attribute("sum", axis={"$eval": "1"}), "unknown mark"),
    "an attribute that is no float": (attribute("sum", axis={"$float": "1.5"}), "invalid number"),
    "an attribute with two floats": (attribute("sum", axis={"$float": "inf", "a": 1}), "invalid number"),
    "an attribute beyond int64": (attribute("sum", axis=2**63), "not readable"),
    "an attribute nested 20 deep": (
        attribute("sum", axis=[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]), "not readable"
    ),
    "an index that copies everything": (attribute("slice", index=[True]), "not made of integers"),
    "an unknown kind of constant": (put("constant_kinds", 0, 9), "'constant_kinds'"),
    "a negative kind of constant": (put("constant_kinds", 0, -1), "'constant_kinds'"),
    "a constant too many": (
        tensor("circuit.constants_float64", lambda t: np.append(t, 1.0)), "differ in number"
    ),
    "an array constant missing": (tensor("circuit.constant.0", lambda t: None), "constant.0' is missing"),
    "an array constant of bytes": (
        tensor("circuit.constant.0", lambda t: np.zeros(3, np.uint8)), "constant.0' is missing"
    ),
    "an array constant without axes": (
        tensor("circuit.constant.0", lambda t: t[0]), "constant.0' is missing"
    ),
    "no circuit for its columns": (lambda tables, _: tables.update(circuit=None), "cannot name an array"),
    "an unknown table": (lambda tables, _: tables.update(more=[]), "not readable"),
    "an unknown table of the circuit": (
        lambda tables, _: tables["circuit"].update(imports=["os"]), "not readable"
    ),
    "a table of the circuit left out": (lambda tables, _: tables["circuit"].pop("groups"), "not readable"),
    "about that is a float": (lambda tables, _: tables.update(about={"$float": "inf"}), "unknown mark"),
    "about that is a list": (lambda tables, _: tables.update(about=[]), "not readable"),
    "about nested 20 deep": (
        lambda tables, _: tables.update(about={"a": [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]}),
        "not readable",
    ),
    "about with an unknown mark": (lambda tables, _: tables.update(about={"$a": 1}), "unknown mark"),
    "about with a key of 70,000 letters": (
        lambda tables, _: tables.update(about={"a" * 70_000: 1}), "unknown mark"
    ),
    "about with a text of 70,000 letters": (
        lambda tables, _: tables.update(about={"a": "a" * 70_000}), "not readable"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "said"), CHANGES.values(), ids=CHANGES)
def test_a_rightly_signed_lie_is_refused_by_name(change, said):
    assert said in refusal(forged(SMALL, change))


def test_operands_before_the_first_row_are_found():
    builder = Builder()
    x = builder.input(Spec((0,), np.dtype("float64")), "x")
    data = to_bytes(builder.finish([concat(x, x, x, axis=0)]))
    assert "does not divide" in refusal(
        forged(data, tensor("circuit.first", lambda t: t + (t < 3)))
    )


def test_a_circuit_of_too_many_rows_is_refused(monkeypatch):
    monkeypatch.setattr(check, "ROWS", ROWS - 1)
    assert f"has {ROWS} rows; a file holds at most {ROWS - 1}" in refusal(SMALL)


def test_names_stay_unique_even_when_the_table_of_names_has_one_twice():
    twice = labels(lambda t: t.replace(b"w\n", b"x\n", 1))
    assert from_bytes(forged(SMALL, twice)).circuit.input_names == ("x", "x_2")


def test_the_forger_forges_nothing_by_itself():
    assert closed(*opened(SMALL)) == SMALL


# --- hostile headers, rightly signed ---

OFFSETS = b'"shape":[2,2],"data_offsets":[%d,%d]' % tuple(
    parts(SMALL)[0]["layer1.w"]["data_offsets"]
)
START, STOP = parts(SMALL)[0]["layer1.w"]["data_offsets"]


def offsets(shape, start, stop):
    return b'"shape":%b,"data_offsets":[%d,%d]' % (shape, start, stop)


HEADERS = {
    "a gap": (OFFSETS, offsets(b"[2,2]", START + 8, STOP + 8), "not written"),
    "an overlap": (OFFSETS, offsets(b"[2,2]", START - 8, STOP - 8), "not written"),
    "an end before the start": (OFFSETS, offsets(b"[2,2]", STOP, START), "not written"),
    "a size that lies": (OFFSETS, offsets(b"[2,3]", START, STOP), "not written"),
    "an enormous tensor": (OFFSETS, offsets(b"[%d,%d]" % (DIMS, DIMS), START, STOP), "impossible shape"),
    "sizes whose product is 2**64 + 4": (
        OFFSETS, offsets(b"[%d,4]" % (DIMS + 1), START, STOP), "impossible shape"
    ),
    "a tensor larger than the file": (OFFSETS, offsets(b"[2,200]", START, STOP), "not written"),
    "a negative size": (OFFSETS, offsets(b"[-2,-2]", START, STOP), "impossible shape"),
    "a size of 5,000 digits": (OFFSETS, offsets(b"[" + b"9" * 5000 + b"]", START, STOP), "not readable"),
    "a broken size": (OFFSETS, offsets(b"[2.0,2]", START, STOP), "not readable"),
    "a shape that is text": (OFFSETS, offsets(b'"22"', START, STOP), "impossible shape"),
    "no shape": (b'"shape":[2,2],', b"", "impossible shape"),
    "an unknown dtype": (b'"F64"', b'"F16"', "unknown dtype"),
    "a dtype that is a list": (b'"dtype":"F64"', b'"dtype":[64]', "unknown dtype"),
    "one more key": (b'"shape":[2,2],', b'"shape":[2,2],"more":[],', "not written"),
    "a space": (b'"shape":[2,2],', b'"shape": [2,2],', "not written"),
    "another spelling of a letter": (b'"layer1.w"', b'"layer1\\u002ew"', "not written"),
    "a key twice": (b'"shape":[2,2],', b'"shape":[2,2],"shape":[2,2],', "not written"),
    "a tensor twice": (
        b'"layer1.w":', b'"layer1.w":{"dtype":"F64","shape":[],"data_offsets":[0,0]},"layer1.w":',
        "not written",
    ),
    "two metadata": (b',"layer1.w":', b',"__metadata__":{},"layer1.w":', "not written"),
    "more metadata": (b'}"},"circuit', b'}","more":"x"},"circuit', "not written"),
    "metadata of another kind": (b'}"},"circuit', b'}","pullback":[1]},"circuit', "not written"),
    "a table key twice": (b'\\"rate\\":0.1', b'\\"rate\\":0.1,\\"rate\\":0.1', "tables are not written"),
    "a space in a table": (b'\\"rate\\":0.1', b'\\"rate\\": 0.1', "tables are not written"),
    "a long zero": (b'\\"rate\\":0.1', b'\\"rate\\":0.10', "tables are not written"),
    "NaN": (b'\\"rate\\":0.1', b'\\"rate\\":NaN', "not readable"),
    "a number beyond all floats": (b'\\"rate\\":0.1', b'\\"rate\\":1e999', "not readable"),
    "half a surrogate pair": (b'\\"rate\\"', b'\\"\\\\ud800\\"', "not readable"),
    "text after the tables": (b'}"},"circuit', b'} "},"circuit', "."),
    "another end of the text": (b'}"},"circuit', b']"},"circuit', "not written"),
    "a format with a zero in front": (b'format\\":1', b'format\\":01', "not a file that pullback wrote"),
    "bytes that are not UTF-8": (b"cat", b"\xff\xfe\xfd", "not readable"),
    "a letter that is not escaped": (b"cat", "dög".encode(), "not written"),
    "a NUL": (b"cat", b"c\0t", "not readable"),
    "no end": (b"}}", b"", "."),
    "format 2": (b'format\\":1', b'format\\":2', "format 2; this version of pullback reads format 1"),
    "format 0": (b'format\\":1', b'format\\":0', "format 0"),
    "another first key": (b"__metadata__", b"__Metadata__", "not a file that pullback wrote"),
    "a checksum in capitals": (b'checksum\\":\\"', b'checksum\\":\\"F', "not a file that pullback wrote"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), HEADERS.values(), ids=HEADERS)
def test_a_header_with_two_readings_is_refused(old, new, said):
    assert said in refusal(forged_header(SMALL, old, new))


@pytest.mark.parametrize("size", [0, 1, 200, 2**31, 2**63, 2**64 - 1])
def test_an_absurd_header_length_is_refused(size):
    refusal(signed(size.to_bytes(8, "little") + SMALL[8:]))


# --- at random; bench/fuzz_files.py does the same for millions ---


@pytest.mark.parametrize("seed", range(20))
def test_random_damage_is_found(seed):
    random = Random(seed)
    for _ in range(100):
        data = damaged(random, SMALL)
        assert data == SMALL or refusal(data)


@pytest.mark.parametrize("seed", range(60))
def test_a_random_lie_is_refused_or_is_the_one_spelling_of_something(seed):
    data = lied(Random(seed), SMALL)
    try:
        loaded = from_bytes(data)
    except FileError:
        return
    assert to_bytes(*loaded) == data


# --- bombs ---


def with_about(text):
    """A file whose about holds this text, and a last entry that is refused."""
    return closed(f'{{"circuit":null,"about":{{"a":{text},"z":{{"$a":1}}}}}}', {})


def many(piece, count):
    return with_about("[" + f"{piece}," * count + "1]")


BOMBS = {
    "lists a million deep": lambda: with_about("[" * 10**6),
    "dicts a million deep": lambda: with_about('{"a":' * 10**6),
    "a million empty dicts": lambda: many("{}", 10**6),
    "a million short texts": lambda: many('"ab"', 10**6),
    "a number of a million digits": lambda: with_about("9" * 10**6),
    "three million letters of four bytes": lambda: many(f'"{"🙂" * 10**3}"', 3000),
}
# These are just small enough to be looked into, and their fault comes last.
SLOW_BOMBS = {
    "empty lists in lists": lambda: many("[[[[[[1]]]]]]", 55_000),
    "dicts": lambda: many('{"a":1}', 200_000),
    "texts with an emoji": lambda: many(f'"\\ud83d\\ude00{"a" * 60_000}"', 160),
    "tensors": lambda: forged(SMALL, tensors(45_000)),
    "too many tensors": lambda: forged(SMALL, tensors(100_000)),
    "attributes": lambda: forged(SMALL, table("attributes", add_attributes)),
    "names": lambda: forged(SMALL, labels(lambda t: t + b"ab\n" * 10**6 + b"1\n")),
    "inputs of one gate": lambda: forged(wide(100_000), spec_of_last(100_001)),
}


def tensors(count):
    def change(_, tensors):
        tensors.update({f"w{i}": np.zeros(()) for i in range(count)}, **{"1": np.zeros(())})

    return change


def add_attributes(table):
    table.extend({"index": [[i, i + 1000, None]]} for i in range(70_000))
    table.append({"a b": 1})


def wide(count):
    builder = Builder()
    x = builder.input(Spec((1,), np.dtype("float64")), "x")
    return to_bytes(builder.finish([concat(*[x] * count, axis=0)]))


def spec_of_last(size):
    return table("specs", lambda t: t[-1].__setitem__(1, [size]))


@pytest.mark.parametrize(
    "make",
    [*BOMBS.values(), *(pytest.param(b, marks=pytest.mark.slow) for b in SLOW_BOMBS.values())],
    ids=[*BOMBS, *SLOW_BOMBS],
)
def test_a_bomb_costs_at_most_its_own_size_and_64_MiB(make):
    data = make()
    tracemalloc.start()
    try:
        refusal(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= len(data) + ALLOWED


def test_no_nesting_reaches_the_recursion_limit():
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(10**6)  # as a person might; recursion would now overflow the stack
    try:
        refusal(with_about("[" * 10**5))
        refusal(with_about('{"a":' * 10**5))
    finally:
        sys.setrecursionlimit(before)


def test_what_is_too_large_to_be_read_is_not_written():
    with pytest.raises(FileError, match="too large for a file"):
        to_bytes(about={"a": [[0] * 1000] * 1000})


def test_a_table_text_is_json_and_nothing_else():
    assert "not readable" in refusal(closed(compact([]), {}))
    assert "not readable" in refusal(closed("", {}))
