"""Tokens into postfix instructions, by an explicit stack: nothing recurses, nothing is computed.

statement:   [var | let | const] name = expression {, name = expression}  |  name += expression
             [return] expression                                          (only as the last)
expression:  value {operator value}  |  condition ? expression : expression
value:       number | name | Math.PI | -value | (expression) | name(expression {, expression}
             {, attribute})
attribute:   name = whole number | true | false | (whole numbers)

An expression is read by alternating between two states: before a value, where only signs, opening
brackets and values may come, and after one, where only closing brackets and operators may. What
has not all its values yet waits on a stack until something that binds looser comes (Dijkstra 1961).
"""

from __future__ import annotations

from dataclasses import dataclass

from pullback.core.expression import refusals
from pullback.core.expression.language import (
    ALIASES,
    BRACKET,
    CHOICE,
    CHOOSE,
    COMPARE,
    CONSTANTS,
    DECLARATIONS,
    MAX_DEPTH,
    MAX_WHOLE,
    OPERATORS,
    SIGN,
    SIGNS,
    TRUTH,
)
from pullback.core.expression.lexer import Token, tokenize
from pullback.core.expression.program import Attribute, Instruction, Parsed
from pullback.errors import ExpressionError


def parse(text: str) -> Parsed:
    """Read `text`: statements in the notation of Python or JavaScript. Nothing is evaluated.

    The last statement is the result. A power is `**`, not `^`; `//` starts a comment; a line goes
    on in the next one only inside brackets. Every number is a float64.

    Limits: 1,000,000 characters, 100,000 tokens, brackets 1,000 deep, names of 64 characters.
    Raises ExpressionError and nothing else; its `position` is where the text stops making sense.

    >>> parsed = parse("var q = x + y; var f = q * z;")
    >>> parsed.inputs, parsed.assigned, parsed.result
    (('x', 'y', 'z'), ('q', 'f'), 'f')
    >>> [step.text for step in parse("-x ** 2").instructions]
    ['x', '2', 'power', 'negate']
    """
    parser = _Parser(text)
    parser.program()
    steps = tuple(parser.steps)
    # A name comes last only where nothing is done with it: it is the whole result.
    result = steps[-1].text if steps[-1].kind == "name" else None
    return Parsed(text, steps, tuple(parser.inputs), tuple(parser.assigned), result)


@dataclass(slots=True)
class _Bracket:
    """An open bracket: plain, or of the call that `step` becomes once all its values are read."""

    token: Token
    step: Instruction | None = None
    arity: int = 1
    attributes: dict[str, Attribute] = field(default_factory=dict)


