"""The log of notifications in a SQLite file."""

from __future__ import annotations

from dtedask.notify.event_log import EventLog
from dtedask.notify.streams import SqliteEventLog
from dtedask.testing import EventLogSuite


class TestSqliteEventLog(EventLogSuite):
    def open(self, folder):
        return SqliteEventLog(folder / "events.sqlite")


def test_it_is_a_log_of_notifications(tmp_path):
    assert isinstance(SqliteEventLog(tmp_path / "events.sqlite"), EventLog)
