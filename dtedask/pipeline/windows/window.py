"""One window of time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ENDLESS = 1 << 62  # end of a window that only the end of a run closes


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A window of time, in seconds since 1970-01-01 00 UTC.

    Parameters
    ----------
    start, end : int
        Its bounds. Which of them belongs to it is a matter of the offset, not of the window.
    """

    start: int
    end: int

    @property
    def is_endless(self) -> bool:
        """Whether only the end of a run closes it."""
        return self.end == ENDLESS

    def __str__(self) -> str:
        return f"{said(self.start)} to {'the end of the run' if self.is_endless else said(self.end)}"


def said(time: int) -> str:
    """Write a time as people read it: ``2024-06-01 06:00``, with seconds where there are some."""
    moment = _EPOCH + timedelta(seconds=time)
    return f"{moment:%Y-%m-%d %H:%M:%S}".removesuffix(":00")
