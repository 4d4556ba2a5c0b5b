"""What a commit says of itself: its metadata, and the history of a cube."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from dtedask.core.commit import Change, Commit, checksum_of
from dtedask.request import parse_step
from dtedask.store.repository import BRANCH, METADATA, line_of, open_repository, own_metadata, tip_of

if TYPE_CHECKING:
    import icechunk

    from dtedask.geo.area import Area
    from dtedask.store.location import Location
    from dtedask.store.written import Stored

Keys = tuple[tuple[str, str], ...]
_KEYS = ("class", "stream", "expver", "type", "levtype", "date", "time", "step", "number", "levelist", "param")
_ORDER = {key: place for place, key in enumerate(_KEYS)}


class _Member(NamedTuple):
    keys: dict[str, str]
    stored: Stored | None


def changes_of(
    fields: Sequence[tuple[str, str, dict[str, str]]],
    stored: Sequence[Stored] | None = None,
    areas: Mapping[str, Area] = MappingProxyType({}),
) -> tuple[Change, ...]:
    """Summarise fields by variable and step, each with a request that gives exactly them.

    Parameters
    ----------
    fields : sequence of (str, str, dict)
        Group, variable and MARS keys of each field.
    stored : sequence of Stored, optional
        What is stored of each.
    areas : mapping of str to tuple of float
        Where the points of each group are; those of others are not known.
    """
    kinds: dict[tuple[str, str, int, tuple[str, ...]], list[_Member]] = {}
    for (group, variable, keys), kept in zip(fields, stored or itertools.repeat(None), strict=False):
        step = _end_s(keys["step"]) if "step" in keys else -1
        member = _as_member(keys)
        kinds.setdefault((group, variable, step, tuple(member)), []).append(_Member(member, kept))
    found = []
    for (group, variable, _step, _names), members in sorted(kinds.items(), key=lambda item: item[0]):
        found += [
            Change(group, variable, _with_type(request), len(part), *_sums(part), areas.get(group))
            for request, part in _exact_requests(members)
        ]
    return tuple(found)


def _sums(members: Sequence[_Member]) -> tuple[int | None, str]:
    """Bytes and checksum of fields in the order of their request."""
    stored = [member.stored for member in members if member.stored is not None]
    if len(stored) < len(members):
        return None, ""
    known = [one.crc for one in stored if one.crc is not None]
    return sum(one.size_bytes for one in stored), checksum_of(known) if len(known) == len(stored) else ""


def _as_member(keys: dict[str, str]) -> dict[str, str]:
    """Keys in a fixed order; a control forecast is member 0 of its ensemble, so that both are one event."""
    if keys.get("type") == "cf":
        keys = {**keys, "type": "pf", "number": "0"}
    return {key: keys[key] for key in _in_order(tuple(keys))}


@lru_cache(maxsize=256)
def _in_order(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(names, key=lambda name: (_ORDER.get(name, len(_ORDER)), name)))


@lru_cache(maxsize=4096)
def _end_s(step: str) -> int:
    return parse_step(step).end_s


def _with_type(request: Keys) -> Keys:
    keys = dict(request)
    members = keys.get("number", "").split("/")
    if keys.get("type") != "pf" or "0" not in members:
        return request
    if members == ["0"]:
        del keys["number"]
        keys["type"] = "cf"
    else:
        keys["type"] = "cf/pf"
    return tuple(keys.items())


def _exact_requests(members: list[_Member]) -> Iterator[tuple[Keys, list[_Member]]]:
    """Requests that give exactly some fields, each with its fields in the order of the request."""
    values = {key: list(dict.fromkeys(keys[key] for keys, _ in members)) for key in members[0].keys}
    size = 1
    for found in values.values():
        size *= len(found)
    if size == len(members):
        ordered = {key: _sorted(found) for key, found in values.items()}
        yield tuple((key, "/".join(found)) for key, found in ordered.items()), _in_order_of(ordered, members)
        return
    key = next(key for key, found in values.items() if len(found) > 1)
    for value in _sorted(values[key]):
        yield from _exact_requests([member for member in members if member.keys[key] == value])


def _in_order_of(values: Mapping[str, list[str]], members: list[_Member]) -> list[_Member]:
    places = {key: {one: place for place, one in enumerate(found)} for key, found in values.items() if len(found) > 1}
    if not places:
        return members
    return sorted(members, key=lambda member: [place[member.keys[key]] for key, place in places.items()])


def _sorted(values: list[str]) -> list[str]:
    def order(value: str) -> tuple[bool, float, str]:
        try:
            return (False, float(value), value)
        except ValueError:
            return (True, 0.0, value)

    return sorted(values, key=order)


def metadata_of(commit: Commit) -> dict[str, Any]:
    """A commit as metadata of its snapshot."""
    return {
        METADATA: {
            "sequence": commit.sequence,
            "new": commit.new,
            "replaced": commit.replaced,
            "unchanged": commit.unchanged,
            "removed": commit.removed,
            "author": commit.author,
            "rolled_back": commit.rolled_back,
            "undone": commit.undone,
            **({"notes": [list(note) for note in commit.notes]} if commit.notes else {}),
            **({} if commit.events_before is None else {"events_before": commit.events_before}),
            "sources": list(commit.sources),
            "areas": {change.group: list(change.area) for change in commit.changes if change.area is not None},
            "changes": [_document(change) for change in commit.changes],
            "wiped": [_document(change) for change in commit.wiped],
        }
    }


def _document(change: Change) -> dict[str, Any]:
    return {
        "group": change.group,
        "variable": change.variable,
        "request": [list(pair) for pair in change.request],
        "fields": change.fields,
        **({} if change.size_bytes is None else {"bytes": change.size_bytes}),
        **({"checksum": change.checksum} if change.checksum else {}),
    }


def _change(found: Mapping[str, Any], areas: Mapping[str, Sequence[float]] = MappingProxyType({})) -> Change:
    return Change(
        found["group"],
        found["variable"],
        tuple((key, value) for key, value in found["request"]),
        found["fields"],
        found.get("bytes"),
        found.get("checksum", ""),
        _area(areas.get(found["group"])),
    )


def _area(edges: Sequence[float] | None) -> Area | None:
    if edges is None:
        return None
    north, west, south, east = edges
    return north, west, south, east


def commit_of(location: Location, cube: str, info: icechunk.SnapshotInfo) -> Commit | None:
    """The commit behind a snapshot; None for one that is not ours, such as the first."""
    found = own_metadata(info)
    if not found:
        return None
    return Commit(
        root=location.url,
        cube=cube,
        snapshot=info.id,
        parent=info.parent_id or "",
        sequence=found["sequence"],
        time=info.written_at.astimezone(UTC),
        message=info.message,
        changes=tuple(_change(change, found.get("areas", {})) for change in found["changes"]),
        new=found["new"],
        replaced=found["replaced"],
        unchanged=found["unchanged"],
        sources=tuple(found["sources"]),
        removed=found.get("removed", 0),
        wiped=tuple(map(_change, found.get("wiped", ()))),
        author=found.get("author", ""),
        rolled_back=found.get("rolled_back", ""),
        undone=found.get("undone", ""),
        notes=tuple((name, text) for name, text in found.get("notes", ())),
        events_before=found.get("events_before"),
    )


def history_of(location: Location, cube: str, *, after: int = 0, branch: str = BRANCH) -> list[Commit]:
    """Commits of a cube, oldest first; none where it lacks the branch.

    Parameters
    ----------
    location : Location
        The root.
    cube : str
        Name of the cube.
    after : int
        Only those that follow the commit of this number; the history is read no further back.
    branch : str
        Whose history.
    """
    repo = open_repository(location, cube)
    head = tip_of(location, cube, repo, branch)
    return [] if head is None else commits_of(location, cube, repo, head, after=after)


def commits_of(
    location: Location, cube: str, repo: icechunk.Repository, snapshot: str, *, after: int = 0
) -> list[Commit]:
    """Commits of a cube up to a snapshot, oldest first, from the one that follows the number `after`."""
    found = (commit_of(location, cube, info) for info in line_of(location, cube, repo, snapshot))
    ours = (commit for commit in found if commit is not None)
    return list(itertools.takewhile(lambda commit: commit.sequence > after, ours))[::-1]


class Following(NamedTuple):
    """The place in the history of the commit that follows a snapshot.

    Parameters
    ----------
    sequence : int
        Its number.
    events_before : int, optional
        How many changes all commits before it wrote; None where that is not known.
    """

    sequence: int
    events_before: int | None

    @classmethod
    def of(cls, commit: Commit) -> Following:
        """What follows a commit."""
        before = commit.events_before
        return cls(commit.sequence + 1, None if before is None else before + len(commit.changes))


def following(repo: icechunk.Repository, snapshot: str) -> Following:
    """Place in the history of the commit that follows a snapshot."""
    for info in repo.ancestry(snapshot_id=snapshot):
        found = own_metadata(info)
        if found:
            before = found.get("events_before")
            return Following(
                int(found["sequence"]) + 1, None if before is None else int(before) + len(found["changes"])
            )
    return Following(1, 0)
