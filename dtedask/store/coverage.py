"""Which slots of a group's axes hold fields: a few questions to the manifest say, or all of it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from dtedask.store.snapshot import run_async

if TYPE_CHECKING:
    from dtedask.store.snapshot import Group, Snapshot, Variable

_MOST_QUESTIONS = 4096
_MOST_VARIABLES = 4
Coordinates = tuple[int, ...]


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
    slots = {name: np.arange(len(group.axes[name].labels)) for name in names}
    if _are_all_used(snapshot, group.name, found, slots):
        return slots
    used: dict[str, list[np.ndarray]] = {}
    for variable in found:
        present = snapshot.present(group.name, variable.name)
        for position, name in enumerate(variable.dims):
            used.setdefault(name, []).append(np.unique(present[:, position]))
    return {name: np.unique(np.concatenate(parts)) for name, parts in used.items()}


def variables_with_fields(snapshot: Snapshot, group: Group) -> list[Variable]:
    """Variables of a group that hold at least one field."""
    return [
        variable
        for variable, field in zip(group.variables.values(), _some_fields(snapshot, group), strict=True)
        if field is not None or len(snapshot.present(group.name, variable.name))
    ]


def _some_fields(snapshot: Snapshot, group: Group) -> list[Coordinates | None]:
    """Coordinates of a field at a corner of each variable; None where there is none."""
    variables = list(group.variables.values())
    corners = [_corners(variable) for variable in variables]
    asked = [(variable, corner) for variable, found in zip(variables, corners, strict=True) for corner in found]
    answers = iter(_exist(snapshot, group.name, asked))
    there = [[corner for corner in found if next(answers)] for found in corners]
    return [found[0] if found else None for found in there]


def _corners(variable: Variable) -> list[Coordinates]:
    last = tuple(max(length - 1, 0) for length in variable.shape[: len(variable.dims)])
    return list(dict.fromkeys((last, tuple(0 for _ in last))))


def _are_all_used(snapshot: Snapshot, group: str, variables: list[Variable], slots: Mapping[str, np.ndarray]) -> bool:
    open_slots = {name: set(found.tolist()) for name, found in slots.items()}
    if sum(map(len, open_slots.values())) > _MOST_QUESTIONS:
        return False
    for variable, corner in itertools.islice(_lines(variables), 2 * _MOST_VARIABLES):
        asked = {
            (name, slot): (*corner[:position], slot, *corner[position + 1 :])
            for position, name in enumerate(variable.dims)
            for slot in open_slots[name]
            if slot < variable.shape[position]
        }
        answers = _exist(snapshot, group, [(variable, coordinates) for coordinates in asked.values()])
        for (name, slot), is_there in zip(asked, answers, strict=True):
            if is_there:
                open_slots[name].discard(slot)
        if not any(open_slots.values()):
            return True
    return False


def _lines(variables: list[Variable]) -> Iterable[tuple[Variable, Coordinates]]:
    return ((variable, corner) for variable in variables for corner in _corners(variable))


def _exist(snapshot: Snapshot, group: str, chunks: Iterable[tuple[Variable, Coordinates]]) -> list[bool]:
    from icechunk import ChunkType

    async def ask() -> list[bool]:
        kinds = await asyncio.gather(
            *(
                snapshot.session.chunk_type_async(
                    f"/{group}/{variable.name}", (*slots, *(0 for _ in variable.shape[len(slots) :]))
                )
                for variable, slots in chunks
            )
        )
        return [kind != ChunkType.UNINITIALIZED for kind in kinds]

    return list(run_async(ask()))
