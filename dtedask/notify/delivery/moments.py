"""Where to begin and to end, as people say it: a number, an id, a commit or a time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from dtedask.core.errors import InvalidValueError

__all__ = ["Moment", "parse_moment"]

_NUMBER = re.compile(r"\d+$")
_ID = re.compile(r"(?P<name>[^@\s]+)@(?P<number>\d+)(?:\.(?P<index>\d+))?$")


@dataclass(frozen=True, slots=True)
class Moment:
    """One place in what happened; one of the three is given.

    Parameters
    ----------
    text : str
        As it was said.
    number : int, optional
        Number of a notification; of the event type `name`, where that is given.
    name : str
        Event type, or a cube.
    index : int, optional
        Event of commit `number` of the cube `name`.
    time : datetime, optional
        A time, UTC.
    """

    text: str
    number: int | None = None
    name: str = ""
    index: int | None = None
    time: datetime | None = None

    def __str__(self) -> str:
        return self.text


def parse_moment(value: str | int | datetime | Moment) -> Moment:
    """Read a moment.

    Parameters
    ----------
    value : str, int, datetime or Moment
        A number (``12``), an id (``flight@12``), a commit (``od/oper/0001@3``), an event of one
        (``od/oper/0001@3.0``), or a time (``2024-06-03``, ``2024-06-03T06:00:00Z``); UTC where it names no zone.

    Raises
    ------
    InvalidValueError
        If it is none of these.
    """
    if isinstance(value, Moment):
        return value
    if isinstance(value, datetime):
        return Moment(value.isoformat(), time=_in_utc(value))
    text = str(value).strip()
    if _NUMBER.match(text):
        return Moment(text, number=int(text))
    if found := _ID.match(text):
        index = None if found["index"] is None else int(found["index"])
        return Moment(text, number=int(found["number"]), name=found["name"], index=index)
    try:
        return Moment(text, time=_in_utc(datetime.fromisoformat(text)))
    except ValueError as error:
        raise InvalidValueError(
            f"{text!r} is no number, id, commit or time.",
            hint="Write 12, flight@12, od/oper/0001@3, 2024-06-03 or 2024-06-03T06:00Z.",
        ) from error


def _in_utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
