"""Durations as documents of listeners write them: ``30s``, ``1h30m``, ``500ms``."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

__all__ = ["Duration", "read_duration"]

_UNITS = {
    "ms": 0.001, "millisecond": 0.001, "milliseconds": 0.001, "msec": 0.001,
    "s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0,
    "m": 60.0, "min": 60.0, "mins": 60.0, "minute": 60.0, "minutes": 60.0,
    "h": 3600.0, "hr": 3600.0, "hour": 3600.0, "hours": 3600.0,
    "d": 86400.0, "day": 86400.0, "days": 86400.0,
}  # fmt: skip
_PART = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([a-z]*)")
_FORM = "write 30s, 2m, 1h30m or 500ms"


def read_duration(given: Any) -> float:
    """Seconds of a duration; a number alone is seconds.

    Raises
    ------
    ValueError
        If it is none.
    """
    if isinstance(given, int | float) and not isinstance(given, bool):
        text = repr(given)
    elif isinstance(given, str):
        text = given.strip().lower()
    else:
        raise ValueError(f"{given!r} is no duration; {_FORM}.")
    seconds, place = 0.0, 0
    while place < len(text):
        found = _PART.match(text, place)
        if found is None or (found[2] or "s") not in _UNITS or (not found[2] and (place or found.end() < len(text))):
            raise ValueError(f"{given!r} is no duration; {_FORM}.")
        seconds += float(found[1]) * _UNITS[found[2] or "s"]
        place = found.end()
    if not text or seconds < 0:
        raise ValueError(f"{given!r} is no duration; {_FORM}.")
    return seconds


Duration = Annotated[
    float,
    BeforeValidator(read_duration),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "number", "minimum": 0}]}),
]
"""Seconds; a document writes ``30s``."""
