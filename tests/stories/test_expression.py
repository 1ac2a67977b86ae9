"""Cases of the expression language: the guide's notation, each refusal and its place, hostile text.

In the tables of refusals, the mark ▸ stands before the character that the caret must point at.
"""

import math

import pytest

from pullback.core.expression import language, parse, to_text
from pullback.errors import ExpressionError


def words(text):
    """The instructions as words; `=q` gives the name q."""
    return " ".join("=" * (s.kind == "assign") + s.text for s in parse(text).instructions)


def refusal(text):
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(x + y) * z", "x y add z multiply"),
        ("-x**2", "x 2 power negative"),
        ("2**-1", "2 1 negative power"),
        ("2**3**2", "2 3 2 power power"),
        ("2**-x*y", "2 x negative power y multiply"),
        ("a - b - c", "a b subtract c subtract"),
        ("a / b * c", "a b divide c multiply"),
        ("a * -b", "a b negative multiply"),
        ("--x", "x negative negative"),
        ("+x", "x"),
        ("x @ W + b", "x W matmul b add"),
        ("a + b < c * d", "a b add c d multiply less"),
        ("(a < b) < c", "a b less c less"),
        ("a === b", "a b equal"),
        ("a !== b", "a b not_equal"),
        ("1.0/(1+Math.exp(-u))", "1.0 1 u negative exp add divide"),
        ("Math.pow(w*x - y, 2)", "w x multiply y subtract 2 power"),
        ("sig(w*x + b)", "w x multiply b add sigmoid"),
        ("Math.max(a, b) - Math.min(a, b)", "a b maximum a b minimum subtract"),
        ("max(x)", "x max"),
        ("Math.abs(ln(x))", "x log absolute"),
        ("a > 0 ? b : c", "a 0 greater b c where"),
        ("p ? a : q ? b : c", "p a q b c where where"),
        ("p ? q ? a : b : c", "p q a b where c where"),
        ("q = x + y; f = q * z", "x y add =q q z multiply =f f"),
        ("var x = -2, y = 5", "2 negative =x 5 =y y"),
        ("x = x * 2\nreturn x;", "x 2 multiply =x x"),
        ("dw = x * dy; dw += w * r;", "x dy multiply =dw dw w r multiply add =dw dw"),
        ("x **= a + b", "x a b add power =x x"),
        ("// first\nx # second\n// third", "x"),
        ("; ;\n\nx;\n;", "x"),
        ("(x\n + y // both\n)", "x y add"),
        ("a=1\r\nb=2\r\n", "1 =a 2 =b b"),
        ("dx = 1 // goes to both branches", "1 =dx dx"),
        ("dx = 1; // 2 branches", "1 =dx dx"),
        ("x + y //both", "x y add"),
        ("x//", "x"),
    ],
)
def test_text_reads_as(text, expected):
    assert words(text) == expected


def test_names_are_inputs_until_they_are_given():
    parsed = parse("q = x + y; x = q * z; f = x + q")
    assert parsed.inputs == ("x", "y", "z")
    assert parsed.assigned == ("q", "x", "f")
    assert parsed.result == "f"


def test_a_bare_value_is_the_result_and_has_no_name():
    assert parse("q = x; q + 1").result is None
    assert parse("q = x; y = 1; q").result == "q"


def attributes(text):
    return dict(parse(f"f(x, {text})").instructions[-1].attributes)


def test_attributes_are_whole_numbers_truths_and_tuples():
    assert attributes("axis=-1, ddof=2147483647") == {"axis": -1, "ddof": 2147483647}
    assert attributes("axes=(0, 1), one=(2,), none=()") == {"axes": (0, 1), "one": (2,), "none": ()}
    assert list(attributes("a=true, b=True, c=false, d=False").values()) == [
        True,
        True,
        False,
        False,
    ]


def test_constants_are_those_of_javascript():
    pi, e, _ = parse("Math.PI * Math.E").instructions
    assert (pi.value, e.value) == (math.pi, math.e)


