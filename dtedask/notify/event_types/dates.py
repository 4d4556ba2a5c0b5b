"""Keys whose values are days and times of day."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Literal

from pydantic import field_validator

from dtedask.core.errors import InvalidValueError
from dtedask.notify.event_types.keys import OPERATORS, Key, ValueProblem, plain_text
from dtedask.request.dates import canonical_time

__all__ = ["DateKey", "TimeKey"]

_FORMS = "A date is such as '2024-06-03', '20240603' or '2024-155'."


class DateKey(Key):
    """A day."""

    handler: ClassVar[str] = "DateHandler"
    operators: ClassVar[tuple[str, ...]] = OPERATORS

    type: Literal["date"] = "date"
    canonical_format: Literal["%Y%m%d", "%Y-%m-%d"] = "%Y%m%d"
    """How it is written: `%Y%m%d` or `%Y-%m-%d`."""
    formats: tuple[str, ...] = ()
    """Further forms that are read, as `strptime` of Python writes them, such as `%d.%m.%Y`."""

    @field_validator("formats")
    @classmethod
    def _are_formats(cls, formats: tuple[str, ...]) -> tuple[str, ...]:
        for form in formats:
            if _parsed(date(2003, 2, 1).strftime(form), form) != date(2003, 2, 1):
                raise ValueError(f"{form!r} does not say which day it is; write such as '%d.%m.%Y'.")
        return formats

    def canonical(self, value: Any) -> str:
        """Write the day in the canonical format."""
        if isinstance(value, datetime):
            value = value.date()
        text = plain_text(value).strip()
        day = _day(text)
        for form in self.formats if day is None else ():
            day = day or _parsed(text, form)
        if day is None:
            raise ValueProblem("there is no such day", _FORMS)
        dash = "-" if "-" in self.canonical_format else ""
        return f"{day.year:04d}{dash}{day.month:02d}{dash}{day.day:02d}"

    def _options(self) -> dict[str, Any]:
        return {"canonical_format": self.canonical_format}


class TimeKey(Key):
    """A time of day, in minutes."""

    handler: ClassVar[str] = "TimeHandler"
    operators: ClassVar[tuple[str, ...]] = OPERATORS

    type: Literal["time"] = "time"

    def canonical(self, value: Any) -> str:
        """Write it with four digits."""
        text = plain_text(value).strip()
        try:
            return canonical_time("time", text)
        except InvalidValueError as error:
            raise ValueProblem("it is no time of day", error.hint) from error


def _day(text: str) -> date | None:
    try:
        if match := re.fullmatch(r"([0-9]{4})-([0-9]{3})", text):
            found = date(int(match[1]), 1, 1) + timedelta(days=int(match[2]) - 1)
            return found if found.year == int(match[1]) else None
        match = re.fullmatch(r"([0-9]{4})(-?)([0-9]{2})\2([0-9]{2})", text)
        return date(int(match[1]), int(match[3]), int(match[4])) if match else None
    except (ValueError, OverflowError):
        return None


def _parsed(text: str, form: str) -> date | None:
    """Read a day by a format; None where it is written otherwise, or is none."""
    try:
        found = datetime.strptime(text, form)  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return None
    return found.date() if found.strftime(form) == text else None
