"""Clocks that disagree: a commit is never dated before the one it follows."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from dtedask.core.errors import ClockError

_WAIT_S = 5.0


def now() -> datetime:
    """Time of this host."""
    return datetime.now(UTC)


def wait_until_after(moment: datetime, url: str) -> None:
    """Wait out a clock that is a little behind the newest commit of a cube.

    Icechunk refuses commits that are not later than the one they follow, and the order of times is what `at=` and
    purge go by. Hosts that share a cube differ by milliseconds to seconds: they wait.

    Raises
    ------
    ClockError
        If this host is further behind than a few seconds.
    """
    behind_s = (moment - now()).total_seconds()
    if behind_s > _WAIT_S:
        raise ClockError(
            f"The clock of this host says {now():%Y-%m-%d %H:%M:%S}, but the newest commit of {url!r} is of "
            f"{moment:%Y-%m-%d %H:%M:%S}; nothing was published.",
            hint="Set the clock (NTP) of this host, or wait until it has passed the commit, and run the same again.",
        )
    if behind_s >= 0:
        time.sleep(behind_s + 0.001)
