"""Windows that follow each other without a gap, in hours, days, months, seasons and years."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from dtedask.pipeline.windows.frequency import Frequency
from dtedask.pipeline.windows.window import ENDLESS, Window

Offset = Literal["forward-offset", "backward-offset"]
_DAY = 86400
_EPOCH = date(1970, 1, 1).toordinal()
_WINTER = -1  # December 1969: seasons begin with December


@dataclass(frozen=True, slots=True)
class Tumbling:
    """Windows of one length, counted from an origin.

    Parameters
    ----------
    frequency : Frequency
        How long they are.
    offset : {"forward-offset", "backward-offset"}
        Whether a window takes its end, ``(start, end]``, or its start, ``[start, end)``.
    """

    frequency: Frequency
    offset: Offset = "forward-offset"

    @property
    def is_forward(self) -> bool:
        """Whether a window takes its end and not its start."""
        return self.offset == "forward-offset"

    def origin(self, anchor: int) -> int:
        """Start of the hour, day, month or year of a time: windows are counted from there, seasons from December.

        Parameters
        ----------
        anchor : int
            Seconds since 1970-01-01 00 UTC.
        """
        unit = self.frequency.unit
        if unit == "run":
            return anchor
        if unit in ("hour", "day"):
            return anchor - anchor % (3600 if unit == "hour" else _DAY)
        if unit == "season":
            return month_start(_WINTER)
        month = month_of(anchor)
        return month_start(month - month % 12 if unit == "year" else month)

    def window_of(self, time: int, origin: int) -> Window:
        """Return the window that a time belongs to.

        Parameters
        ----------
        time : int
            Seconds since 1970-01-01 00 UTC.
        origin : int
            What `origin` gave; windows before it are counted as well.
        """
        inside = time - 1 if self.is_forward else time
        seconds, months = self.frequency.seconds, self.frequency.months
        if seconds is not None:
            start = inside - (inside - origin) % seconds
            return Window(start, start + seconds)
        if months is not None:
            month = month_of(inside)
            first = month - (month - month_of(origin)) % months
            return Window(month_start(first), month_start(first + months))
        return Window(origin, ENDLESS)

    def following(self, window: Window, origin: int) -> Window:
        """Return the window after one."""
        return self.window_of(window.end + 1 if self.is_forward else window.end, origin)

    def back(self, window: Window, count: int) -> int:
        """Return the start of the window that lies so many windows before one."""
        seconds, months = self.frequency.seconds, self.frequency.months
        if seconds is not None:
            return window.start - count * seconds
        if months is not None:
            return month_start(month_of(window.start) - count * months)
        return window.start


def month_of(time: int) -> int:
    """Months from January 1970 to that of a time, in the Gregorian calendar, also before 1582."""
    day = date.fromordinal(time // _DAY + _EPOCH)
    return (day.year - 1970) * 12 + day.month - 1


def month_start(month: int) -> int:
    """Seconds since 1970-01-01 00 UTC at the beginning of a month counted from January 1970."""
    return (date(1970 + month // 12, month % 12 + 1, 1).toordinal() - _EPOCH) * _DAY
