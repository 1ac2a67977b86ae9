"""Write hostile model files: change what a file says and give it a right checksum again.

The forger knows the file form from its description alone and shares no code with the loader.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

import numpy as np

import pullback.gates  # noqa: F401 - fills the registry
from pullback.core.build import Builder
from pullback.core.circuit import Circuit
from pullback.core.file import to_bytes
from pullback.core.shapes import Spec
from pullback.core.sites import scope
from pullback.gates.curves import tanh
from pullback.gates.reduce import sum
from pullback.gates.shape import concat

LETTERS = {"f8": "F64", "f4": "F32", "i8": "I64", "i4": "I32", "u1": "U8", "b1": "BOOL"}
ZEROS = b"0" * 64
AT = 66  # where the checksum stands

Tables = dict[str, Any]
Tensors = dict[str, Any]


def small_circuit() -> Circuit:
    """A little of everything that a circuit can have."""
    builder = Builder()
    x = builder.input(Spec((2, 3), np.dtype("float64")), "x")
    w = builder.input(Spec((3,), np.dtype("float32")), "w", "parameter")
    with scope("layer1"):
        h = tanh(x * w + np.array([1.0, -0.0, np.nan]))
    total = sum(h[1:], axis=(0, 1)).named("total")
    row = concat(h[0], h[1], h[0], h[1], axis=0)
    return builder.finish([total * 2.0, row > np.float32(0.5), total + 3])


SMALL = to_bytes(
    small_circuit(), {"layer1.w": np.ones((2, 2))}, {"classes": ["cat", "dög"], "rate": 0.1}
)


def signed(data: bytes) -> bytes:
    """The same bytes with a right checksum, if they have a place for one."""
    if len(data) < AT + 64:
        return data
    digits = hashlib.sha256(data[:AT] + ZEROS + data[AT + 64 :]).hexdigest().encode()
    return data[:AT] + digits + data[AT + 64 :]


def parts(data: bytes) -> tuple[dict[str, Any], Tables, bytes]:
    """Header, tables and tensor bytes of a file."""
    stop = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:stop])
    return header, json.loads(header["__metadata__"]["pullback"])["tables"], data[stop:]


def opened(data: bytes) -> tuple[Tables, Tensors]:
    """Tables and tensors, free to be changed."""
    header, tables, body = parts(data)
    kinds = {letters: kind for kind, letters in LETTERS.items()}
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, stop = entry["data_offsets"]
            flat = np.frombuffer(body[start:stop], f"<{kinds[entry['dtype']]}")
            tensors[name] = flat.reshape(entry["shape"]).copy()
    return tables, tensors


def closed(tables: Tables | str, tensors: Tensors) -> bytes:
    """A file with these tables (or this text for them) and tensors, signed."""
    text = tables if isinstance(tables, str) else compact(tables)
    inside = '{"format":1,"checksum":"' + ZEROS.decode() + '","tables":' + text + "}"
    header: dict[str, Any] = {"__metadata__": {"pullback": inside}}
    body = b""
    for name in sorted(tensors, key=lambda n: (-tensors[n].itemsize, n)):
        raw = tensors[name].tobytes()
        header[name] = {
            "dtype": LETTERS[tensors[name].dtype.str[1:]],
            "shape": list(tensors[name].shape),
            "data_offsets": [len(body), len(body) + len(raw)],
        }
        body += raw
    return with_header(compact(header).encode(), body)


def with_header(header: bytes, body: bytes) -> bytes:
    """A file with this header, padded and signed."""
    header += b" " * (-len(header) % 8)
    return signed(len(header).to_bytes(8, "little") + header + body)


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def forged(data: bytes, change: Callable[[Tables, Tensors], Any]) -> bytes:
    """The file after `change` has worked on its tables and tensors."""
    tables, tensors = opened(data)
    change(tables, tensors)
    return closed(tables, tensors)


def forged_header(data: bytes, old: bytes, new: bytes) -> bytes:
    """The file with the first `old` in its header replaced."""
    stop = 8 + int.from_bytes(data[:8], "little")
    assert old in data[8:stop], f"{old!r} is not in the header"
    return with_header(data[8:stop].rstrip(b" ").replace(old, new, 1), data[stop:])


# --- at random ---

INTEGERS = [
    0,
    1,
    -1,
    2,
    3,
    4,
    7,
    255,
    2**31 - 1,
    -(2**31),
    2**32,
    2**53,
    2**62 + 1,
    -(2**63),
    2**64,
]
TEXTS = [
    "",
    "a",
    "x" * 70,
    "../a",
    "a\nb",
    "tanh",
    "sum",
    "reshape",
    "float32",
    "object",
    "new",
    "größe",
    "lambda",
    "None",
    "a\0b",
    "\u202eabc",
]
VALUES = [
    None,
    True,
    1.5,
    -0.0,
    1e308,
    [],
    {},
    [1],
    [[[1]]],
    {"a": 1},
    {"$float": "inf"},
    {"$x": 1},
]
DTYPES = ["f8", "f4", "i8", "i4", "u1", "b1"]


def damaged(random: Random, data: bytes) -> bytes:
    """The file after one to three accidents to its bytes."""
    for _ in range(random.randint(1, 3)):
        at, accident = random.randrange(len(data) + 1), random.random()
        size = random.choice([1, 1, 2, 4, 8, 64])
        if accident < 0.4:  # change some
            data = data[:at] + random.randbytes(size) + data[at + size :]
        elif accident < 0.55:  # change one bit
            at = min(at, len(data) - 1)
            data = data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]
        elif accident < 0.7:  # put some in
            data = data[:at] + random.randbytes(size) + data[at:]
        elif accident < 0.85:  # take some out
            data = data[:at] + data[at + size :]
        elif accident < 0.95:  # repeat some
            data = data[:at] + data[max(0, at - size) :]
        else:  # cut off
            data = data[: at + 1]
    return data


def lied(random: Random, data: bytes) -> bytes:
    """The file after one to three lies in its tables and tensors, rightly signed."""
    tables, tensors = opened(data)
    for _ in range(random.randint(1, 3)):
        if random.random() < 0.5:
            _lie(random, tables)
        else:
            _bend(random, tensors)
    return closed(tables, tensors)


def _lie(random: Random, table: Any) -> None:
    """Walk down into a table and change one entry."""
    while True:
        places = list(table) if isinstance(table, dict) else list(range(len(table)))
        if not places:
            return
        place = random.choice(places)
        if not isinstance(table[place], dict | list) or random.random() < 0.15:
            break
        table = table[place]
    accident = random.random()
    if accident < 0.7:
        table[place] = deepcopy(random.choice(random.choice([INTEGERS, TEXTS, VALUES])))
    elif accident < 0.8:
        del table[place]
    elif accident < 0.9:
        table[place] = deepcopy(table[random.choice(places)])
    elif isinstance(table, list):
        table.insert(
            place, deepcopy(random.choice(random.choice([INTEGERS, TEXTS, VALUES, table])))
        )
    else:
        table[random.choice(TEXTS)] = deepcopy(table[place])


def _bend(random: Random, tensors: Tensors) -> None:
    """Change one tensor: a number, its length, its dtype, its name, or all of it."""
    name = random.choice(sorted(tensors))
    tensor, accident = tensors[name], random.random()
    if accident < 0.7 and tensor.size:
        limits = np.iinfo(tensor.dtype) if tensor.dtype.kind in "iu" else None
        value = random.choice([*INTEGERS, *tensor.reshape(-1)[:20].tolist()])
        value = min(max(int(value), limits.min), limits.max) if limits else value
        tensor.reshape(-1)[random.randrange(tensor.size)] = value
    elif accident < 0.8 and tensor.ndim == 1:
        at = random.randrange(tensor.size + 1)
        keep = tensor[:at] if random.random() < 0.5 else np.concatenate([tensor, tensor[:at]])
        tensors[name] = keep.copy()
    elif accident < 0.87:
        raw = tensor.tobytes()[: tensor.nbytes // 8 * 8]
        tensors[name] = np.frombuffer(raw, f"<{random.choice(DTYPES)}").copy()
    elif accident < 0.93:
        tensors[random.choice([*tensors, *TEXTS])] = tensors.pop(name)
    else:
        tensors[name] = random.choice(list(tensors.values())).copy()
