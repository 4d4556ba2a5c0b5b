"""The numbers of the events in the log of notices: one after the other in each cube, and in the whole log.

A commit knows how many events there were before it, in its cube (``first``) and in the log (``total``); the number of
an event is that plus its place in the commit, from 1 on. What is trimmed from the log leaves the numbers of the rest
alone, and the heads remember where numbers go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

    from dtedask.core.commit import Commit

SCHEMA = """
ALTER TABLE commits ADD COLUMN first INTEGER NOT NULL DEFAULT 0;
ALTER TABLE commits ADD COLUMN total INTEGER NOT NULL DEFAULT 0;
ALTER TABLE commits ADD COLUMN size INTEGER NOT NULL DEFAULT 0;
ALTER TABLE heads ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE heads ADD COLUMN total INTEGER NOT NULL DEFAULT 0;
CREATE INDEX commits_by_number ON commits (cube, first);
CREATE INDEX commits_by_total ON commits (total);
CREATE TABLE patterns (
    type TEXT PRIMARY KEY, position INTEGER NOT NULL, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE pattern_commits (
    type TEXT NOT NULL, position INTEGER NOT NULL, first INTEGER NOT NULL,
    PRIMARY KEY (type, position)) WITHOUT ROWID;
CREATE UNIQUE INDEX pattern_commits_by_number ON pattern_commits (type, first);
"""
"""What makes room for the numbers, in the statements that a new log is made with."""

UPGRADE = f"""
{SCHEMA}
UPDATE commits SET size = (
    SELECT COUNT(*) FROM events WHERE events.cube = commits.cube AND events.sequence = commits.sequence);
UPDATE commits SET first = found.first, total = found.total FROM (
    SELECT position, SUM(size) OVER (PARTITION BY cube ORDER BY sequence) - size AS first,
        SUM(size) OVER (ORDER BY position) - size AS total FROM commits) AS found
    WHERE found.position = commits.position;
UPDATE heads SET number = found.number, total = found.total FROM (
    SELECT cube, MAX(first + size) AS number, MAX(total + size) AS total FROM commits GROUP BY cube) AS found
    WHERE found.cube = heads.cube
"""
"""What numbers the events of a log that had no numbers."""


def number_commit(connection: sqlite3.Connection, commit: Commit) -> None:
    """Give numbers to the events of a commit that was just written into the log, behind all others."""
    size = len(commit.changes)
    number, total = connection.execute(
        "SELECT (SELECT number FROM heads WHERE cube = ?), (SELECT MAX(total) FROM heads)", (commit.cube,)
    ).fetchone()
    # The commit itself says how many there were: a log that lacks commits, which were purged, numbers as others do.
    first, total = max(number or 0, commit.events_before or 0), total or 0
    connection.execute(
        "UPDATE commits SET first = ?, total = ?, size = ? WHERE cube = ? AND sequence = ?",
        (first, total, size, commit.cube, commit.sequence),
    )
    connection.execute(
        "INSERT INTO heads VALUES (?, ?, ?, ?) ON CONFLICT (cube) DO UPDATE SET"
        " sequence = MAX(sequence, excluded.sequence), number = excluded.number, total = excluded.total",
        (commit.cube, commit.sequence, first + size, total + size),
    )


def forget_numbers(connection: sqlite3.Connection, cube: str, oldest: int) -> None:
    """Forget what was counted of the commits of a cube before a sequence; called before they go."""
    connection.execute(
        "DELETE FROM pattern_commits WHERE type IN (SELECT type FROM patterns)"
        " AND position IN (SELECT position FROM commits WHERE cube = ? AND sequence < ?)",
        (cube, oldest),
    )
