"""Hearing of commits that nobody here is told of: those of other hosts, into a root in an object store."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Protocol, Self

from dtedask.core.errors import NotFoundError
from dtedask.core.settings import setting
from dtedask.notify.location import is_in_root
from dtedask.notify.log import NoticeLog
from dtedask.notify.missed import Cubes, History, fill_cube, store_cubes, store_history

if TYPE_CHECKING:
    import icechunk

__all__ = ["Heads", "Hearing", "Look", "StoreHeads", "hear_others"]

logger = logging.getLogger(__name__)

_LISTING_SHARE = 12
_MOST_PATIENT_S = 60.0


class Heads(Protocol):
    """Says cheaply which commit of a cube is the newest."""

    def head(self, cube: str) -> str | None:
        """Name of the newest state of a cube; None where it has none, or where nobody can say so cheaply."""
        ...

    def forget(self) -> None:
        """Let go of connections: one of them failed."""
        ...


class StoreHeads:
    """Asks the store: one small request for each cube.

    Parameters
    ----------
    root : str
        Path or URL of the root.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._open: dict[str, icechunk.Repository] = {}

    def head(self, cube: str) -> str | None:
        """As of `Heads`."""
        from dtedask.store.location import Location
        from dtedask.store.repository import open_repository, tip_of

        location = Location.parse(self._root)
        if cube not in self._open:
            self._open[cube] = open_repository(location, cube)
        return tip_of(location, cube, self._open[cube])

    def forget(self) -> None:
        """As of `Heads`."""
        self._open.clear()


class Look:
    """Looks at the cubes of a root now and then: which there are seldom, whether one of them has moved often.

    Parameters
    ----------
    log : NoticeLog
        Where commits are written that it lacks.
    root : str
        Path or URL of the root.
    interval_s : float
        Seconds between two looks. After a failure they become more, up to a minute.
    cubes, history : callable
        Where cubes and commits are found.
    heads : Heads, optional
        Says whether a cube has moved; without it, its history is read each time.
    """

    def __init__(
        self,
        log: NoticeLog,
        root: str,
        *,
        interval_s: float,
        cubes: Cubes = store_cubes,
        history: History = store_history,
        heads: Heads | None = None,
    ) -> None:
        self._log, self._root = log, root
        self._interval_s = interval_s
        self._cubes, self._history, self._heads = cubes, history, heads
        self._seen: dict[str, str | None] = {}
        self._next_listing = 0.0
        self._failures = 0

    @property
    def pause_s(self) -> float:
        """Seconds until the next look."""
        most = max(self._interval_s, _MOST_PATIENT_S)
        return float(min(self._interval_s * 2.0 ** min(self._failures, 16), most))

    def look(self, now_s: float) -> int:
        """Write what was committed since the last look; returns how many commits that were.

        What fails is logged once, until it works again.

        Parameters
        ----------
        now_s : float
            The time, of a clock that is never set.
        """
        try:
            if now_s >= self._next_listing:
                self._list(now_s)
            count = sum(map(self._look_at, self._seen))
        except Exception as error:  # noqa: BLE001 - whatever a network does, the next look is made
            self._failed(error)
            return 0
        if self._failures:
            logger.info("Commits to %s are heard of again.", self._root)
        self._failures = 0
        return count

    def _list(self, now_s: float) -> None:
        try:
            names = self._cubes(self._root)
        except NotFoundError:  # nobody has committed yet
            names = ()
        self._seen = {name: self._seen.get(name) for name in names}
        self._next_listing = now_s + _LISTING_SHARE * self._interval_s

    def _look_at(self, cube: str) -> int:
        head = None if self._heads is None else self._heads.head(cube)
        if head is not None and head == self._seen[cube]:
            return 0
        count = fill_cube(self._log, self._root, cube, history=self._history)
        self._seen[cube] = head
        return count

    def _failed(self, error: Exception) -> None:
        if not self._failures:
            logger.warning("Cannot look for commits in %s; it is tried again and again: %s", self._root, error)
        self._failures += 1
        if self._heads is not None:
            self._heads.forget()


def hear_others(
    log: NoticeLog, root: str, *, cubes: Cubes = store_cubes, history: History = store_history
) -> AbstractContextManager[object]:
    """Hear of the commits of other hosts while the context lasts.

    Parameters
    ----------
    log : NoticeLog
        Log of the root.
    root : str
        Path or URL of the root.
    cubes, history : callable
        As of `Look`.

    Returns
    -------
    context manager
        One that does nothing where everyone who commits writes this very log.
    """
    return nullcontext() if is_in_root(log.path, root) else Hearing(log, root, cubes=cubes, history=history)


class Hearing:
    """A thread that writes commits of other hosts into the log while it is entered.

    Parameters
    ----------
    log : NoticeLog
        The log; the thread has a connection of its own, so that others that wait for news hear of it.
    root : str
        Path or URL of the root.
    interval_s : float, optional
        Seconds between two looks; by default the setting ``dtedask.notify.remote-interval``.
    cubes, history : callable
        As of `Look`.
    """

    def __init__(
        self,
        log: NoticeLog,
        root: str,
        *,
        interval_s: float | None = None,
        cubes: Cubes = store_cubes,
        history: History = store_history,
    ) -> None:
        self._log = NoticeLog(log.path, root=log.root)
        heads = StoreHeads(root) if history is store_history else None
        interval_s = setting("notify.remote-interval") if interval_s is None else interval_s
        self._look = Look(self._log, root, interval_s=interval_s, cubes=cubes, history=history, heads=heads)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="notices-hearing", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._stop.set()
        self._thread.join()
        self._log.close()

    def _run(self) -> None:
        while not self._stop.wait(self._look.pause_s):
            self._look.look(time.monotonic())
