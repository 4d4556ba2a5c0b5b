"""References as an Icechunk manifest holds them: which bytes of which file each chunk is.

Icechunk 1 knows which chunks are parts of files, but does not tell where one of them lies. Its manifests do, in a
format that it specifies (version 1: a header of 39 bytes, then FlatBuffers in zstd). All references of a manifest are
looked at side by side, as arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

import numpy as np
from numcodecs.zstd import Zstd

from dtedask.core.errors import DamagedError
from dtedask.store.layouts.references import Reference

_MAGIC = "ICE🧊CHUNK".encode()
_VERSION_AT, _KIND_AT, _COMPRESSION_AT, _HEADER_BYTES = 36, 37, 38, 39
_VERSION, _MANIFEST = 1, 2
# Numbers of the fields in Icechunk's tables.
_ARRAYS, _REFS = 1, 1
_INDEX, _OFFSET, _LENGTH, _LOCATION, _ETAG, _MODIFIED = 0, 2, 3, 5, 6, 7


def payload_of(data: bytes, name: str) -> bytes:
    """The FlatBuffers of a manifest, without header and compression.

    Raises
    ------
    DamagedError
        If the bytes are no manifest of a version that is known here.
    """
    if data[: len(_MAGIC)] != _MAGIC or len(data) < _HEADER_BYTES:
        raise _unreadable(name, "it does not begin as a manifest does")
    version, kind = data[_VERSION_AT], data[_KIND_AT]
    if version != _VERSION or kind != _MANIFEST:
        raise _unreadable(name, f"it is of version {version} and kind {kind}, not {_VERSION} and {_MANIFEST}")
    body = data[_HEADER_BYTES:]
    if not data[_COMPRESSION_AT]:
        return body
    try:
        return bytes(Zstd().decode(body))
    except (RuntimeError, ValueError) as error:
        raise _unreadable(name, str(error)) from error


@dataclass(frozen=True)
class ManifestRefs:
    """The references of one manifest; chunks that are objects of their own, or stand in it, have none.

    Parameters
    ----------
    rows : numpy.ndarray of int64, shape (references, dimensions)
        Coordinates of the chunks.
    offsets, lengths : numpy.ndarray of int64, shape (references,)
        The bytes of each.
    """

    rows: np.ndarray
    offsets: np.ndarray
    lengths: np.ndarray
    _payload: bytes
    _urls: np.ndarray
    _etags: np.ndarray
    _modified: np.ndarray

    @classmethod
    def of(cls, data: bytes, name: str) -> ManifestRefs:
        """Read a manifest.

        Parameters
        ----------
        data : bytes
            The object.
        name : str
            What to call it in an error.

        Raises
        ------
        DamagedError
            If it cannot be read.
        """
        payload = payload_of(data, name)
        try:
            return _read(payload, name)
        except IndexError as error:
            raise _unreadable(name, "it points behind its end") from error

    def __len__(self) -> int:
        return len(self.offsets)

    def reference(self, number: int) -> Reference:
        """One of the references."""
        etag = self._text(self._etags[number]) if self._etags[number] else ""
        url = self._text(self._urls[number])
        seconds = int(self._modified[number])
        modified = datetime.fromtimestamp(seconds, UTC) if seconds else None
        return Reference(url, int(self.offsets[number]), int(self.lengths[number]), etag, modified)

    def __iter__(self) -> Iterator[Reference]:
        return map(self.reference, range(len(self)))

    def bytes_below(self, prefix: str) -> int:
        """Bytes of all chunks that lie in files whose URL begins so."""
        wanted, data = np.frombuffer(prefix.encode(), "u1"), np.frombuffer(self._payload, "u1")
        places = self._urls[:, None] + 4 + np.arange(len(wanted))
        is_below = (data[np.minimum(places, len(data) - 1)] == wanted).all(axis=1)
        return int(self.lengths[is_below].sum())

    def find(self, row: tuple[int, ...]) -> Reference | None:
        """Reference of a chunk by its coordinates; None where it has none."""
        number = self._numbers.get(row)
        return None if number is None else self.reference(number)

    @cached_property
    def _numbers(self) -> dict[tuple[int, ...], int]:
        return {tuple(row): number for number, row in enumerate(self.rows.tolist())}

    def _text(self, position: int) -> str:
        length = int.from_bytes(self._payload[position : position + 4], "little")
        return self._payload[position + 4 : position + 4 + length].decode()


class _Tables:
    """FlatBuffers, of which many tables of one kind are read at a time.

    Scalars are aligned to their size, as the format demands.
    """

    def __init__(self, payload: bytes) -> None:
        self._words: np.ndarray = np.frombuffer(payload, "<u4", len(payload) // 4).astype(np.int64)
        self._halves: np.ndarray = np.frombuffer(payload, "<u2", len(payload) // 2).astype(np.int64)

    def root(self) -> np.ndarray:
        return np.array(self._words[:1])

    def field(self, tables: np.ndarray, number: int) -> np.ndarray:
        """Position of a field in each table; 0 where it is left out."""
        vtables = tables - self._signed(tables)
        entry = 4 + 2 * number
        has = self._halves[vtables >> 1] > entry
        offset = np.where(has, self._halves[(vtables + np.where(has, entry, 0)) >> 1], 0)
        return np.where(offset > 0, tables + offset, 0)

    def target(self, positions: np.ndarray) -> np.ndarray:
        """What fields point to; 0 where there is none."""
        return np.where(positions > 0, positions + self._words[positions >> 2], 0)

    def long(self, positions: np.ndarray) -> np.ndarray:
        """64-bit numbers; 0 where they are left out."""
        at = np.where(positions > 0, positions, 0) >> 2
        return np.where(positions > 0, self._words[at] + (self._words[at + 1] << 32), 0)

    def short(self, positions: np.ndarray) -> np.ndarray:
        """32-bit numbers; 0 where they are left out."""
        return np.where(positions > 0, self._words[np.where(positions > 0, positions, 0) >> 2], 0)

    def count(self, vector: int) -> int:
        return int(self._words[vector >> 2])

    def tables_of(self, vector: int) -> np.ndarray:
        """Tables that a vector of them points to."""
        at = vector + 4 + 4 * np.arange(self.count(vector))
        return np.asarray(at + self._words[at >> 2])

    def numbers(self, vectors: np.ndarray) -> np.ndarray:
        """Vectors of numbers, all of one length."""
        width = self.count(int(vectors[0])) if len(vectors) else 0
        if (self._words[vectors >> 2] != width).any():
            raise IndexError
        return np.asarray(self._words[(vectors[:, None] >> 2) + 1 + np.arange(width)])

    def _signed(self, positions: np.ndarray) -> np.ndarray:
        found: np.ndarray = self._words[positions >> 2]
        return np.asarray(np.where(found >= 1 << 31, found - (1 << 32), found))


def _read(payload: bytes, name: str) -> ManifestRefs:
    tables = _Tables(payload)
    arrays = tables.tables_of(int(tables.target(tables.field(tables.root(), _ARRAYS))[0]))
    if len(arrays) != 1:
        raise _unreadable(name, f"it is of {len(arrays)} arrays, not of one")
    chunks = tables.tables_of(int(tables.target(tables.field(arrays, _REFS))[0]))
    urls = tables.target(tables.field(chunks, _LOCATION))
    chunks, urls = chunks[urls > 0], urls[urls > 0]
    return ManifestRefs(
        tables.numbers(tables.target(tables.field(chunks, _INDEX))),
        tables.long(tables.field(chunks, _OFFSET)),
        tables.long(tables.field(chunks, _LENGTH)),
        payload,
        urls,
        tables.target(tables.field(chunks, _ETAG)),
        tables.short(tables.field(chunks, _MODIFIED)),
    )


def _unreadable(name: str, reason: str) -> DamagedError:
    return DamagedError(
        f"The manifest {name} cannot be read: {reason}.",
        hint="`dtedask store verify` says whether it is damaged; if it is not, a newer Icechunk wrote it.",
    )
