"""The durable log of notices: every commit once, its events, and how far each listener has come."""

from __future__ import annotations

import atexit
import heapq
import os
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from dtedask.core.commit import Commit
from dtedask.core.errors import NoticeError
from dtedask.notify.database import Database
from dtedask.notify.delivery.item import end_of, heard_commits
from dtedask.notify.delivery.state import DeliveryState, state_path
from dtedask.notify.event import EVENT_TYPE, Event, events_of, format_time, parse_time
from dtedask.notify.event_rows import COLUMNS, event_of, row_of
from dtedask.notify.location import log_path, root_url
from dtedask.notify.numbers import forget_numbers, number_commit

if TYPE_CHECKING:
    import sqlite3

    from dtedask.core.notice import Notice
    from dtedask.notify.delivery.finding import RootSources
    from dtedask.notify.delivery.letters import DeadLetter

_PAGE = 64
_OPEN_LOGS = 8


@dataclass(frozen=True, slots=True)
class Entry:
    """One commit in the log.

    Parameters
    ----------
    position : int
        Place in the log, over all cubes.
    cube : str
        Name of the cube.
    sequence : int
        Place of the commit in the history of the cube.
    events : tuple of Event
        What it brought, in order.
    """

    position: int
    cube: str
    sequence: int
    events: tuple[Event, ...]


class NoticeLog:
    """The log of one root.

    Safe to use from several threads and processes at once: SQLite's write-ahead log with a sync at every commit.

    Parameters
    ----------
    path : str or os.PathLike
        The SQLite file. It is made when it is first written.
    root : str
        Where the root is now, for the URLs in events; as the commits said when empty.
    """

    def __init__(self, path: str | os.PathLike[str], *, root: str = "") -> None:
        self.path = Path(path)
        self.root = root
        self.database = Database(self.path)
        self._state = DeliveryState(state_path(self.path))
        self.sources: RootSources | None = None
        """Where the listeners of this process find what they ask for; made when the first one needs it."""

    def append(self, commits: Sequence[Commit]) -> int:
        """Write commits with all their events, or nothing.

        Parameters
        ----------
        commits : sequence of Commit
            Ordered by sequence within each cube. Those the log has already are left out.

        Returns
        -------
        int
            How many were new.

        Raises
        ------
        NoticeError
            If the log has another snapshot at the same place of a cube's history, or cannot be written.
        """
        with self.database.write() as connection:
            return sum(_insert(connection, commit, self.path) for commit in commits)

    def append_notices(self, notices: Iterable[Notice]) -> int:
        """Write notices behind the others of their streams, all or none.

        Those that were given before are left out.

        Returns
        -------
        int
            How many were new.
        """
        with self.database.write() as connection:
            return sum(_insert_notice(connection, notice, self.path) for notice in notices)

    def heads(self) -> dict[str, int]:
        """Give the sequence of the last commit of each cube."""
        with self.database.read() as connection:
            return dict(connection.execute("SELECT cube, sequence FROM heads"))

    def last(self, cube: str) -> int:
        """Give the sequence of the last commit of a cube; 0 where there is none."""
        return self.heads().get(cube, 0)

    def entries(self, after: Mapping[str, int] | None = None) -> Iterator[Entry]:
        """Yield commits in the order they were logged; a page of each cube is in memory at a time.

        Parameters
        ----------
        after : mapping of cube to sequence, optional
            Where to begin in each cube; cubes that are not named begin at their first commit.
        """
        begin = after or {}
        cubes = [cube for cube, head in self.heads().items() if head > begin.get(cube, 0)]
        pages = [self._entries_of(cube, begin.get(cube, 0)) for cube in cubes]
        return heapq.merge(*pages, key=lambda entry: entry.position)

    def events(self, after: Mapping[str, int] | None = None) -> Iterator[Event]:
        """Yield events in the order of their commits."""
        return (event for entry in self.entries(after) for event in entry.events)

    @property
    def state(self) -> DeliveryState:
        """What is remembered of listeners: how far each has come, and what could not be delivered."""
        from dtedask.notify.delivery.taking_over import take_over

        take_over(self.database, self._state, self)
        return self._state

    def cursors(self, listener: str) -> dict[str, int] | None:
        """Give the last commit of each cube that a listener has heard of; None when it is not registered."""
        cursors = self.state.cursors(listener, EVENT_TYPE)
        return None if cursors is None else {cube: heard_commits(place) for cube, place in cursors.items()}

    def register(self, listener: str, cursors: Mapping[str, int], *, again: bool = False) -> None:
        """Begin to remember how far a listener to all cubes has come.

        Parameters
        ----------
        listener : str
            Its name.
        cursors : mapping of cube to sequence
            The commits that it needs not hear any more; it hears all of cubes that are not named.
        again : bool
            Also when it is registered already.
        """
        places = {cube: end_of(sequence) for cube, sequence in cursors.items()}
        self.state.register(listener, EVENT_TYPE, places, cubes=("*",), again=again)

    def heard(self, cube: str) -> dict[str, int]:
        """Say how far each registered listener to a cube has come in it."""
        return self.state.heard(cube)

    def forget(self, listener: str) -> bool:
        """Forget a listener and its dead letters; False when it was not registered."""
        return self.state.forget(listener)

    def failures(self) -> list[DeadLetter]:
        """List the triggers that were given up, oldest first."""
        return self.state.letters()

    def trim(self, cube: str, oldest: int) -> int:
        """Forget the commits of a cube before a number, with events and dead letters; returns how many commits."""
        self.state.trim(cube, end_of(oldest - 1))
        with self.database.write() as connection:
            connection.execute("DELETE FROM events WHERE cube = ? AND sequence < ?", (cube, oldest))
            forget_numbers(connection, cube, oldest)
            return connection.execute("DELETE FROM commits WHERE cube = ? AND sequence < ?", (cube, oldest)).rowcount

    def version(self) -> tuple[object, ...]:
        """Return something that changes whenever another connection has written to the log."""
        return self.database.version()

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self.database.close()
        self._state.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"NoticeLog({str(self.path)!r})"

    def _entries_of(self, cube: str, after: int) -> Iterator[Entry]:
        while True:
            with self.database.read() as connection:
                page = _read_page(connection, cube, after, self.root)
            yield from page
            if len(page) < _PAGE:
                return
            after = page[-1].sequence


