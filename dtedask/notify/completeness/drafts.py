"""What is sent of completeness: its event types, and a notification for each piece of news."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dtedask.notify.completeness.expected import Expected
from dtedask.notify.completeness.tracker import News
from dtedask.notify.event import format_time

if TYPE_CHECKING:
    from datetime import datetime

    from dtedask.core.commit import Commit
    from dtedask.notify.event_types import EventTypes
    from dtedask.notify.notification import Draft, Notification

__all__ = ["COMPLETENESS_TYPES", "Identity", "completeness_types", "draft_of", "identity_of", "text_of"]

_SHOWN = 20
_KEYS: dict[str, Any] = {
    "expectation": {"type": "string", "required": True, "description": "Name of the expectation."},
    "class": {"type": "string", "description": "Class of the data, where the expectation names one."},
    "stream": {"type": "string", "description": "Stream of the data, where the expectation names one."},
    "expver": {"type": "string", "description": "Version of the experiment, where the expectation names one."},
    "date": {"type": "date", "description": "Day of the reference time of the run."},
    "time": {"type": "time", "description": "Time of day of the reference time of the run."},
}
_STEP = {"step": {"type": "string", "description": "Step of the forecast."}}
_LATE_STEP = {"step": {"type": "string", "description": "Step of the forecast; left out of the whole run."}}

COMPLETENESS_TYPES: dict[str, dict[str, Any]] = {
    "step-complete": {"description": "All that is expected of a step can be read.", "identifier": {**_KEYS, **_STEP}},
    "run-complete": {"description": "All that is expected of a run can be read.", "identifier": _KEYS},
    "late": {"description": "A deadline has passed and fields are missing.", "identifier": {**_KEYS, **_LATE_STEP}},
    "complete-after-late": {
        "description": "What was told to be late can be read.",
        "identifier": {**_KEYS, **_LATE_STEP},
    },
}
"""Documents of the event types, by name."""


def completeness_types() -> EventTypes:
    """Event types of completeness, to be put beside those of a server: ``types | completeness_types()``."""
    from dtedask.notify.event_types import load_event_types

    return load_event_types(COMPLETENESS_TYPES)


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells a notification of completeness from any other one: none is written twice."""

    event_type: str
    expectation: str
    reference: str
    step: str | None
    count: int


def identity_of(notification: Draft | Notification) -> Identity:
    """What a notification of completeness is about."""
    said = notification.identifier
    count = int(notification.payload["count"])
    reference = f"{said['date']}T{said['time']}"
    return Identity(notification.event_type, said["expectation"], reference, said.get("step"), count)


def draft_of(
    news: News, expected: Expected, types: Mapping[str, Any], *, commit: Commit | None, now: datetime
) -> Draft:
    """Make the notification of a piece of news.

    Parameters
    ----------
    news : News
        What to tell.
    expected : Expected
        The expectation.
    types : mapping of str to EventType
        The event types.
    commit : Commit, optional
        What made it complete.
    now : datetime
        When that was, UTC, or when it was found to be late.
    """
    run = {"date": f"{news.reference:%Y%m%d}", "time": f"{news.reference:%H%M}"}
    step = {} if news.step is None else {"step": news.step}
    payload: dict[str, Any] = {
        "fields": news.fields,
        "count": news.count,
        "late": news.is_late,
        "deadline": None if news.deadline is None else format_time(news.deadline),
        "time": format_time(now),
    }
    if news.kind == "late":
        requests = expected.requests_of(news.missing, news.reference)
        payload["missing_fields"] = sum(len(numbers) for _, numbers in news.missing)
        payload["missing"] = [text_of(one) for one in requests[:_SHOWN]]
        payload["requests_left_out"] = max(len(requests) - _SHOWN, 0)
    else:
        whole = expected.shape(news.reference)
        there = whole if news.step is None else {news.step: whole[news.step]}
        payload["requests"] = [text_of(one) for one in expected.requests_of(there.items(), news.reference)]
        if commit is not None:
            payload |= {name: getattr(commit, name) for name in ("cube", "sequence", "snapshot", "root")}
    identifier = {"expectation": expected.expectation.name, **_constants(expected), **run, **step}
    draft: Draft = types[news.kind].draft(identifier, payload)
    return draft


def _constants(expected: Expected) -> dict[str, str]:
    """Class, stream and expver, where all requests name the same one."""
    found = {}
    for key in ("class", "stream", "expver"):
        values = {request.get(key) for request in expected.expectation.requests}
        (first, *others) = values
        if first is not None and not others and len(first) == 1:
            found[key] = first[0]
    return found


def text_of(request: Mapping[str, str]) -> str:
    """A request as MARS writes it."""
    return ",".join(f"{key}={value}" for key, value in request.items())
