"""The log of another host, followed: copied into a file here, written there."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from dtedask.core.errors import NoticeError
from dtedask.notify.streams.rows import encode
from dtedask.notify.streams.sqlite_log import SqliteEventLog

if TYPE_CHECKING:
    from dtedask.notify.event_log import EventLog
    from dtedask.notify.notification import Draft, Notification

AGAIN_S = 1.0
COPIED_WITHIN_S = 10.0
_PAGE = 1000

logger = logging.getLogger(__name__)


class FollowedLog:
    """A copy of a log that a server on another host owns, with the same numbers.

    A thread copies what is new there. Reading goes on while the owner is away, writing does not. What is removed there
    by others after it was copied stays here until it is trimmed.

    Parameters
    ----------
    owner : EventLog
        The other log; closed with this one.
    path : str or os.PathLike
        The file of the copy.
    wanted : callable (event type) -> bool
        Which types are copied; by default all.
    interval_s : float
        How often the version of the owner is looked at, in seconds.
    on_close : callable (), optional
        Called at the end, to let go of what the owner needs.
    """

    def __init__(
        self,
        owner: EventLog,
        path: str | os.PathLike[str],
        *,
        wanted: Callable[[str], bool] = lambda _: True,
        interval_s: float = 0.02,
        on_close: Callable[[], object] = lambda: None,
    ) -> None:
        self.owner = owner
        self._replica = SqliteEventLog(path)
        self._wanted = wanted
        self._interval_s = interval_s
        self._on_close = on_close
        self._lock = threading.Lock()
        self._copying = threading.Lock()
        self._copied = threading.Condition()
        self._look = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._others: set[str] = set()

    def append(self, drafts: Sequence[Draft]) -> Sequence[Notification]:
        """Write notifications in the log of the owner; they are here, too, when it returns.

        Raises
        ------
        NotificationError
            If JSON cannot hold an identifier or a payload.
        ServerError
            If the owner cannot be reached.
        """
        self._follow()
        for draft in drafts:
            encode(draft)
        written = self.owner.append(drafts) if drafts else []
        self._wait_for({one.event_type: one.sequence for one in written})
        return written

    def page(
        self, event_type: str, after: int, *, limit: int = 1000, until: int | None = None
    ) -> Sequence[Notification]:
        """Read the next notifications of a type, of those that were copied."""
        self._follow()
        return self._replica.page(event_type, after, limit=limit, until=until)

    def heads(self) -> dict[str, int]:
        """Give the highest number of each type that was copied."""
        self._follow()
        return self._replica.heads()

    def sequence_at(self, event_type: str, time: datetime) -> int:
        """Give the number of the first notification at or after a time; while the owner is away, by the copy."""
        try:
            return self.owner.sequence_at(event_type, time)
        except NoticeError:
            return self._replica.sequence_at(event_type, time)

    def version(self) -> object:
        """Return something that changes whenever something was copied."""
        self._follow()
        return self._replica.version()

    def delete(self, event_type: str, sequence: int) -> bool:
        """Remove one notification there and here; False where the owner has it not."""
        with self._copying:
            is_gone = self.owner.delete(event_type, sequence)
            self._replica.delete(event_type, sequence)
        return is_gone

    def wipe(self, event_type: str) -> int:
        """Remove all notifications of a type there and here; gives the count of those there."""
        with self._copying:
            count = self.owner.wipe(event_type)
            self._replica.wipe(event_type)
        return count

    def trim(self, event_type: str, *, before: datetime | None = None, keep: int | None = None) -> int:
        """Remove old notifications here; the owner does it by itself."""
        return self._replica.trim(event_type, before=before, keep=keep)

    def close(self) -> None:
        """Stop to follow, and let go of the owner."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._stop.set()
            self._look.set()
        if thread is not None:
            thread.join(AGAIN_S)
        self.owner.close()
        self._on_close()
        self._replica.close()

    def __repr__(self) -> str:
        return f"FollowedLog({self.owner!r}, {str(self._replica.path)!r})"

    def _follow(self) -> None:
        """Begin to copy, if nobody does."""
        if self._thread is not None and self._thread.is_alive():
            return
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._stop = threading.Event()
                self._thread = threading.Thread(
                    target=self._copy_always, args=(self._stop,), name="dtedask-notify-follow", daemon=True
                )
                self._thread.start()

    def _copy_always(self, stop: threading.Event) -> None:
        seen: object = None
        was_lost, is_behind = False, False
        while not stop.is_set():
            self._look.clear()
            try:
                version = self.owner.version()
                if version != seen or was_lost or is_behind:
                    is_behind = self._copy()
            except NoticeError as error:
                if not was_lost:
                    logger.warning("Cannot follow %r, trying again: %s", self.owner, error)
                was_lost = True
                stop.wait(AGAIN_S)
                continue
            if was_lost:
                logger.warning("Following %r again.", self.owner)
            seen, was_lost = version, False
            if not is_behind:
                self._look.wait(self._interval_s)

    def _copy(self) -> bool:
        """Copy a page of each type, so that a long one holds up no other; says whether there is more."""
        known = self._replica.heads()  # before the heads of the owner: it cannot have fewer then
        is_behind = False
        for name, head in self.owner.heads().items():
            after = known.get(name, 0)
            if self._wanted(name) and not self._is_other(name, after, head) and after < head:
                is_behind |= self._copy_page(name, after, head) < head
        with self._copied:
            self._copied.notify_all()
        return is_behind

    def _copy_page(self, name: str, after: int, head: int) -> int:
        with self._copying:
            page = self.owner.page(name, after, limit=_PAGE, until=head)
            after = page[-1].sequence if len(page) == _PAGE else head
            self._replica.copy(name, page, after)
        return after

    def _is_other(self, name: str, known: int, head: int) -> bool:
        """Whether the owner has another log than the one that was followed; said once."""
        if known > head and name not in self._others:
            logger.error(
                "%r has %d notifications of %r, and %d were copied from there before: it is another log. To follow it, "
                "move %r away.",
                self.owner,
                head,
                name,
                known,
                str(self._replica.path),
            )
            self._others.add(name)
        return known > head

    def _wait_for(self, numbers: dict[str, int]) -> None:
        end = time.monotonic() + COPIED_WITHIN_S
        self._look.set()
        with self._copied:
            while time.monotonic() < end and not self._has(numbers):
                self._copied.wait(self._interval_s)

    def _has(self, numbers: dict[str, int]) -> bool:
        heads = self._replica.heads()
        return all(heads.get(name, 0) >= number for name, number in numbers.items() if self._wanted(name))
