"""Verify the chunks of a snapshot: fields, labels and coordinates alike, by the checksum at the end of each."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from google_crc32c import value as crc32c

from dtedask.core.errors import DamagedError
from dtedask.store.chunk_io import chunk_coordinates, run_async
from dtedask.store.failures import missing_object, read_error
from dtedask.store.layouts import IntegerCodec, MessageCodec, TileCodec, codec_of
from dtedask.store.layouts.messages import is_whole_message
from dtedask.store.layouts.moved import with_moved
from dtedask.store.series.check import parts_of
from dtedask.store.upkeep.manifests import Manifest, manifests_by_array

if TYPE_CHECKING:
    import icechunk

    from dtedask.store.snapshot import Snapshot
    from dtedask.store.upkeep.findings import Kind

_CRC_BYTES = 4
_WITH_CHECKSUM = frozenset({"crc32c", IntegerCodec.name})  # codecs that end a chunk with one
_BATCH_BYTES = 16 * 2**20
_ANY_BYTES = 4 * 2**20
_MOST_IN_BATCH = 256
_AT_ONCE = 32
_KINDS: Mapping[str, Kind] = {"axis": "labels", "coordinate": "coordinate", "series": "series"}
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Array:
    """One array of a snapshot as Zarr describes it.

    Parameters
    ----------
    path : str
        Its path in the cube.
    document : mapping
        Its metadata.
    manifests : tuple of Manifest
        Those that hold its chunks.
    """

    path: str
    document: Mapping[str, Any]
    manifests: tuple[Manifest, ...]

    @property
    def kind(self) -> Kind:
        """What its chunks are."""
        return _KINDS.get(self.document["attributes"].get("dtedask_role", ""), "chunk")

    @property
    def is_whole(self) -> Callable[[bytes], bool]:
        """Tells whether the bytes of one of its chunks are as they were written, as far as that can be told."""
        codecs = [codec["name"] for codec in self.document["codecs"]]
        if MessageCodec.name in codecs:
            return is_whole_message
        dims = self.document["attributes"].get("dtedask_dims")
        if TileCodec.name in codecs and dims is not None:
            codec = codec_of(self.document)
            assert isinstance(codec, TileCodec)
            return partial(codec.is_whole, shape=tuple(self.document["shape"][dims:]))
        return _has_checksum if codecs and codecs[-1] in _WITH_CHECKSUM else _is_anything

    @property
    def chunk_bytes(self) -> int:
        """About the most bytes of a chunk."""
        if not str(self.document["data_type"]).startswith(("float", "int", "uint")):
            return _ANY_BYTES
        shape = self.document["chunk_grid"]["configuration"]["chunk_shape"]
        return max(int(np.prod(shape, dtype=np.int64)) * 8, 1)

    def key(self, row: Sequence[int]) -> str:
        """Zarr key of a chunk."""
        return "/".join([self.path, "c", *(str(int(slot)) for slot in row)])


@dataclass(frozen=True, slots=True)
class BadChunk:
    """A chunk that is damaged.

    Parameters
    ----------
    row : tuple of int
        Its coordinates.
    problem : str
        What is wrong.
    path : str
        The object that is missing, if the storage named one.
    remedy : str
        What to do, where the chunk lies in a file of others.
    """

    row: tuple[int, ...]
    problem: str
    path: str = ""
    remedy: str = ""


def arrays_of(snapshot: Snapshot, repo: Any) -> list[Array]:
    """All arrays of a snapshot; only the snapshot itself is read."""
    manifests = manifests_by_array(repo, snapshot.id)
    documents = run_async(_get(snapshot, [f"{path}/zarr.json" for path in manifests], None))
    return [
        Array(path, json.loads(document), found)
        for (path, found), document in zip(manifests.items(), documents, strict=True)
    ]


def rows_of(snapshot: Snapshot, array: Array, bad: frozenset[str]) -> np.ndarray:
    """Coordinates of the chunks of an array, without those of damaged manifests."""
    count = len(array.document["shape"])
    good = [manifest for manifest in array.manifests if manifest.id not in bad]
    if not count:
        return np.empty((len(good), 0), dtype=np.int64)
    if len(good) == len(array.manifests):
        return run_async(chunk_coordinates(snapshot.session, f"/{array.path}", count)) if good else _none(count)
    found = [_within(snapshot, array, manifest) for manifest in good]
    return np.concatenate(found) if found else _none(count)


def changed_chunks(repo: icechunk.Repository, snapshot: str, newer: str) -> dict[str, np.ndarray] | None:
    """Coordinates, by array, of chunks that a snapshot does not share with a newer one; None where nobody knows."""
    try:
        found = repo.diff(from_snapshot_id=snapshot, to_snapshot_id=newer)
    except Exception:  # noqa: BLE001 - a damaged log, or one that is purged
        return None
    if found.deleted_arrays:
        return None
    changed = found.updated_chunks.items()
    return {path.lstrip("/"): np.array(rows, dtype=np.int64).reshape(len(rows), -1) for path, rows in changed}


def box_of(manifest: Manifest) -> np.ndarray:
    """Coordinates of all chunks that a manifest can hold, by its bounds."""
    ranges = [range(first, end) for first, end in zip(manifest.first.tolist(), manifest.end.tolist(), strict=True)]
    rows = list(itertools.product(*ranges))
    return np.array(rows, dtype=np.int64).reshape(len(rows), len(ranges))


def bad_chunks(
    snapshot: Snapshot,
    array: Array,
    rows: np.ndarray,
    pool: ThreadPoolExecutor,
    *,
    quick: bool,
    count: Callable[[int, int], None],
) -> Iterator[BadChunk]:
    """Read chunks and yield those that are damaged.

    Parameters
    ----------
    rows : numpy.ndarray of int64, shape (chunks, dimensions)
        Their coordinates.
    pool : ThreadPoolExecutor
        Where they are read, a bounded number at a time.
    quick : bool
        Only see whether they exist and are long enough: their last bytes are read.
    count : callable
        Told of numbers of chunks and bytes that were read.
    """
    if array.kind == "series":
        yield from _bad_series(snapshot, array, rows, pool, quick=quick, count=count)
        return
    many = max(min(_BATCH_BYTES // (_CRC_BYTES if quick else array.chunk_bytes), _MOST_IN_BATCH), 1)
    batches = (rows[start : start + many] for start in range(0, len(rows), many))
    is_whole = _is_anything if quick else array.is_whole

    def look(batch: np.ndarray) -> tuple[list[BadChunk], int, int]:
        keys = [array.key(row) for row in batch]
        found = with_moved(snapshot, keys, run_async(_get(snapshot, keys, _CRC_BYTES if quick else None)))
        problems = (
            (row, _source_problem(snapshot, key, data) or _problem(data, is_whole))
            for row, key, data in zip(batch, keys, found, strict=True)
        )
        bad = [BadChunk(tuple(row.tolist()), *problem) for row, problem in problems if problem]
        return bad, len(batch), sum(len(data) for data in found if isinstance(data, bytes))

    for bad, chunks, size in _bounded(pool, look, batches):
        count(chunks, size)
        yield from bad


def _bad_series(
    snapshot: Snapshot,
    array: Array,
    rows: np.ndarray,
    pool: ThreadPoolExecutor,
    *,
    quick: bool,
    count: Callable[[int, int], None],
) -> Iterator[BadChunk]:
    """The same of time series, whose chunks are read part by part, up to the first that is damaged."""

    def look(row: np.ndarray) -> tuple[BadChunk | None, int]:
        size = 0
        for data, is_whole in parts_of(snapshot, array.key(row.tolist()), array.document, quick=quick):
            size += len(data) if isinstance(data, bytes) else 0
            problem = _problem(data, is_whole)
            if problem:
                return BadChunk(tuple(row.tolist()), *problem), size
        return None, size

    for bad, size in _bounded(pool, look, iter(rows)):
        count(1, size)
        yield from [bad] if bad else []


def _has_checksum(data: bytes) -> bool:
    checksum: int = crc32c(data[:-_CRC_BYTES])
    return checksum == int.from_bytes(data[-_CRC_BYTES:], "little")


def _is_anything(_: bytes) -> bool:
    return True


def rows_in_both(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Those of the first rows that are among the second, too."""
    known = set(map(tuple, two.tolist()))
    return one[[tuple(row) in known for row in one.tolist()]] if len(one) else one


