"""What a commit says of itself: its metadata, and the history of a cube."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dtedask.core.commit import Change, Commit
from dtedask.request import parse_step
from dtedask.store.repository import BRANCH, METADATA, line_of, open_repository, own_metadata, tip_of

if TYPE_CHECKING:
    import icechunk

    from dtedask.store.location import Location

Keys = tuple[tuple[str, str], ...]
_KEYS = ("class", "stream", "expver", "type", "levtype", "date", "time", "step", "number", "levelist", "param")
_ORDER = {key: place for place, key in enumerate(_KEYS)}


def changes_of(fields: Sequence[tuple[str, str, dict[str, str]]]) -> tuple[Change, ...]:
    """Summarise fields by variable and step, each with a request that gives exactly them.

    Parameters
    ----------
    fields : sequence of (str, str, dict)
        Group, variable and MARS keys of each field.
    """
    kinds: dict[tuple[str, str, int, tuple[str, ...]], list[dict[str, str]]] = {}
    for group, variable, keys in fields:
        step = _end_s(keys["step"]) if "step" in keys else -1
        member = _as_member(keys)
        kinds.setdefault((group, variable, step, tuple(member)), []).append(member)
    found = []
    for (group, variable, _step, _names), members in sorted(kinds.items(), key=lambda item: item[0]):
        found += [Change(group, variable, _with_type(request), count) for request, count in _exact_requests(members)]
    return tuple(found)


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


def _exact_requests(fields: list[dict[str, str]]) -> Iterator[tuple[Keys, int]]:
    values = {key: list(dict.fromkeys(keys[key] for keys in fields)) for key in fields[0]}
    size = 1
    for found in values.values():
        size *= len(found)
    if size == len(fields):
        yield tuple((key, "/".join(_sorted(found))) for key, found in values.items()), len(fields)
        return
    key = next(key for key, found in values.items() if len(found) > 1)
    for value in _sorted(values[key]):
        yield from _exact_requests([keys for keys in fields if keys[key] == value])


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
            "sources": list(commit.sources),
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
    }


def _change(found: Mapping[str, Any]) -> Change:
    request = tuple((key, value) for key, value in found["request"])
    return Change(found["group"], found["variable"], request, found["fields"])


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
        changes=tuple(map(_change, found["changes"])),
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


def sequence_after(repo: icechunk.Repository, snapshot: str) -> int:
    """Place in the history of the commit that follows a snapshot."""
    for info in repo.ancestry(snapshot_id=snapshot):
        found = own_metadata(info)
        if found:
            return int(found["sequence"]) + 1
    return 1
