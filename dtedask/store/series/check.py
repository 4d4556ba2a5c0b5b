"""Verifying blocks: their index, then their pieces, a bounded number of bytes at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from google_crc32c import value as crc32c

from dtedask.store.series.shards import NOWHERE, index_bytes, read_index, read_parts

if TYPE_CHECKING:
    from dtedask.store.snapshot import Snapshot

_CRC_BYTES = 4
_REQUEST_BYTES = 8 * 2**20
Part = tuple["bytes | Exception | None", Callable[[bytes], bool]]


def parts_of(snapshot: Snapshot, key: str, document: Mapping[str, Any], *, quick: bool) -> Iterator[Part]:
    """Stored bytes of a block, part by part, each with what tells whether it is whole.

    Parameters
    ----------
    snapshot : Snapshot
        The cube.
    key : str
        Zarr key of the block.
    document : mapping
        Zarr's document of its array.
    quick : bool
        Only its index.

    Yields
    ------
    tuple of (bytes, Exception or None, callable)
        What failed stands in the place of its bytes.
    """
    from zarr.abc.store import RangeByteRequest, SuffixByteRequest

    count = piece_count(document)
    (data,) = read_parts(snapshot, [(key, SuffixByteRequest(index_bytes(count)))])
    yield data, lambda found: len(found) == index_bytes(count) and _ends_with_checksum(found)
    if quick:
        return
    assert isinstance(data, bytes)  # who asks goes on only if it is whole
    for run in _runs(read_index(data, count, key)):
        start, end = int(run[0, 0]), int(run[-1].sum())
        (found,) = read_parts(snapshot, [(key, RangeByteRequest(start, end))])
        yield found, lambda part, run=run, start=start: _are_whole(part, run, start)  # type: ignore[misc]


def piece_count(document: Mapping[str, Any]) -> int:
    """Number of pieces of a block of an array."""
    whole = document["chunk_grid"]["configuration"]["chunk_shape"]
    piece = document["codecs"][0]["configuration"]["chunk_shape"]
    return math.prod(size // part for size, part in zip(whole, piece, strict=True))


def _runs(index: np.ndarray) -> Iterator[np.ndarray]:
    """Places of the pieces that are stored, in their order, as many at a time as a request may have."""
    places = index[index[:, 0] != NOWHERE].astype(np.int64)
    places = places[np.argsort(places[:, 0])]
    first = 0
    for number in range(1, len(places) + 1):
        if number == len(places) or places[number].sum() - places[first, 0] > _REQUEST_BYTES:
            yield places[first:number]
            first = number


def _are_whole(data: bytes, places: Sequence[Sequence[int]] | np.ndarray, start: int) -> bool:
    return all(_ends_with_checksum(data[first - start : first - start + length]) for first, length in places)


def _ends_with_checksum(data: bytes) -> bool:
    checksum: int = crc32c(data[:-_CRC_BYTES])
    return checksum == int.from_bytes(data[-_CRC_BYTES:], "little")
