"""Blocks as bytes: pieces one after the other, and an index of them at the end, as Zarr's sharding has it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from google_crc32c import value as crc32c

from dtedask.core.errors import DamagedError
from dtedask.store.chunk_io import run_async
from dtedask.store.failures import read_error
from dtedask.store.layouts.index_cache import IndexCache
from dtedask.store.layouts.moved import with_moved

if TYPE_CHECKING:
    from dtedask.store.snapshot import Snapshot

NOWHERE = 2**64 - 1
_CRC_BYTES = 4
_RANGE_BYTES = 16
_AT_ONCE = 64
_GAP_BYTES = 4096
_REQUEST_BYTES = 8 * 2**20
_KEPT_INDEX_BYTES = 64 * 2**20
Range = tuple[int, int]


class ShardWriter:
    """Writes the pieces of one block, in any order.

    Parameters
    ----------
    write : callable
        Appends bytes to where the block goes.
    count : int
        Number of pieces of a block.
    """

    def __init__(self, write: Callable[[bytes], object], count: int) -> None:
        self._write = write
        self._index = np.full((count, 2), NOWHERE, dtype="<u8")
        self.size_bytes = 0

    def add(self, number: int, data: bytes) -> None:
        """Append a piece; one that is never added has only missing values."""
        self._index[number] = self.size_bytes, len(data)
        self._append(data)

    def close(self) -> None:
        """Append the index."""
        index = self._index.tobytes()
        checksum: int = crc32c(index)
        self._append(index + checksum.to_bytes(_CRC_BYTES, "little"))

    def _append(self, data: bytes) -> None:
        self._write(data)
        self.size_bytes += len(data)


def indexes(snapshot: Snapshot, keys: Sequence[str], count: int) -> dict[str, np.ndarray]:
    """Where the pieces of blocks lie; those that were read lately are remembered.

    Parameters
    ----------
    snapshot : Snapshot
        The cube.
    keys : sequence of str
        Zarr keys of blocks that exist.
    count : int
        Pieces of a block.

    Returns
    -------
    dict of str to numpy.ndarray of uint64, shape (count, 2)
        Offset and length of each piece by key; `NOWHERE` for what is not stored.

    Raises
    ------
    DamagedError
        If the checksum of an index does not match.
    """
    from zarr.abc.store import SuffixByteRequest

    found = {key: _kept.get((snapshot.url, snapshot.id, key)) for key in keys}
    asked = [key for key, index in found.items() if index is None]
    if not asked:
        return {key: index for key, index in found.items() if index is not None}
    parts = [(key, SuffixByteRequest(index_bytes(count))) for key in asked]
    for key, data in zip(asked, _fetch(snapshot, parts), strict=True):
        found[key] = index = read_index(data, count, key)
        _kept.put((snapshot.url, snapshot.id, key), index)
    return {key: index for key, index in found.items() if index is not None}


def index_bytes(count: int) -> int:
    """Length of the index of so many pieces."""
    return count * _RANGE_BYTES + _CRC_BYTES


def are_known(snapshot: Snapshot, keys: Sequence[str]) -> list[bool]:
    """Whether the index of each block was read lately, so that the block is there."""
    return [_kept.get((snapshot.url, snapshot.id, key)) is not None for key in keys]


def read_index(data: bytes, count: int, key: str) -> np.ndarray:
    """An index from the last bytes of a block; see `indexes`."""
    body, stored = data[:-_CRC_BYTES], int.from_bytes(data[-_CRC_BYTES:], "little")
    if len(body) != count * _RANGE_BYTES or crc32c(body) != stored:
        raise DamagedError(
            f"The index of the time series {key!r} is damaged: the stored bytes have changed.",
            hint="`dtedask store rechunk REQUEST --rebuild` makes them anew.",
        )
    return np.frombuffer(body, dtype="<u8").reshape(count, 2)


def read_ranges(snapshot: Snapshot, wanted: Sequence[tuple[str, Range]]) -> list[bytes]:
    """Bytes of pieces, each given by the key of its block, offset and length; neighbours are fetched together."""
    from zarr.abc.store import RangeByteRequest

    order = sorted(range(len(wanted)), key=lambda place: wanted[place])
    runs: list[list[int]] = []
    for place in order:
        key, (first, length) = wanted[place]
        if runs and _joins(wanted[runs[-1][0]], wanted[runs[-1][-1]], key, first, length):
            runs[-1].append(place)
        else:
            runs.append([place])
    asked = [(wanted[run[0]][0], RangeByteRequest(wanted[run[0]][1][0], sum(wanted[run[-1]][1]))) for run in runs]
    found: list[bytes] = [b""] * len(wanted)
    for run, data in zip(runs, _fetch(snapshot, asked), strict=True):
        start = wanted[run[0]][1][0]
        for place in run:
            first, length = wanted[place][1]
            found[place] = data[first - start : first - start + length]
    return found


def _joins(begin: tuple[str, Range], last: tuple[str, Range], key: str, first: int, length: int) -> bool:
    gap = first - sum(last[1])
    return key == last[0] and 0 <= gap <= _GAP_BYTES and first + length - begin[1][0] <= _REQUEST_BYTES


def _fetch(snapshot: Snapshot, wanted: Sequence[tuple[str, Any]]) -> list[bytes]:
    """Parts of chunks, side by side."""
    snapshot.check_chunks([key.split("/c/", 1) for key, _ in wanted])
    with snapshot.told_damage():
        found = read_parts(snapshot, wanted)
        for (key, _), data in zip(wanted, found, strict=True):
            if isinstance(data, Exception):
                raise read_error(data, f"the time series {key!r} of the cube {snapshot.url!r}") from data
            if data is None:
                raise DamagedError(
                    f"There are no time series {key!r} in the cube {snapshot.url!r}.",
                    hint="`dtedask store verify` finds what is damaged.",
                )
    return [data for data in found if isinstance(data, bytes)]


def read_parts(snapshot: Snapshot, wanted: Sequence[tuple[str, Any]]) -> list[bytes | Exception | None]:
    """Parts of chunks, also of those whose packs were moved; what fails stands in the place of its bytes."""
    found = run_async(_get_parts(snapshot.session.store, wanted))
    return with_moved(snapshot, [key for key, _ in wanted], found, [part for _, part in wanted])


async def _get_parts(store: Any, wanted: Sequence[tuple[str, Any]]) -> list[bytes | Exception | None]:
    """Parts of chunks; what fails stands in the place of its bytes."""
    import icechunk
    from zarr.core.buffer import default_buffer_prototype

    limit, prototype = asyncio.Semaphore(_AT_ONCE), default_buffer_prototype()

    async def one(key: str, part: Any) -> bytes | Exception | None:
        async with limit:
            try:
                data = await store.get(key, prototype, part)
            except (icechunk.IcechunkError, ValueError) as error:
                return error
        return None if data is None else data.to_bytes()

    return list(await asyncio.gather(*(one(key, part) for key, part in wanted)))


_kept = IndexCache(_KEPT_INDEX_BYTES)
