"""What differs between two states of a root, as requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dtedask.core.commit import Change
from dtedask.request import Request
from dtedask.store.commits import changes_of
from dtedask.store.past.compare import Comparison, Place, compare
from dtedask.store.selection import select_variable

if TYPE_CHECKING:
    from dtedask.store.snapshot import Snapshot

_ALL = Request({})


@dataclass(frozen=True, slots=True)
class CubeDifference:
    """What differs between two snapshots of a cube.

    Parameters
    ----------
    cube : str
        Name of the cube.
    old, new : str
        The snapshots; empty where the cube did not exist.
    added, removed, replaced : tuple of Change
        Fields that only the new one has, that only the old one has, and that have other values; by group, variable and
        step, each as an exact request.
    """

    cube: str
    old: str
    new: str
    added: tuple[Change, ...] = ()
    removed: tuple[Change, ...] = ()
    replaced: tuple[Change, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Everything about it, ready for JSON."""
        kinds = {"added": self.added, "removed": self.removed, "replaced": self.replaced}
        return {
            "cube": self.cube,
            "old": self.old,
            "new": self.new,
            **{kind: [_change_object(change) for change in changes] for kind, changes in kinds.items()},
        }


@dataclass(frozen=True, slots=True)
class Differences:
    """What differs between two states of a root.

    Parameters
    ----------
    cubes : tuple of CubeDifference
        Cubes that differ, by name.
    """

    cubes: tuple[CubeDifference, ...]

    @property
    def added(self) -> tuple[Change, ...]:
        """Fields that only the new state has."""
        return tuple(change for cube in self.cubes for change in cube.added)

    @property
    def removed(self) -> tuple[Change, ...]:
        """Fields that only the old state has."""
        return tuple(change for cube in self.cubes for change in cube.removed)

    @property
    def replaced(self) -> tuple[Change, ...]:
        """Fields that both have, with other values."""
        return tuple(change for cube in self.cubes for change in cube.replaced)

    def __repr__(self) -> str:
        kinds = {"added": self.added, "removed": self.removed, "replaced": self.replaced}
        counts = ", ".join(f"{fields_of(changes)} {kind}" for kind, changes in kinds.items())
        return f"<Differences of {len(self.cubes)} cubes: {counts}>"

    def to_dict(self) -> dict[str, object]:
        """Everything about it, ready for JSON."""
        return {"cubes": [cube.to_dict() for cube in self.cubes]}


def difference_of(cube: str, old: Snapshot | None, new: Snapshot | None) -> CubeDifference:
    """Compare two snapshots of a cube; None where it did not exist."""
    if old is None or new is None:
        return CubeDifference(
            cube,
            old.id if old else "",
            new.id if new else "",
            added=changes_of(list(all_fields(cube, new))) if new else (),
            removed=changes_of(list(all_fields(cube, old))) if old else (),
        )
    found = compare(old, new)
    return CubeDifference(
        cube, old.id, new.id, added_of(cube, found), removed_of(cube, found), replaced_of(cube, found)
    )


def added_of(cube: str, found: Comparison) -> tuple[Change, ...]:
    """Fields that only the new snapshot of a comparison has."""
    return changes_of(list(keys_of(cube, found.new, found.added)))


def removed_of(cube: str, found: Comparison) -> tuple[Change, ...]:
    """Fields that only the old snapshot of a comparison has."""
    return changes_of(list(keys_of(cube, found.old, found.removed)))


def replaced_of(cube: str, found: Comparison) -> tuple[Change, ...]:
    """Fields that both snapshots of a comparison have, with other values."""
    return changes_of(list(keys_of(cube, found.new, found.replaced)))


def keys_of(
    cube: str, snapshot: Snapshot, fields: Mapping[Place, np.ndarray]
) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Group, variable and MARS keys of fields of a snapshot, given by their slots."""
    for (name, variable), rows in fields.items():
        group = snapshot.group(name)
        selection = select_variable(snapshot, cube, group, group.variables[variable], _ALL)
        assert selection is not None
        for row in map(tuple, rows.tolist()):
            yield name, variable, selection.keys_of(row)


def all_fields(cube: str, snapshot: Snapshot) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Group, variable and MARS keys of all fields of a snapshot."""
    places = ((name, variable) for name in snapshot.group_names for variable in snapshot.group(name).variables)
    return keys_of(
        cube, snapshot, {place: snapshot.present(*place) for place in places if len(snapshot.present(*place))}
    )


def fields_of(changes: tuple[Change, ...]) -> int:
    """Number of fields."""
    return sum(change.fields for change in changes)


def _change_object(change: Change) -> dict[str, object]:
    return {"group": change.group, "variable": change.variable, "request": change.keys, "fields": change.fields}
