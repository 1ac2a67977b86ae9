"""Text into tokens, in one pass. What is too long, not ASCII or not in the language stops here."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from pullback.core.expression.language import (
    LOOKALIKES,
    MAX_NAME,
    MAX_NUMBER,
    MAX_TEXT,
    MAX_TOKENS,
    REFUSED_SIGNS,
    REFUSED_WORDS,
    STATEMENT_WORDS,
    TRUTH,
)
from pullback.errors import ExpressionError


class Token(NamedTuple):
    """The smallest piece with a meaning; text[start:stop] of the source.

    kind: number, name, operator, assign (`=`, `+=` ...), end (of a statement), stop (of the text),
    word (`var`, `return`), truth (`true`); a bracket, a comma, `?` and `:` are kinds of their own.
    """

    kind: str
    text: str
    start: int
    stop: int


# Every branch is linear in the text. `stop` makes the pattern match at each position: without it,
# blanks at the end would be scanned again from each of them.
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
_MODULES = frozenset({"math", "np", "numpy", "jnp", "torch"})
_MEMBER = re.compile(r"\.([A-Za-z]\w{0,40})", re.ASCII)
_DIVISOR = re.compile(r"//[ \t]*[\d.(]")


def tokenize(text: str) -> list[Token]:
    """All tokens of `text`; the last is of kind `stop`. Raises ExpressionError.

    >>> [token.text for token in tokenize("q = x + 2.5  // a comment")]
    ['q', '=', 'x', '+', '2.5', '']
    """
    _check_text(text)
    tokens: list[Token] = []
    kind_of: dict[str, str] = {}  # every name is checked once
    brackets = 0
    for match in _TOKEN.finditer(text):
        kind, start, stop = match.lastgroup or "", match.start(match.lastgroup or 0), match.end()
        word = text[start:stop]
        if kind == "name":
            if word not in kind_of:
                kind_of[word] = _kind_of_name(text, word, start)
            kind = kind_of[word]
        elif kind == "number":
            _check_number(text, word, start)
        elif kind == "bracket":
            kind = word
            brackets += (word == "(") - (word == ")")
        elif kind == "comment":
            _check_comment(text, word, start, tokens)
            continue
        elif kind == "end" and word == "\n" and brackets > 0:
            continue  # a line goes on inside brackets
        elif kind in ("refused", "unknown"):
            raise _refused(text, word, start, tokens)
        if len(tokens) == MAX_TOKENS:
            what = f"the expression has more than {MAX_TOKENS:,} parts, which is the limit."
            raise ExpressionError(what, text=text, position=start)
        tokens.append(Token(kind, word, start, stop))
    return tokens


def shown(text: str, width: int = 24) -> str:
    """`text` in quotes, cut to a length that fits a message."""
    return f"'{text}'" if len(text) <= width else f"'{text[:width]}...'"


def _check_text(text: str) -> None:
    """Refuse what is too long before anything looks at it, then what is not plain ASCII."""
    if len(text) > MAX_TEXT:
        what = f"the text has {len(text):,} characters; the limit is {MAX_TEXT:,}."
        raise ExpressionError(what, text=text, position=MAX_TEXT)
    strange = None if text.isascii() else _NOT_ASCII.search(text)
    if strange is None:
        return
    character = strange[0]
    name = unicodedata.name(character, "a character without a name")
    fix = LOOKALIKES.get(character, "")
    if name.startswith("FULLWIDTH"):
        fix = unicodedata.normalize("NFKC", character)
    raise ExpressionError(
        f"U+{ord(character):04X} {name} is not plain ASCII.",
        text=text,
        position=strange.start(),
        why="Look-alike characters hide mistakes, so names, signs and comments are plain ASCII.",
        fix=fix,
    )


def _kind_of_name(text: str, word: str, start: int) -> str:
    if word in STATEMENT_WORDS:
        return "word"
    if word in TRUTH:
        return "truth"
    bare = word.removeprefix("Math.")
    if bare in REFUSED_WORDS or bare in STATEMENT_WORDS or bare in TRUTH:
        what = f"'{bare}' is a keyword of other languages and is not supported here."
        raise ExpressionError(what, text=text, position=start, fix=REFUSED_WORDS.get(bare, ""))
    if len(bare) > MAX_NAME:
        what = f"the name {shown(bare)} has {len(bare):,} characters; the limit is {MAX_NAME}."
        raise ExpressionError(what, text=text, position=start)
    if "__" in bare:
        what, position = f"the name '{bare}' has a double underscore.", text.index("__", start)
        raise ExpressionError(what, text=text, position=position, fix=re.sub("__+", "_", bare))
    return "name"


def _check_number(text: str, word: str, start: int) -> None:
    if len(word) > MAX_NUMBER:
        what = f"a number of {len(word):,} characters; the limit is {MAX_NUMBER}."
        raise ExpressionError(what, text=text, position=start)
    if float(word) == float("inf"):
        what = f"{shown(word)} is beyond the largest float64 number, 1.797e308."
        raise ExpressionError(what, text=text, position=start)


def _check_comment(text: str, word: str, start: int, before: list[Token]) -> None:
    """`x // 2` is a comment here, but a division to who thinks in Python: ask, never guess."""
    if word[0] == "#" or not before or before[-1].kind not in ("number", "name", ")"):
        return
    touches = start == before[-1].stop and word[2:3].strip()
    if touches or _DIVISOR.match(word):
        raise ExpressionError(
            "'//' after a value: is this a comment or a whole-number division?",
            text=text,
            position=start,
            why="A comment goes behind ';' or starts with '#'; a division is floor(a / b).",
        )


def _refused(text: str, sign: str, start: int, before: list[Token]) -> ExpressionError:
    what, fix = REFUSED_SIGNS.get(sign, ("", ""))
    member = _MEMBER.match(text, start)
    if member and before and before[-1].stop == start and before[-1].text in _MODULES:
        fix = member[1]
    quoted = f"'{sign}'" if sign.isprintable() else f"the character U+{ord(sign):04X}"
    what = f"{quoted} is not supported{': ' + what if what else ''}."
    return ExpressionError(what, text=text, position=start, fix=fix)
