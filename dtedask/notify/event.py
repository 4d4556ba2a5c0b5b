"""What people and programs are told: one event for each variable and step of a commit."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dtedask.core.commit import Commit

EVENT_TYPE = "data"


@dataclass(frozen=True, slots=True)
class Event:
    """The news that fields of one variable and step can be read.

    Parameters
    ----------
    cube : str
        Name of the cube, such as ``"od/oper/0001"``.
    sequence, index : int
        Place of the commit in the history of the cube, and of the event in the commit.
    group, variable : str
        Where the fields are in the cube.
    request : tuple of (str, str)
        MARS keys in canonical form, lists joined by ``/``: a request that gives exactly the fields.
    fields : int
        Number of fields.
    snapshot : str
        The state of the cube that holds them.
    root : str
        URL or path of the root.
    time : datetime
        When they were committed, UTC.
    """

    cube: str
    sequence: int
    index: int
    group: str
    variable: str
    request: tuple[tuple[str, str], ...]
    fields: int
    snapshot: str
    root: str
    time: datetime

    @property
    def id(self) -> str:
        """Identifier that is the same on every host, such as ``od/oper/0001@3.0``."""
        return f"{self.cube}@{self.sequence}.{self.index}"

    @property
    def url(self) -> str:
        """URL or path of the cube."""
        return f"{self.root.rstrip('/')}/{self.cube}"

    @property
    def keys(self) -> dict[str, str]:
        """The request as a mapping."""
        return dict(self.request)

    @property
    def mars(self) -> str:
        """The request as MARS writes it, ``class=od,param=130``."""
        return ",".join(f"{key}={value}" for key, value in self.request)

    def as_dict(self) -> dict[str, object]:
        """Everything about the event, ready for JSON."""
        return {
            "id": self.id,
            "event": EVENT_TYPE,
            "cube": self.cube,
            "sequence": self.sequence,
            "index": self.index,
            "group": self.group,
            "variable": self.variable,
            "request": self.keys,
            "fields": self.fields,
            "snapshot": self.snapshot,
            "root": self.root,
            "url": self.url,
            "time": format_time(self.time),
        }

    def as_json(self) -> str:
        """One line of JSON."""
        return json.dumps(self.as_dict(), separators=(",", ":"))

    def __str__(self) -> str:
        count = "1 field" if self.fields == 1 else f"{self.fields} fields"
        return f"{format_time(self.time)} {self.id} {self.variable}: {count}, {self.mars}"


def events_of(commit: Commit) -> tuple[Event, ...]:
    """Make the events of a commit, in the order of its changes."""
    return tuple(
        Event(
            cube=commit.cube,
            sequence=commit.sequence,
            index=index,
            group=change.group,
            variable=change.variable,
            request=change.request,
            fields=change.fields,
            snapshot=commit.snapshot,
            root=commit.root,
            time=commit.time,
        )
        for index, change in enumerate(commit.changes)
    )


def format_time(time: datetime) -> str:
    """Write a time as ``2024-06-03T00:00:00.000000Z``; a time without zone is UTC."""
    zoned = time if time.tzinfo is not None else time.replace(tzinfo=UTC)
    return zoned.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse_time(text: str) -> datetime:
    """Read what `format_time` wrote."""
    return datetime.fromisoformat(text)
