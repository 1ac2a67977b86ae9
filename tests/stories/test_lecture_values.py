"""Programs that people write for micrograd's Value run as they are, with the numbers of another engine."""

import copy
import math
import pickle  # noqa: TID251  (what comes from here)

import numpy as np
import pytest
from laws.scalar_engine import Number
from laws.scalar_programs import clipped_logarithm, gpt_losses, perceptron_losses

import pullback as pb
from pullback.compat.micrograd import engine
from pullback.errors import CircuitError, DtypeError

LOSS = 1e-9


@pytest.fixture(autouse=True, params=["native", "plain"])
def Value(request, monkeypatch):
    """Every story is told of both kinds of Value: the native type, and plain Python without it."""
    if request.param == "plain":
        monkeypatch.setattr(engine, "Value", engine.PlainValue)
    elif engine.Value is engine.PlainValue:
        pytest.skip("no native type here")
    return engine.Value


def neuron(Value):
    """tanh(x1 w1 + x2 w2 + b), every node with its label: the lecture's example and its wires."""
    x1, x2 = Value(2.0, label="x1"), Value(0.0, label="x2")
    w1, w2 = Value(-3.0, label="w1"), Value(1.0, label="w2")
    b = Value(6.8813735870195432, label="b")
    x1w1, x2w2 = x1 * w1, x2 * w2
    x1w1.label, x2w2.label = "x1*w1", "x2*w2"
    both = x1w1 + x2w2
    n = both + b
    both.label, n.label = "both", "n"
    return n, {v.label: v for v in (x1, x2, w1, w2, b, x1w1, x2w2, both, n)}


# Written out by hand in the lecture: do/dn = 1 - tanh(n)^2 = 0.5, and back along the products.
BY_HAND = {
    "x1": -1.5,
    "w1": 1.0,
    "x2": 0.5,
    "w2": 0.0,
    "b": 0.5,
    "x1*w1": 0.5,
    "x2*w2": 0.5,
    "both": 0.5,
}


def test_the_neuron_of_the_lecture_has_the_grads_that_are_worked_out_by_hand(Value):
    n, seen = neuron(Value)
    o = n.tanh()
    o.backward()
    assert {name: seen[name].grad for name in BY_HAND} == pytest.approx(BY_HAND)


def test_the_steps_of_the_lecture_are_taken_one_by_one(Value):
    n, seen = neuron(Value)
    o = n.tanh()
    o.grad = 1.0
    for node in (o, n, seen["b"], seen["both"], seen["x2*w2"], seen["x1*w1"]):
        node._backward()
    assert {name: seen[name].grad for name in BY_HAND} == pytest.approx(BY_HAND)


def test_tanh_opened_into_exponentials_has_the_same_grads(Value):
    n, seen = neuron(Value)
    e = (2 * n).exp()
    ((e - 1) / (e + 1)).backward()
    assert {name: seen[name].grad for name in BY_HAND} == pytest.approx(BY_HAND)


def trace(root):
    """Nodes and edges, as those find them who draw a graph: by walking over `_prev`."""
    nodes, edges = set(), set()

    def build(v):
        if v not in nodes:
            nodes.add(v)
            for child in v._prev:
                edges.add((child, v))
                build(child)

    build(root)
    return nodes, edges


def dotted(root):
    """The text that a lecture hands to graphviz: a record a node, a node an operation."""
    nodes, edges = trace(root)
    lines = [f'{id(n)} "{n.label} | data {n.data:.4f} | grad {n.grad:.4f}"' for n in nodes]
    lines += [f"{id(n)}{n._op} -> {id(n)}" for n in nodes if n._op]
    return sorted(lines + [f"{id(a)} -> {id(b)}{b._op}" for a, b in edges])


def test_the_graph_can_be_drawn_twice_and_is_the_same(Value):
    n, _ = neuron(Value)
    o = n.tanh() * 2 + 1
    o.backward()
    text = dotted(o)
    assert text == dotted(o)
    assert (
        len(text) == 14 + 7 + 13
    )  # 5 given, 2 constants and 7 made; an operation each; who listens


