"""Reading formulas: words to a tree, and one clear error for whatever is none."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache

from dtedask.core.errors import ProductError
from dtedask.core.nearest import did_you_mean
from dtedask.products.derived.faults import fault
from dtedask.products.derived.functions import FUNCTIONS
from dtedask.products.derived.tokens import Token, tokens_of
from dtedask.products.derived.tree import Binary, Call, Itself, Name, Number, Tree, Unary
from dtedask.products.derived.units import unit_of, unit_text

__all__ = ["parse_formula"]

_COMPARISONS = {"<": "<", "<=": "<=", ">": ">", ">=": ">=", "=": "=", "==": "=", "!=": "!=", "<>": "!="}
_WORDS = {"&&": "and", "||": "or", "!": "not", "and": "and", "or": "or", "not": "not"}
_ITSELF = frozenset({"f", "f1"})
# What MIR writes as functions.
_AS_OPERATORS = {"and": ("and", 2), "or": ("or", 2), "pow": ("^", 2), "neg": ("-", 1), "not": ("not", 1)}
_DEEPEST, _MOST = 40, 200


@lru_cache(4096)
def parse_formula(text: str) -> Tree:
    """Read a formula.

    Parameters
    ----------
    text : str
        Such as ``sqrt(10u^2 + 10v^2) > 20 m s**-1``.

    Returns
    -------
    Tree
        Not checked for units yet.

    Raises
    ------
    ProductError
        If it is no formula: column, a caret below it, and what was expected.
    """
    return _Parser(text).whole()


class _Parser:
    """Goes through the words once, from left to right; one method for each strength of operators."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens_of(text)
        self.place = 0
        self.depth = 0
        self.parts = 0

    def whole(self) -> Tree:
        if self.is_kind("end"):
            raise fault(self.text, 0, "it is empty.", "Write such as 'f - 273.15' or 'sqrt(10u^2 + 10v^2)'.")
        tree = self.either()
        if not self.is_kind("end"):
            raise self.unexpected()
        return tree

    @property
    def now(self) -> Token:
        return self.tokens[self.place]

    def take(self) -> Token:
        self.place += 1
        return self.tokens[self.place - 1]

    def either(self) -> Tree:
        return self.chain(self.both, lambda: self.word() == "or")

    def both(self) -> Tree:
        return self.chain(self.negated, lambda: self.word() == "and")

    def negated(self) -> Tree:
        if self.word() != "not":
            return self.comparison()
        column = self.take().column
        with self.deeper():
            return self.counted(Unary("not", self.negated(), column))

    def comparison(self) -> Tree:
        tree = self.sum()
        if not self.is_mark(*_COMPARISONS):
            return tree
        sign = self.take()
        compared = self.counted(Binary(_COMPARISONS[sign.text], tree, self.sum(), sign.column))
        if self.is_mark(*_COMPARISONS):
            raise fault(self.text, self.now.column, "two comparisons in a row.", "Write 'a < b and b < c'.")
        return compared

    def sum(self) -> Tree:
        return self.chain(self.product, lambda: self.is_mark("+", "-"))

    def product(self) -> Tree:
        return self.chain(self.signed, lambda: self.is_mark("*", "/"))

    def chain(self, operand: Callable[[], Tree], goes_on: Callable[[], bool]) -> Tree:
        tree = operand()
        while goes_on():
            sign = self.take()
            tree = self.counted(Binary(_WORDS.get(sign.text, sign.text), tree, operand(), sign.column))
        return tree

    def signed(self) -> Tree:
        if not self.is_mark("+", "-"):
            return self.power()
        sign = self.take()
        if self.is_kind("number"):
            number = self.power(sign=sign)
            assert isinstance(number, Number)
            return Number(-number.value, number.unit, sign.column) if sign.text == "-" else number
        with self.deeper():
            operand = self.signed() if self.is_mark("+", "-") else self.power(sign=sign)
        return self.counted(Unary("-", operand, sign.column)) if sign.text == "-" else operand

    def power(self, *, sign: Token | None = None) -> Tree:
        base = self.atom()
        if not self.is_mark("^", "**"):
            return base
        if sign is not None:
            raise fault(
                self.text, sign.column, "a sign before a power is read in two ways.", "Write '-(a^b)' or '(-a)^b'."
            )
        raised = self.take()
        tree = self.counted(Binary("^", base, self.exponent(), raised.column))
        if self.is_mark("^", "**"):
            raise fault(
                self.text, self.now.column, "a power of a power is read in two ways.", "Write '(a^b)^c' or 'a^(b^c)'."
            )
        return tree

    def exponent(self) -> Tree:
        if not self.is_mark("+", "-"):
            return self.atom()
        sign = self.take()
        is_number = self.is_kind("number")
        operand = self.atom()
        if sign.text == "+":
            return operand
        if is_number and isinstance(operand, Number):
            return Number(-operand.value, operand.unit, sign.column)
        return self.counted(Unary("-", operand, sign.column))

    def atom(self) -> Tree:
        token = self.take()
        if token.kind == "number":
            return self.number(token)
        if token.kind == "quoted":
            return self.field(token)
        if token.text == "(" and token.kind == "mark":
            with self.deeper():
                tree = self.either()
            self.expect(")")
            return tree
        if token.kind != "name":
            self.place -= 1
            raise self.unexpected()
        return self.call(token) if self.is_mark("(") else self.named(token)

    def named(self, token: Token) -> Tree:
        if token.text in _ITSELF:
            return Itself(token.column)
        if token.text.lower() in _WORDS:
            self.place -= 1
            raise self.unexpected()
        return self.field(token)

    def call(self, token: Token) -> Tree:
        name = token.text.lower()
        if name not in FUNCTIONS and name not in _AS_OPERATORS:
            raise fault(
                self.text,
                token.column,
                f"there is no function {token.text!r}.",
                did_you_mean(name, [*FUNCTIONS, *_AS_OPERATORS], listed=60),
            )
        with self.deeper():
            arguments = tuple(self.arguments())
        least, most = self.taken_by(name)
        if not least <= len(arguments) <= most:
            count = f"{least}" if least == most else f"{least} or more" if most > 99 else f"{least} to {most}"
            raise fault(self.text, token.column, f"{name!r} takes {count} values, not {len(arguments)}.")
        return self.counted(self.made(name, arguments, token.column))

    def taken_by(self, name: str) -> tuple[int, int]:
        if name in _AS_OPERATORS:
            return (_AS_OPERATORS[name][1],) * 2
        return FUNCTIONS[name].least, FUNCTIONS[name].most

    def made(self, name: str, arguments: tuple[Tree, ...], column: int) -> Tree:
        if name not in _AS_OPERATORS:
            return Call(name, arguments, column)
        sign = _AS_OPERATORS[name][0]
        if len(arguments) == 1:
            return Unary(sign, arguments[0], column)
        return Binary(sign, arguments[0], arguments[1], column)

    def arguments(self) -> Iterator[Tree]:
        self.expect("(")
        if self.is_mark(")"):
            self.take()
            return
        yield self.either()
        while self.is_mark(","):
            self.take()
            yield self.either()
        self.expect(")")

    def number(self, token: Token) -> Number:
        value = float(token.text)
        if not math.isfinite(value):
            raise fault(self.text, token.column, f"the number {token.text} is too large.")
        return Number(value, self.unit(), token.column)

    def unit(self) -> str:
        """Take the unit behind a number: ``%``, ``[m/s]``, or words with their powers."""
        start = self.now
        if self.is_mark("%"):
            self.take()
            return "%"
        if self.is_mark("["):
            end = self.close()
            return self.canonical(start, self.text[start.end : end.column])
        while self.is_kind("name") and self.now.text.lower() not in _WORDS:
            self.take()
            if self.is_mark("^", "**"):
                self.take()
                self.take() if self.is_mark("+", "-") else None
                self.take() if self.is_kind("number") else self.fail_power()
        if self.now is start:
            return ""
        return self.canonical(start, self.text[start.column : self.tokens[self.place - 1].end])

    def fail_power(self) -> None:
        raise fault(self.text, self.now.column, "the power of a unit is a whole number, as in '5 m s**-1'.")

    def canonical(self, start: Token, text: str) -> str:
        try:
            return unit_text(unit_of(text))
        except ProductError as error:
            hint = "Between a number and a field stands '*', and names of parameters need no space."
            raise fault(self.text, start.column, error.message, error.hint or hint) from error

    def field(self, token: Token) -> Name:
        if not token.text:
            raise fault(self.text, token.column, "the name is empty.")
        return Name(token.text, self.keys() if self.is_mark("[") else (), token.column)

    def keys(self) -> tuple[tuple[str, str], ...]:
        """Take ``[levelist=500, step=-6]``."""
        start = self.now
        end = self.close()
        found: dict[str, str] = {}
        for part in self.text[start.end : end.column].split(","):
            key, equals, value = (word.strip() for word in part.partition("="))
            if not re.fullmatch(r"[A-Za-z_]+", key) or not equals or not re.fullmatch(r"[-+\w.:]+", value):
                raise fault(self.text, start.column, f"{part.strip()!r} is no key.", "Write such as [levelist=500].")
            found[key.lower()] = value
        return tuple(sorted(found.items()))

    def close(self) -> Token:
        while not self.is_kind("end"):
            if self.take().text == "]":
                return self.tokens[self.place - 1]
        raise fault(self.text, self.now.column, "']' is missing.")

    def word(self) -> str:
        return _WORDS.get(self.now.text.lower(), "") if self.is_kind("name", "mark") else ""

    def is_kind(self, *kinds: str) -> bool:
        return self.now.kind in kinds

    def is_mark(self, *marks: str) -> bool:
        return self.now.kind == "mark" and self.now.text in marks

    def expect(self, mark: str) -> None:
        if not self.is_mark(mark):
            raise self.unexpected(mark)
        self.take()

    def unexpected(self, wanted: str = "") -> ProductError:
        what = "it ends here" if self.is_kind("end") else f"{self.now.text!r} cannot stand here"
        missing = f", {wanted!r} is missing" if wanted else ""
        return fault(self.text, self.now.column, f"{what}{missing}.")

    def counted(self, tree: Tree) -> Tree:
        self.parts += 1
        if self.parts > _MOST:
            raise fault(self.text, tree.column, f"it has more than {_MOST} operations.")
        return tree

    @contextmanager
    def deeper(self) -> Iterator[None]:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise fault(self.text, self.now.column, f"it is nested more than {_DEEPEST} times.")
        yield
        self.depth -= 1
