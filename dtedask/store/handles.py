"""Where the cubes of a root stand: heads that a handle keeps, and the commits between two looks."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dtedask.core.errors import NotFoundError
from dtedask.store.commits import commits_of, following
from dtedask.store.repository import cached_snapshot, head_of, open_repository
from dtedask.store.root_files import RootFiles

if TYPE_CHECKING:
    from dtedask.core.commit import Commit
    from dtedask.store.location import Location
    from dtedask.store.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Head:
    """The newest commit of a cube at some time.

    Parameters
    ----------
    snapshot : str
        Its snapshot.
    sequence : int
        Its place in the history of the cube; 0 where nothing was committed yet.
    """

    snapshot: str
    sequence: int


def heads_of(location: Location, branch: str) -> dict[str, Head]:
    """The heads of all cubes that have the branch; none where there is no root yet."""
    try:
        names = RootFiles(location).cubes()
    except NotFoundError:
        return {}
    found = {}
    for name in names:
        repo = open_repository(location, name)
        snapshot = head_of(repo, branch)
        if snapshot is not None:
            found[name] = Head(snapshot, following(repo, snapshot).sequence - 1)
    return found


def pinned_snapshot(location: Location, cube: str, heads: Mapping[str, Head]) -> Snapshot:
    """Snapshot of a cube as a pinned handle sees it.

    Raises
    ------
    NotFoundError
        If the cube did not exist when the handle looked.
    """
    if cube not in heads:
        raise NotFoundError(
            f"There was no cube {cube!r} in {location.url!r} when this handle was pinned.",
            hint="`refresh()` moves the handle on.",
        )
    return cached_snapshot(location, cube, heads[cube].snapshot)


def commits_between(location: Location, before: Mapping[str, Head], after: Mapping[str, Head]) -> list[Commit]:
    """Commits that came between two looks at the heads of cubes, in order."""
    parts = []
    for cube, head in after.items():
        known = before.get(cube, Head("", 0))
        if head.snapshot != known.snapshot:
            repo = open_repository(location, cube)
            parts.append(commits_of(location, cube, repo, head.snapshot, after=known.sequence))
    return in_order(parts)


def in_order(histories: Iterable[Sequence[Commit]]) -> list[Commit]:
    """Commits of several cubes by time; those of one cube keep their order, even where a clock jumped back."""
    return list(heapq.merge(*histories, key=lambda commit: (commit.time, commit.cube)))
