"""The tasks of a transaction: decode fields, encode chunks, write them into a fork."""

from __future__ import annotations

import math
import os
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from dtedask.core.errors import DamagedError, GribError, GribSyntaxError
from dtedask.store.ahead import Ahead
from dtedask.store.chunks import ChunkWriter, Encoded, stored_chunks
from dtedask.store.layouts import IntegerCodec, MessageCodec, Packs, Reference
from dtedask.store.layouts.integers import is_plain
from dtedask.store.layouts.messages import PackedMessage, is_whole_message
from dtedask.store.opaque import Opaque, OpaqueCodec
from dtedask.store.repository import cached_snapshot
from dtedask.store.views.rekey import rekeyed
from dtedask.store.written import Stored, stored_of

if TYPE_CHECKING:
    from icechunk import Session

    from dtedask.geo import PointOrder
    from dtedask.store.identity import Address
    from dtedask.store.layouts import Codec
    from dtedask.store.location import Location
    from dtedask.store.schema.document import Objects

_AT_ONCE = 64
HELD_BYTES = 4 * 2**20
_TASKS_A_THREAD = 4
_TASK_BYTES = 32 * 2**20
_HANDED_BYTES = 150_000  # what a thread decodes and writes while Dask's scheduler hands out one task
SMALLEST_TASK_BYTES = 2**20  # decoding and writing less takes no longer than handing it to a thread
SMALLEST_COPY_BYTES = 64 * 2**20  # the same of messages, which are copied as they are


