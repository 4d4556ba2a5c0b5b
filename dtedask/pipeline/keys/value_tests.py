"""Tests of one key of a field: a value, a list, a range, a glob or a comparison, as a plan writes them."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase

from dtedask.core.errors import InvalidValueError
from dtedask.pipeline.keys.glossary import accepted_texts, concept_of
from dtedask.request import is_key, parse_step

__all__ = ["ValueTest", "value_test"]

_STEPS = frozenset({"step", "startStep", "endStep", "stepRange"})
_DATES = frozenset({"date", "hdate", "refdate", "validDate"})
_TIMES = frozenset({"time", "validTime"})
_COMPARISON = re.compile(r"(>=|<=|!=|>|<)\s*(\S.*)")
_GLOB = re.compile(r"[*?]|\[[^\]]+\]")
_OPERATORS: dict[str, Callable[[Decimal, Decimal], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


@dataclass(frozen=True, slots=True)
class ValueTest:
    """What the values of a key may be; it holds if one of its parts does.

    Parameters
    ----------
    concept : str
        The key, under the name that the glossary has for it.
    texts : frozenset of str
        Texts that are accepted as they are.
    patterns : tuple of str
        Globs, in lower case.
    ranges : tuple of (Decimal, Decimal, Decimal or None)
        First, last and increment; without an increment everything between.
    comparisons : tuple of (str, Decimal)
        Operator and bound.
    others_than : tuple of frozenset of str
        Of each, every value but these.
    """

    concept: str
    texts: frozenset[str] = frozenset()
    patterns: tuple[str, ...] = ()
    ranges: tuple[tuple[Decimal, Decimal, Decimal | None], ...] = ()
    comparisons: tuple[tuple[str, Decimal], ...] = ()
    others_than: tuple[frozenset[str], ...] = ()

    def holds(self, texts: tuple[str, ...]) -> bool:
        """Whether a field has such a value; `texts` are all that name its value, none where it has none."""
        if not texts:
            return False
        if not self.texts.isdisjoint(texts):
            return True
        if self.patterns and self._has_pattern(texts):
            return True
        return any(refused.isdisjoint(texts) for refused in self.others_than) or self._lies_right(texts[0])

    def _has_pattern(self, texts: tuple[str, ...]) -> bool:
        """Whether a glob fits; that of a parameter is about its name, never about the digits of its number."""
        names = [text for text in texts if self.concept != "param" or not text.isdecimal()]
        return any(fnmatchcase(name, pattern) for pattern in self.patterns for name in names)

    def _lies_right(self, text: str) -> bool:
        if not (self.ranges or self.comparisons):
            return False
        place = position(self.concept, text)
        if place is None:
            return False
        return any(_inside(place, *one) for one in self.ranges) or any(
            _OPERATORS[sign](place, bound) for sign, bound in self.comparisons
        )


def value_test(key: str, values: object) -> ValueTest:
    """Make a test of what a plan says of a key.

    Parameters
    ----------
    key : str
        The key.
    values : object
        A value or a list of them. A text may be a list or range of MARS (``500/700``, ``0/to/240/by/6``; without ``by``
        everything between), a glob (``10*``) or a comparison (``>=500``).

    Raises
    ------
    InvalidValueError
        If the key cannot have a value that is named.
    """
    concept = concept_of(key)
    test = ValueTest(concept)
    for value in values if isinstance(values, list | tuple) else [values]:
        test = _joined(test, _part(key, concept, value))
    return test


def _joined(one: ValueTest, other: ValueTest) -> ValueTest:
    return ValueTest(
        one.concept,
        one.texts | other.texts,
        one.patterns + other.patterns,
        one.ranges + other.ranges,
        one.comparisons + other.comparisons,
        one.others_than + other.others_than,
    )


def _part(key: str, concept: str, value: object) -> ValueTest:
    if value is None or isinstance(value, list | tuple | dict):
        raise InvalidValueError(
            f"The key {key!r} cannot be {value!r}.",
            hint="Give a value or a list of values; leave out what is no matter.",
        )
    if not isinstance(value, str):
        return ValueTest(concept, accepted_texts(key, value))
    if match := _COMPARISON.fullmatch(value.strip()):
        return _comparison(key, concept, match[1], match[2])
    words = _words(concept, value)
    if words is not None:
        return _list(key, concept, value, words)
    return _single(key, concept, value)


def _single(key: str, concept: str, text: str) -> ValueTest:
    if _GLOB.search(text):
        return ValueTest(concept, patterns=(text.strip().lower(),))
    return ValueTest(concept, accepted_texts(key, text))


def _comparison(key: str, concept: str, sign: str, text: str) -> ValueTest:
    if sign == "!=":
        return ValueTest(concept, others_than=(accepted_texts(key, text),))
    return ValueTest(concept, comparisons=((sign, _bound(key, concept, text)),))


def _words(concept: str, text: str) -> list[str] | None:
    """Parts between slashes, of keys whose values hold none; None where there is one part only."""
    words = [word.strip() for word in text.split("/")]
    if len(words) == 1 or concept == "grid":
        return None
    return words if is_key(concept) or concept in _STEPS or "to" in (word.lower() for word in words) else None


def _list(key: str, concept: str, text: str, words: list[str]) -> ValueTest:
    test, place = ValueTest(concept), 0
    while place < len(words):
        if [word.lower() for word in words[place + 1 : place + 2]] == ["to"]:
            end = place + (5 if [word.lower() for word in words[place + 3 : place + 4]] == ["by"] else 3)
            test = _joined(test, _range(key, concept, text, words[place:end]))
            place = end
        else:
            test = _joined(test, _single(key, concept, words[place]))
            place += 1
    return test


def _range(key: str, concept: str, text: str, words: list[str]) -> ValueTest:
    if len(words) not in (3, 5):
        raise InvalidValueError(f"The list {text!r} of key {key!r} lacks a value.", hint="Write it as '0/to/24/by/6'.")
    first, last = _bound(key, concept, words[0]), _bound(key, concept, words[2])
    increment = _increment(key, concept, words[4]) if len(words) == 5 else None
    if increment is not None and increment <= 0:
        raise InvalidValueError(f"The range {text!r} of key {key!r} never moves.", hint="Give an increment above 0.")
    return ValueTest(concept, ranges=((first, last, increment),))


def _inside(place: Decimal, first: Decimal, last: Decimal, increment: Decimal | None) -> bool:
    if not min(first, last) <= place <= max(first, last):
        return False
    return increment is None or (place - first) % increment == 0


# ---- what values are on a line of numbers


def position(concept: str, text: str) -> Decimal | None:
    """Place of a canonical value: steps in seconds, dates in days, times in minutes; None of what has no order."""
    try:
        if concept in _STEPS:
            return Decimal(parse_step(text).end_s)
        if concept in _DATES:
            return Decimal(date(int(text[:4]), int(text[4:6]), int(text[6:8] or 1)).toordinal())
        if concept in _TIMES:
            return Decimal(int(text[:2]) * 60 + int(text[2:]))
        number = Decimal(text)
    except (ValueError, InvalidOperation):
        return None
    return number if number.is_finite() else None


def _bound(key: str, concept: str, text: str) -> Decimal:
    found = _position_of_any(concept, accepted_texts(key, text)) if text else None
    if found is None:
        raise InvalidValueError(
            f"The value {text!r} of key {key!r} has no place in an order.", hint="Name the values one by one."
        )
    return found


def _position_of_any(concept: str, texts: Iterable[str]) -> Decimal | None:
    found = [place for place in (position(concept, text) for text in texts) if place is not None]
    return found[0] if len(found) == 1 else None


def _increment(key: str, concept: str, text: str) -> Decimal:
    """How far a range goes: steps and times are in hours unless the text names a unit."""
    if concept in _STEPS or concept in _TIMES:
        return Decimal(parse_step(text).end_s) / (1 if concept in _STEPS else 60)
    try:
        return Decimal(text)
    except InvalidOperation:
        raise InvalidValueError(
            f"The increment {text!r} of key {key!r} is no number.", hint="Write a range as '0/to/24/by/6'."
        ) from None
