"""Chunks on their way into a fork: as objects of their own, parts of packs, or references to what lies elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import DamagedError, StoreError
from dtedask.store.chunk_io import run_async
from dtedask.store.creation import INLINE_BYTES
from dtedask.store.failures import read_error
from dtedask.store.forks import check_process
from dtedask.store.layouts import Packs, PackWriter, Reference
from dtedask.store.layouts.messages import PackedMessage

if TYPE_CHECKING:
    from dtedask.store.write import WriteItem

_AT_ONCE = 64
Encoded = bytes | PackedMessage | Reference
MESSAGES, CHUNKS = "grib", "chunks"


class ChunkWriter:
    """Writes the chunks of one task.

    Parameters
    ----------
    store : icechunk.IcechunkStore
        Of the fork.
    packs : Packs
        Where the packs of the cube are.
    fields : int
        How many fields the task writes.
    """

    def __init__(self, store: Any, packs: Packs, fields: int) -> None:
        self.store = store
        self._packs = packs
        self._fields = fields
        self._open: dict[str, PackWriter] = {}
        self._references: dict[str, list[tuple[str, Reference]]] = {}

    def write(self, chunks: Sequence[tuple[WriteItem, Encoded]]) -> None:
        """Write some chunks."""
        objects = []
        for item, data in chunks:
            if isinstance(data, Reference):
                self._refer(item.key, data)
            elif suffix := self._pack_of(item, data):
                self._refer(item.key, self._with_room(suffix).add(*_pieces(data)))
            else:
                objects.append((item.key, bytes(data)))
        if objects:
            run_async(_write(objects, self.store))

    def close(self) -> None:
        """Finish the packs, then refer to them."""
        for pack in self._open.values():
            pack.close()
        if self._references:
            _refer(self._references, self.store, is_near=self._packs.location.is_local)

    def discard(self) -> None:
        """Take away what was written into packs that are open: nothing will refer to it."""
        for pack in self._open.values():
            pack.discard()

    def _pack_of(self, item: WriteItem, data: bytes | PackedMessage) -> str:
        """Kind of pack that a chunk belongs into; empty for an object of its own."""
        # The smallest stand in the manifest.
        if not item.is_packed and (item.objects == "field" or len(data) <= INLINE_BYTES):
            return ""
        if not self._packs.can_be_written:
            return ""
        if item.is_packed:
            return MESSAGES
        is_small = self._fields >= self._packs.fewest and len(data) < self._packs.small_bytes
        return CHUNKS if is_small or item.objects == "pack" else ""

    def _with_room(self, suffix: str) -> PackWriter:
        if suffix in self._open and self._open[suffix].is_full:
            self._open.pop(suffix).close()
        if suffix not in self._open:
            self._open[suffix] = self._packs.writer(suffix)
        return self._open[suffix]

    def _refer(self, key: str, reference: Reference) -> None:
        path, _, slots = key.partition("/c/")
        self._references.setdefault(path, []).append((slots, reference))


def _pieces(data: bytes | PackedMessage) -> tuple[bytes, ...]:
    return (data.message, data.checksum) if isinstance(data, PackedMessage) else (data,)


def stored_chunks(keys: Sequence[str], store: Any) -> dict[str, bytes | None]:
    """Chunks that exist, by key; None for one that is damaged or lost, whose place is taken by what is written now."""
    found: dict[str, bytes | None] = run_async(_read(keys, store))
    return found


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


def _refer(references: Mapping[str, Sequence[tuple[str, Reference]]], store: Any, *, is_near: bool) -> None:
    from icechunk import VirtualChunkSpec

    check_process()
    for path, found in references.items():
        specs = [
            VirtualChunkSpec(
                [*map(int, slots.split("/"))], one.url, one.offset, one.length, one.etag or None, one.modified
            )
            for slots, one in found
        ]
        # Where nothing comes over a network, other threads may as well wait for it; handing it to one takes longer.
        if is_near:
            refused = store.set_virtual_refs(f"/{path}", specs)
        else:
            refused = run_async(store.set_virtual_refs_async(f"/{path}", specs))
        if refused:
            raise StoreError(
                f"{len(refused)} fields of {path!r} lie where the cube may not refer to, such as {found[0][1].url!r}.",
                hint="This is a fault of dtedask: please report it.",
            )
