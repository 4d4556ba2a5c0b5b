"""Which slots of a group's axes hold fields: a few questions to the manifest say, or all of it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from dtedask.store.group import Group, Variable
    from dtedask.store.snapshot import Snapshot

_MOST_QUESTIONS = 4096
_FEW_QUESTIONS = 16
_QUESTION_IN_FIELDS = 8  # asking for one field takes as long as listing so many
_MOST_VARIABLES = 4
Coordinates = tuple[int, ...]
Allowed = Sequence["np.ndarray | None"]


def used_slots(snapshot: Snapshot, group: Group, variables: Iterable[Variable]) -> dict[str, np.ndarray]:
    """Slots of each dimension that hold at least one field, ascending.

    Listing takes 3 s for a million fields. In a cube without gaps a field is found for every slot along one line a
    dimension, and that says as much.

    Parameters
    ----------
    snapshot : Snapshot
        The cube.
    group : Group
        One of its groups.
    variables : iterable of Variable
        Some of the group's variables, each with at least one field.
    """
    found = list(variables)
    names = {name for variable in found for name in variable.dims}
    slots = {name: group.axes[name].live for name in names}
    if _are_all_used(snapshot, group.name, found, slots):
        return slots
    used: dict[str, list[np.ndarray]] = {}
    for variable in found:
        present = snapshot.present(group.name, variable.name)
        for name, part in zip(variable.dims, used_of(present, variable), strict=True):
            used.setdefault(name, []).append(part)
    return {name: np.unique(np.concatenate(parts)) for name, parts in used.items()}


def used_within(snapshot: Snapshot, group: Group, variable: Variable, allowed: Allowed) -> tuple[np.ndarray, ...]:
    """Slots of each dimension of a variable that hold at least one field of those that are allowed, ascending.

    Parameters
    ----------
    allowed : sequence of (numpy.ndarray or None)
        Slots of each dimension, ascending; None for all of it.
    """
    if not snapshot.is_listed(group.name, variable.name):
        slots = dict(zip(variable.dims, _box(group, variable, allowed), strict=True))
        if all(map(len, slots.values())) and _are_all_used(snapshot, group.name, [variable], slots):
            return tuple(slots.values())
    return used_of(fields_within(snapshot, group, variable, allowed), variable)


def fields_within(snapshot: Snapshot, group: Group, variable: Variable, allowed: Allowed) -> np.ndarray:
    """Slots of the fields of a variable that are allowed, in the order people see.

    A few fields of many are asked for one by one; else all of the variable are listed, once a snapshot.

    Returns
    -------
    numpy.ndarray of int64, shape (fields, dimensions before the grid's)
    """
    box = _box(group, variable, allowed)
    if not all(map(len, box)):
        return np.empty((0, len(box)), dtype=np.int64)
    if all(slots is None for slots in allowed):
        return snapshot.present(group.name, variable.name)
    if not snapshot.is_listed(group.name, variable.name) and _is_worth_asking(variable, box):
        return _asked(snapshot, group, variable, box)
    present = snapshot.present(group.name, variable.name)
    keep = np.ones(len(present), dtype=bool)
    for position, slots in enumerate(allowed):
        if slots is not None:
            keep &= _mask(slots, variable.shape[position])[present[:, position]]
    return present[keep]


def has_fields(snapshot: Snapshot, group: Group, variable: Variable, allowed: Allowed) -> bool:
    """Whether any field of a variable is allowed."""
    box = _box(group, variable, allowed)
    if not all(map(len, box)):
        return False
    if not snapshot.is_listed(group.name, variable.name):
        corners = dict.fromkeys(tuple(int(slots[place]) for slots in box) for place in (-1, 0))
        if any(exist(snapshot, group.name, [(variable, corner) for corner in corners])):
            return True
    return len(fields_within(snapshot, group, variable, allowed)) > 0


def used_of(fields: np.ndarray, variable: Variable) -> tuple[np.ndarray, ...]:
    """Slots of each dimension that some fields stand at, ascending.

    Parameters
    ----------
    fields : numpy.ndarray of int64, shape (fields, dimensions)
        Slots of fields of the variable.
    """
    return tuple(
        np.flatnonzero(_mask(fields[:, position], variable.shape[position])) for position in range(fields.shape[1])
    )


def variables_with_fields(snapshot: Snapshot, group: Group) -> list[Variable]:
    """Variables of a group that hold at least one field."""
    return [
        variable
        for variable, field in zip(group.variables.values(), _some_fields(snapshot, group), strict=True)
        if field is not None or len(snapshot.present(group.name, variable.name))
    ]


def exist(snapshot: Snapshot, group: str, chunks: Iterable[tuple[Variable, Coordinates]]) -> list[bool]:
    """Whether each of some fields exists.

    Parameters
    ----------
    chunks : iterable of (Variable, tuple of int)
        The variable and the slots of each field.
    """
    return snapshot.exist(
        [
            (f"{group}/{variable.name}", (*slots, *(0 for _ in variable.shape[len(slots) :])))
            for variable, slots in chunks
        ]
    )


def _box(group: Group, variable: Variable, allowed: Allowed) -> list[np.ndarray]:
    """Slots of each dimension that are allowed, not free and inside the variable."""
    sizes = variable.shape[: len(variable.dims)]
    wanted = (
        group.axes[name].live if slots is None else slots for name, slots in zip(variable.dims, allowed, strict=True)
    )
    return [slots[: np.searchsorted(slots, size)] for slots, size in zip(wanted, sizes, strict=True)]


def _mask(slots: np.ndarray, size: int) -> np.ndarray:
    found = np.zeros(size, dtype=bool)
    found[slots[slots < size]] = True
    return found


def _is_worth_asking(variable: Variable, box: Sequence[np.ndarray]) -> bool:
    count, total = math.prod(map(len, box)), math.prod(variable.shape[: len(box)])
    return count <= max(_FEW_QUESTIONS, min(total // _QUESTION_IN_FIELDS, _MOST_QUESTIONS))


def _asked(snapshot: Snapshot, group: Group, variable: Variable, box: Sequence[np.ndarray]) -> np.ndarray:
    seen = []
    for name, slots in zip(variable.dims, box, strict=True):
        order = group.axes[name].order
        seen.append(slots if order is None else order[np.isin(order, slots)])
    rows = list(itertools.product(*(slots.tolist() for slots in seen)))
    there = exist(snapshot, group.name, ((variable, row) for row in rows))
    found = np.array(rows, dtype=np.int64).reshape(len(rows), len(box))
    return np.compress(there, found, axis=0)


def _some_fields(snapshot: Snapshot, group: Group) -> list[Coordinates | None]:
    """Coordinates of a field at a corner of each variable; None where there is none."""
    variables = list(group.variables.values())
    corners = [_corners(variable, {name: group.axes[name].live for name in variable.dims}) for variable in variables]
    asked = [(variable, corner) for variable, found in zip(variables, corners, strict=True) for corner in found]
    answers = iter(exist(snapshot, group.name, asked))
    there = [[corner for corner in found if next(answers)] for found in corners]
    return [found[0] if found else None for found in there]


def _corners(variable: Variable, slots: Mapping[str, np.ndarray]) -> list[Coordinates]:
    ends = [slots[name][slots[name] < size] for name, size in zip(variable.dims, variable.shape, strict=False)]
    last, first = (tuple(int(found[place]) if len(found) else 0 for found in ends) for place in (-1, 0))
    return list(dict.fromkeys((last, first)))


def _are_all_used(snapshot: Snapshot, group: str, variables: list[Variable], slots: Mapping[str, np.ndarray]) -> bool:
    open_slots = {name: set(found.tolist()) for name, found in slots.items()}
    if sum(map(len, open_slots.values())) > _MOST_QUESTIONS:
        return False
    for variable, corner in itertools.islice(_lines(variables, slots), 2 * _MOST_VARIABLES):
        asked = {
            (name, slot): (*corner[:position], slot, *corner[position + 1 :])
            for position, name in enumerate(variable.dims)
            for slot in open_slots[name]
            if slot < variable.shape[position]
        }
        answers = exist(snapshot, group, [(variable, coordinates) for coordinates in asked.values()])
        for (name, slot), is_there in zip(asked, answers, strict=True):
            if is_there:
                open_slots[name].discard(slot)
        if not any(open_slots.values()):
            return True
    return False


def _lines(variables: list[Variable], slots: Mapping[str, np.ndarray]) -> Iterable[tuple[Variable, Coordinates]]:
    return ((variable, corner) for variable in variables for corner in _corners(variable, slots))
