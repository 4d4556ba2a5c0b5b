"""Following a root: its commits one by one, as they become visible."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Self

import icechunk

from dtedask.core.errors import NotFoundError, StoreError
from dtedask.core.settings import setting
from dtedask.store.commits import commits_of
from dtedask.store.failures import first_line
from dtedask.store.handles import heads_of, in_order
from dtedask.store.location import RootFiles
from dtedask.store.repository import head_of, open_repository

if TYPE_CHECKING:
    from dtedask.core.commit import Commit
    from dtedask.store.location import Location

logger = logging.getLogger(__name__)
_LOCAL_POLL_S = 0.02
_OBJECT_POLL_S = 1.0
_POLLS_A_LISTING = 10


class Follower(Iterator["Commit"]):
    """An iterator over commits, each once, those of a cube in their order; see `Reader.follow`.

    Parameters
    ----------
    location : Location
        The root; waited for where it does not exist yet.
    branch : str
        The branch to follow.
    after : mapping of str to int, optional
        Number of the last known commit of each cube; None for the newest ones.
    cubes : iterable of str, optional
        Names of cubes, existing or not; None for all, those that appear later included.
    stop : threading.Event, optional
        Ends the iteration when it is set, after what was committed until then.
    timeout_s : float, optional
        Ends the iteration after so many seconds without a commit.
    """

    def __init__(
        self,
        location: Location,
        branch: str,
        *,
        after: Mapping[str, int] | None = None,
        cubes: Iterable[str] | None = None,
        stop: threading.Event | None = None,
        timeout_s: float | None = None,
    ) -> None:
        self._location, self._branch = location, branch
        self._cubes = None if cubes is None else tuple(cubes)
        self._stop = stop or threading.Event()
        self._timeout_s = timeout_s
        self._interval_s = setting("store.poll-interval") or (
            _OBJECT_POLL_S if location.url.startswith("s3://") else _LOCAL_POLL_S
        )
        if after is None:
            after = {cube: head.sequence for cube, head in heads_of(location, branch).items()}
        self._position = dict(after)
        self._read = dict(after)
        self._ready: deque[Commit] = deque()
        self._watched: dict[str, _Watched] = {}
        self._polls = 0
        self._failing_since: float | None = None
        self._is_last = False
        self.missed = 0

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Commit:
        start = time.monotonic()
        while not self._ready and not self._is_last:
            self._is_last = self._stop.is_set()
            self._ready.extend(self._look())
            if not self._ready and not self._is_last:
                self._wait(start)
        if not self._ready:
            raise StopIteration
        commit = self._ready.popleft()
        self._position[commit.cube] = commit.sequence
        return commit

    @property
    def position(self) -> dict[str, int]:
        """Number of the last commit that was given out, by cube; `follow(after=position)` goes on there."""
        return dict(self._position)

    def close(self) -> None:
        """End the iteration, from any thread."""
        self._stop.set()

    def _wait(self, start: float) -> None:
        left = math.inf if self._timeout_s is None else start + self._timeout_s - time.monotonic()
        if left <= 0:
            self._is_last = True
        else:
            self._stop.wait(min(self._interval_s, left))

    def _look(self) -> list[Commit]:
        """Commits that came since the last look; a storage that fails for a moment is asked again."""
        try:
            if self._polls % _POLLS_A_LISTING == 0:
                self._find_cubes()
            self._polls += 1
            found = in_order([self._new_commits(cube) for cube in self._watched])
        except (icechunk.IcechunkError, StoreError) as error:
            self._forgive(error)
            return []
        self._failing_since = None
        for commit in found:
            self._read[commit.cube] = commit.sequence
        return found

    def _find_cubes(self) -> None:
        try:
            names = RootFiles(self._location).cubes()
        except NotFoundError:
            return
        for name in names:
            if name not in self._watched and (self._cubes is None or name in self._cubes):
                self._watched[name] = _Watched(open_repository(self._location, name))

    def _new_commits(self, cube: str) -> list[Commit]:
        watched, last = self._watched[cube], self._read.get(cube, 0)
        head = head_of(watched.repo, self._branch)
        if head is None or head == watched.head:
            return []
        commits = commits_of(self._location, cube, watched.repo, head, after=last)
        watched.head = head
        self._count_missed(cube, last, commits)
        return commits

    def _count_missed(self, cube: str, last: int, commits: list[Commit]) -> None:
        for commit in commits:
            if commit.sequence > last + 1:
                self.missed += commit.sequence - last - 1
                logger.warning(
                    "Commits %d to %d of %s are no longer in its history.", last + 1, commit.sequence - 1, cube
                )
            last = commit.sequence

    def _forgive(self, error: Exception) -> None:
        now = time.monotonic()
        self._failing_since = self._failing_since or now
        self._watched.clear()
        self._polls = 0
        if now - self._failing_since > setting("store.commit-timeout"):
            raise StoreError(
                f"The root {self._location.url!r} cannot be followed any more: {first_line(error)}",
                hint="Look at the storage; follow(after=position) goes on where this stopped.",
            ) from error
        logger.warning("Cannot look for commits in %s, trying again: %s", self._location.url, first_line(error))


class _Watched:
    """A cube with the head that was seen last."""

    def __init__(self, repo: icechunk.Repository) -> None:
        self.repo = repo
        self.head: str | None = None
