"""The commits of a root as they are made: each step goes through a plan as soon as it can be read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

import dtedask
from dtedask.pipeline.sources.cubes import unread_records
from dtedask.pipeline.sources.source import Places, Source, Unread, numbered, read_ahead
from dtedask.request import Request

if TYPE_CHECKING:
    from dtedask.core.commit import Commit
    from dtedask.pipeline.graph.compute import Graph
    from dtedask.pipeline.message import Message
    from dtedask.store import Store
    from dtedask.store.selection import Record

__all__ = ["FollowedRoot", "follow_root"]

Marked = tuple["Message", "Unread | None", int]


def follow_root(
    root: str,
    request: Any = None,
    *,
    after: Mapping[str, int] | None = None,
    stop: threading.Event | None = None,
    timeout_s: float | None = None,
    skip: Callable[[Commit], bool] = lambda _: False,
) -> FollowedRoot:
    """Follow a root: the fields of each commit, then a flush for each step of them.

    Parameters
    ----------
    root : str
        Folder or URL; it need not exist yet.
    request : Request, str or mapping, optional
        Which of the fields.
    after : mapping of str to int, optional
        Number of the last commit of each cube that is not wanted, ``{}`` for all there were; by default those that are
        made from now on.
    stop : threading.Event, optional
        Ends the stream when it is set, after what was committed until then.
    timeout_s : float, optional
        Ends the stream after so many seconds without a commit.
    skip : callable
        Whether the fields of a commit are left out, such as results of the plan itself.
    """
    return FollowedRoot(dtedask.open(root), root, request, after=after, stop=stop, timeout_s=timeout_s, skip=skip)


class FollowedRoot(Source):
    """See `follow_root`."""

    def __init__(
        self,
        store: Store,
        name: str,
        request: Any,
        *,
        after: Mapping[str, int] | None,
        stop: threading.Event | None,
        timeout_s: float | None,
        skip: Callable[[Commit], bool],
    ) -> None:
        self._store, self._name, self._wanted = store, name, request
        self._after = None if after is None else dict(after)
        self._follower: Any = None
        self._stop, self._timeout_s = stop or threading.Event(), timeout_s
        self._skip = skip
        self._places = Places()
        self._done: dict[str, int] = {}
        self._current: tuple[str, int] = ("", 0)
        self._index = 0
        if after is None:  # what is committed from now on, also before somebody asks for the first message
            self._begin({})

    @property
    def identity(self) -> dict[str, Any]:
        """See `Source`."""
        return {"kind": "commits", "root": self._name, "request": str(self._wanted or "")}

    @property
    def is_over(self) -> bool:
        """See `Source`."""
        return not self._stop.is_set()

    @property
    def position(self) -> dict[str, Any]:
        """See `Source`: numbers of the commits that are done, and how many messages of the one under way."""
        cube, sequence = self._current
        return {"commits": dict(self._done), "cube": cube, "sequence": sequence, "index": self._index}

    def messages(self, position: Mapping[str, Any] | None = None) -> Iterator[Message]:
        """See `Source`; waits for commits until it is told to stop."""
        for commit, first in self._commits(position):
            for message, index in read_ahead(self._messages(commit, first)):
                self._index = index
                yield message

    def nodes(self, graph: Graph, position: Mapping[str, Any] | None = None) -> Iterator[Message]:
        """Give the same messages with values that a graph will read."""
        for commit, first in self._commits(position):
            for message, unread, index in self._messages(commit, first):
                self._index = index
                yield (
                    message
                    if unread is None
                    else message.replaced(values=graph.source("read", unread.read, token=unread.token))
                )

    def _commits(self, position: Mapping[str, Any] | None) -> Iterator[tuple[Commit, int]]:
        """Commits, each with the number of its messages that were given before."""
        begun = dict(position or {})
        if position is not None or self._follower is None:
            self._begin(begun)
        for commit in self._follower:
            resumes = (begun.get("cube"), begun.get("sequence")) == (commit.cube, commit.sequence)
            first = int(begun["index"]) if resumes else 0
            self._current, self._index = (commit.cube, commit.sequence), first
            if not self._skip(commit):
                yield commit, first
            self._done[commit.cube] = commit.sequence
            self._current, self._index = ("", 0), 0

    def _begin(self, position: Mapping[str, Any]) -> None:
        after = position.get("commits", self._after)
        self._follower = self._store.follow(after, stop=self._stop, timeout_s=self._timeout_s)
        self._done = self._follower.position

    def _messages(self, commit: Commit, begin: int) -> Iterator[Marked]:
        return islice(numbered(self._places, self._fields(commit)), begin, None)

    def _fields(self, commit: Commit) -> Iterator[Unread]:
        """Fields that a commit wrote, as they were right after it."""
        seen = dtedask.open(commit.root, at=commit.snapshot)
        wanted = Request.parse(self._wanted, language=seen.schema().language) if self._wanted else None
        for change in commit.changes:
            grid = change.group.rsplit("/", 1)[-1]
            for selection in seen.select({**change.keys, "grid": grid}):
                if (selection.cube, selection.group.name) == (commit.cube, change.group):
                    records = selection.records()
                    yield from unread_records(one for one in records if wanted is None or _agrees(one, wanted))


def _agrees(record: Record, wanted: Request) -> bool:
    keys = {**record.keys, "grid": record.selection.group.grid.label}
    return wanted.failing_key(keys) is None
