"""The nearest value that exists: in time, number or spelling."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from difflib import get_close_matches

from dtedask.core.errors import RequestError
from dtedask.request import parameter, parse_step

_DATES = frozenset({"date", "hdate", "refdate", "offsetdate", "offdate"})
_TIMES = frozenset({"time", "offsettime", "offtime"})


def nearest(key: str, value: str, existing: Sequence[str]) -> str | None:
    """Find the value that is nearest to one that does not exist; None where none is near.

    Parameters
    ----------
    key : str
        The MARS key.
    value : str
        What was asked for, in canonical form.
    existing : sequence of str
        What there is, sorted; of two that are equally near the first is taken.
    """
    if key == "param":
        return _nearest_param(value, existing)
    place = _place(key, value)
    if place is None:
        near = get_close_matches(value, existing, n=1, cutoff=0.5)
        return near[0] if near else None
    places = {other: found for other in existing if (found := _place(key, other)) is not None}
    return min(places, key=lambda other: abs(places[other] - place), default=None)


def _place(key: str, value: str) -> float | None:
    """Place of a value on a line; None for a word."""
    try:
        if key == "step":
            return parse_step(value).end_s
        if key in _DATES:
            month = int(value[4:6]) if len(value) >= 6 else 1
            return date(int(value[:4]), month, int(value[6:8] or 1)).toordinal()
        if key in _TIMES:
            return 60 * int(value[:2]) + int(value[2:4])
        return float(value) if key not in ("expver", "class", "stream", "type", "levtype", "grid") else None
    except ValueError:  # InvalidValueError is one
        return None


def _nearest_param(value: str, existing: Sequence[str]) -> str | None:
    names = {_name(other): other for other in existing}
    near = get_close_matches(_name(value), names, n=1, cutoff=0.4)
    return names[near[0]] if near else None


def _name(param: str) -> str:
    try:
        return parameter(param).short_name or param
    except RequestError:
        return param
