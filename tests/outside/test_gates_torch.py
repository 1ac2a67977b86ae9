"""Every gate against torch: values, pulls, second pulls, random circuits, the table of conventions."""

import numpy as np
import pytest
from hypothesis import given, settings
from laws.asking import distance, forces_for, pull_circuit, pulls, run
from laws.gate_cases import ALL_GATES, SLOPED_CASES, circuit_of
from laws.plans import plans

from pullback.lens.conventions import CONVENTIONS

torch = pytest.importorskip("torch", reason="torch is not installed")
torch.set_num_threads(1)  # these are small numbers
F = torch.nn.functional

AGREEMENT = 1e-9  # of double precision; measured: 1e-13


def _axes(x, axis):
    return tuple(range(x.ndim)) if axis is None else axis


def _sliced(x, index):
    for axis, part in enumerate(p for p in index if p != "new"):
        if isinstance(part, tuple) and (part[2] or 1) < 0:  # torch knows no step backwards
            x = torch.flip(x, [axis])
    return x[tuple(_subscript(p) for p in index)]


def _subscript(part):
    if part == "new":
        return None
    if not isinstance(part, tuple):
        return part
    start, stop, step = part
    return slice(start, stop, step if step is None or step > 0 else -step)


def _unsliced(x, index, shape):
    y = x.new_zeros(shape)
    kept = torch.zeros(shape, dtype=torch.int64) + torch.arange(y.numel()).reshape(shape)
    return (
        y.reshape(-1).index_put((_sliced(kept, index).reshape(-1),), x.reshape(-1)).reshape(shape)
    )


def _scattered(x, index, axis, size):
    at = axis % (x.ndim - index.ndim + 1)
    moved = x.reshape(*x.shape[:at], -1, *x.shape[at + index.ndim :])
    y = x.new_zeros((*x.shape[:at], size, *x.shape[at + index.ndim :]))
    return y.index_add(at, index.reshape(-1), moved)


def _gathered(x, index, axis):
    at = axis % x.ndim
    found = torch.index_select(x, at, index.reshape(-1))
    return found.reshape(*x.shape[:at], *index.shape, *x.shape[at + 1 :])


def _picked(x, index):
    rows = torch.broadcast_shapes(x.shape[:-1], index.shape)
    index = index.broadcast_to(rows)[..., None]
    return torch.gather(x.broadcast_to((*rows, x.shape[-1])), -1, index)[..., 0]


def _padded(x, widths, value):
    flat = [w for pair in reversed(widths) for w in pair]
    return F.pad(x, flat, value=value) if flat else x


def _summed_to(x, shape):
    return x.sum_to_size(shape)


def _product(x, axis, keepdims):
    axes = (axis,) if isinstance(axis, int) else _axes(x, axis)
    for a in sorted((a % x.ndim for a in axes), reverse=True):
        x = torch.prod(x, a, keepdim=keepdims)
    return x


def _dotted(a, b):
    if a.ndim and b.ndim:
        return torch.tensordot(a, b, dims=([a.ndim - 1], [max(b.ndim - 2, 0)]))
    return a * b


# A gate stands here with what torch calls it.
TWINS = {
    "add": torch.add, "subtract": torch.sub, "multiply": torch.mul, "divide": torch.div, "power": torch.pow,
    "negative": torch.neg, "exp": torch.exp, "log": torch.log, "log1p": torch.log1p, "expm1": torch.expm1,
    "sqrt": torch.sqrt, "tanh": torch.tanh, "sigmoid": torch.sigmoid, "relu": torch.relu,
    "absolute": torch.abs,
    "softplus": lambda x: F.softplus(x, threshold=1e9), "xlogy": torch.xlogy, "logaddexp": torch.logaddexp,
    "sin": torch.sin, "cos": torch.cos, "erf": torch.erf, "floor": torch.floor,
    "clamp": lambda x, low, high: torch.clamp(x, low, high),
    "maximum": lambda a, b, ties: torch.maximum(a, b), "minimum": lambda a, b, ties: torch.minimum(a, b),
    "where": torch.where, "greater": torch.gt, "less": torch.lt, "not_equal": torch.ne,
    "sum": lambda x, axis, keepdims: torch.sum(x, _axes(x, axis), keepdims),
    "mean": lambda x, axis, keepdims: torch.mean(x, _axes(x, axis), keepdims),
    "max": lambda x, axis, keepdims: torch.amax(x, _axes(x, axis), keepdims),
    "min": lambda x, axis, keepdims: torch.amin(x, _axes(x, axis), keepdims),
    "norm": lambda x, axis, keepdims: torch.linalg.vector_norm(x, dim=_axes(x, axis), keepdim=keepdims),
    "prod": _product,
    "logsumexp": lambda x, axis, keepdims: torch.logsumexp(x, _axes(x, axis), keepdims),
    "softmax": lambda x, axis: torch.exp(x - torch.logsumexp(x, axis, True)),
    "log_softmax": lambda x, axis: x - torch.logsumexp(x, axis, True),
    "sum_to": _summed_to, "matmul": torch.matmul, "dot": _dotted,
    "reshape": lambda x, shape: torch.reshape(x, shape),
    "broadcast_to": lambda x, shape: torch.broadcast_to(x, shape),
    "transpose": lambda x, axes: x.permute(tuple(range(x.ndim))[::-1] if axes is None else axes),
    "slice": _sliced, "unslice": _unsliced, "concat": lambda *x, axis: torch.cat(x, axis), "pad": _padded,
    "cast": lambda x, dtype: x.to(getattr(torch, dtype)), "gather": _gathered, "scatter_add": _scattered,
    "pick": _picked, "unpick": lambda x, index, size: F.one_hot(index, size) * x[..., None],
    "stop_gradient": torch.detach,
}  # fmt: skip

