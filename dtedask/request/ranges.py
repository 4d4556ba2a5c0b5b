"""Ranges of a request, ``0/to/24/by/6``, and the warnings of those without ``by``."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from dtedask.core.errors import InvalidValueError
from dtedask.request.language import Language, own_type
from dtedask.request.steps import format_step, parse_duration, parse_step
from dtedask.request.types import DATE_TYPES
from dtedask.request.values import canonical_decimal, canonical_value
from dtedask.request.vocabulary import spellings

_LARGEST = 1_000_000
_DEFAULT = {"step": "12", "time": "6"}  # hours; all other keys: 1
_LEAP_YEAR = 2000


class RangeWarning(UserWarning):
    """A range without ``by`` took MARS' default increment, and left something out."""


@dataclass(frozen=True, slots=True)
class DefaultRange:
    """A range that a request gave without ``by``.

    Parameters
    ----------
    first, last : str
        Both ends, canonical.
    by : str
        The increment it took.
    """

    first: str
    last: str
    by: str

    def text(self, key: str) -> str:
        """Write the range as the request did."""
        return f"{key}={self.first}/to/{self.last}"


def expand(
    key: str, words: Sequence[str], *, today: date | None = None, language: Language | None = None
) -> tuple[list[str], list[DefaultRange]]:
    """Canonical values of a list with ranges.

    Parameters
    ----------
    key : str
        Canonical key.
    words : sequence of str
        Parts between slashes, ``to`` and ``by`` among them.
    today : datetime.date, optional
        What relative dates are relative to.
    language : Language, optional
        Keys and types of a root's own.

    Returns
    -------
    values : list of str
        Canonical, in the order they are named, without repeats.
    ranges : list of DefaultRange
        The ranges that gave no ``by``.
    """
    values: list[str] = []
    defaults: list[DefaultRange] = []
    place = 0
    while place < len(words):
        first = _value(key, words, place, today, language)
        place += 1
        if not _is(key, words, place, "to"):
            values.append(first)
            continue
        last = _value(key, words, place + 1, today, language)
        kind = _kind(key, first, language)
        given = _is(key, words, place + 2, "by")
        by = _word(key, words, place + 3) if given else _DEFAULT.get(key, "1")
        place += 4 if given else 2
        found = _between(key, kind, first, last, by)
        values.extend(found)
        if not given:
            defaults.append(DefaultRange(first, last, by))
            _warn_of_end(key, defaults[-1], found)
    return list(dict.fromkeys(values)), defaults


def dropped(
    key: str, one: DefaultRange, taken: Iterable[str], existing: Iterable[str], *, language: Language | None = None
) -> list[str]:
    """Those existing values that lie inside a range and were not taken by it."""
    kind = _kind(key, one.first, language)
    low, high = sorted((_position(kind, one.first), _position(kind, one.last)))
    skip = set(taken)
    return [value for value in existing if value not in skip and _lies_in(kind, value, low, high)]


def warn_of_dropped(key: str, one: DefaultRange, values: Sequence[str]) -> None:
    """Warn that a range left out values that exist."""
    some = ", ".join(values[:5]) + (", ..." if len(values) > 5 else "")
    _warn(key, one, f"leaves out {len(values)} that exist: {some}.")


def _warn_of_end(key: str, one: DefaultRange, found: Sequence[str]) -> None:
    if found[-1] != one.last:
        _warn(key, one, f"ends at {found[-1]}, before {one.last}.")


def _warn(key: str, one: DefaultRange, what: str) -> None:
    message = f"{one.text(key)} goes by {_increment(key, one.by)}, MARS' default, and {what}"
    hint = f"Give the increment, as in '{one.text(key)}/by/{_suggestion(key)}'."
    warnings.warn(f"{message} {hint}", RangeWarning, stacklevel=_frames_of_ours())


def _frames_of_ours() -> int:
    """Count the frames up to the first that is not dtedask's: the line that a warning should name."""
    import inspect

    frame, count = inspect.currentframe(), 0
    while frame is not None and str(frame.f_globals.get("__name__")).startswith("dtedask."):
        frame, count = frame.f_back, count + 1
    return count


def _increment(key: str, by: str) -> str:
    kind = own_type(key)
    unit = " h" if key in _DEFAULT else " day" if kind == "date" else ""
    return f"{by}{unit}"


def _suggestion(key: str) -> str:
    return "0.5" if own_type(key) == "double" else "1"


def _is(key: str, words: Sequence[str], place: int, word: str) -> bool:
    """Whether a word stands at a place, unless it is a value of the key: class=to is TOST."""
    return place < len(words) and words[place].lower() == word and word not in spellings(key)


def _word(key: str, words: Sequence[str], place: int) -> str:
    if place >= len(words) or any(_is(key, words, place, word) for word in ("to", "by")):
        raise InvalidValueError(
            f"The list '{'/'.join(words)}' of key '{key}' lacks a value.", hint="Write a range as '0/to/24/by/6'."
        )
    return words[place]


def _value(key: str, words: Sequence[str], place: int, today: date | None, language: Language | None) -> str:
    return canonical_value(key, _word(key, words, place), today=today, language=language)


