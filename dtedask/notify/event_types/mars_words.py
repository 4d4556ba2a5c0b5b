"""Values and ranges that a filter names for a key of MARS, before they are taken as a request.

A request may warn of a range without increment, and hold a million values. A filter comes from anybody: it must say
what it means, and cost little.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from dtedask.core.errors import InvalidValueError
from dtedask.notify.event_types.keys import ValueProblem
from dtedask.request import canonical_value, parse_step

__all__ = ["checked_words"]

_MOST = 10_000
_ORDERED = frozenset({"integer", "double", "step", "date", "time", "year", "month", "year-month"})
_NEEDS_INCREMENT = frozenset({"step", "time"})  # MARS' defaults, 12 and 6 hours, are hardly ever meant


def checked_words(key: str, type_name: str, texts: Sequence[str]) -> list[str]:
    """Take texts apart at slashes, and give each range its increment.

    Parameters
    ----------
    key : str
        The key.
    type_name : str
        Type of its values in a request.
    texts : sequence of str
        Values, lists such as ``500/850`` and ranges such as ``0/to/24/by/6``.

    Raises
    ------
    ValueProblem
        If a range has no increment that is sure to be meant, or there are more than 10,000 values.
    """
    words = [word.strip() for text in texts for word in text.split("/")] if key != "grid" else list(texts)
    found: list[str] = []
    count = 0
    place = 0
    while place < len(words):
        is_range = type_name in _ORDERED and _is(words, place + 1, "to") and place + 2 < len(words)
        if not is_range:
            found.append(words[place])
            count, place = count + 1, place + 1
        else:
            first, last = words[place], words[place + 2]
            is_given = _is(words, place + 3, "by") and place + 4 < len(words)
            by = words[place + 4] if is_given else _usual_increment(type_name, first, last)
            found += [first, "to", last, "by", by]
            count, place = count + _count(key, type_name, first, last, by), place + (5 if is_given else 3)
        if count > _MOST:
            raise ValueProblem(f"it names more than {_MOST:,} values", "Use 'between', or a larger increment.")
    return found


def _is(words: Sequence[str], place: int, word: str) -> bool:
    return place < len(words) and words[place].lower() == word


def _usual_increment(type_name: str, first: str, last: str) -> str:
    if type_name in _NEEDS_INCREMENT:
        raise ValueProblem(f"the range {first}/to/{last} has no increment", f"Write such as '{first}/to/{last}/by/6'.")
    return "1"


def _count(key: str, type_name: str, first: str, last: str, by: str) -> int:
    """Count the values of a range, nearly; 1 where it is none, of which the request will tell."""
    try:
        start, end = (_position(key, type_name, text) for text in (first, last))
        step = abs(parse_step(by).end_s if type_name in _NEEDS_INCREMENT else float(by))
        return int(abs(end - start) / step) + 1
    except (InvalidValueError, ValueError, ArithmeticError):
        return 1


def _position(key: str, type_name: str, text: str) -> float:
    if type_name == "step":
        return parse_step(text).end_s
    if type_name in ("date", "year-month", "time"):
        value = canonical_value(key, text)
        if type_name == "time":
            return int(value[:2]) * 3600 + int(value[2:]) * 60
        return date(int(value[:4]), int(value[4:6]), int(value[6:8] or "1")).toordinal()
    return float(text)
