"""Take fields out of a session: chunks, arrays and groups that are left empty, and slots that become free."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.store.chunk_io import run_async
from dtedask.store.placement import write_free
from dtedask.store.series.forget import forget_fields, forget_group, forget_variables

if TYPE_CHECKING:
    from dtedask.store.group import Group, Variable
    from dtedask.store.snapshot import Snapshot

_AT_ONCE = 64
# Slots of fields by group and variable; each an array of shape (fields, dimensions before the grid's).
Fields = Mapping[tuple[str, str], np.ndarray]
# The same with the dimensions of each variable.
Added = Mapping[tuple[str, str], tuple[tuple[str, ...], np.ndarray]]
Left = dict[str, tuple[tuple[str, ...], np.ndarray]]


def remove(store: Any, snapshot: Snapshot, removed: Fields, added: Added | None = None) -> None:
    """Take fields out of a session.

    A variable without fields loses its array, a group its variables; both may come again with other dimensions. What
    others put into the cube stays.

    Parameters
    ----------
    store : icechunk.IcechunkStore
        Store of the session, after the forks of the transaction were merged: a fork must not delete.
    snapshot : Snapshot
        The cube before the transaction.
    removed : mapping
        Fields of the snapshot to take out.
    added : mapping, optional
        Fields that the session wrote; they keep their slots.
    """
    forget_fields(store, snapshot, removed)
    names = {group for group, _ in removed}
    for name in sorted(names):
        rest = _Rest(snapshot, snapshot.group(name), removed, added or {})
        run_async(_remove_from(store, rest, rest.variables()))


@dataclass(frozen=True)
class _Rest:
    """What is left of a group."""

    snapshot: Snapshot
    group: Group
    removed: Fields
    added: Added

    def variables(self) -> Left:
        """Dimensions, and slots of the fields that stay or came, of each variable that has some."""
        found = {variable: part for (group, variable), part in self.added.items() if group == self.group.name}
        for name, variable in self.group.variables.items():
            parts = [self._staying(name), *([found[name][1]] if name in found else [])]
            found[name] = (variable.dims, np.concatenate(parts))
        return {name: (dims, slots) for name, (dims, slots) in found.items() if len(slots)}

    def _staying(self, variable: str) -> np.ndarray:
        path = (self.group.name, variable)
        present = self.snapshot.present(*path)
        return present[~are_in(present, self.removed[path])] if path in self.removed else present


def are_in(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Which rows are among the others."""
    if not rows.shape[1]:
        return np.full(len(rows), len(others) > 0)
    shape = tuple(np.maximum(rows.max(axis=0, initial=0), others.max(axis=0, initial=0)) + 1)
    return np.isin(np.ravel_multi_index(tuple(rows.T), shape), np.ravel_multi_index(tuple(others.T), shape))


async def _remove_from(store: Any, rest: _Rest, left: Left) -> None:
    group = rest.group
    for name in group.variables.keys() - left.keys():
        await store.delete_dir(f"{group.name}/{name}")
    await forget_variables(store, group.name, group.series.keys() - left.keys())
    if not left:
        await _remove_group(store, group)
        return
    await _delete(
        store,
        (
            key
            for (name, variable), slots in rest.removed.items()
            if name == group.name and variable in left
            for key in chunk_keys(group, group.variables[variable], slots)
        ),
    )
    await _free_slots(store, group, left, has_added=bool(rest.added))


async def _remove_group(store: Any, group: Group) -> None:
    """Remove what is ours; the grid stays as long as something of others stands in the group."""
    for name in group.axes:
        await store.delete_dir(f"{group.name}/{name}")
    if group.series:
        await forget_group(store, group.name, group.series)
    children = {name async for name in store.list_dir(group.name)} - {"zarr.json"}
    if children <= group.coordinates.keys():
        await store.delete_dir(group.name)
    else:
        await write_free(store, group.name, group.attributes, {})


async def _free_slots(store: Any, group: Group, left: Left, *, has_added: bool) -> None:
    used: dict[str, list[np.ndarray]] = {}
    for dims, slots in left.values():
        for position, dimension in enumerate(dims):
            used.setdefault(dimension, []).append(slots[:, position])
    for name in group.axes.keys() - used.keys():
        await store.delete_dir(f"{group.name}/{name}")
    free = {
        name: np.setdiff1d(np.arange(len(group.axes[name].labels)), np.concatenate(parts)).tolist()
        for name, parts in used.items()
        if name in group.axes
    }
    # A transaction that wrote, too, may have taken free slots.
    if has_added or free != {name: sorted(group.axes[name].free) for name in free}:
        await write_free(store, group.name, group.attributes, free)


def chunk_keys(group: Group, variable: Variable, slots: np.ndarray) -> Iterable[str]:
    """Zarr keys of the chunks of fields."""
    zeros = ["0"] * (len(variable.shape) - len(variable.dims))
    return (f"{group.name}/{variable.name}/c/{'/'.join([*map(str, row), *zeros])}" for row in slots.tolist())


async def _delete(store: Any, keys: Iterable[str]) -> None:
    limit = asyncio.Semaphore(_AT_ONCE)

    async def one(key: str) -> None:
        async with limit:
            await store.delete(key)

    await asyncio.gather(*(one(key) for key in keys))


def stored_bytes(snapshot: Snapshot, keys: Iterable[str]) -> int:
    """Bytes that chunks of a snapshot take on disk."""

    async def ask() -> int:
        limit = asyncio.Semaphore(_AT_ONCE)

        async def one(key: str) -> int:
            async with limit:
                return int(await snapshot.session.store.getsize(key))

        return sum(await asyncio.gather(*(one(key) for key in keys)))

    return int(run_async(ask()))
