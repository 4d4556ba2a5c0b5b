"""The file that holds the tags of a root."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import DamagedError
from dtedask.store.root_files import RootFiles

if TYPE_CHECKING:
    from dtedask.store.location import Location

FILE = ".dtedask/tags.json"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Tag:
    """A name for a state of a root.

    Parameters
    ----------
    name : str
        The name, which `at=` takes.
    snapshots : mapping of str to str
        Snapshot of each cube.
    message : str
        What was said of it.
    author : str
        Who made it, ``user@host``.
    time : datetime
        When, UTC.
    """

    name: str
    snapshots: Mapping[str, str]
    message: str
    author: str
    time: datetime

    def to_dict(self) -> dict[str, Any]:
        """Everything about it, ready for JSON."""
        return {
            "name": self.name,
            "snapshots": dict(self.snapshots),
            "message": self.message,
            "author": self.author,
            "time": self.time.isoformat(),
        }


def tags_of(location: Location) -> tuple[Tag, ...]:
    """Tags of a root, by name."""
    return tuple(tag for tag, _ in decoded(RootFiles(location).read(FILE), location.url).values())


def tag_named(location: Location, name: str) -> Tag | None:
    """The tag of a name; None where there is none."""
    return next((tag for tag in tags_of(location) if tag.name == name), None)


def tagged_snapshot(location: Location, cube: str, name: str) -> str | None:
    """Snapshot of a cube that a tag names; None where there is none."""
    tag = tag_named(location, name)
    return tag.snapshots.get(cube) if tag else None


def encoded(tags: Mapping[str, tuple[Tag, str]]) -> bytes:
    """The file of some tags, each with the tag of Icechunk that pins its snapshots."""
    found = [tag.to_dict() | {"pin": pin} for _, (tag, pin) in sorted(tags.items())]
    return json.dumps({"format": _FORMAT, "tags": found}, indent=1, ensure_ascii=False).encode()


def decoded(data: bytes | None, url: str) -> dict[str, tuple[Tag, str]]:
    """Tags of a file by name, each with its pin.

    Raises
    ------
    DamagedError
        If it cannot be read.
    """
    if data is None:
        return {}
    try:
        document = json.loads(data)
        return {one["name"]: (_tag(one), one["pin"]) for one in document["tags"]}
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedError(f"The tags of the root {url!r} ({FILE}) cannot be read: {error}.") from error


def _tag(one: Mapping[str, Any]) -> Tag:
    return Tag(one["name"], one["snapshots"], one["message"], one["author"], datetime.fromisoformat(one["time"]))
