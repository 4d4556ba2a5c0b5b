"""How a server of notices behaves: its limits and times."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

from dtedask.core.settings import setting

_KEYS = {
    "heartbeat_s": "heartbeat",
    "max_duration_s": "max-duration",
    "write_timeout_s": "write-timeout",
    "grace_s": "grace",
    "replay_limit": "replay-limit",
    "body_limit": "body-limit",
    "connections": "connections",
    "connections_each": "connections-each",
    "rate": "rate",
    "page": "page",
    "ring": "ring",
}


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """Limits and times of a server of notices.

    Parameters
    ----------
    source : str
        URL of the server, the `source` of its CloudEvents.
    heartbeat_s : float
        A stream is never silent for longer, in seconds.
    max_duration_s : float
        After so many seconds a watch is closed, and clients come again.
    write_timeout_s : float
        A client that reads nothing for so many seconds is dropped.
    grace_s : float
        How long requests may go on after the server was told to end, in seconds.
    poll_s : float
        How often it looks for what other processes have written, in seconds.
    replay_limit : int, optional
        At most so many notifications are replayed at once; None for no limit. An event type may set its own.
    body_limit : int
        Largest body of a request, in bytes.
    connections : int
        At most so many streams at a time.
    connections_each : int, optional
        At most so many of one client at a time: a user, or an address where nobody says who he is; None for no limit.
    rate : float, optional
        At most so many requests a second from one client; None for no limit.
    page : int
        Notifications are read from the log in pages of so many.
    ring : int
        So many recent notifications of each event type are kept in memory, ready to be written.
    """

    source: str = "http://127.0.0.1"
    heartbeat_s: float = 30.0
    max_duration_s: float = 3600.0
    write_timeout_s: float = 30.0
    grace_s: float = 5.0
    poll_s: float = 0.002
    replay_limit: int | None = None
    body_limit: int = 4 << 20
    connections: int = 10_000
    connections_each: int | None = None
    rate: float | None = None
    page: int = 500
    ring: int = 4096

    @classmethod
    def from_settings(cls, **overrides: object) -> Self:
        """Take what is not given from the settings ``dtedask.notify.serve``."""
        values: dict[str, object] = {name: setting(f"notify.serve.{key}") for name, key in _KEYS.items()}
        values["poll_s"] = setting("notify.poll-interval")
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in {**values, **overrides}.items() if name in known})  # type: ignore[arg-type]
