"""Laws of the expression language: only typed errors; printing undoes reading; Python's grouping.

Python is the oracle for what groups with what. It runs only text that was generated here.
"""

import re
from itertools import chain

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pullback.core import operators
from pullback.core.expression import OPERATORS, SIGNS, Instruction, parse, to_text
from pullback.errors import ExpressionError

# --- text that anybody may type ---

EVERY_CHARACTER = st.characters(exclude_categories=())  # lone surrogates as well
PIECES = [
    *"abxyz019.()+-*/@<>=!?:;,\n\t#^%&|~'\"[]{}\\$_e",
    "**",
    "==",
    "//",
    "+=",
    "var ",
    "return ",
]
PIECES += [
    "Math.",
    "Math.PI",
    "exp(",
    "maximum(",
    "axis=0",
    "true",
    "if ",
    "1e5",
    "__",
    "x = ",
    "\r\n",
]
PIECES += ["ｘ", "−", "\x00", "\ud800", "x ? y : z"]
typed_text = st.one_of(
    st.text(),
    st.text(EVERY_CHARACTER),
    st.text(st.sampled_from("xy12.()+-*/=<>?:;,\n e")),
    st.lists(st.sampled_from(PIECES)).map("".join),
)

# --- programs, as instructions ---

names = st.sampled_from(["x", "y", "z", "w_1", "_", "exp"])
numbers = st.sampled_from(["0", "1", "2.5", ".5", "3.", "1e-3", "6E+2"])
wholes = st.integers(-99, 99)
attributes = st.dictionaries(
    st.sampled_from(["axis", "keepdims"]),
    st.one_of(wholes, st.booleans(), st.lists(wholes, max_size=3).map(tuple)),
).map(lambda d: tuple(d.items()))
operator_gates = sorted({operator.gate for operator in OPERATORS.values()})
other_gates = ["negative", "where", "sigmoid", "add", "power", "sum"]


def step(kind, text, value=0.0, arity=0, attributes=()):
    return Instruction(kind, text, value, arity, 0, 0, attributes)


def call(gate, values, attributes=()):
    own = step("call", gate, arity=len(values), attributes=attributes)
    return [*(s for value in values for s in value), own]


leaves = st.one_of(
    names.map(lambda n: [step("name", n)]),
    numbers.map(lambda n: [step("number", n, float(n))]),
)


def operations(of):
    two = st.tuples(of, of)
    return st.one_of(
        st.builds(call, st.sampled_from(operator_gates), two),
        st.builds(call, st.just("negative"), st.tuples(of)),
    )


def operations_and_calls(of):
    some = st.lists(of, min_size=1, max_size=3)
    free = st.builds(call, st.sampled_from(other_gates), some, attributes)
    return st.one_of(operations(of), free)


operator_trees = st.recursive(leaves, operations, max_leaves=8)
trees = st.recursive(leaves, operations_and_calls, max_leaves=8)
assignments = st.builds(lambda n, tree: [*tree, step("assign", n, arity=1)], names, trees)
programs = st.builds(
    lambda first, last: [*chain(*first), *last], st.lists(assignments, max_size=3), trees
)

# --- programs, as people write them ---


def longer_source(of):
    shapes = ["({} + {})", "{} * -{}", "({} < {})", "Math.pow({}, {})", "max({}, {}, axis=-1)"]
    shapes += [
        "({} ? {} : 0)",
        "{} ** sig({})",
        "+{} / {}",
        "{} - {} # and so on\n",
        "min({},\n{})",
    ]
    return st.builds(str.format, st.sampled_from(shapes).map("({})".format), of, of)


source = st.recursive(st.one_of(names, numbers), longer_source, max_leaves=10)
target = st.sampled_from(
    ["q = {}", "var q = {}", "x += {};", "let a = {}, b = 2", "y **= {} // two"]
)
sources = st.lists(st.builds(str.format, target, source), min_size=1, max_size=3).map("\n".join)

# --- arithmetic, as the words that Python and we both read ---


def bracketed(of):
    return of.map(lambda words: ["(", *words, ")"])


def sentences(signs, comparisons):
    """Words with brackets at random. Comparisons stand in brackets: ours do not chain."""

    def longer(of):
        infix = st.builds(lambda a, s, b: [*a, s, *b], of, st.sampled_from(signs), of)
        compare = st.builds(lambda a, s, b: [*a, s, *b], of, st.sampled_from(comparisons), of)
        signed = st.builds(lambda s, a: [s, *a], st.sampled_from("+-"), of)
        return st.one_of(
            infix, signed, bracketed(of), *([bracketed(compare)] if comparisons else [])
        )

    word = st.one_of(names, st.sampled_from(["2.5", "7.0", "0.125"])).map(lambda w: [w])
    return st.recursive(word, longer, max_leaves=15)


class Noted:
    """Writes down, in postfix, what Python does with it."""

    def __init__(self, *words):
        self.words = words

    def __neg__(self):
        return Noted(*self.words, SIGNS["-"])

    def __pos__(self):
        return self