def test_a_number_of_the_graph_is_one_node_and_has_its_grad(Value):
    a = Value(3.0)
    y = a * 2.0
    (y * 5.0).backward()
    (constant,) = y._prev - {a}
    assert (constant.data, constant.grad, constant._prev) == (2.0, 15.0, set())
    assert y._prev - {a} == {constant}


def test_a_label_is_empty_until_one_is_given(Value):
    a, b = Value(2.0, label="a"), Value(-3.0, (), "", "b")
    e = a * b
    assert ([x.label for x in (a, b, e)], e._op, a._op) == (["a", "b", ""], "*", "")
    e.label = "e"
    assert (e.label, copy.copy(e).label) == ("e", "e")


def test_the_lectures_net_learns_with_the_losses_of_another_engine(Value):
    theirs = perceptron_losses(Number, 20)
    assert perceptron_losses(Value, 20) == pytest.approx(theirs, abs=LOSS)
    assert theirs[-1] < 0.1 * theirs[0]


@pytest.mark.parametrize("logarithm", [None, clipped_logarithm], ids=["log", "own"])
def test_a_gpt_of_single_numbers_learns_with_the_losses_of_another_engine(Value, logarithm):
    theirs = gpt_losses(Number, 3)
    assert gpt_losses(Value, 3, logarithm) == pytest.approx(theirs, abs=LOSS)


# --- a gate of one's own ---


def own_tanh(Value):
    """tanh as the lecture writes it: a Value with its child, and what pulls the child set afterwards."""

    def tanh(x):
        t = (math.exp(2 * x.data) - 1) / (math.exp(2 * x.data) + 1)
        out = Value(t, (x,), "tanh")

        def _backward():
            x.grad += (1 - t**2) * out.grad

        out._backward = _backward
        return out

    return tanh


def test_a_tanh_of_ones_own_is_pulled_as_it_says(Value):
    n, seen = neuron(Value)
    o = own_tanh(Value)(n)
    (o * 1.0).backward()
    assert {name: seen[name].grad for name in BY_HAND} == pytest.approx(BY_HAND)
    assert (o._op, o._prev, isinstance(o, engine.Value)) == ("tanh", {n}, True)


def test_a_pass_through_a_gate_of_ones_own_adds_up_as_any_other(Value):
    a = Value(0.3)
    y = own_tanh(Value)(a) * 2
    y.backward()
    once = a.grad
    y.backward()
    assert a.grad == pytest.approx(2 * once)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_children_with_local_gradients_are_pulled_by_them(Value, count):
    children = [Value(float(i)) for i in range(count)]
    slopes = [i - 1.5 for i in range(count)]
    y = Value(7.0, children, slopes) * 2
    y.backward()
    assert ([c.grad for c in children], y.data) == ([2 * s for s in slopes], 14.0)


def test_the_third_argument_may_be_named_as_people_name_it(Value):
    a = Value(0.3)
    spelled = [
        Value(1.0, (a,), (4.0,)), Value(1.0, children=(a,), local_grads=(4.0,)),
        Value(1.0, _children=[a], local_grads=[4.0]),
    ]  # fmt: skip
    for y in spelled:
        y.backward()
    assert a.grad == 12.0


def test_children_that_nothing_pulls_are_no_silent_end_of_the_graph(Value):
    a, b = Value(2.0), Value(3.0)
    b.grad = 5.0
    y = Value(6.0, (a,), "odd") * b
    with pytest.raises(CircuitError, match="odd has children, but no local gradients"):
        y.backward()
    assert (a.grad, b.grad) == (0.0, 5.0)


def test_what_is_no_child_or_no_slope_is_refused(Value):
    a = Value(1.0)
    for wrong in ([(2.0,), (1.0,)], [(a,), (1.0, 2.0)], [(a,), ("x",)], [(a,), (a,)]):
        with pytest.raises(TypeError):
            Value(1.0, *wrong)


@pytest.mark.parametrize(
    "data",
    [None, "1", b"1", [1.0], (1.0,), 1j, {}, np.ones(2), object()],
    ids=lambda d: type(d).__name__,
)
def test_the_data_of_a_value_is_one_number(Value, data):
    with pytest.raises(TypeError):
        Value(data)
    with pytest.raises(TypeError):
        Value(Value(1.0))


