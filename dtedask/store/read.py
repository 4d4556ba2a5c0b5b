"""Stored bytes of fields: opaque items as they are, fields as GRIB."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from dtedask.core.errors import NotFoundError
from dtedask.store.encoding import encode_record
from dtedask.store.opaque import OpaqueCodec

if TYPE_CHECKING:
    from dtedask.store.selection import Record, Selection

_HELD_BYTES = 16 * 2**20
_MOST_AT_ONCE = 64


def read(selections: Iterable[Selection]) -> Iterator[tuple[Record, bytes]]:
    """Read what was selected, in its order; a few items at once, more where they are small.

    Raises
    ------
    NotFoundError
        If something is gone.
    DamagedError
        If a checksum does not match.
    GribUnsupportedError
        If GRIB2 or ecCodes cannot hold a field.
    """
    for selection in selections:
        if isinstance(selection.variable.codec, OpaqueCodec):
            yield from _items(selection, selection.variable.codec)
        else:
            for record in selection.records():
                yield record, encode_record(record)


def _items(selection: Selection, codec: OpaqueCodec) -> Iterator[tuple[Record, bytes]]:
    waiting: list[Record] = []
    at_once = 1
    for record in selection.records():
        waiting.append(record)
        if len(waiting) >= at_once:
            found = _fetch(selection, codec, waiting)
            at_once = min(2 * at_once, _MOST_AT_ONCE) if sum(map(len, found)) < _HELD_BYTES else max(at_once // 2, 1)
            yield from zip(waiting, found, strict=True)
            waiting = []
    yield from zip(waiting, _fetch(selection, codec, waiting), strict=True)


def _fetch(selection: Selection, codec: OpaqueCodec, records: list[Record]) -> list[bytes]:
    found = []
    for record, data in zip(records, selection.snapshot.read_chunks([one.chunk for one in records]), strict=True):
        place = f"{record.chunk} of the cube {selection.snapshot.url!r}"
        if data is None:
            raise NotFoundError(f"The item {place} does not exist.")
        found.append(codec.decode(data, f"the item {place}"))
    return found
