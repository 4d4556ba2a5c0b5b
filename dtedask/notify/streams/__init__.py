"""Streams of notifications: one for each event type, numbered, of what was sent and of what was committed."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dtedask.notify.streams.commit_log import CommitLog
    from dtedask.notify.streams.followed_log import FollowedLog
    from dtedask.notify.streams.opening import events_path, open_streams
    from dtedask.notify.streams.recovery import recover_events
    from dtedask.notify.streams.sqlite_log import SqliteEventLog
    from dtedask.notify.streams.streams import Streams

__all__ = ["CommitLog", "FollowedLog", "SqliteEventLog", "Streams", "events_path", "open_streams", "recover_events"]

_HOMES = {
    "CommitLog": "commit_log",
    "FollowedLog": "followed_log",
    "SqliteEventLog": "sqlite_log",
    "Streams": "streams",
    "events_path": "opening",
    "open_streams": "opening",
    "recover_events": "recovery",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'dtedask.notify.streams' has no attribute {name!r}")
    return getattr(import_module(f"dtedask.notify.streams.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