INFIX_METHODS = {
    "+": "add", "-": "sub", "*": "mul", "/": "truediv", "**": "pow", "@": "matmul",
    "<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne",
}  # fmt: skip
for sign, method in INFIX_METHODS.items():
    gate = OPERATORS[sign].gate
    noting = lambda self, other, gate=gate: Noted(*self.words, *other.words, gate)  # noqa: E731
    setattr(Noted, f"__{method}__", noting)


def python_order(words):
    """The gates in the order in which Python would use them."""
    text = " ".join(f"Noted({w!r})" if w[0].isalnum() or w[0] == "_" else w for w in words)
    return eval(text, {"Noted": Noted}).words  # noqa: S307 - the text was generated above


def python_value(text):
    """Python's own float, or None where Python has no real number."""
    try:
        value = eval(text)  # noqa: S307 - the text was generated above
    except (ArithmeticError, RecursionError):
        return None
    return value if isinstance(value, float) else None


def run(steps):
    """The smallest machine that instructions need, for floats."""
    act = {"add": "__add__", "subtract": "__sub__", "multiply": "__mul__", "divide": "__truediv__"}
    act |= {"power": "__pow__", "negative": "__neg__"}
    stack = []
    for each in steps:
        values = [stack.pop() for _ in range(each.arity)][::-1]
        stack.append(getattr(values[0], act[each.text])(*values[1:]) if values else each.value)
    return stack.pop()


def meaning(steps):
    """Instructions without their place in the text."""
    return [each._replace(start=0, stop=0) for each in steps]


def refusal(text):
    try:
        parse(text)
    except ExpressionError as error:
        return error


def meaning_or_none(text):
    return None if refusal(text) else meaning(parse(text).instructions)


def with_one_pair_less(text):
    """`text` once for each pair of brackets, without that pair."""
    open_at = []
    for i, character in enumerate(text):
        if character == "(":
            open_at.append(i)
        elif character == ")":
            start = open_at.pop()
            yield text[:start] + text[start + 1 : i] + text[i + 1 :]


@given(typed_text)
def test_any_text_is_read_or_refused_at_a_place_in_it(text):
    error = refusal(text)
    assert error is None or 0 <= error.position <= len(text)
    assert str(error)


@given(programs)
def test_printing_then_reading_gives_the_same_instructions(steps):
    assert meaning(parse(to_text(steps)).instructions) == steps


@pytest.mark.parametrize("outer", operator_gates)
def test_every_pair_of_operators_prints_with_the_right_brackets(outer):
    x, y, z = ([step("name", n)] for n in "xyz")
    inner = [call(gate, (x, y)) for gate in operator_gates] + [call("negative", (x,))]
    pairs = [call(outer, (i, z)) for i in inner] + [call(outer, (z, i)) for i in inner]
    pairs += [call("negative", (call(outer, (x, y)),))]
    assert [meaning(parse(to_text(steps)).instructions) for steps in pairs] == pairs


@given(sources)
def test_what_was_read_can_be_printed_and_read_again(text):
    steps = meaning(parse(text).instructions)
    assert meaning(parse(to_text(steps)).instructions) == steps


@given(operator_trees)
def test_printed_text_needs_every_bracket_that_it_has(steps):
    shorter = [meaning_or_none(text) for text in with_one_pair_less(to_text(steps))]
    assert steps not in shorter


@given(sentences([*"+-*/@", "**"], ["<", "<=", ">", ">=", "==", "!="]))
def test_operators_group_as_in_python(words):
    read = [each.text for each in parse(" ".join(words)).instructions]
    assert tuple(read) == python_order(words)


@given(sentences([*"+-*/", "**"], []).map(" ".join))
def test_a_value_is_the_one_that_python_gives(text):
    text = re.sub("[a-z_]\\w*", "1.75", text)
    expected = python_value(text)
    assume(expected is not None)
    assert repr(run(parse(text).instructions)) == repr(expected)


@given(programs)
def test_every_instruction_points_at_its_own_word(steps):
    text = to_text(steps)
    points = [(i.kind, text[i.start : i.stop], i.text) for i in parse(text).instructions]
    signs = {(sign, o.gate) for sign, o in OPERATORS.items()} | {("-", "negative")}
    wrong = [p for p in points if p[1] != p[2] and (p[0] != "call" or p[1:] not in signs)]
    assert wrong == []


@given(programs)
def test_inputs_are_the_names_used_before_they_are_given(steps):
    parsed = parse(to_text(steps))
    given_at = {s.text: i for i, s in reversed(list(enumerate(steps))) if s.kind == "assign"}
    late = [
        s.text for i, s in enumerate(steps) if s.kind == "name" and i < given_at.get(s.text, 1e9)
    ]
    assert parsed.inputs == tuple(dict.fromkeys(late))
    assert set(parsed.assigned) == set(given_at)


@pytest.mark.parametrize("sign", OPERATORS)
def test_a_sign_is_the_same_gate_in_text_as_in_python(sign):
    python_sign = {"===": "==", "!==": "!="}.get(sign, sign)
    assert OPERATORS[sign].gate == operators.OPERATORS[python_sign]
