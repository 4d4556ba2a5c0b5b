"""One way to write the keys of a field, so that what is needed and what exists meet."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache

from dtedask.core.errors import InvalidValueError
from dtedask.products.requirement import Cycle
from dtedask.request import format_step, parameter, parse_step
from dtedask.request.parameters import accepted_ids

__all__ = ["Place", "canonical", "cycles_of", "members_of", "place_of", "request_text", "shown", "step_end"]

Place = tuple[str, str, str]
"""Level, end of the step, member: where a field of a parameter is within its cycle."""
_MEMBERS = ("cf", "pf")


def canonical(keys: Mapping[str, str]) -> dict[str, str]:
    """Keys such that those of a commit, of a field and of what a product needs are equal where they mean the same.

    A control forecast is member 0 of its ensemble; a step over an interval is its end; a short name is a paramId where
    it means one only.

    Parameters
    ----------
    keys : mapping
        MARS keys of one field, or some of them, each with one value.
    """
    found = dict(keys)
    if found.get("type") in _MEMBERS:
        found["type"] = "pf"
        if number := member_of(keys):
            found["number"] = number
    if "step" in found:
        found["step"] = step_end(found["step"])
    if "param" in found:
        found["param"] = params_of(found["param"])[0]
    return found


def shown(keys: Mapping[str, str]) -> dict[str, str]:
    """Canonical keys as people write them: short names, and a control forecast by its type, without a number."""
    found = dict(keys)
    if found.get("type") == "pf" and found.get("number") == "0":
        found["type"] = "cf"
        del found["number"]
    if "param" in found:
        found["param"] = _short_name(found["param"])
    return found


def request_text(request: Mapping[str, tuple[str, ...]]) -> str:
    """A request as people write it: with short names."""
    named = {**request, "param": tuple(map(_short_name, request["param"]))} if "param" in request else dict(request)
    return ",".join(f"{key}={'/'.join(values)}" for key, values in named.items())


@lru_cache(maxsize=4096)
def _short_name(param: str) -> str:
    """The short name of a parameter where it means no other one, else its paramId."""
    with suppress(InvalidValueError):
        name = parameter(param).short_name
        if name and name != "~" and parameter(name).id == param:
            return name
    return param


def place_of(keys: Mapping[str, str]) -> Place:
    """Where a field is among those of its parameter and cycle."""
    step = keys.get("step")
    return (keys.get("levelist", ""), "" if step is None else step_end(step), member_of(keys))


def member_of(keys: Mapping[str, str]) -> str:
    """Number of the member; that of a control forecast is 0; "" where there are no members."""
    number = keys.get("number", "")
    return "0" if number == "" and keys.get("type") == "cf" else number


def members_of(types: tuple[str, ...], numbers: tuple[str, ...]) -> list[tuple[str, str]]:
    """Type and number of each member that a request names: control forecasts are member 0, others are not.

    Parameters
    ----------
    types, numbers : tuple of str
        Values of ``type`` and ``number``.
    """
    found: dict[tuple[str, str], None] = {}
    for kind in types:
        for number in numbers:
            if kind not in _MEMBERS:
                found[(kind, number)] = None
            elif number == "0":
                found[("cf", "0")] = None
            elif kind == "pf":
                found[("pf", number)] = None
        if kind == "cf":
            found[("cf", "0")] = None
    return list(found)


@lru_cache(maxsize=4096)
def step_end(text: str) -> str:
    """The end of a step, as a step; ``all`` is itself, and no field has it."""
    return text if text == "all" else format_step(parse_step(text).end_s)


@lru_cache(maxsize=4096)
def params_of(name: str) -> tuple[str, ...]:
    """ParamIds that a canonical ``param`` means, the likeliest first."""
    return (name,) if name.isdecimal() else accepted_ids(name)


def cycles_of(keys: Mapping[str, str]) -> list[Cycle]:
    """Cycles of the fields of a commit, whose keys may have several values; none of those without a date."""
    found = []
    for date in keys.get("date", "").split("/"):
        for time in keys.get("time", "0000").split("/"):
            with suppress(ValueError):  # a climatology has days and months of no year
                found.append(Cycle.of({"date": date, "time": time}))
    return found
