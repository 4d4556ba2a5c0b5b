"""What a commit says of the chunks that it wrote: how long they are, and their checksums."""

from __future__ import annotations

import itertools
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from google_crc32c import value as crc32c

from dtedask.core.errors import GridError, NotFoundError
from dtedask.store.layouts import Reference, TileCodec
from dtedask.store.layouts.messages import PackedMessage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dtedask.core.commit import Change
    from dtedask.geo import Grid
    from dtedask.geo.area import Area
    from dtedask.store.chunks import Encoded
    from dtedask.store.layouts import Codec
    from dtedask.store.selection import Record
    from dtedask.store.writing import Entry

__all__ = ["Stored", "areas_of", "stored_changes", "stored_of"]

_CRC_BYTES = 4
_DECIMALS = 6
_AT_ONCE = 16


class Stored(NamedTuple):
    """What is stored of one field.

    Parameters
    ----------
    size_bytes : int
        Length of its chunk.
    crc : int, optional
        The crc32c of its chunk, but for the four bytes at its end that are one; None where nobody has read it.
    """

    size_bytes: int
    crc: int | None


def stored_of(codec: Codec, data: Encoded) -> Stored:
    """What is stored of a field: nothing is read again that was summed up on encoding."""
    if isinstance(data, Reference):
        return Stored(data.length, None)
    if isinstance(data, PackedMessage):
        return Stored(len(data), int.from_bytes(data.checksum, "little"))
    if isinstance(codec, TileCodec):  # whose last bytes tell of its index alone
        return Stored(len(data), int(crc32c(data[:-_CRC_BYTES])))
    return Stored(len(data), int.from_bytes(data[-_CRC_BYTES:], "little"))


def areas_of(entries: Iterable[Entry]) -> dict[str, Area]:
    """Where the points of each group are; groups without points are left out."""
    grids = {entry.address.group: entry.address.grid for entry in entries}
    found = {group: _area_of(grid) for group, grid in grids.items()}
    return {group: area for group, area in found.items() if area is not None}


def stored_changes(records: Iterable[Record]) -> tuple[Change, ...]:
    """What a commit would say that had written some fields; all that is stored of them is read, nothing is decoded."""
    from dtedask.store.commits import changes_of

    found, waiting = [], iter(records)
    while part := list(itertools.islice(waiting, _AT_ONCE)):
        found += [
            ((record.group, record.variable, dict(record.keys)), Stored(len(data), int(crc32c(data[:-_CRC_BYTES]))))
            for record, data in zip(part, _chunks(part), strict=True)
        ]
    return changes_of([field for field, _ in found], [stored for _, stored in found])


def _chunks(records: Sequence[Record]) -> list[bytes]:
    found: list[bytes] = []
    for snapshot, part in itertools.groupby(records, key=lambda record: record.selection.snapshot):
        chunks = [record.chunk for record in part]
        for chunk, data in zip(chunks, snapshot.read_chunks(chunks), strict=True):
            if data is None:
                raise NotFoundError(f"There is no field at {snapshot.url}/{chunk}.")
            found.append(data)
    return found


def _area_of(grid: Grid) -> Area | None:
    try:
        return _box(grid)
    except GridError:  # harmonics and opaque items have no points, and those of others are not known here
        return None


@lru_cache(maxsize=256)
def _box(grid: Grid) -> Area:
    north, west, south, east = (round(edge, _DECIMALS) + 0.0 for edge in grid.bounding_box)
    return north, west, south, east
