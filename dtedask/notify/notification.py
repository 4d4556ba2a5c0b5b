"""What is sent and received: one notification of an event type."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dtedask.notify.event import format_time, parse_time

__all__ = ["CLOUD_EVENT_TYPE", "Draft", "Notification"]

CLOUD_EVENT_TYPE = "int.ecmwf.aviso."
"""What the type of a CloudEvent begins with, before the event type: clients of Aviso look for it."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A notification that is not in a log yet; `EventType.draft` makes valid ones.

    Parameters
    ----------
    event_type : str
        Its event type, such as ``"flight"``.
    identifier : mapping of str to value
        What it is about, in canonical form: texts, and lists of [latitude, longitude] pairs for polygons.
    payload : object
        Anything that JSON can hold; None for nothing.
    """

    event_type: str
    identifier: Mapping[str, Any]
    payload: Any = None


@dataclass(frozen=True, slots=True)
class Notification:
    """One notification, as it stands in a log.

    Parameters
    ----------
    event_type : str
        Its event type.
    sequence : int
        Its place among the notifications of its type, from 1 on; later ones have higher numbers, and numbers may be
        missing.
    identifier : mapping of str to value
        What it is about, in canonical form.
    payload : object
        What came with it.
    time : datetime
        When it was logged, or committed, UTC.
    """

    event_type: str
    sequence: int
    identifier: Mapping[str, Any]
    payload: Any
    time: datetime

    @property
    def id(self) -> str:
        """Such as ``flight@3``."""
        return f"{self.event_type}@{self.sequence}"

    def cloud_event(self, source: str) -> dict[str, Any]:
        """Give it as a CloudEvent 1.0, the way aviso-server does.

        Parameters
        ----------
        source : str
            URL of the server.
        """
        return {
            "specversion": "1.0",
            "id": self.id,
            "type": f"{CLOUD_EVENT_TYPE}{self.event_type}",
            "source": source,
            "time": format_time(self.time),
            "datacontenttype": "application/json",
            "data": {"identifier": dict(self.identifier), "payload": self.payload},
        }

    @classmethod
    def from_cloud_event(cls, event: Mapping[str, Any]) -> Notification:
        """Read a CloudEvent of a server of notices; raises KeyError, TypeError or ValueError where it is none."""
        event_type, _, number = event["id"].rpartition("@")
        data = event["data"]
        return cls(event_type, int(number), data["identifier"], data.get("payload"), parse_time(event["time"]))

    def as_dict(self) -> dict[str, Any]:
        """Everything about it, ready for JSON."""
        return {
            "id": self.id,
            "event_type": self.event_type,
            "sequence": self.sequence,
            "identifier": dict(self.identifier),
            "payload": self.payload,
            "time": format_time(self.time),
        }

    def as_json(self) -> str:
        """One line of JSON."""
        return json.dumps(self.as_dict(), separators=(",", ":"))

    def __str__(self) -> str:
        keys = ",".join(f"{key}={_word(value)}" for key, value in self.identifier.items())
        payload = "" if self.payload is None else f" {json.dumps(self.payload, separators=(',', ':'))}"
        return f"{format_time(self.time)} {self.id} {keys}{payload}"


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