CASES = [c for c in SLOPED_CASES if c.attributes.get("ties", "split") == "split"]
every_twin = pytest.mark.parametrize("case", CASES, ids=str)


def by_torch(circuit, inputs):
    """The circuit's outputs and inputs as tensors, computed by torch gate by gate."""
    values = [None] * len(circuit)
    for wire, x in zip(circuit.inputs, inputs, strict=True):
        x = np.asarray(x)
        values[wire] = torch.tensor(x, requires_grad=x.dtype.kind == "f")
    for row in circuit.rows():
        if row.gate is not None:
            values[row.wire] = TWINS[row.gate.name](
                *[values[i] for i in row.inputs], **row.attributes
            )
        elif circuit.is_constant(row.wire):
            values[row.wire] = torch.tensor(circuit.constant_of(row.wire))
    return [values[o] for o in circuit.outputs], [values[i] for i in circuit.inputs]


def torch_pulls(outputs, inputs, forces, again=False):
    """What torch pulls the real inputs with; zeros where it sees no way."""
    work = sum((torch.tensor(f) * y).sum() for f, y in zip(forces, outputs, strict=True))
    real = [x for x in inputs if x.requires_grad]
    if not work.requires_grad:  # a slope that is the same everywhere
        return [torch.zeros_like(x) if x.requires_grad else None for x in inputs]
    found = iter(torch.autograd.grad(work, real, create_graph=again, materialize_grads=True))
    return [next(found) if x.requires_grad else None for x in inputs]


def numbers(tensors):
    return [None if t is None else t.detach().numpy(force=True) for t in tensors]


def test_every_gate_that_can_be_pulled_has_a_twin():
    assert {c.gate.name for c in SLOPED_CASES} - set(TWINS) == set()


@every_twin
def test_a_value_is_torchs(case):
    outputs, _ = by_torch(case.circuit(), case.inputs)
    assert distance([case.output], numbers(outputs)) < AGREEMENT


@every_twin
def test_a_pull_is_torchs(case):
    circuit = case.circuit()
    forces = forces_for(circuit)
    wanted = numbers(torch_pulls(*by_torch(circuit, case.inputs), forces))
    assert distance(pulls(circuit, case.inputs, forces), wanted) < AGREEMENT


@every_twin
def test_a_second_pull_is_torchs(case):
    circuit = case.circuit()
    forces = forces_for(circuit)
    first, pulled = pull_circuit(circuit)
    second = forces_for(first, seed=1)
    outputs, inputs = by_torch(circuit, case.inputs)
    slopes = [torch_pulls(outputs, inputs, forces, again=True)[i] for i in pulled]
    wanted = numbers(torch_pulls(slopes, inputs, second)) if slopes else [None] * len(inputs)
    found = pulls(first, [*case.inputs, *forces], second)[: len(inputs)]
    assert distance(found, wanted) < AGREEMENT


@settings(max_examples=100, deadline=None)
@given(plans())
def test_random_circuits_are_pulled_as_torch_pulls_them(plan):
    circuit, inputs = plan.circuit(), plan.inputs()
    forces = forces_for(circuit)
    outputs, tensors = by_torch(circuit, inputs)
    assert distance(run(circuit, inputs), numbers(outputs)) < AGREEMENT
    assert (
        distance(pulls(circuit, inputs, forces), _away_from_nan(plan, outputs, tensors, forces))
        < AGREEMENT
    )


def _away_from_nan(plan, outputs, tensors, forces):
    """Torch's pulls; where a masked branch poisoned them (its known fault), ours stand in."""
    wanted = numbers(torch_pulls(outputs, tensors, forces))
    ours = pulls(plan.circuit(), plan.inputs(), forces)
    both = zip(wanted, ours, strict=True)
    return [np.zeros_like(w) if o is None else np.where(np.isnan(w), o, w) for w, o in both]


@pytest.mark.parametrize("row", [c for c in CONVENTIONS if c.torch], ids=lambda c: c.case)
def test_torchs_column_of_the_conventions_is_what_torch_says(row):
    inputs = [np.asarray(x)[()] for x in row.inputs]
    outputs, tensors = by_torch(circuit_of(row.function, *inputs), inputs)
    found = numbers(torch_pulls(outputs, tensors, [np.ones(np.shape(row.value))]))
    both = zip(found, row.torch, strict=True)
    assert all(np.allclose(f, w, rtol=1e-15, equal_nan=True) for f, w in both)


def test_no_twin_is_without_a_gate():
    assert set(TWINS) <= {g.name for g in ALL_GATES}
