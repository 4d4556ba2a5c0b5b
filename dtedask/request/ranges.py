"""Ranges of a request, ``0/to/24/by/6``, and the warnings of those without ``by``."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from dtedask.core.errors import InvalidValueError
from dtedask.request.steps import format_step, parse_duration, parse_step
from dtedask.request.values import (
    DATE_KEYS,
    DECIMAL_KEYS,
    INTEGER_KEYS,
    TIME_KEYS,
    canonical_decimal,
    canonical_value,
)
from dtedask.request.vocabulary import spellings

_LARGEST = 1_000_000
_DEFAULT = {"step": "12", "time": "6"}  # hours; all other keys: 1


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


def expand(key: str, words: Sequence[str], *, today: date | None = None) -> tuple[list[str], list[DefaultRange]]:
    """Canonical values of a list with ranges.

    Parameters
    ----------
    key : str
        Canonical key.
    words : sequence of str
        Parts between slashes, ``to`` and ``by`` among them.
    today : datetime.date, optional
        What relative dates are relative to.

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
        first = _value(key, words, place, today)
        place += 1
        if not _is(key, words, place, "to"):
            values.append(first)
            continue
        last = _value(key, words, place + 1, today)
        given = _is(key, words, place + 2, "by")
        by = _word(key, words, place + 3) if given else _DEFAULT.get(key, "1")
        place += 4 if given else 2
        found = _between(key, first, last, by)
        values.extend(found)
        if not given:
            defaults.append(DefaultRange(first, last, by))
            _warn_of_end(key, defaults[-1], found)
    return list(dict.fromkeys(values)), defaults


def dropped(key: str, one: DefaultRange, taken: Iterable[str], existing: Iterable[str]) -> list[str]:
    """Those existing values that lie inside a range and were not taken by it."""
    low, high = sorted((_position(key, one.first), _position(key, one.last)))
    skip = set(taken)
    return [value for value in existing if value not in skip and _lies_in(key, value, low, high)]


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
    unit = " h" if key in ("step", "time") else " day" if key in DATE_KEYS else ""
    return f"{by}{unit}"


def _suggestion(key: str) -> str:
    return "0.5" if key in DECIMAL_KEYS else "1"


def _is(key: str, words: Sequence[str], place: int, word: str) -> bool:
    """Whether a word stands at a place, unless it is a value of the key: class=to is TOST."""
    return place < len(words) and words[place].lower() == word and word not in spellings(key)


def _word(key: str, words: Sequence[str], place: int) -> str:
    if place >= len(words) or any(_is(key, words, place, word) for word in ("to", "by")):
        raise InvalidValueError(
            f"The list '{'/'.join(words)}' of key '{key}' lacks a value.", hint="Write a range as '0/to/24/by/6'."
        )
    return words[place]


def _value(key: str, words: Sequence[str], place: int, today: date | None) -> str:
    return canonical_value(key, _word(key, words, place), today=today)


def _between(key: str, first: str, last: str, by: str) -> list[str]:
    """All values from the first to the last, which is included where the increment meets it."""
    if not _has_order(key, first) or not _has_order(key, last):
        raise InvalidValueError(f"Key '{key}' takes no range '{first}/to/{last}'.", hint="Name the values: 'a/b/c'.")
    start, end, step = _position(key, first), _position(key, last), _step(key, by)
    _check(key, first, last, by, (end - start), step)
    step = abs(step) if end >= start else -abs(step)
    count = int((end - start) / step) + 1
    return [_label(key, first, start + place * step) for place in range(count)]


def _check(key: str, first: str, last: str, by: str, length: Decimal, step: Decimal) -> None:
    written = f"{key}={first}/to/{last}/by/{by}"
    if _shape(key, first) != _shape(key, last):
        raise InvalidValueError(f"The range '{written}' has ends of two kinds.", hint="Give both ends in one form.")
    if step == 0 or (length > 0 and step < 0):
        raise InvalidValueError(f"The range '{written}' never reaches its end.", hint=f"Did you mean 'by/{_flip(by)}'?")
    if abs(length / step) >= _LARGEST:
        raise InvalidValueError(f"The range '{written}' has over {_LARGEST:,} values.", hint="Give a larger increment.")


def _flip(by: str) -> str:
    return by[1:] if by.startswith("-") else "1"


# ---- what the values of a range are on a line of numbers


def _has_order(key: str, value: str) -> bool:
    ordered = key in {"step", "quantile"} | DATE_KEYS | TIME_KEYS | DECIMAL_KEYS | INTEGER_KEYS or value.isdecimal()
    return value != "all" and ordered


def _shape(key: str, value: str) -> object:
    """Find what both ends of a range must share: length of an interval, days or months, number of quantiles."""
    if key == "step":
        step = parse_step(value)
        return None if step.start_s is None else step.end_s - step.start_s
    if key in DATE_KEYS:
        return len(value)
    return value.partition(":")[2]


def _position(key: str, value: str) -> Decimal:
    if key == "step":
        return Decimal(parse_step(value).end_s)
    if key in TIME_KEYS:
        return Decimal(int(value[:2]) * 60 + int(value[2:]))
    if key in DATE_KEYS and len(value) == 6:
        return Decimal(int(value[:4]) * 12 + int(value[4:]) - 1)
    if key in DATE_KEYS:
        return Decimal(date(int(value[:4]), int(value[4:6]), int(value[6:])).toordinal())
    return Decimal(value.partition(":")[0])


def _label(key: str, first: str, position: Decimal) -> str:
    if key == "step":
        length = _shape(key, first)
        return format_step(int(position), None if length is None else int(position) - int(str(length)))
    if key in TIME_KEYS:
        return f"{int(position) // 60:02d}{int(position) % 60:02d}"
    if key in DATE_KEYS and len(first) == 6:
        return f"{int(position) // 12:04d}{int(position) % 12 + 1:02d}"
    if key in DATE_KEYS:
        return (date(1, 1, 1) + timedelta(days=int(position) - 1)).strftime("%Y%m%d").zfill(8)
    number = canonical_decimal(key, str(position))
    return f"{number}:{first.partition(':')[2]}" if key == "quantile" else number


def _step(key: str, by: str) -> Decimal:
    """Find the increment on the line of numbers."""
    try:
        if key == "step":
            step = parse_step(by)
            if step.start_s is None:
                return Decimal(step.end_s)
        elif key in TIME_KEYS:
            return Decimal(_minutes(by))
        elif key in DECIMAL_KEYS:
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


def _lies_in(key: str, value: str, low: Decimal, high: Decimal) -> bool:
    try:
        return _has_order(key, value) and low <= _position(key, value) <= high
    except (ValueError, ArithmeticError):
        return False
