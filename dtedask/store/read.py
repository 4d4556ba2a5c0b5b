"""Stored bytes of fields: opaque items as they are, fields as GRIB."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from dtedask.core.errors import NotFoundError
from dtedask.store.encoding import encode_record
from dtedask.store.opaque import OpaqueCodec
from dtedask.store.upkeep.affected import Place

if TYPE_CHECKING:
    from dtedask.store.selection import Record

_HELD_BYTES = 16 * 2**20
_MOST_AT_ONCE = 64


def read(records: Iterable[Record]) -> Iterator[tuple[Record, bytes]]:
    """Read records in their order; a few items at once, more where they are small.

    Raises
    ------
    NotFoundError
        If something is gone.
    DamagedError
        If a checksum does not match.
    GribUnsupportedError
        If GRIB2 or ecCodes cannot hold a field.
    """
    for (_, are_items), part in itertools.groupby(records, lambda one: (one.selection.snapshot, _is_item(one))):
        if are_items:
            yield from _items(part)
        else:
            yield from ((record, encode_record(record)) for record in part)


def _is_item(record: Record) -> bool:
    return isinstance(record.selection.variable.codec, OpaqueCodec)


def _items(records: Iterable[Record]) -> Iterator[tuple[Record, bytes]]:
    """Items of one snapshot."""
    waiting: list[Record] = []
    at_once = 1
    for record in records:
        waiting.append(record)
        if len(waiting) >= at_once:
            found = _fetch(waiting)
            at_once = min(2 * at_once, _MOST_AT_ONCE) if sum(map(len, found)) < _HELD_BYTES else max(at_once // 2, 1)
            yield from zip(waiting, found, strict=True)
            waiting = []
    yield from zip(waiting, _fetch(waiting), strict=True)


def _fetch(records: list[Record]) -> list[bytes]:
    found = []
    stored = records[0].selection.snapshot.read_chunks([one.chunk for one in records]) if records else []
    for record, data in zip(records, stored, strict=True):
        if data is None:
            url = record.selection.snapshot.url
            raise NotFoundError(f"The item {record.chunk} of the cube {url!r} does not exist.")
        found.append(OpaqueCodec().decode(data, Place(record.selection.snapshot, record.chunk)))
    return found