def test_a_method_may_be_given_to_every_value(Value, monkeypatch):
    monkeypatch.setattr(Value, "cubed", lambda x: x * x * x, raising=False)
    monkeypatch.setattr(Value, "exp", own_tanh(Value))
    x = Value(2.0)
    y = x.cubed() + x.exp()
    y.backward()
    assert x.grad == pytest.approx(12.0 + 1 - math.tanh(2.0) ** 2)


# --- classes derived from Value ---


def derived(Value):
    class Weight(Value):
        """A Value that remembers how it is regularized."""

        def __init__(self, data, regularization="none"):
            super().__init__(data)
            self.regularization = regularization

        def squared(self):
            return self * self

    return Weight


def test_a_class_derived_from_value_has_its_own_arguments_attributes_and_methods(Value):
    w, x = derived(Value)(2.0, regularization="l2"), Value(5.0)
    y = w.squared() * x + 3 - w
    y.backward()
    assert (y.data, w.grad, x.grad, w.regularization) == (21.0, 19.0, 4.0, "l2")
    assert (isinstance(w, Value), isinstance(y, Value), issubclass(type(w), Value)) == (True,) * 3
    assert not isinstance(y, type(w))


def test_a_derived_class_may_name_its_base(Value):
    class Old(Value):
        def __init__(self, data):
            Value.__init__(self, data, label="old")

    x = Old(3.0)
    (x * x).backward()
    assert (x.grad, x.label) == (6.0, "old")


def test_a_derived_class_may_write_gates_of_its_own(Value):
    class Extended(Value):
        def __mul__(self, other):
            out = Extended(self.data * other.data, (self, other), "*")

            def _backward():
                self.grad += 10 * other.data * out.grad  # ten times as steep, so that it is seen
                other.grad += self.data * out.grad

            out._backward = _backward
            return out

    a, b = Extended(2.0), Extended(3.0)
    (a * b).backward()
    assert (a.grad, b.grad) == (30.0, 2.0)


def test_derived_classes_derive_again_and_mix(Value):
    class Named:
        def shout(self):
            return self.regularization.upper()

    class Deeper(derived(Value), Named):
        pass

    x = Deeper(2.0, "l1")
    (3 * x).backward()
    assert (x.shout(), x.grad, copy.copy(x).regularization) == ("L1", 3.0, "l1")


class Kept(engine.Value):
    def __init__(self, data, price):
        super().__init__(data)
        self.price = price


def test_a_value_of_a_derived_class_is_pickled_with_what_it_has():
    x = Kept(2.0, price=[5])
    (x * x).backward()
    again = pickle.loads(pickle.dumps(x))  # noqa: S301
    assert (type(again), again.data, again.grad, again.price) == (Kept, 2.0, 4.0, [5])


class Unusual(pb.Unit):
    def __init__(self, *, number, colour):
        super().__init__(number)
        self.colour = colour


def test_a_class_derived_from_unit_has_its_own_arguments_too():
    x = Unusual(number=3.0, colour="red")
    (x * x).backward()
    again = pickle.loads(pickle.dumps(x))  # noqa: S301
    assert (x.grad, x.colour, again.colour, float(again.value)) == (6.0, "red", "red", 3.0)
    with pytest.raises(TypeError):
        pb.Unit(1.0, None, "", "more")


# --- NumPy ---

ARRAY = np.array([1.0, 2.0, 3.0])
BOTH_SIDES = {
    "a*v": (lambda a, v: a * v, ARRAY.tolist()),
    "v*a": (lambda a, v: v * a, ARRAY.tolist()),
    "a+v": (lambda a, v: a + v, [1.0] * 3),
    "v+a": (lambda a, v: v + a, [1.0] * 3),
    "a-v": (lambda a, v: a - v, [-1.0] * 3),
    "v-a": (lambda a, v: v - a, [1.0] * 3),
    "a/v": (lambda a, v: a / v, (-ARRAY / 4).tolist()),
    "v/a": (lambda a, v: v / a, (1 / ARRAY).tolist()),
    "v**a": (lambda a, v: v**a, (ARRAY * 2.0 ** (ARRAY - 1)).tolist()),
    "a**v": (lambda a, v: a**v, (ARRAY**2 * np.log(ARRAY)).tolist()),
    "np.multiply": (lambda a, v: np.multiply(a, v), ARRAY.tolist()),
    "pb.multiply": (lambda a, v: pb.multiply(a, v), ARRAY.tolist()),
}


