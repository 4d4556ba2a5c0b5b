"""Streams of notifications: one for each event type, numbered, of what was sent and of what was committed."""

from __future__ import annotations

from dtedask.notify.streams.sqlite_log import SqliteEventLog

__all__ = ["SqliteEventLog"]
