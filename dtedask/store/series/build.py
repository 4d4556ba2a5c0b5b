"""The tasks of a rechunk: read the fields of blocks, a few steps at a time, and write them by patches."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dtedask.core.errors import DamagedError
from dtedask.store.layouts.references import Reference
from dtedask.store.pool import decoding_pool
from dtedask.store.repository import cached_snapshot
from dtedask.store.series.shards import ShardWriter
from dtedask.store.upkeep.affected import Place

if TYPE_CHECKING:
    from dtedask.store.layouts import FieldCodec, Packs, PackWriter
    from dtedask.store.location import Location
    from dtedask.store.series.array import Block, SeriesArray
    from dtedask.store.snapshot import Snapshot

FETCHED_BYTES = 32 * 2**20
ENCODED_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class BlockPlan:
    """A block to make.

    Parameters
    ----------
    block : tuple of int
        Which.
    steps : tuple of int
        Slots of the steps that have fields, ascending.
    """

    block: Block
    steps: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class BuildTask:
    """Blocks of one variable that are made together, in one pack.

    Parameters
    ----------
    location : Location
        The root.
    cube, snapshot, group, variable : str
        The fields.
    codec : FieldCodec
        How these are stored.
    series : SeriesArray
        Where the blocks go.
    blocks : tuple of BlockPlan
        The blocks.
    """

    location: Location
    cube: str
    snapshot: str
    group: str
    variable: str
    codec: FieldCodec
    series: SeriesArray
    blocks: tuple[BlockPlan, ...]

    def __str__(self) -> str:
        return f"{self.series.path} of {self.location.cube_url(self.cube)!r}"

    @property
    def fields(self) -> int:
        """Number of fields."""
        return sum(len(one.steps) for one in self.blocks)

    @property
    def size_bytes(self) -> int:
        """Size of the fields, decoded."""
        return self.fields * self.series.field_bytes


@dataclass(frozen=True, slots=True)
class Built:
    """A block that is written and that nothing refers to yet.

    Parameters
    ----------
    task : BuildTask
        What it was made for.
    plan : BlockPlan
        Which block.
    data : Reference or bytes
        Where it lies; the block itself where the root is the memory of this process.
    size_bytes : int
        Its length.
    """

    task: BuildTask
    plan: BlockPlan
    data: Reference | bytes
    size_bytes: int


def memory_of(series: SeriesArray) -> int:
    """Bytes that a task holds at most: the fields of one piece, those that are being read, and encoded pieces."""
    field = series.field_bytes
    return series.steps * field + 2 * max(FETCHED_BYTES, field) + 3 * max(ENCODED_BYTES, series.piece_bytes)


def build(task: BuildTask, packs: Packs, *, syncs: bool = False) -> list[Built]:
    """Write the blocks of a task.

    A pure function of its arguments but for the pack, which belongs to nothing until a transaction refers to it.

    Parameters
    ----------
    task : BuildTask
        What to make.
    packs : Packs
        Where the packs of the cube are.
    syncs : bool
        Whether to sync the file system of the root before returning.

    Raises
    ------
    DamagedError
        If a field cannot be read.
    """
    from dtedask.store.syncing import sync_to_disk

    found = list(_in_memory(task)) if not packs.can_be_written else _in_a_pack(task, packs)
    if syncs:
        sync_to_disk(packs.location)
    return found


def _in_memory(task: BuildTask) -> Iterator[Built]:
    for plan in task.blocks:
        parts: list[bytes] = []
        size = _write_block(task, plan, ShardWriter(parts.append, math.prod(task.series.pieces)))
        yield Built(task, plan, b"".join(parts), size)


def _in_a_pack(task: BuildTask, packs: Packs) -> list[Built]:
    pack = packs.writer("chunks")
    try:
        found = [_add_block(task, plan, pack) for plan in task.blocks]
        pack.close()
    except BaseException:
        pack.discard()
        raise
    return found


def _add_block(task: BuildTask, plan: BlockPlan, pack: PackWriter) -> Built:
    first: Reference | None = None

    def write(data: bytes) -> None:
        nonlocal first
        where = pack.add(data)
        first = first or where

    size = _write_block(task, plan, ShardWriter(write, math.prod(task.series.pieces)))
    assert first is not None  # the index is always written
    return Built(task, plan, Reference(first.url, first.offset, size), size)


def _write_block(task: BuildTask, plan: BlockPlan, writer: ShardWriter) -> int:
    series = task.series
    fields = np.empty((series.steps, *series.grid_shape), series.codec.dtype)
    first = plan.block[series.step_position] * series.block_steps
    for number in range(series.pieces[0]):
        start = first + number * series.steps
        steps = [slot for slot in plan.steps if start <= slot < start + series.steps]
        if steps:
            _read_fields(task, plan, steps, start, fields)
            _write_pieces(series, number, fields, writer)
    writer.close()
    return writer.size_bytes


def _read_fields(task: BuildTask, plan: BlockPlan, steps: Sequence[int], start: int, out: np.ndarray) -> None:
    """Decode the fields of some steps into their places; the others are missing."""
    snapshot = cached_snapshot(task.location, task.cube, task.snapshot)
    absent = np.setdiff1d(np.arange(len(out)), np.array(steps) - start)
    out[absent] = np.nan
    many = max(FETCHED_BYTES // task.series.field_bytes, 1)
    for begin in range(0, len(steps), many):
        part = steps[begin : begin + many]
        _decode(task, snapshot, [_key(task, plan, slot) for slot in part], [out[slot - start] for slot in part])


def _decode(task: BuildTask, snapshot: Snapshot, keys: list[str], out: Sequence[np.ndarray]) -> None:
    stored = snapshot.read_chunks(keys)

    def decode(number: int) -> None:
        data, place = stored[number], Place(snapshot, keys[number])
        if data is None:
            raise DamagedError(f"There is no data of {place}.", hint="`dtedask store verify` finds what is damaged.")
        task.codec.decode_into(out[number], data, place)

    list(decoding_pool().map(decode, range(len(keys))))


def _key(task: BuildTask, plan: BlockPlan, step: int) -> str:
    slots = [*plan.block]
    slots[task.series.step_position] = step
    return f"{task.group}/{task.variable}/c/{'/'.join(map(str, task.series.coordinates(tuple(slots))))}"


def _write_pieces(series: SeriesArray, steps: int, fields: np.ndarray, writer: ShardWriter) -> None:
    """Encode the patches of some steps, a bounded number at a time, and write them in order."""
    patches = list(itertools.product(*(range(count) for count in series.pieces[1:])))
    many = max(ENCODED_BYTES // series.piece_bytes, 1)
    for begin in range(0, len(patches), many):
        part = patches[begin : begin + many]
        pieces = decoding_pool().map(lambda patch: _encoded(series, fields, patch), part)
        for patch, data in zip(part, pieces, strict=True):
            if data is not None:
                writer.add(int(np.ravel_multi_index((steps, *patch), series.pieces)), data)


def _encoded(series: SeriesArray, fields: np.ndarray, patch: tuple[int, ...]) -> bytes | None:
    """One piece; None where all of it is missing."""
    box = tuple(slice(place * size, (place + 1) * size) for place, size in zip(patch, series.patch, strict=True))
    values = fields[(slice(None), *box)]
    if np.isnan(values[(0,) * values.ndim]) and np.isnan(values).all():
        return None
    if values.shape != series.piece_shape:
        whole = np.full(series.piece_shape, np.nan, values.dtype)
        whole[tuple(slice(size) for size in values.shape)] = values
        values = whole
    return series.codec.encode(values)
