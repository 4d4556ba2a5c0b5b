"""Forecast steps and intervals of steps: ``6``, ``90m``, ``1h30m``, ``0-24``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dtedask.core.errors import InvalidValueError

_SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_PART = r"\d+[dhms]?"
_DURATION = rf"-?(?:{_PART})+"
_STEP = rf"(?i:({_DURATION})(?:-({_DURATION}))?)"
_FORMS = "A step is hours ('6'), a duration ('90m', '1h30m') or an interval ('0-24')."


@dataclass(frozen=True, slots=True)
class Step:
    """A forecast step, in seconds after the reference time.

    Parameters
    ----------
    start_s : int or None
        Start of the interval, None for a single step.
    end_s : int
        The step, or the end of the interval.
    """

    start_s: int | None
    end_s: int


def parse_step(text: str) -> Step:
    """Read a step as MARS, FDB and ecCodes write it.

    Raises
    ------
    InvalidValueError
        If the text is no step, or an interval that ends before it starts.
    """
    match = re.fullmatch(_STEP, text.strip())
    if match is None:
        raise InvalidValueError(f"Invalid value '{text}' of key 'step'.", hint=_guess(text))
    first = parse_duration(match[1])
    if match[2] is None:
        return Step(None, first)
    last = parse_duration(match[2])
    if last < first:
        raise InvalidValueError(
            f"Invalid value '{text}' of key 'step': the interval ends before it starts.",
            hint=f"Did you mean '{format_step(first, last)}'?",
        )
    return Step(None if first == last else first, last)


def format_step(seconds: int, start_seconds: int | None = None) -> str:
    """Write a step in FDB's canonical form: the largest of hours, minutes and seconds that is exact.

    Parameters
    ----------
    seconds : int
        The step, or the end of the interval.
    start_seconds : int, optional
        Start of the interval.
    """
    if start_seconds is None or start_seconds == seconds:
        return _format(seconds)
    return f"{_format(start_seconds)}-{_format(seconds)}"


def parse_duration(text: str) -> int:
    """Seconds of a duration such as ``6`` (hours), ``30m`` or ``1h30m``."""
    parts = re.findall(r"(\d+)([dhms]?)", text.lower())
    seconds = sum(int(number) * _SECONDS[unit or "h"] for number, unit in parts)
    return -seconds if text.startswith("-") else seconds


def _format(seconds: int) -> str:
    if seconds % 3600 == 0:
        return str(seconds // 3600)
    return f"{seconds // 60}m" if seconds % 60 == 0 else f"{seconds}s"


def _guess(text: str) -> str:
    """Hint at the step that the text holds amid other characters."""
    found = re.search(_STEP, text.replace("O", "0").replace(" ", ""))
    if found is None:
        return _FORMS
    step = format_step(parse_duration(found[1]))
    return f"Did you mean '{step}'? {_FORMS}"
