"""What every log of notifications can do, wherever it is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from dtedask.notify.notification import Draft, Notification

__all__ = ["EventLog"]


@runtime_checkable
class EventLog(Protocol):
    """Notifications of several event types: appended, never changed, read in pages by their numbers.

    Safe to use from several threads. Every method may take as long as a disk or a network does, and raises NoticeError
    where they fail.
    """

    def append(self, drafts: Sequence[Draft]) -> Sequence[Notification]:
        """Write notifications behind the others of their types, all or none; durable when it returns.

        Raises
        ------
        NoticeError
            If they cannot be written: a full disk, a type that only commits may write. None is written then.
        """
        ...

    def page(
        self, event_type: str, after: int, *, limit: int = 1000, until: int | None = None
    ) -> Sequence[Notification]:
        """Read the next notifications of a type.

        Parameters
        ----------
        event_type : str
            The type; one that was never written has none.
        after : int
            The number behind which to begin.
        limit : int
            At most so many; fewer are given only at the end.
        until : int, optional
            The last number that is wanted.
        """
        ...

    def heads(self) -> Mapping[str, int]:
        """Give the highest number ever given of each type, also of notifications that are gone."""
        ...

    def sequence_at(self, event_type: str, time: datetime) -> int:
        """Give the number of the first notification at or after a time; one behind the head where there is none."""
        ...

    def version(self) -> object:
        """Return something that changes whenever anyone, here or elsewhere, has written; cheap to ask for."""
        ...

    def delete(self, event_type: str, sequence: int) -> bool:
        """Remove one notification; False where it is not there."""
        ...

    def wipe(self, event_type: str) -> int:
        """Remove all notifications of a type and give their count; numbers go on where they were."""
        ...

    def trim(self, event_type: str, *, before: datetime | None = None, keep: int | None = None) -> int:
        """Remove notifications that are older than a time, or more than so many; returns how many that were."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...
