"""By which numbers an event type of commits calls the events of the log of notices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

    from dtedask.notify.database import Database

ALL = "*"
_COMMITS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Numbering:
    """Where the numbers of an event type stand.

    Parameters
    ----------
    commits : str
        What stands behind ``FROM``: commits as ``c``, perhaps joined with others.
    first : str
        Column with the number of events before a commit.
    where : str
        Which commits they are.
    names : mapping of str to value
        What the names in `where` stand for.
    """

    commits: str
    first: str
    where: str
    names: Mapping[str, str] = field(default_factory=dict)


def numbering_of(event_type: str, cubes: tuple[str, ...]) -> Numbering:
    """Choose: one cube has numbers of its own, all cubes have those of the log, the rest is counted for the type."""
    if is_one_cube(cubes):
        return Numbering("commits c", "c.first", "c.cube = :cube", {"cube": cubes[0]})
    if ALL in cubes:
        return Numbering("commits c", "c.total", "TRUE")
    joined = "pattern_commits p CROSS JOIN commits c ON c.position = p.position"
    return Numbering(joined, "p.first", "p.type = :type", {"type": event_type})


def is_one_cube(cubes: tuple[str, ...]) -> bool:
    """Whether patterns name exactly one cube."""
    return len(cubes) == 1 and not set("*?[") & set(cubes[0])


def is_counted(cubes: tuple[str, ...]) -> bool:
    """Whether the events of these cubes must be counted for their type."""
    return not is_one_cube(cubes) and ALL not in cubes


def matches(cube: str, cubes: tuple[str, ...]) -> bool:
    """Whether the name of a cube is one of some patterns."""
    return any(cube == pattern or fnmatchcase(cube, pattern) for pattern in cubes)


def count_commits(database: Database, event_type: str, cubes: tuple[str, ...]) -> None:
    """Number the commits of some patterns that came since the last time.

    What was counted keeps its numbers whatever happens to the log and to the patterns.
    """
    while _is_behind(database, event_type):
        with database.write() as connection:
            _count_some(connection, event_type, cubes)


def _is_behind(database: Database, event_type: str) -> bool:
    with database.read() as connection:
        last, counted = connection.execute(
            "SELECT (SELECT MAX(position) FROM commits), (SELECT position FROM patterns WHERE type = ?)", (event_type,)
        ).fetchone()
    return (last or 0) > (counted or 0)


def _count_some(connection: sqlite3.Connection, event_type: str, cubes: tuple[str, ...]) -> None:
    row = connection.execute("SELECT position, number FROM patterns WHERE type = ?", (event_type,)).fetchone()
    position, number = row or (0, 0)
    rows = connection.execute(
        "SELECT position, cube, size FROM commits WHERE position > ? ORDER BY position LIMIT ?",
        (position, _COMMITS_AT_ONCE),
    )
    found, wanted = [], dict[str, bool]()
    for position, cube, size in rows:  # the last one is where to go on
        if cube not in wanted:
            wanted[cube] = matches(cube, cubes)
        if wanted[cube] and size:
            found.append((event_type, position, number))
            number += size
    connection.executemany("INSERT INTO pattern_commits VALUES (?, ?, ?)", found)
    connection.execute("INSERT OR REPLACE INTO patterns VALUES (?, ?, ?)", (event_type, position, number))
