"""All event types in one log: those that are sent and those of commits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Self

from dtedask.notify.streams.commit_log import CommitLog, refuse_to_send
from dtedask.notify.streams.numbering import is_one_cube
from dtedask.notify.streams.retention import due_trims

if TYPE_CHECKING:
    from dtedask.notify.event_log import EventLog
    from dtedask.notify.notification import Draft, Notification
    from dtedask.notify.streams.known_types import KnownTypes


class Streams:
    """A log of all event types: each is read and written where it is kept.

    Parameters
    ----------
    types : mapping of str to EventType
        What types there are. All methods that name a type raise UnknownEventTypeError for another one.
    sent : EventLog
        Keeps the notifications that are sent.
    commits : CommitLog, optional
        Keeps the commits; None where no root is served.
    follows : bool
        Whether `sent` follows the log of another host. Commits of several cubes are read from there then: the owner of
        the log gives them their numbers.
    """

    def __init__(
        self, types: KnownTypes, sent: EventLog, commits: CommitLog | None = None, *, follows: bool = False
    ) -> None:
        self.types = types
        self.sent = sent
        self.commits = commits
        self.follows = follows

    def append(self, drafts: Sequence[Draft]) -> Sequence[Notification]:
        """Write notifications behind the others of their types, all or none; durable when it returns.

        Raises
        ------
        NoticeError
            If they cannot be written, or if one is of a type of commits. None is written then.
        """
        for draft in drafts:
            if self.types[draft.event_type].cubes:
                refuse_to_send(draft)
        return self.sent.append(drafts)

    def page(
        self, event_type: str, after: int, *, limit: int = 1000, until: int | None = None
    ) -> Sequence[Notification]:
        """Read the next notifications of a type, as in `EventLog`."""
        return self._log_of(event_type).page(event_type, after, limit=limit, until=until)

    def heads(self) -> dict[str, int]:
        """Give the highest number ever given of each type that there is, also of notifications that are gone."""
        found = {
            name: head for name, head in self.sent.heads().items() if name in self.types and self._is_kept_there(name)
        }
        commits = {} if self.commits is None else self.commits.heads()
        return found | {name: head for name, head in commits.items() if not self._is_kept_there(name)}

    def sequence_at(self, event_type: str, time: datetime) -> int:
        """Give the number of the first notification at or after a time; one behind the head where there is none."""
        return self._log_of(event_type).sequence_at(event_type, time)

    def version(self) -> tuple[object, ...]:
        """Return something that changes whenever anyone has sent or committed."""
        return (self.sent.version(), None if self.commits is None else self.commits.version())

    def delete(self, event_type: str, sequence: int) -> bool:
        """Remove one notification; False where it is not there. Types of commits raise NoticeError."""
        return self._log_to_change(event_type).delete(event_type, sequence)

    def wipe(self, event_type: str) -> int:
        """Remove all notifications of a type and give their count. Types of commits raise NoticeError."""
        return self._log_to_change(event_type).wipe(event_type)

    def trim(self, event_type: str, *, before: datetime | None = None, keep: int | None = None) -> int:
        """Remove notifications that are older, or more than so many. Types of commits raise NoticeError."""
        return self._log_to_change(event_type).trim(event_type, before=before, keep=keep)

    def retain(self, now: datetime) -> dict[str, int]:
        """Remove what the retention of the types lets go at a time.

        Returns
        -------
        dict of str to int
            How many notifications of each type that were; types that lost none are left out.
        """
        counts = {
            trim.event_type: self.sent.trim(trim.event_type, before=trim.before, keep=trim.keep)
            for trim in due_trims(self.types, now)
        }
        return {name: count for name, count in counts.items() if count}

    def close(self) -> None:
        """Let go of files and connections."""
        self.sent.close()
        if self.commits is not None:
            self.commits.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Streams({self.types!r}, {self.sent!r}, {self.commits!r})"

    def _log_of(self, event_type: str) -> EventLog:
        return self.sent if self.commits is None or self._is_kept_there(event_type) else self.commits

    def _log_to_change(self, event_type: str) -> EventLog:
        return self.commits if self.commits is not None and self.types[event_type].cubes else self.sent

    def _is_kept_there(self, event_type: str) -> bool:
        """Whether a type is read from the log of what is sent."""
        cubes = self.types[event_type].cubes
        return not cubes or (self.follows and (self.commits is None or not is_one_cube(cubes)))