def _within(snapshot: Snapshot, array: Array, manifest: Manifest) -> np.ndarray:
    rows = box_of(manifest)
    there = snapshot.exist([(array.path, tuple(row)) for row in rows.tolist()])
    return np.compress(there, rows, axis=0)


def _none(dims: int) -> np.ndarray:
    return np.empty((0, dims), dtype=np.int64)


def _source_problem(snapshot: Snapshot, key: str, data: bytes | Exception | None) -> tuple[str, str, str] | None:
    """What is wrong with the file of others that a chunk lies in, which file, and what to do."""
    if not isinstance(data, Exception):
        return None
    from dtedask.store.virtual.failures import source_error

    error = source_error(snapshot, key, "it", data)
    if error is None:
        return None
    if not isinstance(error, DamagedError):
        raise error from data
    return error.message.rstrip("."), "", error.hint


def _problem(data: bytes | Exception | None, is_whole: Callable[[bytes], bool]) -> tuple[str, str] | None:
    """What is wrong with a chunk, and the object that is missing."""
    if data is None:
        return "it is missing", ""
    if isinstance(data, Exception):
        name = missing_object(data)
        if name:
            return f"it is missing: {name}", name
        error = read_error(data, "a chunk")
        if not isinstance(error, DamagedError):
            raise error from data
        return f"it is cut short or cannot be read: {error.message.removeprefix('Damage in a chunk: ').rstrip('.')}", ""
    return None if is_whole(data) else ("its checksum does not match: its bytes have changed", "")


async def _get(snapshot: Snapshot, keys: Sequence[str], last: int | None) -> list[bytes | Exception | None]:
    """Stored bytes, or the last few of them; what fails stands in the place of its bytes."""
    import icechunk
    from zarr.abc.store import SuffixByteRequest
    from zarr.core.buffer import default_buffer_prototype

    limit, prototype = asyncio.Semaphore(_AT_ONCE), default_buffer_prototype()
    part = SuffixByteRequest(last) if last else None

    async def one(key: str) -> bytes | Exception | None:
        try:
            async with limit:
                data = await snapshot.session.store.get(key, prototype, part)
        except (icechunk.IcechunkError, ValueError) as error:
            return error
        return None if data is None else data.to_bytes()

    return list(await asyncio.gather(*(one(key) for key in keys)))


def _bounded(pool: ThreadPoolExecutor, function: Callable[[Item], Result], items: Iterator[Item]) -> Iterator[Result]:
    """Results in order, with no more of them at a time than there are threads."""
    waiting: deque[Future[Result]] = deque()
    for item in items:
        waiting.append(pool.submit(function, item))
        if len(waiting) > pool._max_workers:  # noqa: SLF001
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
