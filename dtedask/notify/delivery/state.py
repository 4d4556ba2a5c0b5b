"""What is remembered of listeners: how far each has come, what it has in hand, its dead letters. One SQLite file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from dtedask.core.errors import NoticeError
from dtedask.notify.database import Database, Kind, lock_folder
from dtedask.notify.delivery.courier import Hand, Try
from dtedask.notify.delivery.item import Item, News, heard_commits, news_from_json, news_to_json
from dtedask.notify.delivery.letters import DeadLetter
from dtedask.notify.event import EVENT_TYPE, format_time, parse_time
from dtedask.notify.location import state_folder

if TYPE_CHECKING:
    import sqlite3

__all__ = ["DeliveryState", "server_state_path", "state_path"]

_SCHEMA = """
CREATE TABLE listeners (
    name TEXT PRIMARY KEY, event_type TEXT NOT NULL, cubes TEXT NOT NULL, document TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE cursors (
    listener TEXT NOT NULL, stream TEXT NOT NULL, place INTEGER NOT NULL,
    PRIMARY KEY (listener, stream)) WITHOUT ROWID;
CREATE TABLE hands (
    listener TEXT PRIMARY KEY, stream TEXT NOT NULL, place INTEGER NOT NULL, news TEXT NOT NULL,
    labels TEXT NOT NULL, tries TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE letters (
    number INTEGER PRIMARY KEY AUTOINCREMENT, listener TEXT NOT NULL, document TEXT NOT NULL,
    event_type TEXT NOT NULL, stream TEXT NOT NULL, place INTEGER NOT NULL, news TEXT NOT NULL,
    trigger INTEGER NOT NULL, label TEXT NOT NULL, error TEXT NOT NULL, attempts INTEGER NOT NULL, time TEXT NOT NULL);
"""
_KIND = Kind(
    "record of listeners",
    _SCHEMA,
    NoticeError,
    "Check that its disk is there, writable and not full; the setting dtedask.notify.log moves it.",
    outlives_power_cuts=False,
)
_ADVANCE = (
    "INSERT INTO cursors VALUES (?, ?, ?)"
    " ON CONFLICT (listener, stream) DO UPDATE SET place = MAX(place, excluded.place)"
)
_LETTER = "number, listener, document, event_type, stream, place, news, trigger, label, error, attempts, time"


def state_path(log: Path) -> Path:
    """Say which file holds what is remembered of the listeners of a log: ``deliveries.sqlite`` beside it."""
    return log.with_name("deliveries.sqlite" if log.stem == "notices" else f"{log.stem}-deliveries.sqlite")


def server_state_path(url: str) -> Path:
    """Say which file holds what is remembered of the listeners to a server: one in the user's state folder."""
    name = hashlib.sha256(url.rstrip("/").encode()).hexdigest()[:16]
    return state_folder() / name / "deliveries.sqlite"


class DeliveryState:
    """What is remembered of the listeners of one root or server.

    Safe to use from several threads and processes. Each change is one transaction, which outlives the process; a power
    cut may take the last ones, and what they tell of is then delivered again.

    Parameters
    ----------
    path : Path
        The file; it is made when it is first written.

    Raises
    ------
    NoticeError
        Of every method: if the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.has_looked = False
        """Whether there was nothing to take over from an older dtedask."""
        self._database = Database(path, _KIND)

    @property
    def exists(self) -> bool:
        """Whether anything was ever remembered."""
        return self.path.exists()

    def cursors(self, listener: str, event_type: str) -> dict[str, int] | None:
        """Give the place in each stream that a listener has heard of; None where it never listened to that type."""
        if not self.exists:
            return None
        with self._database.read() as connection:
            found = connection.execute("SELECT event_type FROM listeners WHERE name = ?", (listener,)).fetchone()
            if found is None or found[0] != event_type:
                return None
            rows = connection.execute("SELECT stream, place FROM cursors WHERE listener = ?", (listener,))
            return dict(rows.fetchall())

    def register(
        self,
        listener: str,
        event_type: str,
        cursors: Mapping[str, int],
        *,
        cubes: Sequence[str] = (),
        document: str = "",
        again: bool = False,
    ) -> None:
        """Begin to remember how far a listener has come.

        Parameters
        ----------
        listener, event_type : str
            Its name, and what it listens to. Where it listened to something else before, that is forgotten.
        cursors : mapping of stream to place
            What it need not hear any more; it hears all of streams that are not named.
        cubes : sequence of str
            Patterns of the cubes whose commits it hears of; none for sent events.
        document : str
            File that holds it.
        again : bool
            Also where it is registered already: it begins there, and what it has in hand is dropped.
        """
        row = (listener, event_type, json.dumps(list(cubes)), document)
        with self._database.write() as connection:
            found = connection.execute("SELECT event_type FROM listeners WHERE name = ?", (listener,)).fetchone()
            connection.execute("INSERT OR REPLACE INTO listeners VALUES (?, ?, ?, ?)", row)
            if found is not None and found[0] == event_type and not again:
                return
            for table in ("cursors", "hands"):
                connection.execute(f"DELETE FROM {table} WHERE listener = ?", (listener,))
            rows = [(listener, stream, place) for stream, place in cursors.items()]
            connection.executemany("INSERT INTO cursors VALUES (?, ?, ?)", rows)

    def hand(self, listener: str, labels: Sequence[str]) -> Hand | None:
        """Give what a listener has in hand; its triggers begin anew where they are not these any more."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT stream, place, news, labels, tries FROM hands WHERE listener = ?", (listener,)
            ).fetchone()
        if row is None:
            return None
        item = Item(row[0], row[1], news_from_json(row[2]))
        if json.loads(row[3]) != list(labels):
            return Hand(item, tuple(Try() for _ in labels))
        return Hand(item, tuple(_try_of(one) for one in json.loads(row[4])))

    def waiting(self) -> list[tuple[str, str, News, Try]]:
        """List the triggers that are to be tried again: the listener, the label, for what, and how far it has come."""
        if not self.exists:
            return []
        with self._database.read() as connection:
            rows = connection.execute("SELECT listener, news, labels, tries FROM hands").fetchall()
        return [
            (listener, label, news_from_json(news), one)
            for listener, news, labels, tries in rows
            for label, one in zip(json.loads(labels), map(_try_of, json.loads(tries)), strict=True)
            if one.state == "waiting"
        ]

    def keep(self, listener: str, hand: Hand, labels: Sequence[str], cursors: Mapping[str, int] | None = None) -> None:
        """Remember how far the triggers have come with what a listener has in hand, and what it did not want before."""
        if hand.item.news is None:
            raise ValueError(f"{hand.item} holds no news")
        tries = json.dumps([[t.state, t.attempts, format_time(t.due) if t.due else "", t.error] for t in hand.tries])
        row = (listener, hand.item.stream, hand.item.place, news_to_json(hand.item.news), json.dumps([*labels]), tries)
        with self._database.write() as connection:
            _advance(connection, listener, cursors or {})
            connection.execute("INSERT OR REPLACE INTO hands VALUES (?, ?, ?, ?, ?, ?)", row)

    def save(self, listener: str, cursors: Mapping[str, int]) -> None:
        """Remember what a listener did not want."""
        with self._database.write() as connection:
            _advance(connection, listener, cursors)

    def save_all(self, cursors: Mapping[str, Mapping[str, int]]) -> None:
        """Remember what several listeners did not want; those that were forgotten meanwhile stay so."""
        if not cursors:
            return
        with self._database.write() as connection:
            known = {name for (name,) in connection.execute("SELECT name FROM listeners")}
            rows = [(name, *place) for name, places in cursors.items() if name in known for place in places.items()]
            connection.executemany(_ADVANCE, rows)

    def finish(self, listener: str, cursors: Mapping[str, int], letters: Sequence[DeadLetter] = ()) -> None:
        """Remember what a listener has heard of, and what was given up, at once; its hand is empty then."""
        with self._database.write() as connection:
            _advance(connection, listener, cursors)
            connection.execute("DELETE FROM hands WHERE listener = ?", (listener,))
            for letter in letters:
                _insert(connection, letter)

    def listeners(self) -> dict[str, tuple[str, tuple[str, ...]]]:
        """Give what each registered listener listens to: its event type, and the patterns of cubes."""
        if not self.exists:
            return {}
        with self._database.read() as connection:
            rows = connection.execute("SELECT name, event_type, cubes FROM listeners ORDER BY name").fetchall()
        return {name: (event_type, tuple(json.loads(cubes))) for name, event_type, cubes in rows}

    def heard(self, cube: str) -> dict[str, int]:
        """Give the last commit of a cube that each listener of its commits has heard of as a whole."""
        from fnmatch import fnmatchcase

        wanted = [
            name
            for name, (_, cubes) in self.listeners().items()
            if any(fnmatchcase(cube, pattern) for pattern in cubes)
        ]
        if not wanted:
            return {}
        with self._database.read() as connection:
            places = dict(connection.execute("SELECT listener, place FROM cursors WHERE stream = ?", (cube,)))
        return {name: heard_commits(places.get(name, 0)) for name in wanted}

    def forget(self, listener: str) -> bool:
        """Forget a listener, what it has in hand and its dead letters; False when it was not registered."""
        if not self.exists:
            return False
        with self._database.write() as connection:
            for table in ("cursors", "hands", "letters"):
                connection.execute(f"DELETE FROM {table} WHERE listener = ?", (listener,))
            return connection.execute("DELETE FROM listeners WHERE name = ?", (listener,)).rowcount > 0

    def letters(self, listener: str | None = None) -> list[DeadLetter]:
        """List the dead letters, oldest first."""
        if not self.exists:
            return []
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT {_LETTER} FROM letters WHERE :listener IS NULL OR listener = :listener ORDER BY number",
                {"listener": listener},
            ).fetchall()
        return [_letter_of(row) for row in rows]

    def remove(self, number: int) -> bool:
        """Remove a dead letter; False where it is not there any more."""
        with self._database.write() as connection:
            return connection.execute("DELETE FROM letters WHERE number = ?", (number,)).rowcount > 0

    def replace(self, letter: DeadLetter) -> None:
        """Write down that a dead letter was tried again and failed."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE letters SET error = ?, attempts = ?, time = ? WHERE number = ?",
                (letter.error, letter.attempts, format_time(letter.time), letter.number),
            )

    def trim(self, cube: str, place: int) -> int:
        """Remove the dead letters of a cube up to a place, and give their count."""
        if not self.exists:
            return 0
        with self._database.write() as connection:
            return connection.execute("DELETE FROM letters WHERE stream = ? AND place <= ?", (cube, place)).rowcount

    def take_over(self, listeners: Mapping[str, Mapping[str, int]], letters: Sequence[DeadLetter]) -> None:
        """Write down what an older dtedask remembered elsewhere, of listeners that are not known here yet."""
        with self._database.write() as connection:
            for name, cursors in listeners.items():
                row = (name, EVENT_TYPE, '["*"]', "")
                if connection.execute("INSERT OR IGNORE INTO listeners VALUES (?, ?, ?, ?)", row).rowcount:
                    _advance(connection, name, cursors)
            known = {tuple(row) for row in connection.execute("SELECT listener, stream, place, label FROM letters")}
            for letter in letters:
                if (letter.listener, letter.stream, letter.place, letter.label) not in known:
                    _insert(connection, letter)

    @contextmanager
    def right(self, listener: str) -> Iterator[bool]:
        """Hold the right to run a listener's triggers; yields False when another thread or process has it."""
        import filelock

        name = hashlib.sha256(listener.encode()).hexdigest()[:16]
        lock = filelock.FileLock(lock_folder(self.path) / f"{name}.lock", timeout=0, thread_local=False)
        try:
            lock.acquire()
        except filelock.Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"DeliveryState({str(self.path)!r})"


def _advance(connection: sqlite3.Connection, listener: str, cursors: Mapping[str, int]) -> None:
    connection.executemany(_ADVANCE, [(listener, stream, place) for stream, place in cursors.items()])


def _insert(connection: sqlite3.Connection, letter: DeadLetter) -> None:
    connection.execute(
        f"INSERT INTO letters ({_LETTER}) VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (letter.listener, letter.document, letter.event_type, letter.stream, letter.place, news_to_json(letter.news),
         letter.trigger, letter.label, letter.error, letter.attempts, format_time(letter.time)),
    )  # fmt: skip


def _letter_of(row: tuple[object, ...]) -> DeadLetter:
    letter = DeadLetter(*row)  # type: ignore[arg-type]
    return replace(letter, news=news_from_json(str(letter.news)), time=parse_time(str(letter.time)))


def _try_of(row: Sequence[object]) -> Try:
    state, attempts, due, error = row
    return Try(state, attempts, parse_time(str(due)) if due else None, error)  # type: ignore[arg-type]
