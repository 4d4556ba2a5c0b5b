"""How long the past of a root is kept: the rule, and which commit is the oldest to stay."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dtedask.core.errors import SettingError, StoreError
from dtedask.core.settings import setting
from dtedask.store.location import Location
from dtedask.store.root_files import RootFiles

FILE = ".dtedask/retention.json"
Duration = str | float | timedelta


@dataclass(frozen=True, slots=True)
class Retention:
    """How much of the past stays: a commit is kept if either rule keeps it.

    Parameters
    ----------
    keep_s : float, optional
        Seconds: every state that was the newest at any moment since then can be read.
    keep_commits : int, optional
        Number of newest commits.
    """

    keep_s: float | None = None
    keep_commits: int | None = None

    @classmethod
    def parse(cls, keep: Duration | None, keep_commits: int | None) -> Retention:
        """Check what a user wants.

        Raises
        ------
        SettingError
            If it is no duration, or no number of commits.
        """
        if keep_commits is not None and keep_commits < 1:
            raise SettingError(f"Cannot keep {keep_commits} commits.", hint="The newest stays: keep 1 or more.")
        return cls(None if keep is None else _seconds(keep), keep_commits)

    @property
    def keeps_all(self) -> bool:
        """Whether there is no rule: the whole past stays."""
        return self.keep_s is None and self.keep_commits is None

    def __str__(self) -> str:
        parts = [] if self.keep_s is None else [duration(self.keep_s)]
        parts += [] if self.keep_commits is None else [f"{self.keep_commits:,} commits"]
        return " and ".join(parts) or "everything"


class RetentionDocument:
    """The rule that a root keeps for itself.

    Parameters
    ----------
    location : Location
        The root.
    """

    def __init__(self, location: Location) -> None:
        self._location = location
        self._files = RootFiles(location)

    def read(self) -> Retention:
        """Rule of the root, or that of the settings where it has none.

        Raises
        ------
        StoreError
            If the document cannot be read.
        """
        data = self._files.read(FILE)
        if data is None:
            return Retention(setting("store.retention.keep"), setting("store.retention.keep-commits"))
        try:
            found: dict[str, Any] = json.loads(data)
            return Retention(found["keep_s"], found["keep_commits"])
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"The rule {FILE!r} of the root {self._location.url!r} cannot be read.",
                hint="Write it anew: `dtedask store purge --keep 7d --remember`.",
            ) from error

    def write(self, rule: Retention) -> None:
        """Keep a rule in the root."""
        content = {"keep_s": rule.keep_s, "keep_commits": rule.keep_commits}
        self._files.write(FILE, json.dumps(content).encode())


@dataclass(frozen=True, slots=True)
class Point:
    """One commit in the past of a cube; `undone` is the snapshot that it left behind as a rollback."""

    snapshot: str
    time: datetime
    sequence: int
    undone: str = ""


@dataclass(frozen=True, slots=True)
class Limit:
    """Somebody who still needs a part of the past.

    Parameters
    ----------
    reason : str
        Who, for people.
    time : datetime, optional
        The state of that time is needed, and all that came later.
    sequence : int, optional
        The commit of this number is needed, and all that came later.
    """

    reason: str
    time: datetime | None = None
    sequence: int | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """Which commit is the oldest to stay.

    Parameters
    ----------
    oldest : int
        Its place among the commits, newest first.
    held : tuple of Limit
        Who made it older than the rule alone would.
    """

    oldest: int
    held: tuple[Limit, ...] = ()


def choose(points: Sequence[Point], rule: Retention, now: datetime, limits: Sequence[Limit]) -> Choice:
    """Find the oldest commit to stay.

    A commit is needed as long as it was the newest at a moment that counts, however old it is itself: a reader who
    opened the cube just before it was replaced is still reading it.

    Parameters
    ----------
    points : sequence of Point
        Commits, newest first; at least one.
    rule : Retention
        What is wanted.
    now : datetime
        By the clock of the storage.
    limits : sequence of Limit
        Who still needs what.
    """
    last = len(points) - 1
    if rule.keeps_all:
        return Choice(last)
    wanted = 0
    if rule.keep_s is not None:
        wanted = max(wanted, place_at(points, now - timedelta(seconds=rule.keep_s)))
    if rule.keep_commits is not None:
        wanted = max(wanted, min(rule.keep_commits - 1, last))
    places = [(_place_of(points, limit), limit) for limit in limits]
    held = tuple(limit for place, limit in places if place > wanted)
    return Choice(max([wanted, *(place for place, _ in places)]), held)


def place_at(points: Sequence[Point], moment: datetime) -> int:
    """Place of the commit that was the newest at a moment; of the oldest where all are later."""
    return next((place for place, point in enumerate(points) if point.time <= moment), len(points) - 1)


def _place_of(points: Sequence[Point], limit: Limit) -> int:
    place = 0 if limit.time is None else place_at(points, limit.time)
    if limit.sequence is None:
        return place
    needed = [number for number, point in enumerate(points) if point.sequence >= limit.sequence]
    return max([place, *needed[-1:]])


def duration(seconds: float) -> str:
    """Seconds as people write them, ``7 d``."""
    for unit, size in (("d", 86400), ("h", 3600), ("minutes", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size:g} {unit}"
    return f"{seconds:g} s"


def _seconds(keep: Duration) -> float:
    import dask.utils

    try:
        seconds = keep.total_seconds() if isinstance(keep, timedelta) else float(dask.utils.parse_timedelta(keep))
    except (ValueError, KeyError, TypeError) as error:
        raise SettingError(f"{keep!r} is no duration.", hint="Write 7 d, 12 h or 30 minutes.") from error
    if seconds < 0:
        raise SettingError(f"The duration {keep!r} is negative.", hint="Write 7 d, 12 h or 30 minutes.")
    return seconds