@pytest.mark.parametrize("name", BOTH_SIDES)
def test_an_array_beside_a_value_is_an_array_of_values(Value, name):
    apply, slopes = BOTH_SIDES[name]
    v, found = Value(2.0), []
    for y in apply(ARRAY, v):
        v.grad = 0
        y.backward()
        found.append(v.grad)
    assert found == pytest.approx(slopes)


REDUCED = {
    "np.sum": (np.sum, [1.0, 1.0, 1.0]),
    "sum": (sum, [1.0, 1.0, 1.0]),
    "np.mean": (np.mean, [1 / 3] * 3),
    "np.max": (np.max, [0.0, 1.0, 0.0]),
    "np.min": (np.min, [1.0, 0.0, 0.0]),
    "np.prod": (np.prod, [15.0, 3.0, 5.0]),
    "np.dot": (lambda v: np.dot(v, ARRAY), [1.0, 2.0, 3.0]),
    "np.dot on the right": (lambda v: np.dot(ARRAY, v), [1.0, 2.0, 3.0]),
    "@": (lambda v: (np.ones((2, 3)) @ v)[0], [1.0, 1.0, 1.0]),
    "np.square": (lambda v: np.square(v).sum(), [2.0, 10.0, 6.0]),
    "np.exp": (lambda v: np.exp(v).sum(), [math.exp(1), math.exp(5), math.exp(3)]),
    "np.log": (lambda v: np.log(v).sum(), [1.0, 0.2, 1 / 3]),
    "np.tanh": (lambda v: np.tanh(v - v.mean()).mean(), None),
    "np.var": (np.var, [-4 / 3, 4 / 3, 0.0]),
}


@pytest.mark.parametrize("name", REDUCED)
def test_numpys_functions_of_an_array_of_values_are_values(Value, name):
    apply, slopes = REDUCED[name]
    values = [Value(1.0), Value(5.0), Value(3.0)]
    y = apply(np.array(values))
    y.backward()
    numbers = [1.0, 5.0, 3.0]
    assert (isinstance(y, engine.Value), y.data) == (
        True,
        pytest.approx(float(apply(np.array(numbers)))),
    )
    assert slopes is None or [v.grad for v in values] == pytest.approx(slopes)


@pytest.mark.parametrize("name", ["exp", "log", "tanh", "sqrt", "sin", "cos"])
def test_numpys_function_of_one_value_is_its_gate(Value, name):
    x = Value(0.7)
    getattr(np, name)(x).backward()
    again = Value(0.7)
    getattr(again, name)().backward()
    assert x.grad == again.grad != 0.0


def test_a_gate_that_needs_whole_arrays_says_what_holds_them(Value):
    with pytest.raises(DtypeError, match="a Value is one number"):
        pb.matmul(np.ones((2, 2)), Value(1.0))


CUTS = [
    math.exp, math.tanh, math.floor, math.isnan, float, int, complex, np.float64,
    lambda x: np.zeros(3).__setitem__(0, x), lambda x: np.array([x], dtype=float),
    lambda x: np.full(2, x, dtype=float), lambda x: "%.3f".__mod__(x), lambda x: f"{x:.3f}",
    lambda x: math.hypot(x, 1.0), lambda x: range(x),
]  # fmt: skip


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("kind", ["Value", "Unit"])
def test_nothing_takes_the_number_out_of_the_graph_without_a_word(Value, cut, kind):
    x = Value(0.5) if kind == "Value" else pb.Unit(0.5)
    with pytest.raises((TypeError, ValueError)):  # of NumPy, when it fills an array
        cut(x)


def test_the_refusal_names_the_gate_and_the_number(Value):
    for x in (Value(0.5), pb.Unit(0.5)):
        with pytest.raises(TypeError, match=r"pb\.exp\(x\), or x\.value"):
            math.exp(x)
