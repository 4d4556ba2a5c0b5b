"""Values at the start of a window, from which differences and accumulations are counted."""

from __future__ import annotations

import numpy as np

from dtedask.pipeline.windows.tumbling import month_of, month_start

FROM_ZERO = frozenset({"de-accumulate", "fixed-window-flux-average"})
_SECONDS = {"hour": 3600, "day": 86400}


def unknown(values: np.ndarray) -> np.ndarray:
    """Values at a time of which there is no field: missing, so that results that need them are."""
    return np.full(np.shape(values), np.nan)


def resets_at(time: int, reset: str) -> bool:
    """Whether a model sets what it accumulates to zero at a time.

    Parameters
    ----------
    time : int
        Seconds since 1970-01-01 00 UTC.
    reset : {"hour", "day", "month", "year", "never"}
        At the beginning of which it does so.
    """
    if reset in _SECONDS:
        return time % _SECONDS[reset] == 0
    if reset == "never":
        return False
    month = month_of(time)
    return month_start(month) == time and (reset == "month" or month % 12 == 0)
