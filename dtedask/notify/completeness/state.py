"""What is remembered of completeness from one start to the next: how far commits were looked at, and what was told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dtedask.core.errors import NoticeError
from dtedask.notify.completeness.tracker import WHOLE_RUN, Progress
from dtedask.notify.database import BUSY_TIMEOUT_S, Database, Kind, lock_folder
from dtedask.notify.event import format_time, parse_time

__all__ = ["Cursor", "State", "Told"]

_SCHEMA = """
CREATE TABLE cursors (cube TEXT PRIMARY KEY, sequence INTEGER NOT NULL, snapshot TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE expectations (name TEXT PRIMARY KEY, watermark TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE told (
    expectation TEXT NOT NULL, reference TEXT NOT NULL, step TEXT NOT NULL,
    completions INTEGER NOT NULL, lateness INTEGER NOT NULL,
    PRIMARY KEY (expectation, reference, step)) WITHOUT ROWID;
CREATE TABLE heads (event_type TEXT PRIMARY KEY, sequence INTEGER NOT NULL) WITHOUT ROWID;
"""
_KIND = Kind(
    "state of expectations",
    _SCHEMA,
    NoticeError,
    "Check that its disk is there, writable and not full; the setting dtedask.notify.log moves it.",
)
_RUN = "*"


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last commit of a cube that was looked at."""

    sequence: int
    snapshot: str


@dataclass(frozen=True, slots=True)
class Told:
    """What was told of a step, or of a run where `step` is None."""

    expectation: str
    reference: datetime
    step: str | None
    progress: Progress


class State:
    """The state of the expectations of a root, in a SQLite file.

    Parameters
    ----------
    path : Path
        The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._database = Database(path, _KIND)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the right to tell of completeness: one process has it at a time."""
        import filelock

        with filelock.FileLock(lock_folder(self.path) / "telling.lock", timeout=BUSY_TIMEOUT_S, thread_local=False):
            yield

    def version(self) -> tuple[object, ...]:
        """Return something that changes whenever another connection has written."""
        return self._database.version()

    def cursors(self) -> dict[str, Cursor]:
        """Give the last commit of each cube that was looked at."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT cube, sequence, snapshot FROM cursors")
            return {cube: Cursor(sequence, snapshot) for cube, sequence, snapshot in rows}

    def watermarks(self) -> dict[str, datetime]:
        """Say until when the deadlines of each expectation were looked at."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT name, watermark FROM expectations")
            return {name: parse_time(time) for name, time in rows}

    def told(self, expectation: str, reference: datetime) -> dict[str | None, Progress]:
        """Give what was told of a run."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT step, completions, lateness FROM told WHERE expectation = ? AND reference = ?",
                (expectation, format_time(reference)),
            )
            return {WHOLE_RUN if step == _RUN else step: Progress(count, late) for step, count, late in rows}

    def heads(self) -> dict[str, int]:
        """Say how long the streams of completeness were when this was saved last."""
        with self._database.read() as connection:
            return dict(connection.execute("SELECT event_type, sequence FROM heads"))

    def save(
        self,
        *,
        cursors: Mapping[str, Cursor],
        watermarks: Mapping[str, datetime],
        told: Iterable[Told] = (),
        heads: Mapping[str, int],
    ) -> None:
        """Remember all of it, or nothing."""
        with self._database.write() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO cursors VALUES (?, ?, ?)",
                [(cube, one.sequence, one.snapshot) for cube, one in cursors.items()],
            )
            connection.executemany(
                "INSERT OR REPLACE INTO expectations VALUES (?, ?)",
                [(name, format_time(time)) for name, time in watermarks.items()],
            )
            connection.executemany(
                "INSERT OR REPLACE INTO told VALUES (?, ?, ?, ?, ?)",
                [
                    (one.expectation, format_time(one.reference), _RUN if one.step is WHOLE_RUN else one.step,
                     one.progress.completions, one.progress.lateness)
                    for one in told
                ],
            )  # fmt: skip
            connection.executemany("INSERT OR REPLACE INTO heads VALUES (?, ?)", list(heads.items()))

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self._database.close()
