"""When a field of a cube was written or wiped last, as the history says: neither chunks nor labels are read."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from dtedask.core.errors import DamagedError, NotFoundError
from dtedask.request import parse_step
from dtedask.store.commits import commits_of
from dtedask.store.placement import place
from dtedask.store.repository import BRANCH, cached_snapshot, head, open_repository

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dtedask.core.commit import Change, Commit
    from dtedask.store.identity import Address
    from dtedask.store.location import Location

logger = logging.getLogger(__name__)
_Time = tuple[str, str, int]


class _Touch(NamedTuple):
    """Fields of one variable and time that a commit wrote or wiped; None stands for any."""

    sequence: int
    members: frozenset[float | str] | None
    levels: frozenset[float | str] | None

    def takes(self, member: float | str | None, level: float | str | None) -> bool:
        return _meet(self.members, member) and _meet(self.levels, level)


class FieldHistory:
    """What the commits of a cube did to its fields, one after the other.

    It may say that a commit changed a field that it did not change, never the other way round.

    Parameters
    ----------
    location : Location
        The root.
    cube : str
        Name of the cube, which need not exist.
    branch : str
        Whose history.
    """

    def __init__(self, location: Location, cube: str, branch: str = BRANCH) -> None:
        self._location, self._cube, self._branch = location, cube, branch
        self.beginnings = 0
        self._forget()

    def _forget(self) -> None:
        self.beginnings += 1
        self.begin = 1
        self.newest = 0
        self._tip: str | None = None
        self._touches: dict[tuple[str, str], dict[_Time, list[_Touch]]] = {}

    @property
    def url(self) -> str:
        """URL or path of the cube."""
        return self._location.cube_url(self._cube)

    def update(self, snapshot: str | None = None) -> list[Commit]:
        """Read what was committed since the last time.

        Parameters
        ----------
        snapshot : str, optional
            Up to which snapshot; by default up to the newest one.

        Returns
        -------
        list of Commit
            The new commits, oldest first; all of them where `beginnings` has risen. What commits before the number
            `begin` did is not known: they were purged, or one came after them that nobody can say the changes of.
        """
        try:
            tip = snapshot or head(self._location, self._cube, self._branch).id
        except NotFoundError:
            return []
        return [] if tip == self._tip else self._update(tip)

    def _update(self, tip: str) -> list[Commit]:
        try:
            found = self._commits(tip, after=self.newest)
            if self.newest and (not found or found[0].sequence != self.newest + 1):
                self._forget()
                found = self._commits(tip)
        except DamagedError as error:
            logger.warning("the past of %s tells nothing: %s", self.url, error)
            self._forget()
            found = []
        self._tip = tip
        for commit in found:
            self._note(commit)
        return found

    def _commits(self, tip: str, after: int = 0) -> list[Commit]:
        return commits_of(self._location, self._cube, open_repository(self._location, self._cube), tip, after=after)

    def _note(self, commit: Commit) -> None:
        is_unclear = commit.rolled_back and not commit.changes and not commit.wiped
        if is_unclear or commit.sequence != self.newest + 1:
            self.begin = commit.sequence
            self._touches.clear()
        self.newest = commit.sequence
        for change in (*commit.changes, *commit.wiped):
            times = self._touches.setdefault((change.group, change.variable), {})
            touch = _Touch(commit.sequence, _members_of(change), _numbers(change.keys.get("levelist")))
            for time in _times_of(change.keys):
                times.setdefault(time, []).append(touch)

    def last_change(self, address: Address) -> int:
        """Number of the newest commit that may have changed a field; 0 where none has since `begin`."""
        return self.last_change_of(address.group, address.variable.name, address.keys)

    def last_change_of(self, group: str, variable: str, keys: Mapping[str, str]) -> int:
        """See `last_change`: the same of a field that is named by group, variable and keys."""
        times = self._touches.get((group, variable))
        if times is None:
            return 0
        member = 0.0 if keys.get("type") == "cf" else _number_of(keys.get("number"))
        level = _number_of(keys.get("levelist"))
        for time in _times_of(keys):
            for touch in reversed(times.get(time, ())):
                if touch.takes(member, level):
                    return touch.sequence
        return 0

    def last_change_at(self, keys: Mapping[str, str]) -> int:
        """Number of the newest commit that may have changed any field at a reference time and step; else 0."""
        (time,) = _times_of(keys)
        found = (times[time][-1].sequence for times in self._touches.values() if time in times)
        return max(found, default=0)

    def exist(self, addresses: Sequence[Address]) -> list[bool]:
        """Whether each of some fields is in the state of the last update, as its manifest says."""
        if self._tip is None:
            return [False] * len(addresses)
        return place(cached_snapshot(self._location, self._cube, self._tip), addresses).existing()


def _times_of(keys: Mapping[str, str]) -> list[_Time]:
    dates = keys.get("hdate", keys.get("date", "")).split("/")
    steps = [_step_end(text) for text in keys["step"].split("/")] if "step" in keys else [-1]
    return list(itertools.product(dates, keys.get("time", "").split("/"), steps))


@lru_cache(maxsize=4096)
def _step_end(text: str) -> int:
    return parse_step(text).end_s


def _members_of(change: Change) -> frozenset[float | str] | None:
    keys = change.keys
    found = _numbers(keys.get("number"))
    if "cf" in keys.get("type", "").split("/"):
        return (found or frozenset()) | {0.0}
    return found


def _numbers(text: str | None) -> frozenset[float | str] | None:
    return None if text is None else frozenset(map(_number, text.split("/")))


def _number_of(text: str | None) -> float | str | None:
    return None if text is None else _number(text)


@lru_cache(maxsize=4096)
def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _meet(values: frozenset[float | str] | None, value: float | str | None) -> bool:
    return values is None or value is None or value in values