class _Parser:
    """Reads one text from left to right; `at` is the index of the next token."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokenize(text)
        self.at = 0
        self.steps: list[Instruction] = []
        self.inputs: dict[str, None] = {}
        self.assigned: dict[str, None] = {}
        self.waiting: list[_Waiting] = []
        self.brackets: list[_Waiting] = []  # those of `waiting` that are brackets or calls
        self.depth = 0

    # --- statements ---

    def program(self) -> None:
        """Read all statements, and let the last one leave its value."""
        self.skip_ends()
        if self.next.kind == "stop":
            raise self.error("the text is empty: there is no expression to read.", self.next)
        while True:
            first = self.next
            self.statement()
            self.skip_ends()
            if self.next.kind == "stop":
                break
            if self.steps[-1].kind != "assign":
                what = "nothing uses the value of this statement: only the last may have no name."
                raise self.error(what, first, fix="q = ...")
        last = self.steps[-1]
        if last.kind == "assign":
            self.steps.append(last._replace(kind="name"))

    def skip_ends(self) -> None:
        while self.next.kind == "end":
            self.at += 1

    def statement(self) -> None:
        word = self.take().text if self.next.kind == "word" else ""
        if word in DECLARATIONS:
            self.assignment()
            while self.next.kind == ",":
                self.at += 1
                self.assignment()
        elif not word and self.tokens[self.at].kind == "name" and self.follows("assign"):
            self.assignment()
        else:
            self.expression()
        if self.next.kind == ",":
            raise refusals.misplaced_comma(self.text, self.next)

    def assignment(self) -> None:
        name = self.take()
        if name.kind != "name" or "." in name.text:
            raise self.error("a name is missing here, such as q in 'q = x + y'.", name)
        sign = self.next
        if sign.kind != "assign":
            raise self.error(f"'{name.text}' is given no value.", name, fix=f"{name.text} = 1")
        self.at += 1
        operator = OPERATORS.get(sign.text[:-1])
        if operator:
            self.read_name(name)
        self.expression()
        if operator:
            self.steps.append(Instruction("call", operator.gate, 0.0, 2, sign.start, sign.stop))
        self.steps.append(Instruction("assign", name.text, 0.0, 1, name.start, name.stop))
        self.assigned[name.text] = None

    # --- expressions ---

    def expression(self) -> None:
        """Read up to the end of the statement, or to a comma outside all brackets."""
        self.before_value()
        while self.after_value():
            self.before_value()
        self.settle(CHOICE)
        if self.waiting:
            raise refusals.unclosed(self.text, self.waiting[-1].opening)

    def before_value(self) -> None:
        """Read signs and opening brackets, then one value."""
        while True:
            token = self.take()
            kind = token.kind
            if kind == "name" and self.next.kind == "(":
                gate = token.text.removeprefix("Math.")
                self.open(_Waiting(BRACKET, token, self.take(), ALIASES.get(gate, gate)))
            elif kind == "name":
                self.read_name(token)
                return
            elif kind == "number":
                self.read_number(token, float(token.text))
                return
            elif kind == "(":
                self.open(_Waiting(BRACKET, token, token))
            elif kind == "operator" and token.text in SIGNS:
                if SIGNS[token.text]:
                    self.waiting.append(_Waiting(SIGN, token, token, SIGNS[token.text]))
            else:
                before = self.tokens[self.at - 2] if self.at > 1 else None
                raise refusals.missing_value(self.text, before, token)

    def after_value(self) -> bool:
        """Read closing brackets, then one operator. False where the expression has ended."""
        while True:
            token = self.next
            kind = token.kind
            if kind in ("end", "stop") or (kind == "," and not self.brackets):
                return False
            self.at += 1
            if kind == "operator":
                self.infix(token)
            elif kind == ")":
                self.close(token)
                continue
            elif kind == ",":
                if self.next_is_attribute(token):
                    continue
            elif kind == "?":
                self.settle(COMPARE)
                self.open(_Waiting(BRACKET, token, token, CHOOSE, arity=3))
            elif kind == ":":
                self.otherwise(token)
            else:
                bracket = self.brackets[-1].opening if self.brackets else None
                raise refusals.side_by_side(self.text, self.tokens[self.at - 2], token, bracket)
            return True

    def read_number(self, token: Token, value: float) -> None:
        self.steps.append(Instruction("number", token.text, value, 0, token.start, token.stop))

    def read_name(self, token: Token) -> None:
        name = token.text
        if name in CONSTANTS:
            self.read_number(token, CONSTANTS[name])
            return
        if "." in name:
            raise self.error(f"{name} needs a value in brackets.", token, fix=f"{name}(x)")
        if name not in self.assigned:
            self.inputs[name] = None
        self.steps.append(Instruction("name", name, 0.0, 0, token.start, token.stop))

    def infix(self, token: Token) -> None:
        operator = OPERATORS[token.text]
        self.settle(operator.left)
        if operator.level == COMPARE and self.waiting and self.waiting[-1].level == COMPARE:
            raise refusals.chained(self.text, token)
        self.waiting.append(_Waiting(operator.level, token, token, operator.gate, arity=2))

    def settle(self, level: int) -> None:
        """Write down what waits and binds at least as tightly as `level`: its values are there."""
        while self.waiting and self.waiting[-1].level >= level:
            ready = self.waiting.pop()
            self.depth -= ready.level == CHOICE
            self.call(ready)

    def call(self, ready: _Waiting) -> None:
        start, stop = ready.token.start, ready.token.stop
        self.steps.append(
            Instruction("call", ready.gate, 0.0, ready.arity, start, stop, ready.attributes)
        )

    # --- brackets, calls and choices ---

    def open(self, waiting: _Waiting) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(f"more than {MAX_DEPTH:,} brackets are open.", waiting.opening)
        self.waiting.append(waiting)
        if waiting.opening.kind == "(":
            self.brackets.append(waiting)

    def close(self, token: Token) -> None:
        if not self.brackets:
            raise self.error("this ')' closes nothing.", token)
        bracket = self.innermost()
        self.waiting.pop()
        self.brackets.pop()
        self.depth -= 1
        if bracket.gate:
            self.call(bracket)

    def innermost(self) -> _Waiting:
        """The open bracket, with all that waited inside it written down."""
        self.settle(CHOICE)
        if self.waiting[-1] is not self.brackets[-1]:
            raise refusals.unclosed(self.text, self.waiting[-1].opening)
        return self.brackets[-1]

    def otherwise(self, token: Token) -> None:
        """The ':' of a choice: it turns from a bracket into an operator that binds loosest."""
        self.settle(CHOICE)
        if not self.waiting or self.waiting[-1].opening.kind != "?":
            raise self.error("this ':' has no '?' before it.", token)
        self.waiting[-1].level = CHOICE

    def next_is_attribute(self, comma: Token) -> bool:
        """After a comma in a call: read attributes, if any come; else make room for a value."""
        call = self.innermost()
        if not call.gate:
            raise refusals.misplaced_comma(self.text, comma)
        if not self.follows("assign"):
            call.arity += 1
            return False
        self.attribute(call)
        while self.next.kind == ",":
            self.at += 1
            self.attribute(call)
        if self.next.kind not in (")", "end", "stop"):
            raise self.error("after an attribute comes ',' or ')'.", self.next)
        return True

    def attribute(self, call: _Waiting) -> None:
        name = self.next
        if name.kind != "name" or not self.follows("assign") or "." in name.text:
            raise self.error("after an attribute come only more of them, such as axis=0.", name)
        if name.text in dict(call.attributes):
            raise self.error(f"the attribute '{name.text}' is given twice.", name)
        self.at += 2
        call.attributes += ((name.text, self.attribute_value()),)

    def attribute_value(self) -> Attribute:
        token = self.next
        if token.kind == "truth":
            self.at += 1
            return TRUTH[token.text]
        if token.kind != "(":
            return self.whole_number()
        self.at += 1
        numbers = []
        while self.next.kind != ")":
            numbers.append(self.whole_number())
            if self.next.kind == ",":
                self.at += 1
            elif self.next.kind != ")":
                raise self.error("after a whole number comes ',' or ')'.", self.next)
        self.at += 1
        return tuple(numbers)

    def whole_number(self) -> int:
        sign = self.take() if self.next.text == "-" else None
        token = self.take()
        if not token.text.isdigit() or len(token.text) > 10 or int(token.text) > MAX_WHOLE:
            what = "an attribute is a whole number, true, false, or whole numbers in brackets."
            raise self.error(what, token)
        return -int(token.text) if sign else int(token.text)

    # --- tokens ---

    @property
    def next(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def follows(self, kind: str) -> bool:
        """True if the token after the next one is of this kind."""
        return self.next.kind != "stop" and self.tokens[self.at + 1].kind == kind

    def error(self, what: str, token: Token, *, fix: str = "") -> ExpressionError:
        return ExpressionError(what, text=self.text, position=token.start, fix=fix)
