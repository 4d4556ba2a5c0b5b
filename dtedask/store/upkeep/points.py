"""The commits of the branches of a cube, and holding those that no branch reaches while garbage is collected."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from dtedask.store.repository import line_of, own_metadata
from dtedask.store.upkeep.retention import Point, place_at

if TYPE_CHECKING:
    import icechunk

    from dtedask.store.location import Location

logger = logging.getLogger(__name__)
HOLD = "dtedask.hold."
Lines = Mapping[str, Sequence[Point]]


def lines_of(location: Location, cube: str, repo: icechunk.Repository) -> dict[str, list[Point]]:
    """Commits of each branch, newest first, with those that rollbacks left behind.

    The empty beginning of the repository is none of them, and the branches of `held` are left out.
    """
    names = sorted(name for name in repo.list_branches() if not name.startswith(HOLD))
    return {name: _points_of(location, cube, repo, repo.lookup_branch(name)) for name in names}


def _points_of(location: Location, cube: str, repo: icechunk.Repository, snapshot: str) -> list[Point]:
    found = ((info, own_metadata(info)) for info in line_of(location, cube, repo, snapshot))
    return [
        Point(info.id, info.written_at, int(own["sequence"]), str(own.get("undone", ""))) for info, own in found if own
    ]


def threshold_of(lines: Lines, oldest: datetime) -> datetime:
    """Time before which snapshots expire.

    All branches share it: where the state of another branch at that time is older, that state stays too. Its newest
    one stays in any case.
    """
    threshold = oldest
    for points in lines.values():
        place = place_at(points, oldest) if points else 0
        if place > 0:
            threshold = min(threshold, points[place].time)
    return threshold


def left_behind(lines: Lines, threshold: datetime) -> list[str]:
    """Snapshots that rollbacks left behind and that are to stay: no branch reaches them."""
    found: dict[str, None] = {}
    for points in lines.values():
        kept = {point.snapshot for point in points if point.time >= threshold}
        found |= {point.undone: None for point in points if point.snapshot in kept and point.undone in kept}
    return list(found)


@contextmanager
def held(repo: icechunk.Repository, snapshots: Sequence[str], *, alone: bool) -> Iterator[None]:
    """Hold snapshots by branches of their own, which are gone at the end.

    Parameters
    ----------
    repo : icechunk.Repository
        The repository.
    snapshots : sequence of str
        What to hold.
    alone : bool
        Whether no other purge runs: then branches of purges that were killed are removed.
    """
    if alone:
        _remove(repo, [name for name in repo.list_branches() if name.startswith(HOLD)])
    token = uuid.uuid4().hex[:8]
    names = {snapshot: f"{HOLD}{token}.{snapshot}" for snapshot in snapshots}
    try:
        for snapshot, name in names.items():
            repo.create_branch(name, snapshot)
        yield
    finally:
        _remove(repo, list(names.values()))


def _remove(repo: icechunk.Repository, names: Sequence[str]) -> None:
    """Remove branches; one that stays only keeps data, until the next purge."""
    import icechunk

    for name in names:
        try:
            repo.delete_branch(name)
        except icechunk.IcechunkError as error:
            logger.info("the branch %s stays for now: %s", name, error)
