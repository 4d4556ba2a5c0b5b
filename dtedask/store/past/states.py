"""States of a root that a user names: a moment, a tag or a snapshot, in every cube."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from dtedask.core.errors import NotFoundError
from dtedask.store.moment import is_moment
from dtedask.store.past.tag_file import tag_named
from dtedask.store.repository import is_purged, open_repository, snapshot_at

if TYPE_CHECKING:
    from dtedask.store.location import Location
    from dtedask.store.snapshot import Snapshot

At = str | datetime | None


def states_at(location: Location, cubes: Sequence[str], at: At, branch: str) -> dict[str, Snapshot | None]:
    """Snapshots of cubes at a moment, tag or snapshot.

    Returns
    -------
    dict of str to (Snapshot or None)
        None for a cube that did not exist yet at the moment, or when the tag was made. Cubes that the tag or the
        snapshot does not name are left out.

    Raises
    ------
    NotFoundError
        If there is no such state, or it was purged.
    """
    tag = None if at is None or is_moment(at) else tag_named(location, str(at))
    if at is None or is_moment(at):
        return {cube: _at_moment(location, cube, at, branch) for cube in cubes}
    if tag is not None:
        late = [cube for cube in cubes if cube not in tag.snapshots and not _existed(location, cube, tag.time)]
        states = {cube: snapshot_at(location, cube, tag.name) for cube in cubes if cube in tag.snapshots}
        return {**states, **dict.fromkeys(late)}
    return _named(location, cubes, str(at))


def _at_moment(location: Location, cube: str, at: At, branch: str) -> Snapshot | None:
    try:
        return snapshot_at(location, cube, at, branch)
    except NotFoundError:
        if at is None or is_purged(open_repository(location, cube)):
            raise
        return None


def _existed(location: Location, cube: str, at: datetime) -> bool:
    *_, first = open_repository(location, cube).ancestry(branch="main")
    return first.written_at <= at


def _named(location: Location, cubes: Sequence[str], name: str) -> dict[str, Snapshot | None]:
    found: dict[str, Snapshot | None] = {}
    failed: NotFoundError | None = None
    for cube in cubes:
        try:
            found[cube] = snapshot_at(location, cube, name)
        except NotFoundError as error:
            failed = error
    if not found and failed is not None:
        raise failed
    return found
