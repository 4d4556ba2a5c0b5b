"""Overlays: the fields of a cube seen under other keys, without a copy."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import NoMatchError, RequestError
from dtedask.request import Request
from dtedask.store.author import author
from dtedask.store.schema import CUBE_KEYS

if TYPE_CHECKING:
    from dtedask.store.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Overlay:
    """A cube that is seen under other keys.

    Parameters
    ----------
    id : str
        What to call it when it is taken away.
    source : str
        Name of the cube that holds the fields.
    target : str
        Name of the cube that they seem to be in.
    keys : mapping of str to str
        The keys of the target.
    reason : str
        Why.
    author : str
        Who: user and host.
    time : datetime
        Since when, UTC.
    """

    id: str
    source: str
    target: str
    keys: Mapping[str, str]
    reason: str
    author: str
    time: datetime

    def __str__(self) -> str:
        why = f": {self.reason}" if self.reason else ""
        return (
            f"{self.id} ({self.source} as {self.target}, by {self.author} since {self.time:%Y-%m-%d %H:%M:%S} UTC{why})"
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {
            "id": self.id,
            "source": self.source,
            "target": self.target,
            "keys": dict(self.keys),
            "reason": self.reason,
            "author": self.author,
            "time": self.time.isoformat(),
        }

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Overlay:
        """Read what `to_dict` gave."""
        time = datetime.fromisoformat(found["time"])
        return cls(
            found["id"], found["source"], found["target"], dict(found["keys"]), found["reason"], found["author"], time
        )

    def view(self, snapshot: Snapshot) -> Snapshot:
        """The source with the keys of the target; made once for each snapshot, with which it shares all it has read."""
        place = ("overlay", self.target)
        if place not in snapshot.memory:
            found = copy.copy(snapshot)
            found.memory = {}
            found.__dict__["attributes"] = {**snapshot.attributes, "keys": dict(self.keys)}
            found.seen_as = dict(self.keys)
            snapshot.memory[place] = found
        made: Snapshot = snapshot.memory[place]
        return made


def new_overlay(source: Request, target: Request, cubes: Mapping[str, Mapping[str, str]], reason: str) -> Overlay:
    """Make an overlay of what people say.

    Parameters
    ----------
    source : Request
        One value of each key of the source cube.
    target : Request
        What the keys are to be instead; those that it leaves out stay.
    cubes : mapping
        Keys of each cube of the root, by its name.
    reason : str
        Why.

    Raises
    ------
    RequestError
        If a request names something else than keys of cubes, or several values, or nothing changes.
    NoMatchError
        If there is no such cube.
    """
    wanted, changed = _single(source, "source"), _single(target, "target")
    if missing := [key for key in CUBE_KEYS if key not in wanted]:
        raise RequestError(
            f"The source of an overlay must name {', '.join(CUBE_KEYS)}; {str(source)!r} lacks {', '.join(missing)}.",
            hint=f"Add {', '.join(f'{key}=...' for key in missing)}.",
        )
    found = next((name for name, keys in cubes.items() if dict(keys) == wanted), None)
    if found is None:
        raise NoMatchError(f"There is no cube with exactly the keys {source}.", hint=f"There is {', '.join(cubes)}.")
    if other := [key for key in changed if key not in wanted]:
        raise RequestError(
            f"The cube {found!r} has no key {other[0]!r} that could be another.", hint=f"It has {', '.join(wanted)}."
        )
    keys = {**wanted, **changed}
    if keys == wanted:
        raise RequestError("Source and target of the overlay are the same.", hint="Give another class or expver.")
    now = datetime.now(UTC).replace(microsecond=0)
    return Overlay(uuid.uuid4().hex[:8], found, name_of(keys), keys, reason, author(), now)


def name_of(keys: Mapping[str, str]) -> str:
    """Name of the cube with some keys."""
    base = "/".join(keys[key] for key in CUBE_KEYS)
    return ",".join([base, *(f"{key}={value}" for key, value in keys.items() if key not in CUBE_KEYS)])


def _single(request: Request, what: str) -> dict[str, str]:
    found = {}
    for key in request:
        values = request.named(key)
        if len(values) != 1:
            raise RequestError(f"The {what} of an overlay has one value of each key, {request} has not.")
        found[key] = values[0]
    return found
