"""The types of keys: how any spelling of a value becomes its one canonical form.

A key of MARS has a type of its own; a schema gives types to keys of its own, and may give a key of MARS another one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date
from typing import Literal, get_args

from dtedask.core.errors import InvalidValueError
from dtedask.request.dates import MONTHS, canonical_date, canonical_time, month_number

Canonical = Callable[[str, str], str]

# From the type that keeps most of a value to the one that keeps least: a value that several types take gets its form
# from the first, and no later type needs what that form has lost.
TypeName = Literal[
    "date",
    "time",
    "step",
    "param",
    "expver",
    "grid",
    "integer",
    "double",
    "string",
    "lowercase",
    "year-month",
    "climate-daily",
    "year",
    "month",
    "climate-monthly",
    "first3",
]
TYPES: tuple[str, ...] = get_args(TypeName)
WORD_TYPES = ("string", "lowercase", "first3")
DATE_TYPES = ("date", "year-month", "climate-daily", "year", "month", "climate-monthly")

_LEAP_YEAR = "2000"
_DAY_OF_MONTH = r"(?i)(?:([a-z]+)-(\d{1,2})|(\d{2})-?(\d{2}))"
_WORD = r"[^\s,/=#!'\"]+(?: [^\s,/=#!'\"]+)*"


def are_compatible(types: Iterable[str]) -> bool:
    """Whether a key may have all of some types, in different rules.

    Every type must make its own form of a value out of the form that the first of them in `TYPES` gave it: numbers and
    words do so, words of anything but dates (``-1`` is one), and dates of a date that says as much.
    """
    found = set(types)
    families = {_family(name) for name in found}
    dates = sorted(found & set(DATE_TYPES), key=TYPES.index)
    if dates and not set(dates[1:]) <= _PARTS[dates[0]]:
        return False
    return len(families) < 2 or (len(families) == 2 and "words" in families and "dates" not in families)


_PARTS = {
    "date": frozenset(DATE_TYPES),
    "year-month": frozenset({"year", "month", "climate-monthly"}),
    "climate-daily": frozenset({"month", "climate-monthly"}),
    "year": frozenset[str](),
    "month": frozenset({"climate-monthly"}),
    "climate-monthly": frozenset[str](),
}


def _family(name: str) -> str:
    if name in DATE_TYPES:
        return "dates"
    return "words" if name in WORD_TYPES else "numbers" if name in ("integer", "double") else name


def canonical_text(type_name: str, key: str, text: str, *, today: date | None = None) -> str:
    """Canonical form of a value by the type of its key.

    Parameters
    ----------
    type_name : str
        One of `TYPES`.
    key : str
        Name of the key, for the error.
    text : str
        The value.
    today : datetime.date, optional
        What relative dates are relative to.

    Raises
    ------
    InvalidValueError
        If the type has no such value.
    """
    if type_name in DATE_TYPES:
        return _DATES[type_name](key, text, today)
    return _OTHERS[type_name](key, text)


def _year(key: str, text: str, today: date | None) -> str:
    if re.fullmatch(r"\d{4}", text) and int(text) > 0:
        return text
    return _as_date(key, text, today, "A year is such as '2024'.")[:4]


def _year_month(key: str, text: str, today: date | None) -> str:
    return _as_date(key, text, today, "A month of a year is such as '202406'.")[:6]


def _month(key: str, text: str, today: date | None) -> str:
    number = month_number(text)
    if number is not None:
        return str(number)
    hint = f"A month is such as '6' or 'jun'; the first three letters are {'/'.join(MONTHS)}."
    if re.fullmatch(_DAY_OF_MONTH, text):
        return str(int(_climate_daily(key, text, today)[:2]))
    if len(text) < len("202406"):  # no days from today: 0 and -1 are no months
        raise InvalidValueError(f"Invalid value '{text}' of key '{key}'.", hint=hint)
    return str(int(_as_date(key, text, today, hint)[4:6]))


def _climate_daily(key: str, text: str, today: date | None) -> str:
    hint = "A day of the year is such as 'jan-15' or '0115'."
    match = re.fullmatch(_DAY_OF_MONTH, text)
    if match is None:
        found = _as_date(key, text, today, hint)
        if len(found) != 8:
            raise InvalidValueError(f"Invalid value '{text}' of key '{key}'.", hint=hint)
        return found[4:]
    month = month_number(match[1] or match[3])
    if month is None:
        raise InvalidValueError(f"Invalid value '{text}' of key '{key}'.", hint=hint)
    try:
        return canonical_date(key, f"{_LEAP_YEAR}{month:02d}{int(match[2] or match[4]):02d}")[4:]
    except InvalidValueError as error:
        raise InvalidValueError(f"Invalid value '{text}' of key '{key}': there is no such day.", hint=hint) from error


def _as_date(key: str, text: str, today: date | None, hint: str) -> str:
    """Read a date of which a part is wanted; days count from today where they are not written out."""
    try:
        return canonical_date(key, text, today=today)
    except InvalidValueError as error:
        raise InvalidValueError(error.message, hint=hint) from error


def _day(key: str, text: str, today: date | None) -> str:
    return canonical_date(key, text, today=today)


def _text(key: str, text: str) -> str:
    word = " ".join(text.split())
    if not re.fullmatch(_WORD, word):
        raise InvalidValueError(
            f"Invalid value '{text}' of key '{key}'.", hint="It is empty, or holds a character with a meaning in MARS."
        )
    return word


def _lowercase(key: str, text: str) -> str:
    return _text(key, text).lower()


def _first3(key: str, text: str) -> str:
    return _text(key, text)[:3].rstrip()


def _of_key(name: str) -> Canonical:
    """Form of the values of a key of MARS, whatever the key is called."""

    def canonical(key: str, text: str) -> str:
        from dtedask.request.values import canonical_form

        return canonical_form(name, key, text)

    return canonical


_DATES: dict[str, Callable[[str, str, date | None], str]] = {
    "date": _day,
    "year": _year,
    "year-month": _year_month,
    "month": _month,
    "climate-daily": _climate_daily,
    "climate-monthly": _month,
}
_OTHERS: dict[str, Canonical] = {
    "time": canonical_time,
    "step": _of_key("step"),
    "param": _of_key("param"),
    "expver": _of_key("expver"),
    "grid": _of_key("grid"),
    "integer": _of_key("number"),
    "double": _of_key("levelist"),
    "string": _text,
    "lowercase": _lowercase,
    "first3": _first3,
}
