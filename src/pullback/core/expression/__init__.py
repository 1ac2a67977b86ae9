"""The parser of typed expressions, and the printer back to text. Nothing is evaluated."""

from pullback.core.expression.language import ALIASES, CHOOSE, CONSTANTS, OPERATORS, PAIRWISE, SIGNS
from pullback.core.expression.parser import parse
from pullback.core.expression.printer import to_text
from pullback.core.expression.program import Attribute, Instruction, Parsed

__all__ = [
    "ALIASES",
    "CHOOSE",
    "CONSTANTS",
    "OPERATORS",
    "PAIRWISE",
    "SIGNS",
    "Attribute",
    "Instruction",
    "Parsed",
    "parse",
    "to_text",
]
