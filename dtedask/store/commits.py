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
    kinds: dict[tuple[str, str, int, tuple[str, ...]], tuple[list[dict[str, str]], list[Stored | None]]] = {}
    for (group, variable, keys), kept in zip(fields, stored or itertools.repeat(None), strict=False):
        step = _end_s(keys["step"]) if "step" in keys else -1
        member = _as_member(keys)
        members, chunks = kinds.setdefault((group, variable, step, tuple(member)), ([], []))
        members.append(member)
        chunks.append(kept)
    found = []
    for (group, variable, _step, _names), kind in sorted(kinds.items(), key=lambda item: item[0]):
        found += [
            Change(group, variable, _with_type(request), len(chunks), *_sums(chunks), areas.get(group))
            for request, chunks in _exact_requests(*kind)
        ]
    return tuple(found)


def _sums(chunks: Sequence[Stored | None]) -> tuple[int | None, str]:
    """Bytes and checksum of fields in the order of their request."""
    known = [one for one in chunks if one is not None]
    if len(known) < len(chunks):
        return None, ""
    sums = [crc for _, crc in known if crc is not None]
    return sum(size for size, _ in known), checksum_of(sums) if len(sums) == len(known) else ""


def _as_member(keys: dict[str, str]) -> dict[str, str]:
    """Keys in a fixed order; a control forecast is member 0 of its ensemble, so that both are one event."""
    if keys.get("type") == "cf":
        keys = {**keys, "type": "pf", "number": "0"}
    return {key: keys[key] for key in _names_in_order(tuple(keys))}


@lru_cache(maxsize=256)
def _names_in_order(names: tuple[str, ...]) -> tuple[str, ...]:
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


def _exact_requests(
    members: list[dict[str, str]], chunks: list[Stored | None]
) -> Iterator[tuple[Keys, list[Stored | None]]]:
    """Requests that give exactly some fields, each with what is stored of them in the order of the request."""
    values = {key: list(dict.fromkeys(keys[key] for keys in members)) for key in members[0]}
    size = 1
    for found in values.values():
        size *= len(found)
    if size == len(members):
        ordered = {key: _sorted(found) if len(found) > 1 else found for key, found in values.items()}
        yield tuple((key, "/".join(found)) for key, found in ordered.items()), _in_order(ordered, members, chunks)
        return
    key = next(key for key, found in values.items() if len(found) > 1)
    for value in _sorted(values[key]):
        part = [place for place, keys in enumerate(members) if keys[key] == value]
        yield from _exact_requests([members[place] for place in part], [chunks[place] for place in part])


def _in_order(
    values: Mapping[str, list[str]], members: list[dict[str, str]], chunks: list[Stored | None]
) -> list[Stored | None]:
    """What is stored of the fields of a request that has all of its combinations, as the last key varies fastest."""
    places = [0] * len(members)
    for key, found in values.items():
        if len(found) > 1:
            order = {one: place for place, one in enumerate(found)}
            places = [len(found) * place + order[keys[key]] for place, keys in zip(places, members, strict=True)]
    ordered: list[Stored | None] = [None] * len(members)
    for place, chunk in zip(places, chunks, strict=True):
        ordered[place] = chunk
    return ordered


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
