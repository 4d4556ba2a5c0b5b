"""Following a root: its commits one by one, as they become visible."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Self

import icechunk

from dtedask.core.errors import NotFoundError, StoreError
from dtedask.core.settings import setting
from dtedask.store.commits import commits_of
from dtedask.store.failures import first_line
from dtedask.store.handles import heads_of, in_order
from dtedask.store.repository import head_of, open_repository
from dtedask.store.root_files import RootFiles

if TYPE_CHECKING:
    from dtedask.core.commit import Commit
    from dtedask.store.location import Location

logger = logging.getLogger(__name__)
_LOCAL_POLL_S = 0.02
_OBJECT_POLL_S = 1.0
_LISTING_S = 0.1
_LISTING_SHARE = 20


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
        self._next_listing = -math.inf
        self._failing_since: float | None = None
        self._is_last = False
        self.missed = 0

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Commit:
        start = time.monotonic()
        while not self._ready and not self._is_last:
            is_stopped, left = self._stop.is_set(), self._left(start)
            self._ready.extend(self._look(closely=is_stopped or left <= 0))
            self._is_last = is_stopped or (left <= 0 and not self._ready)
            if not self._ready and not self._is_last:
                self._stop.wait(min(self._interval_s, left))
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

    def _left(self, start: float) -> float:
        return math.inf if self._timeout_s is None else start + self._timeout_s - time.monotonic()

    def _look(self, *, closely: bool) -> list[Commit]:
        """Commits that came since the last look; a storage that fails for a moment is asked again."""
        try:
            # A listing of many cubes takes long, and the time of a reference may lie: neither is trusted for ever.
            closely = closely or time.monotonic() >= self._next_listing
            if closely:
                self._find_cubes()
            found = in_order([self._new_commits(cube, closely) for cube in self._watched])
        except (icechunk.IcechunkError, StoreError) as error:
            self._forgive(error)
            return []
        if closely:  # else there was nothing to ask after a failure
            self._failing_since = None
        for commit in found:
            self._read[commit.cube] = commit.sequence
        return found

    def _find_cubes(self) -> None:
        start = time.monotonic()
        try:
            names = RootFiles(self._location).cubes()
        except NotFoundError:
            names = []
        end = time.monotonic()
        self._next_listing = end + max(_LISTING_S, _LISTING_SHARE * (end - start))
        for name in names:
            if name not in self._watched and (self._cubes is None or name in self._cubes):
                self._watched[name] = _Watched(open_repository(self._location, name), self._reference_of(name))

    def _reference_of(self, cube: str) -> Path | None:
        if not self._location.is_local:
            return None
        return Path(self._location.cube_url(cube)) / "refs" / f"branch.{self._branch}" / "ref.json"

    def _new_commits(self, cube: str, closely: bool) -> list[Commit]:
        watched, last = self._watched[cube], self._read.get(cube, 0)
        if not watched.may_have_moved() and not closely:
            return []
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
        is_new = self._failing_since is None
        self._failing_since = self._failing_since or now
        self._watched.clear()
        self._next_listing = now + _LISTING_S
        if now - self._failing_since > setting("store.commit-timeout"):
            raise StoreError(
                f"The root {self._location.url!r} cannot be followed any more: {first_line(error)}",
                hint="Look at the storage; follow(after=position) goes on where this stopped.",
            ) from error
        if is_new:
            logger.warning("Cannot look for commits in %s, trying again: %s", self._location.url, first_line(error))


class _Watched:
    """A cube with the head that was seen last.

    Parameters
    ----------
    repo : icechunk.Repository
        Its repository.
    reference : Path, optional
        The file that names the head, on a disk: to ask for its time is twenty times as fast as to read it.
    """

    def __init__(self, repo: icechunk.Repository, reference: Path | None) -> None:
        self.repo = repo
        self.head: str | None = None
        self._reference = reference
        self._stamp: tuple[int, int] | None = None

    def may_have_moved(self) -> bool:
        """Whether the head can be another than at the last look."""
        if self._reference is None:
            return True
        try:
            found = self._reference.stat()
        except FileNotFoundError:
            return True
        stamp, self._stamp = self._stamp, (found.st_mtime_ns, found.st_ino)
        return stamp != self._stamp
