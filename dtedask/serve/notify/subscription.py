"""What one stream does next: a state machine without a clock, threads or input and output.

`Subscription.handle` takes what happened and returns what to do: bytes to write, then one thing to wait for. It holds
the place in the log up to which everything was looked at, and nothing else: history and live events are the same
reading from that place on, so nothing is lost or told twice where one becomes the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, NamedTuple

from dtedask.serve.notify import frames

if TYPE_CHECKING:
    from dtedask.serve.notify.frames import Reason
    from dtedask.serve.notify.ring import Item

    Match = Callable[["Item"], bool]


class Opened(NamedTuple):
    """The client was accepted."""

    now: float


class Page(NamedTuple):
    """What `Read` asked for."""

    now: float
    items: Sequence[Item]
    """Notifications behind the place, in order."""
    upto: int
    """Everything up to this number was looked at."""
    is_end: bool
    """Whether there was no more when it was read."""


class Woken(NamedTuple):
    """There may be more, or the time has come for which it waited."""

    now: float


class Failed(NamedTuple):
    """What `Read` asked for cannot be read."""

    now: float
    message: str


class Stopping(NamedTuple):
    """The server ends."""

    now: float


class Write(NamedTuple):
    """Write bytes to the client."""

    data: bytes


class Read(NamedTuple):
    """Read what is behind a place; the answer is a `Page` or `Failed`."""

    after: int
    until: int | None


class Wait(NamedTuple):
    """Wait until there may be more, or a time has come; the answer is `Woken`."""

    until: float


class End(NamedTuple):
    """Close the stream."""


Event = Opened | Page | Woken | Failed | Stopping
Instruction = Write | Read | Wait | End


@dataclass(slots=True)
class Subscription:
    """One stream of one event type.

    Parameters
    ----------
    event_type, request_id : str
        What it is called in its frames.
    after : int
        The place behind which it begins.
    is_wanted : callable
        Whether a notification is among those that were asked for.
    mode : {"live", "watch", "replay"}
        Live events only; history, then live events; history only.
    until : int, optional
        Number of the last notification of a replay.
    limit : int, optional
        History of at most so many notifications.
    heartbeat_s : float
        Longest silence, in seconds.
    ends_at : float
        When it must end, a time of the clock of the events; replays may take as long as they need.
    date : datetime, optional
        Where it begins, if that was given by a time.
    page : int
        How many notifications are read at a time; only told.
    """

    event_type: str
    request_id: str
    after: int
    is_wanted: Match
    mode: Literal["live", "watch", "replay"]
    until: int | None = None
    limit: int | None = None
    heartbeat_s: float = 30.0
    ends_at: float = float("inf")
    date: datetime | None = None
    page: int = 500
    told: int = 0
    _is_live: bool = field(default=False, init=False)
    _is_closed: bool = field(default=False, init=False)
    _quiet_since: float = field(default=0.0, init=False)

    def handle(self, event: Event) -> list[Instruction]:
        """Take what happened and say what to do: writes, and at last what to wait for."""
        if self._is_closed:
            return [End()]
        match event:
            case Opened(now):
                return self._open(now)
            case Page():
                return self._take(event)
            case Woken(now):
                return self._look(now)
            case Failed(now, message):
                self._is_closed = True
                return [Write(frames.failed(self.event_type, self.request_id, message)), End()]
            case Stopping(now):
                return self._close(now, "server_shutdown")

    def _open(self, now: float) -> list[Instruction]:
        self._quiet_since = now
        if self.mode == "live":
            self._is_live = True
            first = frames.opened(
                self.event_type, self.request_id, _utc(now), after=self.after, closes_in_s=self.ends_at - now
            )
        else:
            first = frames.replay_started(
                self.event_type,
                self.request_id,
                _utc(now),
                first=None if self.date else self.after + 1,
                date=self.date,
                last=self.until,
                page=self.page,
            )
        return [Write(first), Read(self.after, self.until)]

    def _take(self, page: Page) -> list[Instruction]:
        wanted = [item for item in page.items if item.sequence > self.after and self.is_wanted(item)]
        self.after = max(self.after, page.upto)
        if self._is_live:
            return self._go_on(page, _joined(frames.LIVE, wanted))
        is_cut = self.limit is not None and self.told + len(wanted) > self.limit
        if is_cut:
            wanted = wanted[: (self.limit or 0) - self.told]
        self.told += len(wanted)
        text = _joined(frames.REPLAY, wanted)
        if is_cut:
            text += frames.replay_limited(self.event_type, _utc(page.now), limit=self.limit or 0)
            return self._close(page.now, "end_of_stream", text)
        if not page.is_end and not (self.until is not None and self.after >= self.until):
            return self._go_on(page, text)
        text += frames.replay_completed(self.event_type, _utc(page.now))
        if self.mode == "replay":
            return self._close(page.now, "end_of_stream", text)
        self._is_live, self.until = True, None
        return self._go_on(page, text)

    def _go_on(self, page: Page, text: bytes) -> list[Instruction]:
        """Write, then read on, or wait where there is no more."""
        if page.now >= self.ends_at:
            return self._close(page.now, "max_duration_reached", text)
        if not text and page.now - self._quiet_since >= self.heartbeat_s:
            text = frames.heartbeat(self.event_type, _utc(page.now))
        if text:
            self._quiet_since = page.now
        return [*self._written(text), self._wait() if page.is_end else Read(self.after, self.until)]

    def _look(self, now: float) -> list[Instruction]:
        if now >= self.ends_at:
            return self._close(now, "max_duration_reached")
        if now - self._quiet_since >= self.heartbeat_s:
            self._quiet_since = now
            return [Write(frames.heartbeat(self.event_type, _utc(now))), Read(self.after, self.until)]
        return [Read(self.after, self.until)]

    def _wait(self) -> Wait:
        return Wait(min(self._quiet_since + self.heartbeat_s, self.ends_at))

    def _close(self, now: float, reason: Reason, text: bytes = b"") -> list[Instruction]:
        self._is_closed = True
        return [Write(text + frames.closing(self.event_type, self.request_id, _utc(now), reason)), End()]

    @staticmethod
    def _written(text: bytes) -> list[Instruction]:
        return [Write(text)] if text else []


def _joined(head: bytes, items: Sequence[Item]) -> bytes:
    return b"".join(head + item.data for item in items)


def _utc(now: float) -> datetime:
    return datetime.fromtimestamp(now, UTC)
