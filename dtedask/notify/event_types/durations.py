"""Lengths of time in documents: ``7d``, ``48 h``, ``1h30m``, or seconds."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

__all__ = ["Duration"]

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_UNIT = r"(w(?:eeks?)?|d(?:ays?)?|h(?:ours?)?|m(?:in(?:utes?)?)?|s(?:ec(?:onds?)?)?)"
_PART = rf"([0-9]+(?:\.[0-9]+)?)\s*{_UNIT}"
_LONGEST = timedelta(days=36525)


def _read(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        found = value
    elif isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= _LONGEST.total_seconds():
        found = timedelta(seconds=value)
    elif isinstance(value, str) and re.fullmatch(rf"(?:\s*{_PART}\s*)+", value.lower()):
        parts = re.findall(_PART, value.lower())
        seconds = sum(float(number) * _SECONDS[unit[0]] for number, unit in parts)
        found = timedelta(seconds=min(seconds, _LONGEST.total_seconds() + 1))
    else:
        raise ValueError(f"{value!r} is no length of time; write such as '7d' or '48 h'.")
    if not timedelta(0) < found <= _LONGEST:
        raise ValueError(f"{value!r} is no time that something can be kept; write such as '7d' or '48 h'.")
    return found


Duration = Annotated[
    timedelta,
    BeforeValidator(_read),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "examples": ["7d", "48 h"]}, {"type": "number", "exclusiveMinimum": 0}]}
    ),
]
"""A length of time of more than zero seconds, and at most a century."""
