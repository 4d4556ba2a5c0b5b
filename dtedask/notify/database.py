"""The SQLite file below the log: one connection, safe against threads, forks and a file that was replaced."""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dtedask.core.errors import DtedaskError, FormatVersionError, NoticeError
from dtedask.notify import numbers

BUSY_TIMEOUT_S = 30.0

_SCHEMA = """
CREATE TABLE commits (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    cube TEXT NOT NULL, sequence INTEGER NOT NULL, snapshot TEXT NOT NULL, root TEXT NOT NULL, time TEXT NOT NULL,
    UNIQUE (cube, sequence));
CREATE TABLE events (
    cube TEXT NOT NULL, sequence INTEGER NOT NULL, number INTEGER NOT NULL,
    grp TEXT NOT NULL, variable TEXT NOT NULL, request TEXT NOT NULL, fields INTEGER NOT NULL,
    bytes INTEGER, checksum TEXT, area TEXT,
    PRIMARY KEY (cube, sequence, number)) WITHOUT ROWID;
CREATE TABLE heads (cube TEXT PRIMARY KEY, sequence INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE listeners (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE cursors (
    listener TEXT NOT NULL, cube TEXT NOT NULL, sequence INTEGER NOT NULL,
    PRIMARY KEY (listener, cube)) WITHOUT ROWID;
CREATE TABLE failures (
    number INTEGER PRIMARY KEY, listener TEXT NOT NULL, event TEXT NOT NULL, trigger TEXT NOT NULL,
    message TEXT NOT NULL, time TEXT NOT NULL);
"""

_WITH_BYTES = """
ALTER TABLE events ADD COLUMN bytes INTEGER;
ALTER TABLE events ADD COLUMN checksum TEXT;
ALTER TABLE events ADD COLUMN area TEXT;
"""

# A notice that is given again is found by its name.
_BY_SNAPSHOT = "CREATE INDEX commits_by_snapshot ON commits (cube, snapshot);"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a database holds.

    Parameters
    ----------
    what : str
        What it is called in errors.
    schema : str
        Its statements ``CREATE TABLE``, with a semicolon between them.
    error : type of DtedaskError
        What is raised where the file cannot be used.
    hint : str
        What to do then.
    version : int
        Number of the schema.
    outlives_power_cuts : bool
        Whether a transaction is on disk at its end; else it outlives the process, and a power cut may take the last
        ones, in order.
    upgrades : mapping of int to str
        Statements that make a file of a number into one of the next; a file that is older is brought up to date when it
        is opened, in one transaction. Numbers that are missing cannot be upgraded from.
    remedy : str
        What to do where the file is damaged.
    """

    what: str
    schema: str
    error: type[DtedaskError]
    hint: str
    version: int = 1
    outlives_power_cuts: bool = True
    upgrades: Mapping[int, str] = field(default_factory=dict)
    remedy: str = "Move it away with the files -wal and -shm beside it, or put a copy in its place."


NOTICES = Kind(
    "log of notices",
    _SCHEMA + numbers.SCHEMA + _BY_SNAPSHOT,
    NoticeError,
    "Check that its disk is there, writable and not full; the setting dtedask.notify.log moves it.",
    version=4,
    upgrades={1: _WITH_BYTES, 2: numbers.UPGRADE, 3: _BY_SNAPSHOT},
    remedy="Move it away with the files -wal and -shm beside it: a new one is filled from the history of the cubes. "
    "Only types of several cubes are numbered anew then.",
)

_left_by_parents: list[sqlite3.Connection] = []  # closing them here would harm the parent's files


class Database:
    """One SQLite file, opened when it is first used.

    Parameters
    ----------
    path : Path
        The file; it and its folder are made when they are missing.
    kind : Kind
        What it holds.
    """

    def __init__(self, path: Path, kind: Kind = NOTICES) -> None:
        self.path = path
        self.kind = kind
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._owner: tuple[int, int, int] | None = None

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Hold the connection."""
        with self._lock, _as_our_errors(self.path, self.kind):
            yield self._open()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Hold the connection in a transaction, which is durable at the end or has changed nothing."""
        with self.read() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.commit()
            except BaseException:
                connection.rollback()  # also where a disk is too full to commit, so that the next one can begin
                raise

    def version(self) -> tuple[object, ...]:
        """Return something that changes whenever another connection has written."""
        with self.read() as connection:
            return (self._owner, connection.execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        """Close the connection; the next use opens it again."""
        with self._lock:
            if self._connection is not None and self._owner is not None:
                if self._owner[0] == os.getpid():
                    self._connection.close()
                else:
                    _left_by_parents.append(self._connection)
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None or self._owner != self._identity():
            self.close()
            self._connection = self._connect()
            self._owner = self._identity()
        return self._connection

    def _identity(self) -> tuple[int, int, int]:
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return (os.getpid(), 0, 0)
        return (os.getpid(), status.st_dev, status.st_ino)

    def _connect(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, cached_statements=64
        )
        try:
            _prepare(connection, self.path, self.kind)
        except BaseException:
            connection.close()
            raise
        return connection


def lock_folder(path: Path) -> Path:
    """Folder for the locks of a log."""
    folder = path.with_name(f".{path.stem}-locks")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _prepare(connection: sqlite3.Connection, path: Path, kind: Kind) -> None:
    connection.execute(f"PRAGMA synchronous = {'FULL' if kind.outlives_power_cuts else 'NORMAL'}")
    if _format(connection, path, kind) == kind.version:
        return
    import filelock

    # SQLite does not wait for others while the journal is changed: one process makes the file, the others wait here.
    with filelock.FileLock(lock_folder(path) / "create.lock", timeout=BUSY_TIMEOUT_S, thread_local=False):
        if _format(connection, path, kind) == kind.version:
            return
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in _missing_statements(kind, _format(connection, path, kind)):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {kind.version}")
        except BaseException:
            connection.rollback()
            raise
        connection.execute("COMMIT")


def _missing_statements(kind: Kind, found: int) -> list[str]:
    """What makes a file of a format, 0 for an empty one, into one of today's."""
    scripts = [kind.schema] if found == 0 else [kind.upgrades[number] for number in range(found, kind.version)]
    return [statement for script in scripts for statement in script.split(";") if statement.strip()]


def _format(connection: sqlite3.Connection, path: Path, kind: Kind) -> int:
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if found > kind.version:
        raise FormatVersionError(
            f"The {kind.what} {str(path)!r} has format {found}; this dtedask knows {kind.version}.",
            hint="Install a newer dtedask.",
        )
    return found


@contextmanager
def _as_our_errors(path: Path, kind: Kind) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        hint = _hint(error, kind)
        raise kind.error(f"The {kind.what} {str(path)!r} cannot be used: {reason}.", hint=hint) from error


def _hint(error: Exception, kind: Kind) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest tells variants of an error
    if code == sqlite3.SQLITE_FULL or getattr(error, "errno", None) == errno.ENOSPC:
        return "Make room on its disk: nothing was written, and it goes on by itself then."
    return kind.remedy if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) else kind.hint
