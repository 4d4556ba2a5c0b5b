"""Which series a field belongs to, and when it is valid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dtedask.pipeline.message import Message

TimeAxis = Literal["auto", "step", "date"]
Signature = tuple[Any, ...]

# Keys that differ between fields of one series.
MOVING = frozenset(
    {
        *("date", "time", "step", "stepRange", "startStep", "endStep", "startStepInHours", "endStepInHours"),
        *("startDate", "startTime", "previousDate", "previousTime", "currentDate", "currentTime"),
        *("sampleInterval", "sampleIntervalInSeconds", "stepFrequency", "fields", "partial"),
    }
)
_ANALYSES = frozenset({"an", "ia", "oi", "3v", "4v", "3g", "4g", "ea", "go"})
_ALONG_DATES = frozenset({"clte", "clmn", "mnth", "moda", "mdfa", "dame", "wamo", "wamd", "edmo", "msda", "mofm"})


def signature_of(message: Message) -> Signature:
    """All that tells series apart but the reference time, in the order of the keys."""
    grid = None if message.description is None else message.description.grid
    return (grid, *[item for item in message.keys.items() if item[0] not in MOVING])


def runs_along_dates(keys: Mapping[str, Any], axis: TimeAxis) -> bool:
    """Whether the fields of a series have another date each, as analyses have, or another step."""
    if axis != "auto":
        return axis == "date"
    return keys.get("type") in _ANALYSES or keys.get("stream") in _ALONG_DATES


def time_of(message: Message) -> int:
    """When a field is valid, in seconds since 1970-01-01 00 UTC: the end of its step or interval."""
    description = message.description
    if "step" not in message.keys and description is not None and description.interval is not None:
        return message.reference_time + description.interval[1]
    return message.valid_time


def time_step_of(keys: Mapping[str, Any]) -> int | None:
    """Seconds from one field to the next where the keys of MultIO say so."""
    step = keys.get("timeStep")
    return None if step is None else int(step) * int(keys.get("step-frequency", keys.get("stepFrequency", 1)))


def first_distance_of(message: Message) -> int | None:
    """How far back the first field of a series reaches, where it is of an interval of its own."""
    description = message.description
    if description is None or description.interval is None:
        return None
    return (description.interval[1] - description.interval[0]) or None
