"""Work out, field by field, what undoing some commits makes of the head of a cube."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from dtedask.core.errors import NotFoundError, StoreError
from dtedask.store.past.compare import Place, Rows, compare, labels_of
from dtedask.store.past.stored import StoredRow
from dtedask.store.repository import cached_snapshot

if TYPE_CHECKING:
    from dtedask.core.commit import Commit
    from dtedask.store.group import Variable
    from dtedask.store.location import Location
    from dtedask.store.snapshot import Snapshot

# A field by group, variable and labels.
Name = tuple[str, str, tuple[object, ...]]
_ABSENT = "absent"
_HEAD = "head"


@dataclass
class Undoing:
    """What becomes of each field.

    Parameters
    ----------
    head : Snapshot
        The newest state of the cube.
    wanted : dict
        By field, the older field that it gets back; None for one that goes.
    left : dict
        Fields that were written or wiped since, as a commit to undo left them.
    """

    head: Snapshot
    wanted: dict[Name, StoredRow | None] = field(default_factory=dict)
    left: dict[Name, StoredRow] = field(default_factory=dict)
    _changed: dict[tuple[str, str], set[Name]] = field(default_factory=dict)

    def removed(self) -> dict[Place, Rows]:
        """Slots, in the head, of fields that go."""
        found: dict[Place, list[tuple[int, ...]]] = {}
        for name, row in self.wanted.items():
            slots = _slots_in(self.head, name) if row is None else None
            if slots is not None:
                found.setdefault(name[:2], []).append(slots)
        return {place: np.array(rows, dtype=np.int64).reshape(len(rows), -1) for place, rows in found.items()}

    def restored(self) -> list[StoredRow]:
        """Fields that come back; of those that are in the head, only such with other values."""
        return [
            row
            for name, row in self.wanted.items()
            if row is not None and (_slots_in(self.head, name) is None or name in self.changed(row.snapshot, self.head))
        ]

    def changed(self, old: Snapshot, new: Snapshot) -> set[Name]:
        """Fields of a snapshot that another one does not have, or has with other values."""
        pair = (old.id, new.id)
        if pair not in self._changed:
            step = compare(old, new)
            rows = [*step.removed.items(), *step.before.items()]
            self._changed[pair] = {name for place, part in rows for name, _ in _named(old, place, part)}
        return self._changed[pair]


def undo(location: Location, head: Snapshot, commits: Sequence[Commit]) -> Undoing:
    """Undo commits of a cube, the newest first.

    Raises
    ------
    NotFoundError
        If the state before a commit is gone.
    """
    found = Undoing(head)
    for commit in sorted(commits, key=lambda commit: commit.sequence, reverse=True):
        _undo_one(found, *_states(location, commit))
    _leave_misfits(found)
    return found


def _leave_misfits(found: Undoing) -> None:
    """Leave fields whose variable was wiped and came again with other dimensions: they cannot be put back into it."""
    for name, row in list(found.wanted.items()):
        variable = _variable(found.head, name[0], name[1])
        if row is not None and variable is not None and variable.dims != _dims(row):
            found.left[name] = row
            del found.wanted[name]


def _dims(row: StoredRow) -> tuple[str, ...]:
    return row.snapshot.group(row.group).variables[row.variable].dims


def _states(location: Location, commit: Commit) -> tuple[Snapshot, Snapshot]:
    # A rollback goes on from an older state: what it changed, it changed against the state that it left behind.
    parent = commit.undone or commit.parent
    try:
        before, after = (cached_snapshot(location, commit.cube, name) for name in (parent, commit.snapshot))
        before.group_names, after.group_names  # noqa: B018 - reads them
    except (StoreError, ValueError) as error:
        raise NotFoundError(
            f"The commit {commit.snapshot} of {commit.url!r} cannot be undone: the state before it is gone.",
            hint="It was purged. Archive the fields again, or wipe them.",
        ) from error
    return before, after


def _undo_one(found: Undoing, before: Snapshot, after: Snapshot) -> None:
    step = compare(before, after)
    standing = _Standing(found, after)
    for place, rows in step.added.items():
        for name, row in _named(after, place, rows):
            _take(found, name, None, row, standing.holds(name))
    for place, rows in step.replaced.items():
        old = _named(before, place, step.before[place])
        for (name, row), (_, earlier) in zip(_named(after, place, rows), old, strict=True):
            _take(found, name, earlier, row, standing.holds(name))
    for place, rows in step.removed.items():
        for name, earlier in _named(before, place, rows):
            _take(found, name, earlier, earlier, standing.lacks(name))


def _take(found: Undoing, name: Name, wanted: StoredRow | None, written: StoredRow, is_standing: bool) -> None:
    if is_standing:
        found.wanted[name] = wanted
    elif name not in found.wanted:
        found.left[name] = written


class _Standing:
    """Whether fields still are what a commit made them, in the head with later commits undone."""

    def __init__(self, found: Undoing, after: Snapshot) -> None:
        self._found = found
        self._after = after

    def holds(self, name: Name) -> bool:
        """Whether a field that the commit wrote is there still, with the same values."""
        if name not in self._found.wanted:
            return name not in self._found.changed(self._after, self._found.head)
        row = self._found.wanted[name]
        return row is not None and name not in self._found.changed(self._after, row.snapshot)

    def lacks(self, name: Name) -> bool:
        """Whether a field that the commit wiped is away still."""
        if name in self._found.wanted:
            return self._found.wanted[name] is None
        return _slots_in(self._found.head, name) is None


def _named(snapshot: Snapshot, place: Place, rows: Rows) -> Iterator[tuple[Name, StoredRow]]:
    for labels, row in zip(labels_of(snapshot, place, rows), map(tuple, rows.tolist()), strict=True):
        yield (*place, labels), StoredRow(snapshot, *place, row)


def _slots_in(snapshot: Snapshot, name: Name) -> tuple[int, ...] | None:
    """Slots of a field; None where a snapshot does not have it."""
    group, variable, labels = name
    found = _variable(snapshot, group, variable)
    if found is None or len(found.dims) != len(labels):
        return None
    axes = snapshot.group(group).axes
    slots = tuple(axes[dim].slots.get(label, -1) for dim, label in zip(found.dims, labels, strict=True))  # type: ignore[call-overload]
    return slots if slots in _present(snapshot, group, variable) else None


def _variable(snapshot: Snapshot, group: str, name: str) -> Variable | None:
    return snapshot.group(group).variables.get(name) if group in snapshot.group_names else None


def _present(snapshot: Snapshot, group: str, variable: str) -> set[tuple[int, ...]]:
    place = ("fields", group, variable)
    if place not in snapshot.memory:
        snapshot.memory[place] = set(map(tuple, snapshot.present(group, variable).tolist()))
    known: set[tuple[int, ...]] = snapshot.memory[place]
    return known