def test_a_tower_of_powers_stays_four_numbers():
    assert words("9**9**9**9") == "9 9 9 9 power power power"
    assert [s.value for s in parse("9**9").instructions] == [9.0, 9.0, 0.0]


def test_instructions_point_at_their_own_characters():
    text = "q = Math.max(x, 2.5) - y"
    assert [text[s.start : s.stop] for s in parse(text).instructions] == [
        "x", "2.5", "Math.max", "y", "-", "q", "q"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("((x)) + (y*z)", "x + y * z"),
        ("a-(b-c)", "a - (b - c)"),
        ("(a**b)**(c**d)", "(a ** b) ** c ** d"),
        ("(-x)**2 + -(x**2)", "(-x) ** 2 + -x ** 2"),
        ("pow(x+1, 2)", "(x + 1) ** 2"),
        ("var q = sig(x);return q", "q = sigmoid(x)"),
        ("x -= y + z", "x = x - (y + z)"),
        ("(a > 0 ? b : 0)*2", "where(a > 0, b, 0) * 2"),
        ("sum(x,axis=(0,),keepdims=True)", "sum(x, axis=(0,), keepdims=true)"),
        ("add(x, y, axis=1) + add(x, y)", "add(x, y, axis=1) + (x + y)"),
    ],
)
def test_text_prints_as(text, printed):
    assert to_text(parse(text).instructions) == printed


