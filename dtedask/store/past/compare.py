"""Which fields differ between two snapshots of a cube: by their labels, since slots are used again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from dtedask.store.opaque import OpaqueCodec
from dtedask.store.past.touched import Touched, touched_between
from dtedask.store.removal import chunk_keys

if TYPE_CHECKING:
    from dtedask.store.group import Axis, Variable
    from dtedask.store.layouts import Codec
    from dtedask.store.snapshot import Snapshot

_AT_ONCE = 256
Place = tuple[str, str]
Rows = np.ndarray


@dataclass(frozen=True)
class Comparison:
    """Fields that differ, by group and variable.

    Parameters
    ----------
    old, new : Snapshot
        What was compared.
    removed : mapping of (str, str) to numpy.ndarray of int64, shape (fields, dimensions)
        Slots, in `old`, of fields that `new` does not have.
    added : mapping
        Slots, in `new`, of fields that `old` does not have.
    replaced : mapping
        Slots, in `new`, of fields that both have, with other values.
    before : mapping
        Slots, in `old`, of the fields of `replaced`, in the same order.
    """

    old: Snapshot
    new: Snapshot
    removed: dict[Place, Rows] = field(default_factory=dict)
    added: dict[Place, Rows] = field(default_factory=dict)
    replaced: dict[Place, Rows] = field(default_factory=dict)
    before: dict[Place, Rows] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether both hold the same fields."""
        return not (self.removed or self.added or self.replaced)


def compare(old: Snapshot, new: Snapshot) -> Comparison:
    """Compare two snapshots of a cube; chunks are read only where neither history nor manifests say enough."""
    found = Comparison(old, new)
    if old.id == new.id:
        return found
    touched = touched_between(old, new)
    for place in sorted(_places(old) | _places(new)):
        _compare_variable(found, place, touched)
    return found


def _places(snapshot: Snapshot) -> set[Place]:
    return {(group, variable) for group in snapshot.group_names for variable in snapshot.group(group).variables}


def _compare_variable(found: Comparison, place: Place, touched: Touched) -> None:
    old, new = _variable(found.old, place), _variable(found.new, place)
    before = found.old.present(*place) if old else None
    after = found.new.present(*place) if new else None
    if old is None or new is None or old.dims != new.dims:
        _put(found.removed, place, before)
        _put(found.added, place, after)
        return
    assert before is not None
    assert after is not None
    pairs = _pairs(found, place[0], old.dims, before, after)
    _put(found.removed, place, np.delete(before, pairs[0], axis=0))
    _put(found.added, place, np.delete(after, pairs[1], axis=0))
    before, after = before[pairs[0]], after[pairs[1]]
    is_suspect = touched.mask(place, before, after)
    if old.codec != new.codec:
        is_suspect[:] = True
    before, after = before[is_suspect], after[is_suspect]
    differs = _differ(found, place, before, after)
    _put(found.before, place, before[differs])
    _put(found.replaced, place, after[differs])


def _variable(snapshot: Snapshot, place: Place) -> Variable | None:
    group, variable = place
    return snapshot.group(group).variables.get(variable) if group in snapshot.group_names else None


def _put(part: dict[Place, Rows], place: Place, rows: Rows | None) -> None:
    if rows is not None and len(rows):
        part[place] = rows


def _pairs(found: Comparison, group: str, dims: tuple[str, ...], before: Rows, after: Rows) -> tuple[Rows, Rows]:
    """Which rows of both are the same fields, by their labels."""
    if not dims:
        return np.arange(len(before)), np.arange(len(after))
    axes = [(found.old.group(group).axes[name], found.new.group(group).axes[name]) for name in dims]
    moved = np.stack([_slots_of(old, new)[before[:, i]] for i, (old, new) in enumerate(axes)], axis=1)
    known = np.flatnonzero((moved >= 0).all(axis=1))
    shape = tuple(max(len(new.labels), 1) for _, new in axes)
    flat = np.ravel_multi_index(tuple(moved[known].T), shape)
    _, first, second = np.intersect1d(
        flat, np.ravel_multi_index(tuple(after.T), shape), assume_unique=True, return_indices=True
    )
    return known[first], second


def _slots_of(old: Axis, new: Axis) -> np.ndarray:
    """Slot in the new axis of each slot of the old one; -1 where the label is gone."""
    return np.array([new.slots.get(label, -1) for label in old.labels.tolist()], dtype=np.int64)


def _differ(found: Comparison, place: Place, before: Rows, after: Rows) -> np.ndarray:
    """Whether the values of fields differ."""
    differs = np.zeros(len(before), dtype=bool)
    for start in range(0, len(before), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        pairs = zip(_chunks(found.old, place, before[part]), _chunks(found.new, place, after[part]), strict=True)
        differs[part] = [one.data != two.data and one.differs(two) for one, two in pairs]
    return differs


@dataclass(frozen=True, slots=True)
class _Chunk:
    """The chunk of a field."""

    data: bytes
    codec: Codec
    shape: tuple[int, ...]
    place: str

    def differs(self, other: _Chunk) -> bool:
        """Whether values differ; equal values may be compressed to different bytes by other versions of a codec."""
        if isinstance(self.codec, OpaqueCodec) or isinstance(other.codec, OpaqueCodec):
            return True
        one = self.codec.decode(self.data, self.shape, self.place)
        two = other.codec.decode(other.data, other.shape, other.place)
        return not np.array_equal(one, two, equal_nan=True)


def _chunks(snapshot: Snapshot, place: Place, rows: Rows) -> Iterator[_Chunk]:
    group = snapshot.group(place[0])
    variable = group.variables[place[1]]
    keys = list(chunk_keys(group, variable, rows))
    shape = variable.shape[len(variable.dims) :]
    for key, data in zip(keys, snapshot.read_chunks(keys), strict=True):
        assert data is not None
        yield _Chunk(data, variable.codec, shape, f"the field {key} of the cube {snapshot.url!r}")


def labels_of(snapshot: Snapshot, place: Place, rows: Rows) -> list[tuple[object, ...]]:
    """Labels of fields."""
    group = snapshot.group(place[0])
    axes = [group.axes[name].labels.tolist() for name in group.variables[place[1]].dims]
    return [tuple(labels[slot] for labels, slot in zip(axes, row, strict=True)) for row in rows.tolist()]


def count(part: Mapping[Place, Rows]) -> int:
    """Number of fields."""
    return sum(map(len, part.values()))