def _insert_notice(connection: sqlite3.Connection, notice: Notice, path: Path) -> int:
    place = (notice.stream, notice.id)
    if connection.execute("SELECT 1 FROM commits WHERE cube = ? AND snapshot = ?", place).fetchone():
        return 0
    head = connection.execute("SELECT sequence FROM heads WHERE cube = ?", (notice.stream,)).fetchone()
    commit = Commit(
        notice.root,
        notice.stream,
        snapshot=notice.id,
        parent="",
        sequence=(head[0] if head else 0) + 1,
        time=notice.time,
        changes=notice.changes,
    )
    return _insert(connection, commit, path)


def _insert(connection: sqlite3.Connection, commit: Commit, path: Path) -> int:
    there = connection.execute(
        "SELECT snapshot FROM commits WHERE cube = ? AND sequence = ?", (commit.cube, commit.sequence)
    ).fetchone()
    if there is not None:
        if there[0] != commit.snapshot:
            raise NoticeError(
                f"Commit {commit.sequence} of {commit.url} is {commit.snapshot}; the log {str(path)!r} knows "
                f"{there[0]} at this place.",
                hint="The cube was made anew or set back: delete the log if its notices are not needed any more.",
            )
        return 0
    connection.execute(
        "INSERT INTO commits (cube, sequence, snapshot, root, time) VALUES (?, ?, ?, ?, ?)",
        (commit.cube, commit.sequence, commit.snapshot, root_url(commit.root), format_time(commit.time)),
    )
    connection.executemany(
        f"INSERT INTO events (cube, sequence, {', '.join(COLUMNS)}) VALUES ({', '.join('?' * (2 + len(COLUMNS)))})",
        [(commit.cube, commit.sequence, *row_of(event)) for event in events_of(commit)],
    )
    number_commit(connection, commit)
    return 1


def _read_page(connection: sqlite3.Connection, cube: str, after: int, root: str) -> list[Entry]:
    commits = connection.execute(
        "SELECT position, sequence, snapshot, root, time FROM commits"
        " WHERE cube = ? AND sequence > ? ORDER BY sequence LIMIT ?",
        (cube, after, _PAGE),
    ).fetchall()
    entries = []
    for position, sequence, snapshot, written_root, time in commits:
        rows = connection.execute(
            f"SELECT {', '.join(COLUMNS)} FROM events WHERE cube = ? AND sequence = ? ORDER BY number", (cube, sequence)
        )
        place = (cube, sequence, snapshot, root or written_root, parse_time(time))
        events = tuple(event_of(*place, row) for row in rows)
        entries.append(Entry(position, cube, sequence, events))
    return entries


_open_logs: OrderedDict[tuple[Path, str], NoticeLog] = OrderedDict()
_open_logs_lock = threading.Lock()


def open_log(root: str | os.PathLike[str]) -> NoticeLog:
    """Return the log of a root; the last few stay open, since opening one takes longer than writing to it."""
    url = root_url(root)
    key = (log_path(root), url)
    with _open_logs_lock:
        if not _open_logs:
            atexit.register(close_logs)
        log = _open_logs.pop(key, None) or NoticeLog(key[0], root=url)
        _open_logs[key] = log
        while len(_open_logs) > _OPEN_LOGS:
            _open_logs.popitem(last=False)[1].close()
    return log


def close_logs() -> None:
    """Close the logs that `open_log` keeps open."""
    with _open_logs_lock:
        while _open_logs:
            _open_logs.popitem()[1].close()