@pytest.mark.parametrize(
    ("marked", "said"),
    [
        ("▸", "empty"),
        ("  // nothing but words▸", "empty"),
        # brackets
        ("▸(a + (b * c)", "never closed"),
        ("▸((a + b) * c", "never closed"),
        ("exp▸(x", "never closed"),
        ("(exp▸(x", "never closed"),
        ("q = ▸(x + y\nf = q * z", "never closed"),
        ("(a + ▸(x\ny)", "never closed"),
        ("▸(x; y)", "never closed"),
        ("exp▸(", "never closed"),
        ("x▸)", "has no opening bracket"),
        ("x + ▸()", "nothing inside"),
        ("exp▸()", "nothing inside"),
        # a value is missing
        ("x ▸+", "'+' has no value after it"),
        ("x ▸+\ny", "'+' has no value after it"),
        ("(x ▸*)", "'*' has no value after it"),
        ("x + ▸* y", "before '*'"),
        ("(▸* y)", "before '*'"),
        ("▸/ y", "before '/'"),
        ("▸)", "before ')'"),
        ("f(x▸,)", "',' has no value after it"),
        ("f(▸, x)", "before ','"),
        ("q ▸=", "'=' has no value after it"),
        ("q ▸+= // soon", "'+=' has no value after it"),
        ("q = 1; ▸return", "'return' has no value after it"),
        ("p ? a ▸:", "':' has no value after it"),
        ("▸true + x", "not a number"),
        # an operator is missing
        ("2▸x", "'2' and 'x' have no operator between them"),
        ("2▸(x + 1)", "no operator between"),
        ("(a)▸(b)", "no operator between"),
        ("a ▸b", "no operator between"),
        ("f(a ▸b)", "no operator between"),
        ("1.2▸.3", "no operator between"),
        ("0▸x10", "not a number"),
        ("1▸_000", "not a number"),
        ("1▸e", "not a number"),
        # statements
        ("▸x + 1; y", "nothing uses"),
        ("▸return x; y", "nothing uses"),
        ("var ▸x", "given no value"),
        ("var x = 1, ▸y", "given no value"),
        ("var ▸2 = x", "a name is missing"),
        ("var ▸Math.PI = x", "a name is missing"),
        ("x = y ▸= 2", "only after the name"),
        ("x + 1 ▸= y", "only after the name"),
        ("f(x) ▸= x * x", "only after the name"),
        ("(x ▸= 2)", "only after the name"),
        ("x = 1 ▸var y = 2", "new statement"),
        ("x + ▸var y", "begins a statement"),
        # calls
        ("(a▸, b)", "comma separates"),
        ("a▸, b", "comma separates"),
        ("f(axis▸=0)", "only after the name"),
        ("f(x, axis=0, ▸y)", "only more of them"),
        ("f(x, axis=0 ▸+ 1)", "comes ',' or ')'"),
        ("f(x, axis=▸0.5)", "whole number"),
        ("f(x, axis=▸2147483648)", "whole number"),
        ("f(x, axis=▸y)", "whole number"),
        ("f(x, axis=(0 ▸1))", "comes ',' or ')'"),
        ("f(x, axis=0, ▸axis=1)", "twice"),
        ("f(x, axis ▸+= 1)", "only after the name"),
        ("▸Math.exp + 1", "needs a value"),
        # comparisons and choices
        ("a < b ▸< c", "do not chain"),
        ("p ▸? a", "no ':'"),
        ("(p ▸? a)", "no ':'"),
        ("f(p ▸? a, b)", "no ':'"),
        ("x ▸: y", "no '?'"),
        ("p ? a : b ▸: c", "no '?'"),
        # other languages
        ("x ▸if y else z", "'if' is a keyword of other languages"),
        ("▸lambda x: x", "'lambda'"),
        ("▸import os", "'import'"),
        ("▸for i in x", "'for'"),
        ("var f = ▸function(x) { return x; }", "'function'"),
        ("a ▸and b", "'and'"),
        ("▸Math + 1", "'Math'"),
        ("▸Math.if(x)", "'if'"),
        ("▸Math.var(x)", "'var'"),
        ("▸Math.true(x)", "'true'"),
        ("x▸^2", "a power is **"),
        ("x ▸% 2", "no remainder"),
        ("a ▸&& b", "no 'and'"),
        ("a ▸& b", "no logic on bits"),
        ("x▸.grad", "names have no dots"),
        ("(x)▸.__class__", "names have no dots"),
        ("x▸[0]", "no indexing"),
        ("▸[x for x in y]", "no lists"),
        ("▸{x}", "no functions, blocks or sets"),
        ("f▸'x'", "no text in quotes"),
        ("x ▸:= 2", "a name is given with ="),
        ("x ▸=> 2", "no functions"),
        ("x ▸/* y */", "a comment starts with //"),
        ("x + ▸\\\ny", "inside brackets"),
        ("x ▸$", "'$' is not supported"),
        ("x▸\x00", "U+0000"),
        ("▸__import__('os')", "double underscore"),
        ("x + a▸__b", "double underscore"),
        # comment or division?
        ("x ▸// 2", "comment or a whole-number division"),
        ("x▸//y", "comment or a whole-number division"),
        ("x + y▸//z", "comment or a whole-number division"),
        ("(x) ▸// (y)", "comment or a whole-number division"),
        # numbers
        ("x + ▸1e999", "largest float64"),
    ],
)
def test_refusal_points_at(marked, said):
    error = refusal(marked.replace("▸", ""))
    assert error.position == marked.index("▸")
    assert said in error.what


@pytest.mark.parametrize("sign", ["<", "<=", ">", ">=", "==", "!=", "===", "!=="])
def test_comparisons_do_not_chain(sign):
    assert refusal(f"a < b {sign} c").position == 6
    assert refusal(f"a {sign} b < c").position == 5 + len(sign)


@pytest.mark.parametrize(
    ("marked", "said", "fix"),
    [
        ("▸ｘ + 1", "FULLWIDTH LATIN SMALL LETTER X", "x"),
        ("x ▸− 1", "U+2212 MINUS SIGN", "-"),
        ("2▸×x", "MULTIPLICATION SIGN", "*"),
        ("x▸²", "SUPERSCRIPT TWO", "**2"),
        ("x▸\xa0+ 1", "NO-BREAK SPACE", "a blank"),
        ("▸λ", "GREEK SMALL LETTER LAMDA", ""),
        ("x // gr▸öße", "LATIN SMALL LETTER O WITH DIAERESIS", ""),
        ("x▸\ud800", "U+D800", ""),
    ],
)
def test_only_plain_ascii_is_read(marked, said, fix):
    error = refusal(marked.replace("▸", ""))
    assert error.position == marked.index("▸")
    assert said in error.what
    assert error.fix == fix


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("2x", "2*x"),
        ("2(x + 1)", "2*("),
        ("x^2", "**"),
        ("np.exp(x)", "exp"),
        ("1 + math.exp(x)", "exp"),
        ("np + x.exp", ""),
        ("np .exp(x)", ""),
        ("a < b < c", "(a < b) * (b < c)"),
        ("x if y else z", "where(condition, value, otherwise)"),
        ("Math.exp", "Math.exp(x)"),
        ("a__b", "a_b"),
        ("true", "1"),
        ("0x10", ""),
        ("a b", ""),
    ],
)
def test_refusal_says_what_to_write(text, fix):
    assert refusal(text).fix == fix


