"""Take time series away whose fields change, in the transaction that changes them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.store.chunk_io import run_async
from dtedask.store.series.array import FOLDER

if TYPE_CHECKING:
    from dtedask.store.series.array import SeriesArray
    from dtedask.store.snapshot import Snapshot

_AT_ONCE = 64
# Slots of fields by group and variable; each an array of shape (fields, dimensions before the grid's).
Fields = Mapping[tuple[str, str], np.ndarray]


def forget_fields(store: Any, snapshot: Snapshot, fields: Fields) -> None:
    """Take the blocks away that hold some fields.

    Parameters
    ----------
    store : icechunk.IcechunkStore
        Store of the session, after the forks of the transaction were merged: a fork must not delete.
    snapshot : Snapshot
        The cube before the transaction.
    fields : mapping
        Fields that are written or taken out.
    """
    keys = [
        key
        for (group, variable), slots in fields.items()
        if (series := _series(snapshot, group, variable)) is not None
        for key in _blocks_that_exist(snapshot, series, slots)
    ]
    if keys:
        run_async(_delete(store, keys))


def forget_chunks(store: Any, snapshot: Snapshot, keys: Iterable[str]) -> None:
    """Take the blocks away that hold some fields, each given by the Zarr key of its chunk; see `forget_fields`."""
    found = [(*key.partition("/c/")[0].rpartition("/")[::2], key) for key in keys]
    places = {(group, variable) for group, variable, _ in found}
    known = {place: series for place in places if (series := _series(snapshot, *place)) is not None}
    if not known:
        return
    rows: dict[tuple[str, str], list[list[int]]] = {}
    for group, variable, key in found:
        series = known.get((group, variable))
        if series is not None:
            row = [int(slot) for slot in key.partition("/c/")[2].split("/")][: len(series.dims)]
            rows.setdefault((group, variable), []).append(row)
    forget_fields(store, snapshot, {place: np.array(row, dtype=np.int64) for place, row in rows.items()})


async def forget_variables(store: Any, group: str, names: Iterable[str]) -> None:
    """Take the time series of variables away that have no field any more."""
    for name in names:
        await store.delete_dir(f"{group}/{FOLDER}/{name}")


async def forget_group(store: Any, group: str, names: Iterable[str]) -> None:
    """Take all time series of a group away; what others put beside them stays."""
    await forget_variables(store, group, names)
    if {name async for name in store.list_dir(f"{group}/{FOLDER}")} <= {"zarr.json"}:
        await store.delete_dir(f"{group}/{FOLDER}")


def _series(snapshot: Snapshot, group: str, variable: str) -> SeriesArray | None:
    return snapshot.group(group).series.get(variable) if group in snapshot.group_names else None


def _blocks_that_exist(snapshot: Snapshot, series: SeriesArray, slots: np.ndarray) -> list[str]:
    blocks = [tuple(row) for row in np.unique(series.blocks_of(slots), axis=0).tolist()]
    there = snapshot.exist([(series.path, series.coordinates(block)) for block in blocks])
    return [series.key(block) for block, exists in zip(blocks, there, strict=True) if exists]


async def _delete(store: Any, keys: list[str]) -> None:
    limit = asyncio.Semaphore(_AT_ONCE)

    async def one(key: str) -> None:
        async with limit:
            await store.delete(key)

    await asyncio.gather(*(one(key) for key in keys))