def task_bytes(total: int, width: int, largest: int, smallest: int = SMALLEST_TASK_BYTES) -> int:
    """Bytes of fields for one task, decoded ones or messages.

    Parameters
    ----------
    total : int
        Bytes of all fields of a transaction.
    width : int
        Tasks that run side by side.
    largest : int
        What a task may have at most.
    smallest : int
        What is not worth a task of its own.

    Notes
    -----
    A few tasks for each thread even out what some take longer, and so do tasks that are not long. But handing out many
    takes longer than it saves: `n` tasks take the scheduler `n` times what it takes for one, and the threads at least
    the `n`-th part of the work. Both together are least where they are equal.
    """
    even = min(total // (_TASKS_A_THREAD * width), _TASK_BYTES)
    return max(min(largest, max(even, math.isqrt(total * _HANDED_BYTES), smallest)), 1)


@dataclass(frozen=True, slots=True)
class FileSlice:
    """A GRIB message where it lies."""

    path: str
    offset: int
    length: int

    def __reduce__(self) -> tuple[type, tuple[str, int, int]]:
        return FileSlice, (self.path, self.offset, self.length)

    def read(self) -> bytes:
        """The bytes of the message."""
        # A file object takes four times as long, for every message.
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            data = os.pread(descriptor, self.length, self.offset)
            while len(data) < self.length and (more := self._more(descriptor, len(data))):
                data += more
        finally:
            os.close(descriptor)
        return data

    def _more(self, descriptor: int, have: int) -> bytes:
        return os.pread(descriptor, self.length - have, self.offset + have)


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
    data : bytes, optional
        The bytes of the chunk where they were fetched already.
    keys : tuple of (str, str)
        Keys that a message must say in place of its own.
    """

    location: Location
    cube: str
    snapshot: str
    key: str
    codec: Codec
    shape: tuple[int, ...]
    data: bytes | None = field(default=None, repr=False, compare=False)
    keys: tuple[tuple[str, str], ...] = ()

    def read(self) -> np.ndarray | Opaque:
        """The field in the order of its grid, or the opaque bytes.

        Raises
        ------
        DamagedError
            If it is gone or its bytes have changed.
        """
        if isinstance(self.codec, OpaqueCodec):
            return Opaque(self.codec.decode(self._stored(), self._place))
        return self.codec.decode(self._stored(), self.shape, self._place)

    def message(self) -> bytes | None:
        """The GRIB message where messages are kept, else None; raises as `read`."""
        if not isinstance(self.codec, MessageCodec):
            return None
        message = self.codec.message(self._stored(), self._place)
        return rekeyed(message, dict(self.keys)) if self.keys else message

    def integers(self, codec: IntegerCodec) -> bytes | None:
        """The chunk for an array of grib-int, where integers are kept, else None; raises as `read`."""
        if not isinstance(self.codec, IntegerCodec):
            return None
        return codec.encode_stored(self._stored(), self.codec, self.shape, self._place)

    @property
    def _place(self) -> str:
        return f"the field {self.key} of the snapshot {self.snapshot} of {self.location.cube_url(self.cube)!r}"

    def _stored(self) -> bytes:
        if self.data is not None:
            return self.data
        (data,) = cached_snapshot(self.location, self.cube, self.snapshot).read_chunks([self.key])
        if data is None:
            raise DamagedError(
                f"There is no data of {self._place}.", hint="`dtedask store verify` finds what is damaged."
            )
        return data


def fetched(fields: Sequence[StoredField]) -> list[StoredField]:
    """Fields with the bytes of their chunks, which are read side by side: from far away one by one takes long."""
    chunks: dict[int, bytes | None] = {}
    states: dict[tuple[Location, str, str], list[int]] = {}
    for number, one in enumerate(fields):
        states.setdefault((one.location, one.cube, one.snapshot), []).append(number)
    for state, numbers in states.items():
        found = cached_snapshot(*state).read_chunks([fields[number].key for number in numbers])
        chunks.update(zip(numbers, found, strict=True))
    return [replace(one, data=chunks[number]) for number, one in enumerate(fields)]


Source = FileSlice | bytes | np.ndarray | Opaque | StoredField | Reference


@dataclass(frozen=True, slots=True)
class WriteItem:
    """One field to write: from where, how, and into which chunk.

    Parameters
    ----------
    key : str
        Zarr key of the chunk.
    source : FileSlice, bytes, numpy.ndarray, Opaque, StoredField or Reference
        Where the field is.
    order : PointOrder, optional
        How the values of a message become the order of the grid.
    codec : Codec
        How it is stored.
    exists : bool
        Whether the chunk exists.
    size_bytes : int
        Size of the decoded field.
    origin : str
        What to call it in an error.
    address : Address, optional
        What a message must say that is made of an array; only needed where messages are kept.
    before : Reference, optional
        Where the chunk lies that exists, if it is referred to and is to refer to something.
    objects : {"auto", "field", "pack"}
        Whether an encoded field is an object of its own or a part of a pack; ``"auto"`` goes by storage and size.
    """

    key: str
    source: Source
    order: PointOrder | None
    codec: Codec
    exists: bool
    size_bytes: int
    origin: str = ""
    address: Address | None = None
    before: Reference | None = None
    objects: Objects = "auto"

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        # Tasks travel with all their fields, and what dataclasses do by default takes several times as long.
        return WriteItem, tuple(getattr(self, name) for name in self.__slots__)

    @property
    def is_packed(self) -> bool:
        """Whether the chunk is a message, which is a part of a pack wherever there are packs."""
        return not isinstance(self.codec, OpaqueCodec) and self.codec.keeps_messages

    @property
    def is_copied(self) -> bool:
        """Whether a message is taken as it is, or only referred to, so that nothing is decoded or encoded."""
        return isinstance(self.source, Reference) or (self.is_packed and isinstance(self.source, bytes | FileSlice))

    @property
    def work_bytes(self) -> int:
        """Bytes that writing it has to do with: those of a message that is copied, else of the decoded field."""
        if not self.is_copied:
            return self.size_bytes
        if isinstance(self.source, Reference):
            return 1
        return len(self.source) if isinstance(self.source, bytes) else self.source.length  # type: ignore[union-attr]

    def encoded(self) -> bytes | PackedMessage | Reference:
        """What the chunk holds, or where that lies.

        Raises
        ------
        GribError
            If the message cannot be decoded.
        """
        if isinstance(self.codec, OpaqueCodec):
            item = self.source.read() if isinstance(self.source, StoredField) else self.source
            assert isinstance(item, Opaque)
            return self.codec.encode(item.data)
        if isinstance(self.source, Reference):
            return self.source
        if self.codec.keeps_messages:
            return PackedMessage(self._message())
        if isinstance(self.codec, IntegerCodec):
            return self._integers(self.codec)
        ahead = self.source.encoded(self.codec) if isinstance(self.source, Ahead) else None
        return ahead or self.codec.encode(self._values(self.codec.dtype))

    def _message(self) -> bytes:
        """The message as it came; of an array one that holds its values to the last bit.

        Raises
        ------
        GribUnsupportedError
            If GRIB2 cannot hold the array.
        GribSyntaxError
            If the file is not what it was.
        """
        given = self._given_message()
        if given is not None:
            if not is_whole_message(given):
                raise GribSyntaxError(
                    f"{self.origin} is no whole message any more.",
                    hint="The file changed after it was archived and before the flush: archive it again.",
                )
            return given
        from dtedask.store.encoding import encode_exactly

        assert self.address is not None
        return encode_exactly(self._values(self.codec.dtype), self.address)

    def _given_message(self) -> bytes | None:
        """The message as it came; None where the source is no message."""
        source = self.source.message() if isinstance(self.source, StoredField) else self.source
        if isinstance(source, FileSlice):
            return source.read()
        return source if isinstance(source, bytes) else None

    def _integers(self, codec: IntegerCodec) -> bytes:
        """The integers of a message, or of a field that is stored so; of an array its values.

        Raises
        ------
        GribError
            If the message cannot be decoded.
        """
        kept = self.source.integers(codec) if isinstance(self.source, StoredField) else None
        given = self._given_message() if kept is None else None
        if given is None:
            return kept or codec.encode(self._values(codec.dtype))
        try:
            return codec.encode_message(given, self.order)
        except GribError as error:
            raise self._named(error) from error

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
        assert not isinstance(source, Opaque | Reference)
        data = source.read() if isinstance(source, FileSlice) else source
        try:
            return decode(data, self.order, dtype=dtype)
        except GribError as error:
            raise self._named(error) from error

    def _named(self, error: GribError) -> GribError:
        return type(error)(f"{self.origin} cannot be decoded: {error.message}", hint=error.hint)


@dataclass
class WriteResult:
    """What a task did: its fork, the chunks by what became of them, and how many of grib-int hold plain values.

    `stored` tells of the chunks that are new or replaced.
    """

    fork: Session
    new: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    stored: dict[str, Stored] = field(default_factory=dict)
    plain: int = 0


def write_batch(fork: bytes | Session, items: Sequence[WriteItem], packs: Packs, *, syncs: bool = False) -> WriteResult:
    """Write fields into a fork and return it.

    A pure function of its arguments but for the chunks, which a second run writes again without harm: they belong
    to nothing until the fork is merged.

    Parameters
    ----------
    fork : bytes or icechunk.Session
        The grown fork, pickled; or the session itself where the storage is the memory of this process.
    items : sequence of WriteItem
        The fields.
    packs : Packs
        Where the packs of the cube are.
    syncs : bool
        Whether to sync the file system of the root before returning.
    """
    from dtedask.store.syncing import sync_to_disk

    session = pickle.loads(fork) if isinstance(fork, bytes) else fork
    result = WriteResult(session)
    writer = ChunkWriter(session.store, packs, len(items))
    try:
        for part in _encoded(items):
            _write_part(part, writer, result)
            del part  # else it is held while the next one is encoded
        writer.close()
    except BaseException:
        writer.discard()
        raise
    if syncs:
        sync_to_disk(packs.location)
    return result


def _encoded(items: Sequence[WriteItem]) -> Iterator[list[tuple[WriteItem, Encoded]]]:
    """Encode fields, a few at a time, so that a batch of any length holds little memory."""
    part: list[tuple[WriteItem, Encoded]] = []
    held = 0
    for item in _with_stored(items):
        data = item.encoded()
        part.append((item, data))
        # What was encoded ahead is held anyway, and many objects at once are written in less time.
        held += 0 if isinstance(data, Reference) or isinstance(item.source, Ahead) else len(data)
        if held >= HELD_BYTES:
            yield part
            part, held = [], 0
    if part:
        yield part


def _with_stored(items: Sequence[WriteItem]) -> Iterator[WriteItem]:
    """Items with the fields that are stored elsewhere fetched, as many at once as a task may hold."""
    part: list[WriteItem] = []
    held = 0
    for item in items:
        if part and (held + item.size_bytes > HELD_BYTES or len(part) == _AT_ONCE):
            yield from _fetched(part)
            part, held = [], 0
        part.append(item)
        held += item.size_bytes
    yield from _fetched(part)


def _fetched(items: Sequence[WriteItem]) -> Iterator[WriteItem]:
    # How long opaque bytes are is not known: they are read one by one, when it is their turn.
    sources = [i.source for i in items if isinstance(i.source, StoredField) and not isinstance(i.codec, OpaqueCodec)]
    stored = dict(zip(sources, fetched(sources), strict=True)) if sources else {}
    for item in items:
        found = stored.get(item.source) if isinstance(item.source, StoredField) else None
        yield item if found is None else replace(item, source=found)


def _write_part(part: Sequence[tuple[WriteItem, Encoded]], writer: ChunkWriter, result: WriteResult) -> None:
    existing = [item.key for item, data in part if item.exists and not isinstance(data, Reference)]
    before: dict[str, bytes | Reference | None] = {**stored_chunks(existing, writer.store)} if existing else {}
    before |= {item.key: item.before for item, data in part if isinstance(data, Reference)}
    pending = []
    for item, data in part:
        if item.exists and before[item.key] == data:
            result.unchanged.append(item.key)
            continue
        (result.replaced if item.exists else result.new).append(item.key)
        pending.append((item, data))
        result.stored[item.key] = stored_of(item.codec, data)
        result.plain += isinstance(item.codec, IntegerCodec) and isinstance(data, bytes) and is_plain(data)
    writer.write(pending)
