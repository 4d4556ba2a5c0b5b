"""Commits of roots as they become visible, all in one queue."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

import dtedask

if TYPE_CHECKING:
    from dtedask.core.commit import Commit
    from dtedask.store.follow import Follower

__all__ = ["Arriving"]


class Arriving:
    """Follows roots, each in a thread of its own, in a ``with`` block; begins with what is committed from now on.

    Parameters
    ----------
    roots : sequence of str
        Folders or URLs, which need not exist yet.
    put : callable
        Takes each commit; and the error of a root that cannot be followed any more.
    """

    def __init__(self, roots: Sequence[str], put: Callable[[Commit | Exception], None]) -> None:
        self._put = put
        self._stop = threading.Event()
        self._followers = [dtedask.open(root).follow(stop=self._stop) for root in roots]
        self._threads = [
            threading.Thread(target=self._run, args=(one,), name=f"follow-{place}", daemon=True)
            for place, one in enumerate(self._followers)
        ]

    @property
    def missed(self) -> int:
        """How many commits were gone before anybody could look at them."""
        return sum(one.missed for one in self._followers)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, follower: Follower) -> None:
        try:
            for commit in follower:
                self._put(commit)
        except Exception as error:  # noqa: BLE001 - it is raised where commits are taken
            self._put(error)
