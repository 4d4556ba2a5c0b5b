"""Reading a part of many fields in tiles: their indices once, then the bytes of few tiles, all side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.store.layouts.index_cache import IndexCache
from dtedask.store.layouts.tiles import TileCodec
from dtedask.store.layouts.tiling import Tiling, Window

if TYPE_CHECKING:
    from dtedask.store.snapshot import Snapshot

GAP_BYTES = 2**18  # a request takes as long as reading so much more, on local disk and beyond
_INDICES_BYTES = 32 * 2**20
Stored = dict[int, np.ndarray]


def read_tiles(
    snapshot: Snapshot,
    keys: Sequence[str],
    codec: TileCodec,
    tiling: Tiling,
    window: Window,
    place: Callable[[str], object],
) -> list[Stored | None]:
    """Stored bytes of the tiles that a window touches, for many fields.

    Parameters
    ----------
    snapshot : Snapshot
        Where they are.
    keys : sequence of str
        Zarr keys of the fields.
    codec : TileCodec
        How they are stored.
    tiling : Tiling
        How they are cut.
    window : Window
        The part that is wanted. Where it touches half of the tiles or more, fields are read as a whole.
    place : callable
        What to call the field of a key in an error.

    Returns
    -------
    list of (dict or None)
        For each field the bytes by number of the tile, without those that are not stored; None where there is no field.

    Raises
    ------
    DamagedError
        If the index of a field is damaged, or bytes are missing.
    """
    if 2 * len(window.tiles) >= tiling.count:
        fields = snapshot.read_chunks(list(keys))
        return [
            None if data is None else codec.split(data, tiling, window, place(key))
            for key, data in zip(keys, fields, strict=True)
        ]

    async def get(store: Any, key: str) -> Stored | None:
        index = _indices.get((snapshot.url, snapshot.id, key))
        if index is None:
            data = await _get_last(store, key, codec.index_bytes(tiling))
            if data is None:
                return None
            index = codec.index(data, tiling, place(key))
            _indices.put((snapshot.url, snapshot.id, key), index)
        return await _get_tiles(store, key, index, window.tiles)

    return snapshot.read_chunks(list(keys), get)


def spans(ranges: Iterable[tuple[int, int]], gap: int) -> list[tuple[int, int]]:
    """Ranges of bytes joined where they lie next to each other, or with a gap of so many bytes between them at most."""
    found: list[tuple[int, int]] = []
    for first, end in sorted(ranges):
        if found and first - found[-1][1] <= gap:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((first, end))
    return found


_indices = IndexCache(_INDICES_BYTES)


def forget_indices() -> None:
    """Read the index of every field anew, as a new process does."""
    _indices.clear()


async def _get_last(store: Any, key: str, size: int) -> np.ndarray | None:
    from zarr.abc.store import SuffixByteRequest

    return await _get(store, key, SuffixByteRequest(size))


async def _get_tiles(store: Any, key: str, index: np.ndarray, tiles: Sequence[int]) -> Stored | None:
    """Bytes of tiles, in as few requests as there are gaps between them."""
    from zarr.abc.store import RangeByteRequest

    ranges = {tile: (first, end) for tile, (first, end) in zip(tiles, index[list(tiles)].tolist(), strict=True)}
    ranges = {tile: found for tile, found in ranges.items() if found[0] >= 0}
    wanted = spans(ranges.values(), GAP_BYTES)
    parts = await asyncio.gather(*(_get(store, key, RangeByteRequest(first, end)) for first, end in wanted))
    found: Stored = {}
    for tile, (first, end) in ranges.items():
        number = next(number for number, span in enumerate(wanted) if span[0] <= first < span[1])
        part = parts[number]
        if part is None:
            return None
        found[tile] = part[first - wanted[number][0] : end - wanted[number][0]]
    return found


async def _get(store: Any, key: str, part: Any) -> np.ndarray | None:
    from zarr.core.buffer import default_buffer_prototype

    data = await store.get(key, default_buffer_prototype(), part)
    return None if data is None else data.as_numpy_array()
