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

from dataclasses import dataclass, field

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
    PAIRWISE,
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

    Limits: 1,000,000 characters, 25,000 tokens, brackets 1,000 deep, names of 64 characters.
    Raises ExpressionError and nothing else; its `position` is where the text stops making sense.

    >>> parsed = parse("var q = x + y; var f = q * z;")
    >>> parsed.inputs, parsed.assigned, parsed.result
    (('x', 'y', 'z'), ('q', 'f'), 'f')
    >>> [step.text for step in parse("-x ** 2").instructions]
    ['x', '2', 'power', 'negative']
    """
    parser = _Parser(text)
    parser.program()
    steps = tuple(parser.steps)
    # A name comes last only where nothing is done with it: it is the whole result.
    result = steps[-1].text if steps[-1].kind == "name" else None
    return Parsed(text, steps, tuple(parser.inputs), tuple(parser.assigned), result)


@dataclass(slots=True)
class _Bracket:
    """An open bracket: a plain one, or a call's, which then has a gate."""

    token: Token
    step: Instruction
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
        # What has not all its values yet, with its level. An open bracket waits here as well, so
        # that nothing outside it is written down before it is closed.
        self.waiting: list[tuple[int, Instruction]] = []
        self.brackets: list[_Bracket] = []
        self.depth = 0  # brackets and choices

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
            self.steps.append(last._replace(kind="name", arity=0))

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
        elif not word and self.next.kind == "name" and self.follows("assign"):
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
        operator = OPERATORS.get(sign.text[:-1])  # "+" of "+="
        if operator:
            self.steps.append(self.value(name))
        self.expression()
        if operator:
            self.steps.append(_call(operator.gate, sign, 2))
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
            raise self.unclosed()

    def before_value(self) -> None:
        """Read signs and opening brackets, then one value."""
        while True:
            token = self.take()
            kind = token.kind
            if kind == "name" and self.next.kind == "(":
                gate = token.text.removeprefix("Math.")
                self.open_bracket(self.take(), _call(ALIASES.get(gate, gate), token, 1))
            elif kind in ("name", "number"):
                self.steps.append(self.value(token))
                return
            elif kind == "(":
                self.open_bracket(token, _call("", token, 1))
            elif kind == "operator" and token.text in SIGNS:
                if SIGNS[token.text]:
                    self.waiting.append((SIGN, _call(SIGNS[token.text], token, 1)))
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
                self.close_bracket(token)
                continue
            elif kind == ",":
                if self.attributes(token):
                    continue
            elif kind == "?":
                self.condition(token)
            elif kind == ":":
                self.otherwise(token)
            else:
                bracket = self.brackets[-1].token if self.brackets else None
                raise refusals.side_by_side(self.text, self.tokens[self.at - 2], token, bracket)
            return True

    def value(self, token: Token) -> Instruction:
        name = token.text
        if token.kind == "number":
            return Instruction("number", name, float(name), 0, token.start, token.stop)
        if name in CONSTANTS:
            return Instruction("number", name, CONSTANTS[name], 0, token.start, token.stop)
        if "." in name:
            raise self.error(f"{name} needs a value in brackets.", token, fix=f"{name}(x)")
        if name not in self.assigned:
            self.inputs[name] = None
        return Instruction("name", name, 0.0, 0, token.start, token.stop)

    def infix(self, token: Token) -> None:
        operator = OPERATORS[token.text]
        self.settle(operator.left)
        if operator.level == COMPARE and self.waiting and self.waiting[-1][0] == COMPARE:
            raise refusals.chained(self.text, token)
        self.waiting.append((operator.level, _call(operator.gate, token, 2)))

    def settle(self, level: int) -> None:
        """Write down what waits and binds at least as tightly as `level`: its values are there."""
        waiting = self.waiting
        while waiting and waiting[-1][0] >= level:
            ready, step = waiting.pop()
            self.steps.append(step)
            if ready == CHOICE:
                self.depth -= 1

    # --- brackets, calls and choices ---

    def deeper(self, token: Token, step: Instruction) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(f"brackets are more than {MAX_DEPTH:,} deep.", token)
        self.waiting.append((BRACKET, step))

    def open_bracket(self, token: Token, step: Instruction) -> None:
        self.deeper(token, step)
        self.brackets.append(_Bracket(token, step))

    def innermost(self) -> _Bracket:
        """The open bracket, once all that waits inside it is written down."""
        self.settle(CHOICE)
        if self.waiting[-1][1] is not self.brackets[-1].step:
            raise self.unclosed()
        return self.brackets[-1]

    def close_bracket(self, token: Token) -> None:
        if not self.brackets:
            raise self.error("this ')' has no opening bracket.", token)
        bracket = self.innermost()
        self.waiting.pop()
        self.brackets.pop()
        self.depth -= 1
        gate = bracket.step.text
        if gate:
            gate = PAIRWISE.get(gate, gate) if bracket.arity > 1 else gate
            step = _call(gate, bracket.step, bracket.arity)
            self.steps.append(step._replace(attributes=tuple(bracket.attributes.items())))

    def condition(self, token: Token) -> None:
        self.settle(COMPARE)
        self.deeper(token, _call(CHOOSE, token, 3))

    def otherwise(self, token: Token) -> None:
        """The ':' of a choice: what waited as a bracket now waits as the loosest operator."""
        self.settle(CHOICE)
        if not self.waiting or self.text[self.waiting[-1][1].start] != "?":
            raise self.error("this ':' has no '?' before it.", token)
        self.waiting.append((CHOICE, self.waiting.pop()[1]))

    def attributes(self, comma: Token) -> bool:
        """After a comma in a call: read attributes, if any come; else make room for a value."""
        call = self.innermost()
        if not call.step.text:
            raise refusals.misplaced_comma(self.text, comma)
        if not (self.next.kind == "name" and self.follows("assign")):
            call.arity += 1
            return False
        self.attribute(call)
        while self.next.kind == ",":
            self.at += 1
            self.attribute(call)
        if self.next.kind not in (")", "end", "stop"):
            raise self.error("after an attribute comes ',' or ')'.", self.next)
        return True

    def attribute(self, call: _Bracket) -> None:
        name = self.next
        if name.kind != "name" or not self.follows("assign") or "." in name.text:
            raise self.error("after an attribute come only more of them, such as axis=0.", name)
        if name.text in call.attributes:
            raise self.error(f"the attribute '{name.text}' is given twice.", name)
        if self.tokens[self.at + 1].text != "=":
            raise refusals.misplaced_assign(self.text, self.tokens[self.at + 1])
        self.at += 2
        call.attributes[name.text] = self.attribute_value()

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

    def unclosed(self) -> ExpressionError:
        """What waits innermost is a bracket or a '?' that never ends."""
        step = self.waiting[-1][1]
        inner = self.brackets[-1] if self.brackets else None
        start = inner.token.start if inner and inner.step is step else step.start
        return refusals.unclosed(self.text, start)

    def error(self, what: str, token: Token, *, fix: str = "") -> ExpressionError:
        return ExpressionError(what, text=self.text, position=token.start, fix=fix)


def _call(gate: str, token: Token | Instruction, arity: int) -> Instruction:
    return Instruction("call", gate, 0.0, arity, token.start, token.stop)
