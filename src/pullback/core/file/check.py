"""Is this a circuit? Every rule that a traced circuit keeps by itself, asked of one from a file.

Integers are checked column by column; each gate is recorded again once for every kind of use, and
what it then puts out is compared with what the circuit says. So a million equal gates cost one.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pullback.core.build import Builder
from pullback.core.circuit import CONSTANT, INPUT, ROLES
from pullback.core.dtypes import DTYPES
from pullback.core.file.columns import ARRAY, Columns
from pullback.core.file.container import AXES, fits, said
from pullback.core.gate import GATES, Gate
from pullback.core.names import is_safe
from pullback.core.shapes import Spec
from pullback.core.sites import NOWHERE
from pullback.errors import FileError, PullbackError, did_you_mean

ROWS = 50_000_000
OPERANDS = 100_000  # of one gate
SHORT = 3  # up to so many inputs, equal uses of a gate are found column by column,
BLOCK = 2**18  # so many rows at a time,
FEW = 100  # unless there are no more than so many

# Attributes and file names are printed into programs: no quote, bracket, backslash or line end.
_TEXT = re.compile(r"[A-Za-z0-9_ ,.:>+-]{0,64}")
# Passes lengthen the names that people give: a d in front, _2 behind.
_LABEL = re.compile(rb"(?!__)[A-Za-z_][A-Za-z0-9_]{0,254}\n")
_FILE_NAME = re.compile(r"[\w.\- ]{0,64}")


def check_columns(columns: Columns) -> None:
    """FileError unless `columns` are of a circuit that tracing could have made. Linear in their size."""
    _check_gates_known(columns.ops)
    _check_tables(columns)
    _check_labels(columns.labels)
    _check_constant_kinds(columns)
    _check_ranges(columns)
    _check_order(columns)
    _check_inputs(columns)
    _check_constants(columns)
    for row in _kinds_of_use(columns):
        _check_gate(columns, row)


def _check_gates_known(ops: tuple[str, ...]) -> None:
    if ops[:2] != (INPUT, CONSTANT) or len(set(ops)) != len(ops):
        raise FileError("a table of gates begins with input and constant and has none twice.")
    for name in ops[2:]:
        if name not in GATES:
            near = did_you_mean(name, GATES)
            raise FileError(
                f"no gate is called '{said(name)}'" + (f"; {near}" if near else "."),
                why="A gate of your own has to be declared before the file is loaded.",
            )


def _check_tables(columns: Columns) -> None:
    starts = columns.attributes[:1], columns.sites[:1], columns.groups[:1]
    if starts != (({},), (NOWHERE,), ((),)):
        raise FileError("the first attribute, site and group of a circuit are empty ones.")
    if len(set(columns.specs)) != len(columns.specs):
        raise FileError("two specs are equal.")
    for spec in columns.specs:
        if spec.dtype not in DTYPES or len(spec.shape) > AXES or not fits(spec.shape):
            raise FileError(f"no wire can carry {said(spec)}.")
    for site in columns.sites:
        named = site.name == "" or is_safe(site.name)
        if not named or not _FILE_NAME.fullmatch(site.file) or not 0 <= site.line < 2**31:
            raise FileError(f"'{said(tuple(site))}' is not the place of a line of code.")
    for name in (name for group in columns.groups for name in group):
        if not is_safe(name):
            raise FileError(f"'{said(name)}' cannot name a scope: it is not an ASCII identifier.")
    for attributes in columns.attributes:
        _check_texts(attributes)


def _check_texts(attributes: dict[str, Any]) -> None:
    if not all(is_safe(name) for name in attributes):
        raise FileError(f"no gate has the attributes '{said(list(attributes))}'.")
    left: list[Any] = list(attributes.values())
    for value in left:  # which grows
        if isinstance(value, tuple):
            left.extend(value)
        elif isinstance(value, dict) or (isinstance(value, str) and not _TEXT.fullmatch(value)):
            raise FileError(f"no gate has an attribute '{said(value)}'.")


def _check_labels(labels: NDArray[np.uint8]) -> None:
    for line in BytesIO(labels.tobytes()):  # one by one: a million names are not there at once
        if not _LABEL.fullmatch(line):
            name = said(line.decode("ascii", "replace"))
            raise FileError(f"'{name}' cannot name a wire: it is not an ASCII identifier.")


def _check_constant_kinds(columns: Columns) -> None:
    kinds = columns.constant_kinds
    _check_ids(kinds, len(kinds), 0, ARRAY + 1, "constant_kinds")
    counts = np.bincount(kinds, minlength=ARRAY + 1).tolist()
    if counts != [*(s.size for s in columns.scalars), len(columns.arrays)]:
        raise FileError("the constants and their kinds differ in number.")


def _check_ranges(columns: Columns) -> None:
    rows, labels = len(columns), int((columns.labels == ord("\n")).sum())
    if rows > ROWS:
        raise FileError(f"the circuit has {rows:,} rows; a file holds at most {ROWS:,}.")
    for name in ("op", "spec", "site", "group"):
        _check_ids(getattr(columns, name), rows, 0, len(getattr(columns, f"{name}s")), name)
    _check_ids(columns.label, rows, -1, labels, "label")
    kinds = np.array([len(columns.inputs), len(columns.constant_kinds), len(columns.attributes)])
    _check_ids(columns.attribute, rows, 0, kinds[np.minimum(columns.op, 2)], "attribute")
    _check_ids(columns.outputs, len(columns.outputs), 0, rows, "outputs")
    explicit = columns.explicit
    _check_ids(explicit, len(explicit), 0, rows, "explicit")
    if (explicit[1:] <= explicit[:-1]).any():
        raise FileError("the rows with a given name are not in order.")
    if (columns.label[explicit] < 0).any():
        raise FileError("a row with a given name has none.")


def _check_ids(ids: NDArray[Any], count: int, lowest: int, stop: Any, column: str) -> None:
    """FileError unless `ids` are `count` integers from lowest to stop - 1."""
    if len(ids) != count:
        raise FileError(f"the column '{column}' has {len(ids):,} entries instead of {count:,}.")
    wrong = (ids < lowest) | (ids >= stop)
    if wrong.any():
        at = int(wrong.argmax())
        raise FileError(f"entry {at} of the column '{column}' is {ids[at]}, which does not exist.")


def _check_order(columns: Columns) -> None:
    """The inputs of a gate are rows before its own; other rows have no inputs."""
    rows, first, operands = len(columns), columns.first, columns.operands
    _check_ids(first, rows + 1, 0, len(operands) + 1, "first")
    counts = np.diff(first)
    if first[0] != 0 or first[-1] != len(operands) or (counts < 0).any():
        raise FileError("the column 'first' does not divide the operands among the rows.")
    if counts.max(initial=0) > OPERANDS:
        most = f"{counts.max():,} inputs; a file allows {OPERANDS:,}."
        raise FileError(f"row {counts.argmax()} has {most}")
    if counts[columns.op < 2].any():
        raise FileError("an input or a constant has inputs of its own.")
    row = np.repeat(np.arange(rows, dtype=np.int32), counts)
    wrong = (operands < 0) | (operands >= row)
    if wrong.any():
        at = int(wrong.argmax())
        raise FileError(f"row {row[at]} has row {operands[at]} as input, which is not before it.")


def _check_inputs(columns: Columns) -> None:
    inputs, roles = columns.inputs, columns.roles
    if not np.array_equal(np.sort(inputs), np.flatnonzero(columns.op == 0)):
        raise FileError("the list of inputs is not that of the rows that are inputs.")
    if not np.array_equal(columns.attribute[inputs], np.arange(inputs.size)):
        raise FileError("the position stored for an input is wrong.")
    _check_ids(roles, len(inputs), 0, len(ROLES), "roles")
    labels = np.sort(columns.label[inputs])
    if (labels < 0).any():
        raise FileError("an input has no name.")
    if (labels[1:] == labels[:-1]).any():
        raise FileError("two inputs have the same name.")
    named = set(labels.tolist())
    for label, line in enumerate(BytesIO(columns.labels.tobytes())):
        name = line.decode().strip()
        if keyword.iskeyword(name) and label in named:
            raise FileError(f"no input can be called '{name}': it is a word of Python.")


def _check_constants(columns: Columns) -> None:
    """Each constant row carries what its constant is."""
    ids = {spec: i for i, spec in enumerate(columns.specs)}
    carried = np.array([*(ids.get(Spec((), d), -1) for d in DTYPES), -1])[columns.constant_kinds]
    for position, array in columns.arrays.items():
        carried[position] = ids.get(Spec(array.shape, array.dtype), -1)
    rows = np.flatnonzero(columns.op == 1)
    wrong = carried[columns.attribute[rows]] != columns.spec[rows]
    if wrong.any():
        raise FileError(
            f"row {rows[wrong.argmax()]} is a constant of another shape or dtype than it says."
        )


def _kinds_of_use(columns: Columns) -> Iterator[int]:
    """One row of each gate, attribute and specs of output and inputs that occur together."""
    seen: set[bytes] = set()
    for start in range(0, len(columns), BLOCK):
        for row in _candidates(columns, start, min(start + BLOCK, len(columns))):
            listened = columns.operands[columns.first[row] : columns.first[row + 1]]
            use = np.array([columns.op[row], columns.attribute[row], columns.spec[row]])
            key = use.tobytes() + columns.spec[listened].tobytes()
            if key not in seen:
                seen.add(key)
                yield row


def _candidates(columns: Columns, start: int, stop: int) -> list[int]:
    """Rows from start to stop - 1, in order, among which is the first of each kind of use there."""
    counts = np.diff(columns.first[start : stop + 1])
    gates = columns.op[start:stop] > 1
    found = (start + np.flatnonzero(gates & (counts > SHORT))).tolist()
    for count in range(SHORT + 1):
        rows = start + np.flatnonzero(gates & (counts == count))
        found += _one_of_each(columns, rows, count) if rows.size > FEW else rows.tolist()
    return sorted(found)


def _one_of_each(columns: Columns, rows: NDArray[Any], count: int) -> list[int]:
    """The first of each kind among `rows`, which all have `count` inputs."""
    kind = columns.op[rows].astype(np.int64)
    uses = [(columns.attribute[rows], columns.attributes), (columns.spec[rows], columns.specs)]
    for position in range(count):
        listened = columns.operands[columns.first[rows] + position]
        uses.append((columns.spec[listened], columns.specs))
    for column, table in uses:
        # Numbered anew after each column, so that the product stays below 2**63.
        kind = np.unique(kind * len(table) + column, return_inverse=True)[1]
    return rows[np.unique(kind, return_index=True)[1]].tolist()  # type: ignore[no-any-return]


def _check_gate(columns: Columns, row: int) -> None:
    gate = GATES[columns.ops[columns.op[row]]]
    listened = columns.operands[columns.first[row] : columns.first[row + 1]]
    specs = [columns.specs[i] for i in columns.spec[listened].tolist()]
    try:
        made = _recorded(gate, specs, columns.attributes[columns.attribute[row]])
    except Exception as error:  # a gate's rules were never meant for numbers from a stranger
        what = error.what if isinstance(error, PullbackError) else str(error)
        raise FileError(f"row {row} cannot be a {gate.name} gate: {said(what)}") from error
    says = columns.specs[columns.spec[row]]
    if made != says:
        raise FileError(f"row {row} says {says}, but its {gate.name} gate puts out {made}.")


def _recorded(gate: Gate, specs: list[Spec], attributes: dict[str, Any]) -> Spec:
    """What `gate` puts out for inputs of these specs, recorded as tracing would."""
    if list(gate.bind(attributes)) != list(attributes):
        raise FileError(f"its attributes are {', '.join(gate.defaults) or 'none'}.")
    builder = Builder()
    builder.here = (0, 0)
    inputs = {spec: builder.input(spec, "x") for spec in dict.fromkeys(specs)}
    made = builder.apply(gate, [inputs[s] for s in specs], attributes)
    if len(builder) != len(inputs) + 1:
        raise FileError("its inputs are of different dtypes.")
    return made.spec
