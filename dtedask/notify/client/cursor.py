"""Where a client is in a stream: a state machine without a clock, threads or input and output."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

from dtedask.core.errors import NotificationError, ServerError
from dtedask.notify.notification import Notification

__all__ = ["Cursor", "Reason"]

Reason = Literal["server_shutdown", "max_duration_reached", "end_of_stream", "lost"]


@dataclass(slots=True)
class Cursor:
    """Takes the events of a stream one by one, and knows how to ask for those behind them.

    Parameters
    ----------
    event_type : str
        The event type.
    is_replay : bool
        Whether it ends with the history.
    start : dict
        ``from_id`` or ``from_date`` of the first request; nothing for live events.
    """

    event_type: str
    is_replay: bool
    start: dict[str, str]
    last: int | None = None
    reason: Reason = field(default="lost", init=False)
    is_opened: bool = field(default=False, init=False)
    is_complete: bool = field(default=False, init=False)
    _is_cut: bool = field(default=False, init=False)
    told: int = field(default=0, init=False)
    """How many the stream has told that is open now."""

    @property
    def goes_on_at_once(self) -> bool:
        """Whether the server closed the stream so that it is opened again."""
        return self.reason == "max_duration_reached" or self._is_cut

    def ask(self) -> dict[str, str]:
        """Begin anew: say where the next stream must begin so that nothing is lost."""
        self.reason, self.is_opened, self._is_cut, self.told = "lost", False, False, 0
        return {"from_id": str(self.last + 1)} if self.last is not None else self.start

    def handle(self, name: str, text: str) -> Notification | None:
        """Take one event of the stream; returns a notification that was not told before.

        Raises
        ------
        ServerError
            If it cannot be understood, or says that the stream failed.
        """
        data = _read(name, text)
        self.is_opened = True
        if "specversion" in data:
            return self._notification(data)
        match name, data.get("type"):
            case "live-notification", "connection_established":
                self._begin_live(data)
            case "replay-control", "replay_completed":
                self.is_complete = self.is_replay
            case "replay-control", "notification_replay_limit_reached":
                self._is_cut = True
            case "connection-closing", _:
                self._close(data)
            case "error", _:
                said = data.get("message") or data.get("error")
                raise ServerError(f"The stream of {self.event_type!r} failed: {said}.")
        return None

    def _notification(self, data: dict[str, Any]) -> Notification | None:
        try:
            found = Notification.from_cloud_event(data)
        except (KeyError, TypeError, ValueError) as error:
            raise ServerError(f"The server sent a notification that cannot be read: {str(data)[:200]}.") from error
        if self.last is not None and found.sequence <= self.last:
            return None
        self.last = found.sequence
        self.told += 1
        return found

    def _begin_live(self, data: dict[str, Any]) -> None:
        """Remember where live events begin: the next stream goes on from there if this one is cut at once."""
        place = data.get("sequence")
        if isinstance(place, int) and self.last is None:
            self.last = place
        elif self.last is None and not self.start and isinstance(data.get("timestamp"), str):
            self.start = {"from_date": data["timestamp"]}

    def _close(self, data: dict[str, Any]) -> None:
        reason = data.get("reason")
        self.reason = reason if reason in ("server_shutdown", "max_duration_reached", "end_of_stream") else "lost"
        if self._is_cut and self.told == 0:
            raise NotificationError(
                f"The server replays no more than a limit of {self.event_type!r}, and none of it is asked for.",
                hint="Begin later, or ask for less.",
            )
        if self.is_replay and self.reason == "end_of_stream" and not self._is_cut:
            self.is_complete = True


def _read(name: str, text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except ValueError as error:
        raise ServerError(f"The server sent an event {name!r} that is not JSON: {text[:80]!r}.") from error
    return data if isinstance(data, dict) else {}
