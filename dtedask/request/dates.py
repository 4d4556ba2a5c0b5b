"""Dates and times of day in MARS' forms."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime, time, timedelta

from dtedask.core.errors import InvalidValueError

# Patterns are compiled when they are first used (and kept by `re`): importing stays quick.
_DATE = r"(\d{4})(-?)(\d{2})\2(\d{2})(?:[T ]00:?00(?::?00(?:\.0+)?)?Z?)?"
_MONTH = r"(\d{4})-?(\d{2})"
_DAY_OF_YEAR = r"(\d{4})-(\d{3})"
_RELATIVE = r"0|-\d{1,6}"
_TIME = r"(\d{1,2})(?::?(\d{2}))?(?::?(\d{2}))?[hHzZ]?"
_DATE_FORMS = "A date is '20240603', '2024-06-03', a month '202406', or days from today such as '-1'."
_TIME_FORMS = "A time is '6', '06', '0600' or '06:00'."
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def canonical_date(key: str, text: str, *, today: date | None = None) -> str:
    """``20240603`` for a day, ``202406`` for a month.

    Parameters
    ----------
    key : str
        Name of the key, for the error.
    text : str
        Any of MARS' forms: ``20240603``, ``2024-06-03``, ``2024-155``, ``202406``, ``2024-06``, ``-1``, ``0``.
    today : datetime.date, optional
        What ``-1`` is relative to; by default the day in UTC.
    """
    if re.fullmatch(_RELATIVE, text):
        return _relative(key, text, today)
    if match := re.fullmatch(_DATE, text):
        return _checked(key, text, int(match[1]), int(match[3]), int(match[4]))
    if match := re.fullmatch(_MONTH, text):
        return _checked(key, text, int(match[1]), int(match[2]), 1)[:6]
    if match := re.fullmatch(_DAY_OF_YEAR, text):
        return _from_day_of_year(key, text, int(match[1]), int(match[2]))
    raise InvalidValueError(f"Invalid value '{text}' of key '{key}'.", hint=_DATE_FORMS)


def canonical_time(key: str, text: str) -> str:
    """``0600`` for any of MARS' forms: ``6``, ``06``, ``600``, ``0600``, ``06:00``, ``06:00:00``."""
    match = re.fullmatch(_TIME, text.zfill(4) if text.isdecimal() and len(text) == 3 else text)
    if match is None:
        raise InvalidValueError(f"Invalid value '{text}' of key '{key}'.", hint=_TIME_FORMS)
    hour, minute, second = (int(part or 0) for part in match.groups())
    if second:
        raise InvalidValueError(f"Invalid value '{text}' of key '{key}': times are whole minutes.", hint=_TIME_FORMS)
    if hour > 23 or minute > 59:
        legal = f"{min(hour, 23):02d}{min(minute, 59):02d}"
        raise InvalidValueError(f"Invalid value '{text}' of key '{key}'.", hint=f"Did you mean '{legal}'?")
    return f"{hour:02d}{minute:02d}"


def month_number(text: str) -> int | None:
    """Number of a month written as ``6``, ``06``, ``jun`` or ``june``; None for anything else."""
    if re.fullmatch(r"\d{1,2}", text):
        return int(text) if 1 <= int(text) <= 12 else None
    found = [place for place, name in enumerate(calendar.month_name) if len(text) > 2 and name.lower() == text.lower()]
    return found[0] if found else MONTHS.index(text.lower()) + 1 if text.lower() in MONTHS else None


def date_text(key: str, value: date) -> str:
    """Write a date; a datetime only at midnight, since the time is another key."""
    if isinstance(value, datetime) and value.time() != time():
        raise InvalidValueError(
            f"Invalid value '{value}' of key '{key}': it holds a time of day.",
            hint=f"Give {key}={value:%Y%m%d} and time={value:%H%M}.",
        )
    return value.strftime("%Y%m%d").zfill(8)


def _relative(key: str, text: str, today: date | None) -> str:
    base = today or datetime.now(UTC).date()
    try:
        return date_text(key, base + timedelta(days=int(text)))
    except OverflowError:
        raise InvalidValueError(f"Invalid value '{text}' of key '{key}': before year 1.", hint=_DATE_FORMS) from None


def _checked(key: str, text: str, year: int, month: int, day: int) -> str:
    legal_year, legal_month = min(max(year, 1), 9999), min(max(month, 1), 12)
    legal_day = min(max(day, 1), calendar.monthrange(legal_year, legal_month)[1])
    legal = f"{legal_year:04d}{legal_month:02d}{legal_day:02d}"
    if legal != f"{year:04d}{month:02d}{day:02d}":
        hint = f"Did you mean '{legal[: len(re.sub('[^0-9]', '', text))]}'?"
        raise InvalidValueError(f"Invalid value '{text}' of key '{key}': there is no such day.", hint=hint)
    return legal


def _from_day_of_year(key: str, text: str, year: int, day: int) -> str:
    length = 366 if calendar.isleap(year) else 365
    if year < 1 or not 1 <= day <= length:
        hint = f"Did you mean '{max(year, 1):04d}-{min(max(day, 1), length):03d}'?"
        raise InvalidValueError(f"Invalid value '{text}' of key '{key}': there is no such day.", hint=hint)
    return date_text(key, date(year, 1, 1) + timedelta(days=day - 1))
