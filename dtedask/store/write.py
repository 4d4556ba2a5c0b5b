"""The tasks of a transaction: decode fields, encode chunks, write them into a fork."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.core.errors import DamagedError, GribError
from dtedask.store.failures import read_error
from dtedask.store.opaque import Opaque, OpaqueCodec
from dtedask.store.repository import cached_snapshot
from dtedask.store.snapshot import run_async

if TYPE_CHECKING:
    from icechunk import Session

    from dtedask.geo import PointOrder
    from dtedask.store.chunks import Codec
    from dtedask.store.location import Location

_AT_ONCE = 64
HELD_BYTES = 4 * 2**20
_TASKS_A_THREAD = 4
_SMALLEST_TASK_BYTES = 2**20  # decoding and writing less takes no longer than handing it to a thread


def task_bytes(total: int, width: int, largest: int) -> int:
    """Bytes of decoded fields for one task.

    Parameters
    ----------
    total : int
        Bytes of all fields of a transaction.
    width : int
        Tasks that run side by side.
    largest : int
        What a task may have at most.
    """
    return max(min(largest, max(total // (_TASKS_A_THREAD * width), _SMALLEST_TASK_BYTES)), 1)


@dataclass(frozen=True, slots=True)
class FileSlice:
    """A GRIB message where it lies."""

    path: str
    offset: int
    length: int

    def read(self) -> bytes:
        """The bytes of the message."""
        with open(self.path, "rb") as file:  # noqa: PTH123 - a path in a hot loop
            file.seek(self.offset)
            return file.read(self.length)


@dataclass(frozen=True, slots=True)
class StoredField:
    """A field of a snapshot, as the source of a new one.

    Parameters
    ----------
    location : Location
        The root.
    cube, snapshot, key : str
        Cube, snapshot and Zarr key of the chunk.
    codec : Codec
        How it is encoded there.
    shape : tuple of int
        Shape of the field.
    """

    location: Location
    cube: str
    snapshot: str
    key: str
    codec: Codec
    shape: tuple[int, ...]

    def read(self) -> np.ndarray | Opaque:
        """The field in the order of its grid, or the opaque bytes.

        Raises
        ------
        DamagedError
            If it is gone or its bytes have changed.
        """
        place = f"the field {self.key} of the snapshot {self.snapshot} of {self.location.cube_url(self.cube)!r}"
        (data,) = cached_snapshot(self.location, self.cube, self.snapshot).read_chunks([self.key])
        if data is None:
            raise DamagedError(f"There is no data of {place}.", hint="`dtedask store verify` finds what is damaged.")
        if isinstance(self.codec, OpaqueCodec):
            return Opaque(self.codec.decode(data, place))
        return self.codec.decode(data, self.shape, place)


Source = FileSlice | bytes | np.ndarray | Opaque | StoredField


@dataclass(frozen=True, slots=True)
class WriteItem:
    """One field to write: from where, how, and into which chunk."""

    key: str
    source: Source
    order: PointOrder | None
    codec: Codec
    exists: bool
    size_bytes: int
    origin: str = ""

    def encoded(self) -> bytes:
        """What the chunk holds.

        Raises
        ------
        GribError
            If the message cannot be decoded.
        """
        if isinstance(self.codec, OpaqueCodec):
            item = self.source.read() if isinstance(self.source, StoredField) else self.source
            assert isinstance(item, Opaque)
            return self.codec.encode(item.data)
        return self.codec.encode(self._values(self.codec.dtype))

    def _values(self, dtype: str) -> np.ndarray:
        """The field in the order of its grid.

        Raises
        ------
        GribError
            If the message cannot be decoded.
        """
        source = self.source.read() if isinstance(self.source, StoredField) else self.source
        if isinstance(source, np.ndarray):
            return source.astype(dtype, copy=False)
        from dtedask.grib import decode

        assert self.order is not None
        assert not isinstance(source, Opaque)
        data = source.read() if isinstance(source, FileSlice) else source
        try:
            return decode(data, self.order, dtype=dtype)
        except GribError as error:
            raise type(error)(f"{self.origin} cannot be decoded: {error.message}", hint=error.hint) from error


@dataclass
class WriteResult:
    """What a task did: its fork, and the chunks by what became of them."""

    fork: Session
    new: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)


def write_batch(fork: bytes | Session, items: Sequence[WriteItem], durable_root: Location | None) -> WriteResult:
    """Write fields into a fork and return it.

    A pure function of its arguments but for the chunks, which a second run writes again without harm: they belong
    to nothing until the fork is merged.

    Parameters
    ----------
    fork : bytes or icechunk.Session
        The grown fork, pickled; or the session itself where the storage is the memory of this process.
    items : sequence of WriteItem
        The fields.
    durable_root : Location, optional
        Sync the file system of this root before returning.
    """
    from dtedask.store.lock import sync_to_disk

    session = pickle.loads(fork) if isinstance(fork, bytes) else fork
    result = WriteResult(session)
    for part in _encoded(items):
        _write_part(part, session.store, result)
    if durable_root is not None:
        sync_to_disk(durable_root)
    return result


def _encoded(items: Sequence[WriteItem]) -> Iterator[list[tuple[WriteItem, bytes]]]:
    """Encode fields, a few at a time, so that a batch of any length holds little memory."""
    part: list[tuple[WriteItem, bytes]] = []
    held = 0
    for item in items:
        part.append((item, item.encoded()))
        held += len(part[-1][1])
        if held >= HELD_BYTES:
            yield part
            part, held = [], 0
    if part:
        yield part


def _write_part(part: Sequence[tuple[WriteItem, bytes]], store: Any, result: WriteResult) -> None:
    existing = [item.key for item, _ in part if item.exists]
    before = run_async(_read(existing, store)) if existing else {}
    pending = []
    for item, data in part:
        if item.exists and before[item.key] == data:
            result.unchanged.append(item.key)
            continue
        (result.replaced if item.exists else result.new).append(item.key)
        pending.append((item.key, data))
    if pending:
        run_async(_write(pending, store))


async def _read(keys: Sequence[str], store: Any) -> dict[str, bytes | None]:
    import icechunk
    from zarr.core.buffer import default_buffer_prototype

    async def one(key: str) -> bytes | None:
        try:
            data = await store.get(key, default_buffer_prototype())
        except icechunk.IcechunkError as error:
            if isinstance(read_error(error, key), DamagedError):
                return None  # what is written now takes its place
            raise
        return None if data is None else data.to_bytes()

    return dict(zip(keys, await asyncio.gather(*map(one, keys)), strict=True))


async def _write(chunks: Sequence[tuple[str, bytes]], store: Any) -> None:
    from zarr.core.buffer import cpu

    limit = asyncio.Semaphore(_AT_ONCE)

    async def one(key: str, data: bytes) -> None:
        async with limit:
            await store.set(key, cpu.Buffer.from_bytes(data))

    await asyncio.gather(*(one(key, data) for key, data in chunks))
