"""What people and programs are told: one event for each variable and step of a commit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import DamagedError, NotFoundError

if TYPE_CHECKING:
    import xarray as xr

    from dtedask.core.commit import Commit
    from dtedask.notify.notification import Notification
    from dtedask.store import Store

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
    size_bytes : int, optional
        What the fields take where they are stored; None where that is not known.
    checksum : str
        Of what is stored, see `Change`; empty where it is not known.
    area : tuple of float, optional
        North, west, south, east of their points; None for fields without points, or where it is not known.
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
    size_bytes: int | None = None
    checksum: str = ""
    area: tuple[float, float, float, float] | None = None

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

    def store(self) -> Store:
        """Open the root as it was at the commit: the fields of the event, and all others that were there then.

        Raises
        ------
        NotFoundError
            If the event tells of a file. When the store is read: if the state was purged.
        """
        import dtedask

        if self.group.startswith("/") or "://" in self.group:
            raise NotFoundError(f"{self.id} tells of {self.group!r}, and of no cube.", hint="Read what lies there.")
        return dtedask.open(self.root, at=self.snapshot)

    def open(self) -> xr.Dataset:
        """Open the fields as they were at the commit, lazily.

        Returns
        -------
        xarray.Dataset
            As `Store.retrieve` gives it; what was committed since changes nothing in it.

        Raises
        ------
        NotFoundError
            If the state was purged, or if the event tells of files and not of a cube.
        """
        try:
            return self.store().retrieve(self._exactly)
        except NotFoundError as error:
            raise NotFoundError(
                f"The fields of {self.id} cannot be opened as they were: {error.message}",
                hint="`dtedask store purge` keeps what registered listeners have not heard of; the newest state is "
                f"dtedask.open({self.root!r}).retrieve(event.keys).",
            ) from error

    def verify(self) -> bool:
        """Compare what is stored with the checksum of the event; all of it is read, nothing is decoded.

        Returns
        -------
        bool
            Whether there is a checksum to compare with: events of an older dtedask and of references to files of
            others have none.

        Raises
        ------
        DamagedError
            If something else is stored.
        NotFoundError
            As `open` does.
        """
        if not self.checksum:
            return False
        from dtedask.store.written import stored_changes

        changes = stored_changes(self.store().list(self._exactly))
        if (self.size_bytes, self.checksum) not in [(one.size_bytes, one.checksum) for one in changes]:
            found = ", ".join(f"{one.fields} fields with {one.checksum}" for one in changes) or "nothing"
            raise DamagedError(
                f"The checksum of {self.id} is {self.checksum}, of {self.fields} fields; stored is {found}.",
                hint="`dtedask store verify` looks at the whole root.",
            )
        return True

    @property
    def _exactly(self) -> dict[str, str]:
        """The request with the grid: a cube may have the same fields on several."""
        return {**self.keys, "grid": self.group.rpartition("/")[2]}

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
            "bytes": self.size_bytes,
            "checksum": self.checksum,
            "area": None if self.area is None else list(self.area),
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

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Event:
        """Read what `as_dict` gives; raises KeyError, TypeError or ValueError where it is none."""
        size, area = document.get("bytes"), document.get("area")
        return cls(
            cube=str(document["cube"]),
            sequence=int(document["sequence"]),
            index=int(document["index"]),
            group=str(document["group"]),
            variable=str(document["variable"]),
            request=tuple((str(key), _text(value)) for key, value in document["request"].items()),
            fields=int(document["fields"]),
            snapshot=str(document["snapshot"]),
            root=str(document["root"]),
            time=parse_time(document["time"]),
            size_bytes=None if size is None else int(size),
            checksum=str(document.get("checksum") or ""),
            area=None if area is None else _area(area),
        )

    @classmethod
    def from_notification(cls, notification: Notification) -> Event | None:
        """Read a notification about a commit; None where it is about something else."""
        payload = notification.payload
        if not isinstance(payload, Mapping) or payload.get("event") != EVENT_TYPE:
            return None
        request = {key: value for key, value in notification.identifier.items() if key != "polygon"}
        try:
            return cls.from_dict({"time": format_time(notification.time), **payload, "request": request})
        except (KeyError, TypeError, ValueError):
            return None


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
            size_bytes=change.size_bytes,
            checksum=change.checksum,
            area=change.area,
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


def _text(value: object) -> str:
    return "/".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _area(edges: Any) -> tuple[float, float, float, float]:
    north, west, south, east = map(float, edges)
    return north, west, south, east