def nested(depth, opening="(", closing=")"):
    return opening * depth + "x" + closing * depth


CAPS = {
    "characters": lambda n: " " * (language.MAX_TEXT - 1 + n) + "x",
    "parts": lambda n: "-" * (language.MAX_TOKENS - 2 + n) + "x",
    "brackets": lambda n: nested(language.MAX_DEPTH + n),
    "calls": lambda n: nested(language.MAX_DEPTH + n, "exp("),
    "choices": lambda n: nested(language.MAX_DEPTH + n, "p ? ", " : y"),
    "long choices": lambda n: "p ? y : " * (language.MAX_DEPTH + n) + "x",
    "name": lambda n: "x" * (language.MAX_NAME + n),
    "number": lambda n: "0" * (language.MAX_NUMBER + n),
}


@pytest.mark.parametrize("cap", CAPS)
def test_a_cap_is_reached_but_not_passed(cap):
    parse(CAPS[cap](0))
    assert "limit" in refusal(CAPS[cap](1)).what or "deep" in refusal(CAPS[cap](1)).what


@pytest.mark.parametrize("part", ["(x)", "exp(x)", "(p ? a : b)", "(a < b)"])
def test_depth_counts_what_is_inside_one_another_not_side_by_side(part):
    parse(" + ".join([part] * 1_500))


def test_depth_counts_brackets_however_much_is_between_them():
    assert refusal("(a * b + " * 1_001).position == 9 * 1_000


HOSTILE = {
    "megabyte of a name": ("x" * 10**6, 0),
    "megabyte of a number": ("1" * 10**6, 0),
    "megabyte of brackets": ("(" * 10**6, 25_000),
    "hundred thousand brackets": ("(" * 10**5, 25_000),
    "sum of 200,000": ("+".join("x" * 200_000), 25_000),
    "megabyte of minus": ("-" * 10**6, 25_000),
    "megabyte of statements": ("x;" * 500_000, 25_000),
    "megabyte of lines": ("\n" * 10**6, 25_000),
    "megabyte of blanks": (" " * 10**6, 10**6),
    "megabyte of comment": ("#" * 10**6, 10**6),
    "two megabytes": ("x" * 2 * 10**6, 10**6),
    "nested powers": ("9" + "**(9" * 5_000, 4_003),
    "digits of an attribute": ("f(x, axis=" + "9" * 400 + ")", 10),
    "strange last character": ("x" * 999_999 + "é", 999_999),
    "call of a module": ("__import__('os').system('ls')", 0),
    "escape by class": ("().__class__.__bases__", 2),
    "code in a string": ("exec('x=1')", 5),
    "comprehension": ("[x for x in x]", 0),
    "format string": ("f'{x}'", 1),
    "lambda": ("(lambda: 0)()", 1),
    "walrus": ("(x := 9)", 3),
    "star": ("f(*x)", 2),
    "factorial": ("factorial(x)!", 12),
    "yield": ("yield x", 0),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_text_is_refused(case):
    text, position = HOSTILE[case]
    assert refusal(text).position == position


def test_a_message_stays_short_for_a_long_text():
    assert len(str(refusal("y" * 10**6))) < 400
    assert len(str(refusal("(" + "z" * 60 + " + 1e3) " * 900 + ")"))) < 400
