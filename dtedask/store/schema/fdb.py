"""FDB's schema text: what it says, rule by rule, with the lines on which it says so.

step: Step; date: Date;
[ class=od, expver, stream=oper/scda, date, time, domain?g
[ type=!im/ob, levtype
[ step, levelist?, param ]]]
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from dtedask.core.errors import DocumentError
from dtedask.core.nearest import did_you_mean

# A comment, white space, a mark of its own meaning, or a word.
_TOKEN = re.compile(r"(#[^\n]*)|([ \t\r\n\f\v]+)|([\[\],:;=/?])|([^\s#\[\],:;=/?]+)")
_LEVELS = ("database", "index", "datum")
FDB_TYPES = {
    "ClimateDaily": "climate-daily",
    "ClimateMonthly": "climate-monthly",
    "Date": "date",
    "Default": "",
    "Double": "double",
    "Expver": "expver",
    "First3": "first3",
    "Grid": "grid",
    "Ignore": "ignore",
    "Integer": "integer",
    "Lowercase": "lowercase",
    "Month": "year-month",
    "MonthOfDate": "month",
    "Param": "param",
    "Step": "step",
    "Time": "time",
    "Year": "year",
    "YearMonth": "year-month",
}


@dataclass(frozen=True, slots=True)
class Token:
    """A mark or a word, and where it stands."""

    text: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Predicate:
    """What FDB's schema says of one key.

    Parameters
    ----------
    key : str
        Name of the key.
    line : int
        Where it stands.
    type : str
        Its type as the schema of dtedask calls it; empty where none is named.
    values : tuple of str
        Values that are allowed, or excluded where `is_excluded`; none where any is.
    kind : str
        ``"needed"``, ``"optional"`` or ``"hidden"``.
    default : str
        Value of a field that lacks the key; empty for none.
    """

    key: str
    line: int
    type: str = ""
    values: tuple[str, ...] = ()
    is_excluded: bool = False
    kind: str = "needed"
    default: str = ""


@dataclass(frozen=True, slots=True)
class Level:
    """A pair of brackets: its predicates, and the brackets in it."""

    line: int
    predicates: tuple[Predicate, ...]
    below: tuple[Level, ...]


@dataclass(frozen=True)
class FdbSchema:
    """A schema of FDB.

    Parameters
    ----------
    types : dict
        Types of keys of all rules.
    rules : tuple of Level
        The outer brackets.
    """

    types: dict[str, str] = field(default_factory=dict)
    rules: tuple[Level, ...] = ()


def parse_fdb(text: str, place: str) -> FdbSchema:
    """Read FDB's schema text.

    Parameters
    ----------
    text : str
        The text.
    place : str
        Its name in messages.

    Raises
    ------
    DocumentError
        Naming file, line, column and text of the first mistake, and what was expected.
    """
    return _Parser(text, place).schema()


class _Parser:
    def __init__(self, text: str, place: str) -> None:
        self._place = place
        self._lines = text.split("\n")
        self._tokens = list(_tokens(text))
        end = self._tokens[-1].line if self._tokens else 1
        self._end = Token("", max(end, 1), 1 + len(self._lines[end - 1]))
        self._at = 0

    def schema(self) -> FdbSchema:
        types: dict[str, str] = {}
        while self._next.text not in ("", "["):
            name = self._word("the name of a key, or '[' and the first rule")
            self._mark(":", f"':' and the type of {name.text!r}")
            type_name = self._type()
            self._mark(";", f"';' after the type of {name.text!r}")
            if name.text in types:
                raise self._error(name, f"the key {name.text!r} has a type already", "Keep one of them.")
            types[name.text] = type_name
        rules = []
        while self._next.text == "[":
            rules.append(self._level(0))
        if self._next.text:
            raise self._error(self._next, f"expected '[' and a rule, not {self._next.text!r}", "Is a ']' too many?")
        if not rules:
            raise self._error(self._end, "there is no rule", "A rule is such as '[ class, stream [ type [ param ]]]'.")
        return FdbSchema(types, tuple(rules))

    def _level(self, depth: int) -> Level:
        opening = self._mark("[", "'['")
        predicates: list[Predicate] = []
        below: list[Level] = []
        while self._next.text != "]":
            if self._next.text == "[":
                if depth == len(_LEVELS) - 1:
                    raise self._error(self._next, "a rule has three levels, not four", "Is a ']' missing before it?")
                below.append(self._level(depth + 1))
            elif not self._next.text:
                raise self._error(self._next, "the text ends in a rule", self._unclosed(opening))
            elif below:
                raise self._error(self._next, f"expected ']' or '[', not {self._next.text!r}", self._unclosed(opening))
            else:
                predicates += self._predicates(opening)
        self._at += 1
        if depth < len(_LEVELS) - 1 and not below:
            what = f"the {_LEVELS[depth]} level that opens here has no {_LEVELS[depth + 1]} level in it"
            raise self._error(opening, what, "A rule has three levels: '[ class [ type [ param ]]]'.")
        return Level(opening.line, tuple(predicates), tuple(below))

    def _predicates(self, opening: Token) -> Iterator[Predicate]:
        yield self._predicate()
        while self._next.text == ",":
            self._at += 1
            yield self._predicate()
        if self._next.text not in ("[", "]"):
            what = (
                f"expected ',', '[' or ']', not {self._next.text!r}" if self._next.text else "the text ends in a rule"
            )
            hint = "Is a comma missing?" if self._next.text else self._unclosed(opening)
            raise self._error(self._next, what, hint)

    def _predicate(self) -> Predicate:
        word = self._word("a key")
        name, dash, rest = word.text.partition("-")
        type_name = ""
        if self._next.text == ":" and not dash:
            self._at += 1
            type_name, dash, rest = self._type_and_rest()
        if dash:
            return Predicate(name, word.line, type_name, kind="hidden", default=rest)
        if self._next.text == "?":
            self._at += 1
            default = self._word("a value").text if self._next.text not in (",", "[", "]", "") else ""
            return Predicate(name, word.line, type_name, kind="optional", default=default)
        if self._next.text != "=":
            return Predicate(name, word.line, type_name)
        self._at += 1
        values = [self._value(name)]
        while self._next.text == "/":
            self._at += 1
            values.append(self._value(name))
        is_excluded = values[0].startswith("!")
        plain = tuple(dict.fromkeys(value.removeprefix("!") if is_excluded else value for value in values))
        return Predicate(name, word.line, type_name, plain, is_excluded)

    def _value(self, key: str) -> str:
        return self._word(f"a value of {key!r}").text

    def _type(self) -> str:
        name, dash, rest = self._type_and_rest()
        if dash:
            raise self._error(self._tokens[self._at - 1], f"a type has no '-{rest}'", "Only keys of a rule are hidden.")
        return name

    def _type_and_rest(self) -> tuple[str, str, str]:
        """Type of a key; in a rule ``-`` may follow, which hides the key."""
        word = self._word("a type")
        name, dash, rest = word.text.partition("-")
        if name not in FDB_TYPES:
            raise self._error(word, f"unknown type {name!r}", did_you_mean(name, FDB_TYPES))
        return FDB_TYPES[name], dash, rest

    def _word(self, what: str) -> Token:
        token = self._next
        if not token.text or token.text in "[],:;=/?":
            raise self._error(token, f"expected {what}, not {token.text!r}" if token.text else f"expected {what}")
        self._at += 1
        return token

    def _mark(self, mark: str, what: str) -> Token:
        token = self._next
        if token.text != mark:
            raise self._error(token, f"expected {what}, not {token.text!r}" if token.text else f"expected {what}")
        self._at += 1
        return token

    @property
    def _next(self) -> Token:
        return self._tokens[self._at] if self._at < len(self._tokens) else self._end

    def _unclosed(self, opening: Token) -> str:
        return f"The '[' of line {opening.line} is not closed."

    def _error(self, token: Token, what: str, hint: str = "") -> DocumentError:
        line = self._lines[token.line - 1].strip()
        shown = line if len(line) <= 80 else f"{line[:77]}..."
        return DocumentError(f"{self._place}:{token.line}:{token.column}: {what}; the line is {shown!r}.", hint=hint)


def _tokens(text: str) -> Iterator[Token]:
    line, start = 1, 0
    for match in _TOKEN.finditer(text):
        comment, space, mark, word = match.groups()
        if mark or word:
            yield Token(mark or word, line, match.start() - start + 1)
        elif space and not comment and "\n" in space:
            line += space.count("\n")
            start = match.start() + space.rindex("\n") + 1
