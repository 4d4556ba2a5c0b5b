"""The commit that makes blocks visible: a short one, for they were written before."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.core.errors import StoreError
from dtedask.store.chunk_io import run_async
from dtedask.store.layouts.references import Reference
from dtedask.store.past.touched import Touched, touched_between
from dtedask.store.repository import cached_snapshot, open_repository
from dtedask.store.series.array import FOLDER, Block, SeriesArray
from dtedask.store.transaction import Prepared, Transaction

if TYPE_CHECKING:
    from dtedask.store.series.build import Built
    from dtedask.store.snapshot import Snapshot

Place = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class SeriesTransaction(Transaction):
    """Refer to blocks that were written, as far as their fields are still those that they were made of.

    Parameters
    ----------
    built : sequence of Built
        Blocks of one snapshot.
    replaces : bool
        Whether blocks that exist are replaced.
    accepted : list of Built
        Those that the last attempt took.
    """

    built: Sequence[Built]
    replaces: bool = False
    accepted: list[Built] = field(default_factory=list, compare=False)

    def _prepare(self) -> Prepared | None:
        repo = open_repository(self.location, self.cube)
        session = repo.writable_session(self.options.branch)
        head: str = session.snapshot_id
        after = cached_snapshot(self.location, self.cube, head)
        good = self._good(after)
        self.accepted[:] = good
        if not good:
            return None
        run_async(_write(session.store, after, good))
        fields = sum(len(one.plan.steps) for one in good)
        return Prepared(repo, session, head, self._new_commit(repo, head, f"time series of {fields} fields"))

    def _good(self, after: Snapshot) -> list[Built]:
        before = cached_snapshot(self.location, self.cube, self.built[0].task.snapshot)
        touched = touched_between(before, after) if before.id != after.id else Touched()
        good: list[Built] = []
        for place, found in _by_variable(self.built).items():
            series = found[0].task.series
            if not _fits(after, place, series):
                continue
            known, old = _known(after, place), _known(before, place)
            is_alike = known is not None and known.layout == series.layout
            if known is not None and not is_alike and (old is None or old.layout != known.layout):
                continue  # somebody else laid them out meanwhile
            changed = _changed_blocks(touched, place, series)
            same = [one for one in found if one.plan.block not in changed and is_same(one, before, after, touched)]
            good += self._wanted(after, series, same) if is_alike else same
        return good

    def _wanted(self, after: Snapshot, series: SeriesArray, found: Sequence[Built]) -> list[Built]:
        """Blocks that are not there yet; all of them where they are to be replaced."""
        if self.replaces:
            return list(found)
        there = after.exist([(series.path, series.coordinates(one.plan.block)) for one in found])
        return [one for one, is_there in zip(found, there, strict=True) if not is_there]


def is_same(built: Built, before: Snapshot, after: Snapshot, touched: Touched) -> bool:
    """Whether a later snapshot has exactly the fields that a block was made of, if no log says that they changed."""
    task, plan = built.task, built.plan
    if f"/{task.group}/{task.variable}" in touched.arrays:
        return False
    if touched.same is None:
        return True
    series, position = task.series, task.series.step_position
    rows = np.array([plan.block] * len(plan.steps), dtype=np.int64)
    rows[:, position] = plan.steps
    present = after.present(task.group, task.variable)
    count = int((series.blocks_of(present) == np.array(plan.block)).all(axis=1).sum())
    labels = [
        np.array_equal(old.labels[rows[:, place]], new.labels[rows[:, place]])
        for place, (old, new) in enumerate(
            (before.group(task.group).axes[name], after.group(task.group).axes[name]) for name in series.dims
        )
    ]
    return count == len(rows) and all(labels) and not touched.mask((task.group, task.variable), rows, rows).any()


def _changed_blocks(touched: Touched, place: Place, series: SeriesArray) -> set[Block]:
    """Blocks of which a log says that a field was written or taken out."""
    return {_block_of(series, chunk) for chunk in touched.chunks.get("/{}/{}".format(*place), ())}


def _block_of(series: SeriesArray, chunk: Sequence[int]) -> Block:
    row = list(chunk[: len(series.dims)])
    row[series.step_position] //= series.block_steps
    return tuple(row)


def _by_variable(built: Sequence[Built]) -> Mapping[Place, list[Built]]:
    found: dict[Place, list[Built]] = {}
    for one in built:
        found.setdefault((one.task.group, one.task.variable), []).append(one)
    return found


def _known(snapshot: Snapshot, place: Place) -> SeriesArray | None:
    group, variable = place
    return snapshot.group(group).series.get(variable) if group in snapshot.group_names else None


def _fits(after: Snapshot, place: Place, series: SeriesArray) -> bool:
    """Whether the variable is still there as it was; its time series may be laid out anew."""
    group, variable = place
    if group not in after.group_names:
        return False
    found = after.group(group).variables.get(variable)
    return found is not None and found.dims == series.dims and found.dtype == series.codec.dtype


async def _write(store: Any, after: Snapshot, good: Sequence[Built]) -> None:
    groups = {one.task.group for one in good}
    for group in sorted(groups):
        if not after.group(group).series and not await store.exists(f"{group}/{FOLDER}/zarr.json"):
            await _set(store, f"{group}/{FOLDER}/zarr.json", {"zarr_format": 3, "node_type": "group", "attributes": {}})
    for place, found in _by_variable(good).items():
        await _write_array(store, after, place, found[0].task.series)
        await _write_blocks(store, found)


async def _write_array(store: Any, after: Snapshot, place: Place, series: SeriesArray) -> None:
    group, name = place
    variable = after.group(group).variables[name]
    known = _known(after, place)
    if known is not None and known.layout != series.layout:
        await store.delete_dir(series.path)
    elif known is not None and known.shape == variable.shape:
        return
    names = list(variable.metadata["dimension_names"])
    document = {**series.document(), "shape": list(variable.shape), "dimension_names": names}
    await _set(store, f"{series.path}/zarr.json", document)


async def _write_blocks(store: Any, found: Sequence[Built]) -> None:
    from icechunk import VirtualChunkSpec
    from zarr.core.buffer import cpu

    specs = []
    for one in found:
        series, block = one.task.series, one.plan.block
        if isinstance(one.data, Reference):
            where = list(series.coordinates(block))
            specs.append(VirtualChunkSpec(where, one.data.url, one.data.offset, one.data.length))
        else:
            await store.set(series.key(block), cpu.Buffer.from_bytes(one.data))
    path = found[0].task.series.path
    refused = await store.set_virtual_refs_async(f"/{path}", specs) if specs else None
    if refused:
        raise StoreError(
            f"{len(refused)} blocks of {path!r} lie where the cube may not refer to.",
            hint="This is a fault of dtedask: please report it.",
        )


async def _set(store: Any, key: str, document: Mapping[str, Any]) -> None:
    from zarr.core.buffer import cpu

    await store.set(key, cpu.Buffer.from_bytes(json.dumps(document).encode()))
