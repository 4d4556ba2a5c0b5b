"""Intervals of stored statistics, from the attributes of a variable and the keys of a field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dtedask.request import interval_of_months, parse_step


def interval_of(attributes: Mapping[Any, Any], keys: Mapping[str, str]) -> tuple[int, int] | None:
    """Interval of a field in seconds after its reference time; None for an instant.

    Parameters
    ----------
    attributes : mapping
        Of its variable: ``interval_s``, 0 for "since the reference time", or ``interval_months``.
    keys : mapping
        Of the field.
    """
    months = attributes.get("interval_months")
    if months is not None:
        return interval_of_months(keys, int(months)) if "date" in keys else None
    length = attributes.get("interval_s")
    if length is None:
        return None
    end = parse_step(keys.get("step", "0")).end_s
    return (end - int(length) if length else 0, end)
