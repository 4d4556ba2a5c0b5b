"""Saving what can be read of a damaged log of notifications, under its old numbers."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dtedask.core.errors import NoticeError
from dtedask.notify.database import Database
from dtedask.notify.streams.sqlite_log import KIND

_AT_ONCE = 1000
_BESIDE = ("", "-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Saved:
    """What was saved of an event type.

    Parameters
    ----------
    event_type : str
        The type.
    head : int
        The highest number that was ever given: the next one is behind it.
    count : int
        How many notifications could be read.
    lost : tuple of (int, int)
        The first and the last number of each part that could not be read.
    """

    event_type: str
    head: int
    count: int
    lost: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Recovery:
    """What came of a recovery.

    Parameters
    ----------
    path : Path
        The log.
    aside : Path, optional
        Where the damaged file is now; None where nothing was damaged, or nothing was done.
    types : tuple of Saved
        What was saved of each type.
    """

    path: Path
    aside: Path | None
    types: tuple[Saved, ...]

    @property
    def is_damaged(self) -> bool:
        """Whether something could not be read."""
        return any(one.lost for one in self.types)


def recover_events(path: str | os.PathLike[str], *, dry_run: bool = False) -> Recovery:
    """Put what can be read of a log of notifications into a new file, and the old one aside.

    Numbers stay, and go on where they were. Nobody may write to the log meanwhile.

    Parameters
    ----------
    path : str or os.PathLike
        The file. It is left alone where nothing is damaged.
    dry_run : bool
        Only say what can be read.

    Raises
    ------
    NoticeError
        If there is no file, or nothing of it can be read.
    """
    place = Path(path)
    fresh, aside = place.with_name(f"{place.name}.recovered"), _free_name(place)
    with closing(_connect(place)) as old:
        types = _types(old, place)
        if dry_run or _is_whole(old):
            return Recovery(place, None, tuple(_save(old, *one) for one in types))
        _remove(fresh)
        new = Database(fresh, KIND)
        saved = tuple(_save(old, *one, new) for one in types)
        new.close()
    for suffix in _BESIDE:
        beside = place.with_name(place.name + suffix)
        if beside.exists():
            beside.rename(aside.with_name(aside.name + suffix))
    fresh.rename(place)
    return Recovery(place, aside, saved)


def _connect(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise NoticeError(f"There is no log of notifications {str(path)!r}.", hint="Check the path.")
    return sqlite3.connect(path, isolation_level=None)


def _types(old: sqlite3.Connection, path: Path) -> list[tuple[int, str, int]]:
    try:
        return old.execute("SELECT number, name, head FROM event_types ORDER BY number").fetchall()
    except sqlite3.Error as error:
        raise NoticeError(
            f"Nothing can be read of {str(path)!r}: {error}.",
            hint="Put a copy in its place, or move it away: numbers begin with 1 then, and listeners that were further "
            "must be told to begin again.",
        ) from error


def _is_whole(old: sqlite3.Connection) -> bool:
    try:
        return bool(old.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
    except sqlite3.Error:
        return False


def _save(old: sqlite3.Connection, number: int, name: str, head: int, new: Database | None = None) -> Saved:
    """Read on behind each place that cannot be read, further and further behind it until that goes."""
    above, step, count = 0, 1, 0
    lost: list[tuple[int, int]] = []
    begin: int | None = None
    is_end = False
    while not is_end and above < head:
        for rows, goes_on in _readable(old, number, above):
            if rows and begin is not None:
                lost, begin, step = [*lost, (begin, rows[0][0] - 1)], None, 1
            above, count, is_end = (rows[-1][0] if rows else above), count + len(rows), not goes_on
            _write(new, number, name, head, rows)
        if not is_end:
            begin = above + 1 if begin is None else begin
            above, step = above + step, step + step // 4 + 1
    _write(new, number, name, head, [])
    return Saved(name, head, count, tuple(lost if begin is None else [*lost, (begin, head)]))


def _readable(old: sqlite3.Connection, number: int, above: int) -> Iterator[tuple[Sequence[tuple[Any, ...]], bool]]:
    """Give rows as far as they can be read, and whether there may be more of them."""
    rows: list[tuple[Any, ...]] = []
    try:
        for row in old.execute(
            "SELECT sequence, time, identifier, payload FROM notifications WHERE type = ? AND sequence > ?"
            " ORDER BY sequence",
            (number, above),
        ):
            rows.append(row)
            if len(rows) == _AT_ONCE:
                yield rows, True
                rows = []
    except sqlite3.Error:
        yield rows, True
    else:
        yield rows, False


def _write(new: Database | None, number: int, name: str, head: int, rows: Sequence[tuple[Any, ...]]) -> None:
    if new is None:
        return
    with new.write() as connection:
        connection.execute("INSERT OR IGNORE INTO event_types VALUES (?, ?, ?)", (number, name, head))
        connection.executemany(
            "INSERT OR IGNORE INTO notifications VALUES (?, ?, ?, ?, ?)", [(number, *row) for row in rows]
        )


def _free_name(path: Path) -> Path:
    number = 1
    while (found := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    return found


def _remove(path: Path) -> None:
    for suffix in _BESIDE:
        path.with_name(path.name + suffix).unlink(missing_ok=True)
