"""States of a root that a user names: a moment, a tag or a snapshot, in every cube."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from dtedask.core.errors import NotFoundError
from dtedask.store.moment import is_moment
from dtedask.store.past.tag_file import has_tag
from dtedask.store.repository import snapshot_at

if TYPE_CHECKING:
    from dtedask.store.location import Location
    from dtedask.store.snapshot import Snapshot

At = str | datetime | None


def states_at(location: Location, cubes: Sequence[str], at: At, branch: str) -> dict[str, Snapshot | None]:
    """Snapshots of cubes at a moment, tag or snapshot.

    Returns
    -------
    dict of str to (Snapshot or None)
        None for a cube that did not exist at the moment, or when the tag was made. A snapshot's identifier names one
        cube; the others are left out.

    Raises
    ------
    NotFoundError
        If no cube has such a state.
    """
    found: dict[str, Snapshot | None] = {}
    failed: NotFoundError | None = None
    for cube in cubes:
        try:
            found[cube] = snapshot_at(location, cube, at, branch)
        except NotFoundError as error:
            failed = error
    if not found and failed is not None:
        raise failed
    if at is None or is_moment(at) or has_tag(location, str(at)):
        return {cube: found.get(cube) for cube in cubes}
    return found