def _between(key: str, kind: str, first: str, last: str, by: str) -> list[str]:
    """All values from the first to the last, which is included where the increment meets it."""
    if not _has_order(kind, first) or not _has_order(kind, last):
        raise InvalidValueError(f"Key '{key}' takes no range '{first}/to/{last}'.", hint="Name the values: 'a/b/c'.")
    written = f"{key}={first}/to/{last}/by/{by}"
    if _shape(kind, first) != _shape(kind, last):
        raise InvalidValueError(f"The range '{written}' has ends of two kinds.", hint="Give both ends in one form.")
    start, end, step = _position(kind, first), _position(kind, last), _step(key, kind, by)
    _check(written, by, (end - start), step)
    step = abs(step) if end >= start else -abs(step)
    count = int((end - start) / step) + 1
    return [_label(kind, first, start + place * step) for place in range(count)]


def _check(written: str, by: str, length: Decimal, step: Decimal) -> None:
    if step == 0 or (length > 0 and step < 0):
        raise InvalidValueError(f"The range '{written}' never reaches its end.", hint=f"Did you mean 'by/{_flip(by)}'?")
    if abs(length / step) >= _LARGEST:
        raise InvalidValueError(f"The range '{written}' has over {_LARGEST:,} values.", hint="Give a larger increment.")


def _flip(by: str) -> str:
    return by[1:] if by.startswith("-") else "1"


# ---- what the values of a range are on a line of numbers, by their kind: a type, or "quantile"


def _kind(key: str, value: str, language: Language | None) -> str:
    """Find the kind of the values of a key, of which a value shows which of several types it has."""
    if key == "quantile":
        return key
    types = (own_type(key),) if language is None else language.types_of(key)
    dates = [name for name in types if name in DATE_TYPES]
    if not dates or key == "month":
        ordered = [name for name in types if name in _ORDERED]
        return ordered[0] if ordered else types[0]
    if len(value) == 4:
        return "climate-daily" if "climate-daily" in dates else "integer"
    return "date" if len(value) > 4 else "integer"


_ORDERED = frozenset({"step", "quantile", "date", "time", "double", "integer", "climate-daily", "month"})


def _has_order(kind: str, value: str) -> bool:
    return value != "all" and (kind in _ORDERED or value.isdecimal())


def _shape(kind: str, value: str) -> object:
    """Find what both ends of a range must share: length of an interval, days or months, number of quantiles."""
    if kind == "step":
        step = parse_step(value)
        return None if step.start_s is None else step.end_s - step.start_s
    if kind in ("date", "climate-daily"):
        return len(value)
    return value.partition(":")[2]


def _position(kind: str, value: str) -> Decimal:
    if kind == "step":
        return Decimal(parse_step(value).end_s)
    if kind == "time":
        return Decimal(int(value[:2]) * 60 + int(value[2:]))
    if kind == "climate-daily":
        return Decimal(date(_LEAP_YEAR, int(value[:2]), int(value[2:])).toordinal())
    if kind == "date" and len(value) == 6:
        return Decimal(int(value[:4]) * 12 + int(value[4:]) - 1)
    if kind == "date":
        return Decimal(date(int(value[:4]), int(value[4:6]), int(value[6:])).toordinal())
    return Decimal(value.partition(":")[0])


def _label(kind: str, first: str, position: Decimal) -> str:
    if kind == "step":
        length = _shape(kind, first)
        return format_step(int(position), None if length is None else int(position) - int(str(length)))
    if kind == "time":
        return f"{int(position) // 60:02d}{int(position) % 60:02d}"
    if kind == "climate-daily":
        return date.fromordinal(int(position)).strftime("%m%d")
    if kind == "date" and len(first) == 6:
        return f"{int(position) // 12:04d}{int(position) % 12 + 1:02d}"
    if kind == "date":
        return (date(1, 1, 1) + timedelta(days=int(position) - 1)).strftime("%Y%m%d").zfill(8)
    number = canonical_decimal(kind, str(position))
    return f"{number}:{first.partition(':')[2]}" if kind == "quantile" else number


def _step(key: str, kind: str, by: str) -> Decimal:
    """Find the increment on the line of numbers."""
    try:
        if kind == "step":
            step = parse_step(by)
            if step.start_s is None:
                return Decimal(step.end_s)
        elif kind == "time":
            return Decimal(_minutes(by))
        elif kind == "double":
            return Decimal(canonical_decimal(key, by))
        else:
            return Decimal(int(by))
    except ValueError:  # RequestError is one
        pass
    raise InvalidValueError(f"Invalid increment '{by}' of key '{key}'.", hint="Write a range as '0/to/24/by/6'.")


def _minutes(by: str) -> int:
    if (by.isdecimal() and len(by) == 4) or ":" in by:
        time = canonical_value("time", by)
        return int(time[:2]) * 60 + int(time[2:])
    parse_step(by)
    seconds = parse_duration(by)
    if seconds % 60:
        raise ValueError(by)
    return seconds // 60


def _lies_in(kind: str, value: str, low: Decimal, high: Decimal) -> bool:
    try:
        return _has_order(kind, value) and low <= _position(kind, value) <= high
    except (ValueError, ArithmeticError):
        return False
