"""Text into tokens, in one pass. What is too long, not ASCII or not in the language stops here."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import NamedTuple

from pullback.core.expression.language import (
    LOOKALIKES,
    MAX_NAME,
    MAX_NUMBER,
    MAX_TEXT,
    MAX_TOKENS,
    REFUSED_SIGNS,
    REFUSED_WORDS,
    SAME_SIGN,
    STATEMENT_WORDS,
    TRUTH,
)
from pullback.errors import ExpressionError


class Token(NamedTuple):
    """The smallest piece with a meaning.

    kind: number, name, operator, assign (`=`, `+=` ...), end (of a statement), stop (of the text),
    word (`var`, `return`), truth (`true`); a bracket, a comma, `?` and `:` are kinds of their own.
    """

    kind: str
    text: str
    start: int
    stop: int


# Every branch is linear in the text, and `stop` makes the pattern match at each position: without
# it, blanks at the end would be scanned again from each of them.
_TOKEN = re.compile(
    r"""[ \t\r\f\v]*+(?:
      (?P<name>      (?:Math\.)?[A-Za-z_]\w*)
    | (?P<number>    (?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<comment>   (?://|\#)[^\n]*)
    | (?P<refused>   =>|->|:=|<>|<<|>>|/\*|&&|\|\|)
    | (?P<assign>    (?:\*\*|[-+*/])?=(?!=))
    | (?P<operator>  ===?|!==?|<=|>=|\*\*|[-+*/@<>])
    | (?P<bracket>   [(),?:])
    | (?P<end>       [;\n])
    | (?P<unknown>   [^ \t\r\f\v])
    | (?P<stop>      \Z)
    )""",
    re.VERBOSE | re.ASCII,
)
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_MODULE = re.compile(r"(?:math|np|numpy|jnp|torch|tf)\Z")
_MEMBER = re.compile(r"\.([A-Za-z_]\w{0,40})", re.ASCII)
_DIVISOR = re.compile(r"//[ \t]*[\d.(]")


def tokenize(text: str) -> list[Token]:
    """All tokens of `text`; the last is of kind `stop`. Raises ExpressionError.

    >>> [token.text for token in tokenize("q = x + 2.5  // a comment")]
    ['q', '=', 'x', '+', '2.5', '']
    """
    _check_text(text)
    tokens: list[Token] = []
    brackets = 0
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        token = Token(kind, match[kind], *match.span(kind))
        if kind in _SPECIAL:
            special = _SPECIAL[kind](text, token, tokens)
            if special is None:
                continue
            token = special
            brackets += (token.kind == "(") - (token.kind == ")")
        if token.text == "\n" and brackets > 0:
            continue  # a line goes on inside brackets
        tokens.append(token)
        if len(tokens) > MAX_TOKENS:
            raise ExpressionError(
                f"the expression has more than {MAX_TOKENS:,} parts, which is the limit.",
                text=text,
                position=token.start,
            )
    return tokens


def shown(text: str, width: int = 24) -> str:
    """`text` in quotes, cut to a length that fits a message."""
    return f"'{text}'" if len(text) <= width else f"'{text[:width]}...'"


def _check_text(text: str) -> None:
    if len(text) > MAX_TEXT:
        raise ExpressionError(
            f"the text has {len(text):,} characters; the limit is {MAX_TEXT:,}.",
            text=text,
            position=MAX_TEXT,
        )
    if text.isascii():
        return
    match = _NOT_ASCII.search(text)
    assert match is not None
    character = match[0]
    name = unicodedata.name(character, "a character without a name")
    fix = LOOKALIKES.get(character, "")
    if not fix and name.startswith("FULLWIDTH"):
        fix = unicodedata.normalize("NFKC", character)
    raise ExpressionError(
        f"U+{ord(character):04X} {name} is not plain ASCII.",
        text=text,
        position=match.start(),
        why="Look-alike characters hide mistakes, so names, signs and comments are plain ASCII.",
        fix=fix,
    )


def _name(text: str, token: Token, before: list[Token]) -> Token:
    word = token.text
    if word in STATEMENT_WORDS:
        return token._replace(kind="word")
    if word in TRUTH:
        return token._replace(kind="truth")
    bare = word.removeprefix("Math.")
    if bare in REFUSED_WORDS or bare in STATEMENT_WORDS or bare in TRUTH:
        what, position = (
            f"'{bare}' is a word of other languages and means nothing here.",
            token.start,
        )
        raise ExpressionError(what, text=text, position=position, fix=REFUSED_WORDS.get(bare, ""))
    if len(bare) > MAX_NAME:
        what = f"the name {shown(bare)} has {len(bare):,} characters; the limit is {MAX_NAME}."
        raise ExpressionError(what, text=text, position=token.start)
    if "__" in bare:
        what, position = (
            f"the name '{bare}' has a double underscore.",
            text.index("__", token.start),
        )
        raise ExpressionError(what, text=text, position=position, fix=re.sub("__+", "_", bare))
    return token


def _number(text: str, token: Token, before: list[Token]) -> Token:
    if len(token.text) > MAX_NUMBER:
        raise ExpressionError(
            f"a number of {len(token.text):,} characters; the limit is {MAX_NUMBER}.",
            text=text,
            position=token.start,
        )
    if float(token.text) == float("inf"):
        raise ExpressionError(
            f"{shown(token.text)} is beyond the largest float64 number, 1.797e308.",
            text=text,
            position=token.start,
        )
    return token


def _comment(text: str, token: Token, before: list[Token]) -> None:
    # `x // 2` is a comment after x here, but a division to who thinks in Python: ask, never guess.
    follows_value = bool(before) and before[-1].kind in ("number", "name", ")")
    touches = token.start == before[-1].stop if follows_value else False
    divides = _DIVISOR.match(token.text) or (touches and token.text[2:3].strip())
    if follows_value and token.text.startswith("//") and divides:
        raise ExpressionError(
            "'//' after a value: is this a comment or a whole-number division?",
            text=text,
            position=token.start,
            why="A comment goes behind ';' or starts with '#'; a division is floor(a / b).",
        )


def _operator(text: str, token: Token, before: list[Token]) -> Token:
    return token._replace(text=SAME_SIGN.get(token.text, token.text))


def _bracket(text: str, token: Token, before: list[Token]) -> Token:
    return token._replace(kind=token.text)


def _refused(text: str, token: Token, before: list[Token]) -> None:
    sign = token.text
    if sign not in REFUSED_SIGNS:
        what = f"'{sign}'" if sign.isprintable() else f"character U+{ord(sign):04X}"
        raise ExpressionError(f"{what} is not in this language.", text=text, position=token.start)
    what, fix = REFUSED_SIGNS[sign]
    member = _MEMBER.match(text, token.start)
    if member and before and before[-1].stop == token.start and _MODULE.match(before[-1].text):
        fix = member[1]
    raise ExpressionError(
        f"'{sign}' is not in this language: {what}{', write ' + fix if fix else ''}.",
        text=text,
        position=token.start,
        fix=fix,
    )


_SPECIAL: dict[str, Callable[[str, Token, list[Token]], Token | None]] = {
    "name": _name,
    "number": _number,
    "comment": _comment,
    "operator": _operator,
    "bracket": _bracket,
    "refused": _refused,
    "unknown": _refused,
}
