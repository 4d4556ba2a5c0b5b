"""Lengths of statistics that the calendar decides: months, seasons and years."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from dtedask.request.steps import parse_step

_MONTHS = {"month": 1, "season": 3, "year": 12, "mo": 1, "se": 3, "ye": 12}
CALENDAR_SPAN = r"(\d*)(month|season|year)s?"
_STATTYPE = r"(\d*)(mo|se|ye)(?:av|mx|mn|sd|ac|ad|[a-z]{3,5})(?:_.*)?"


def span_months(keys: Mapping[str, str]) -> int | None:
    """How many months a statistic is over, by its stattype (``moav``) or timespan (``month``); None where it is not.

    Examples
    --------
    >>> span_months({"timespan": "month"})
    1
    >>> span_months({"timespan": "24h", "stattype": "moav_damx"})
    1
    >>> span_months({"timespan": "24h"})
    """
    return _span_months(keys.get("stattype", ""), keys.get("timespan", ""))


@lru_cache(1024)
def _span_months(stattype: str, timespan: str) -> int | None:
    match = re.fullmatch(_STATTYPE, stattype) or re.fullmatch(CALENDAR_SPAN, timespan)
    return int(match[1] or 1) * _MONTHS[match[2]] if match else None


def whole_months(keys: Mapping[str, str], interval: tuple[int, int]) -> int | None:
    """How many months a statistic is over by its keys, where its interval is as long as the calendar says.

    ecCodes calls anything from 28 to 31 days a month.
    """
    months = span_months(keys)
    if months is None or "date" not in keys:
        return None
    return months if interval == interval_of_months(keys, months) else None


def interval_of_months(keys: Mapping[str, str], months: int) -> tuple[int, int]:
    """Interval of a statistic over whole months, in seconds after its reference time.

    Parameters
    ----------
    keys : mapping
        Date, time and step of the field. Without a step the interval begins at the reference time, as that of monthly
        means does; else it ends at the step.
    months : int
        How many.
    """
    date, time = keys["date"].ljust(8, "0"), keys.get("time", "0000")
    day = max(int(date[6:8]), 1)
    reference = datetime(int(date[:4]), int(date[4:6]), day, int(time[:2]), int(time[2:4]), tzinfo=UTC)
    if "step" not in keys:
        return 0, _seconds(_moved(reference, months) - reference)
    end = parse_step(keys["step"]).end_s
    last = reference + timedelta(seconds=end)
    return end - _seconds(last - _moved(last, -months)), end


def _moved(moment: datetime, months: int) -> datetime:
    """Return the same day and time some months later; the last day of a month that is shorter."""
    number = moment.year * 12 + moment.month - 1 + months
    first = moment.replace(year=number // 12, month=number % 12 + 1, day=1)
    after = first.replace(year=(number + 1) // 12, month=(number + 1) % 12 + 1)
    return first.replace(day=min(moment.day, (after - first).days))


def _seconds(length: timedelta) -> int:
    return length.days * 86400 + length.seconds
