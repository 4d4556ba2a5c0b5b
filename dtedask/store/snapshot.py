"""One snapshot of a cube, read only: its groups, axes, variables and which fields exist."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np

from dtedask.core.errors import DamagedError, DtedaskError, FormatVersionError, NotFoundError
from dtedask.store.chunk_io import chunk_coordinates, fetch, run_async, sizes, whole_chunk
from dtedask.store.failures import first_line, read_error
from dtedask.store.group import (
    Axis,
    Group,
    Variable,
    free_slots,
    grid_of,
    group_named,
    groups_hint,
    in_order_of_labels,
    is_ours,
    variable_of,
)
from dtedask.store.labels import Dimension
from dtedask.store.layouts.moved import with_moved
from dtedask.store.layouts.together import read_together
from dtedask.store.series.array import FOLDER, SeriesArray

if TYPE_CHECKING:
    import icechunk

    from dtedask.store.handover import Known
    from dtedask.store.upkeep.integrity import Integrity

FORMAT = 1
Got = TypeVar("Got")
_GROUP_DEPTH = 3
_NAME_PARTS = 3  # of a cube: class, stream, and expver with what follows it


class Snapshot:
    """A cube as it was at one commit.

    Parameters
    ----------
    url : str
        Path or URL of the cube, for messages.
    repo : icechunk.Repository or callable
        Its repository, or what opens it.
    snapshot : str
        Identifier of the snapshot.
    integrity : Integrity, optional
        Compares metadata with its digests before it is used.
    known : Known, optional
        What need not be read of it; nothing is opened before something else is asked for.
    """

    def __init__(
        self,
        url: str,
        repo: icechunk.Repository | Callable[[], icechunk.Repository],
        snapshot: str,
        integrity: Integrity | None = None,
        known: Known | None = None,
    ) -> None:
        self.url = url
        self.id = snapshot
        self.seen_as: dict[str, str] = {}  # keys that an overlay shows it under, in place of its own
        self._integrity = integrity
        self._opens = repo
        self._was_there = known is not None
        if known is None:
            _ = self._opened
        self.memory: dict[tuple[object, ...], Any] = {}  # what others derive from it and want to keep
        self._groups: dict[str, Group] = dict(known.groups) if known else {}
        if known:
            self.__dict__.update(attributes=known.attributes, group_names=known.group_names)
        self._present: dict[str, np.ndarray] = {}
        self.small_coordinates: dict[str, np.ndarray] = {}

    @property
    def repo(self) -> icechunk.Repository:
        """Its repository, which has read the snapshot after that was checked; raises as `session`."""
        return self._opened[0]

    @property
    def session(self) -> icechunk.Session:
        """Icechunk's session, read only.

        Raises
        ------
        DamagedError
            If the snapshot is damaged.
        """
        return self._opened[1]

    @cached_property
    def _opened(self) -> tuple[icechunk.Repository, icechunk.Session]:
        if self._integrity is not None:
            self._integrity.check_snapshot()
        repo = self._opens() if callable(self._opens) else self._opens
        with self.told_damage():
            session = repo.readonly_session(snapshot_id=self.id)
        self._was_there = True
        return repo, session

    @cached_property
    def attributes(self) -> Mapping[str, Any]:
        """Attributes of the cube: the format's version and the cube's keys.

        Raises
        ------
        DamagedError
            If the snapshot cannot be read.
        FormatVersionError
            If a newer dtedask wrote it.
        """
        document = self._document("zarr.json")
        if document is None:
            self._check_empty()
            return {}
        attributes: dict[str, Any] = document.get("attributes", {}).get("dtedask", {})
        version = attributes.get("format", 0)
        if version > FORMAT:
            raise FormatVersionError(
                f"The cube {self.url!r} has format {version}; this dtedask reads formats up to {FORMAT}.",
                hint="Upgrade dtedask.",
            )
        return attributes

    @property
    def cube(self) -> str:
        """Name of the cube."""
        return "/".join(self.url.rsplit("/", _NAME_PARTS)[1:])

    @cached_property
    def written_at(self) -> datetime:
        """When it was committed, UTC."""
        return self.repo.lookup_snapshot(self.id).written_at

    @property
    def keys(self) -> dict[str, str]:
        """MARS keys that all fields of the cube share."""
        return dict(self.attributes.get("keys", {}))

    @cached_property
    def group_names(self) -> tuple[str, ...]:
        """Names of the groups, sorted."""
        if not self.attributes:
            return ()
        with self.told_damage():
            return tuple(sorted(run_async(self._find_groups())))

    def group(self, name: str) -> Group:
        """A group by its full name.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        """
        if name not in self._groups:
            with self.told_damage(f"the group {name!r}"):
                found = run_async(self._read_group(name)) if self.attributes else None
            if found is None:
                raise NotFoundError(f"The cube {self.url!r} has no group {name!r}.", hint=self._groups_hint())
            self._groups[name] = found
        return self._groups[name]

    @property
    def read_groups(self) -> Mapping[str, Group]:
        """The groups that have been read, by name."""
        return dict(self._groups)

    def find_group(self, name: str | None) -> str:
        """Full name of a group from its name or the beginning of it.

        Raises
        ------
        NotFoundError
            If no group begins so.
        SeveralGroupsError
            If several do.
        """
        return group_named(name, self.group_names, self.url)

    def present(self, group: str, variable: str) -> np.ndarray:
        """Slots of the fields that exist.

        Returns
        -------
        numpy.ndarray of int64, shape (fields, dimensions before the grid's)
            In the order people see: by the labels of the first dimension, then of the second, and so on.
        """
        path = f"{group}/{variable}"
        if path not in self._present:
            found = self.group(group)
            array = found.variables[variable]
            self.check_arrays([path])
            with self.told_damage():
                slots = run_async(chunk_coordinates(self.session, f"/{path}", len(array.shape)))
            self._present[path] = in_order_of_labels(found, array, slots[:, : len(array.dims)])
        return self._present[path]

    def is_listed(self, group: str, variable: str) -> bool:
        """Whether `present` knows the fields of a variable already."""
        return f"{group}/{variable}" in self._present

    @property
    def is_remote(self) -> bool:
        """Whether each look at the storage goes over a network."""
        return self.url.startswith("s3://")

    @overload
    def read_chunks(self, keys: list[str]) -> list[bytes | None]: ...
    @overload
    def read_chunks(self, keys: list[str], get: Callable[[Any, str], Awaitable[Got]]) -> list[Got]: ...
    def read_chunks(self, keys: list[str], get: Callable[[Any, str], Awaitable[Any]] | None = None) -> list[Any]:
        """Stored bytes of chunks, fetched side by side; None where there is none.

        Parameters
        ----------
        keys : list of str
            Their Zarr keys.
        get : callable, optional
            Coroutine function of the Zarr store and a key, where something else than the whole chunk is wanted.
        """
        self.check_chunks([key.split("/c/", 1) for key in keys])
        with self.told_damage():
            found = self._together(keys) if get is None else run_async(fetch(self.session.store, keys, get))
            if get is None:
                found = with_moved(self, keys, found)
            for key, data in zip(keys, found, strict=True):
                if isinstance(data, Exception):
                    from dtedask.store.upkeep.affected import Place
                    from dtedask.store.virtual.failures import source_error

                    place = str(Place(self, key))
                    raise source_error(self, key, place, data) or read_error(data, place) from data
        return list(found)

    def _together(self, keys: list[str]) -> list[Any]:
        """Whole chunks, those of packs in an object store many at once."""
        near = read_together(self, keys)
        others = [number for number in range(len(keys)) if number not in near]
        found = run_async(fetch(self.session.store, [keys[number] for number in others], whole_chunk))
        chunks = {**near, **dict(zip(others, found, strict=True))}
        return [chunks[number] for number in range(len(keys))]

    def documents(self, paths: Sequence[str]) -> list[dict[str, Any]]:
        """Zarr's metadata of arrays, read side by side; empty where there is none."""

        async def read() -> list[dict[str, Any]]:
            return list(await asyncio.gather(*(self._read_document(path) for path in paths)))

        with self.told_damage():
            found: list[dict[str, Any]] = run_async(read())
        return found

    def exist(
        self, chunks: Sequence[tuple[str, tuple[int, ...]]], session: icechunk.Session | None = None
    ) -> list[bool]:
        """Whether chunks exist, each given by the path of its array and its coordinates; asked side by side.

        Parameters
        ----------
        chunks : sequence of (str, tuple of int)
            The chunks.
        session : icechunk.Session, optional
            A writable session of the snapshot, which is asked in its stead where that is near; nothing is checked then.
        """
        from icechunk import ChunkType

        asked = [(f"/{path}", slots) for path, slots in chunks]
        near = session if session is not None and not self.is_remote else None

        async def ask() -> list[Any]:
            return list(await asyncio.gather(*(self.session.chunk_type_async(*one) for one in asked)))

        if near is None:
            self.check_chunks(chunks)
        with self.told_damage():
            # One by one takes a tenth of the time; where manifests come from far away they come side by side.
            asks = near or self.session
            kinds = run_async(ask()) if self.is_remote else [asks.chunk_type(*one) for one in asked]
        return [kind != ChunkType.UNINITIALIZED for kind in kinds]

    def check_arrays(self, paths: Iterable[str]) -> None:
        """Compare all manifests of some arrays with their digests.

        Raises
        ------
        DamagedError
            If one is damaged.
        """
        if self._integrity is not None:
            with self.told_damage():
                self._integrity.check_arrays(self.repo, paths)

    def are_logs_whole(self, snapshots: Iterable[str]) -> bool:
        """Whether the transaction logs of some snapshots of the cube are as they were written, as far as is known."""
        return self._integrity is None or self._integrity.are_logs_whole(snapshots)

    def check_chunks(self, chunks: Iterable[Sequence[Any]]) -> None:
        """Compare the manifests that some chunks stand in with their digests.

        Parameters
        ----------
        chunks : iterable of (str, tuple of int or str)
            Path of the array, and the coordinates or their text in the Zarr key.

        Raises
        ------
        DamagedError
            If one is damaged.
        """
        if self._integrity is not None:
            with self.told_damage():
                self._integrity.check_chunks(self.repo, chunks)

    @contextmanager
    def told_damage(self, what: str = "") -> Iterator[None]:
        """Say of failures inside where they happened: damage as `DamagedError`, others as `StoreError`.

        What a purge took from under a reader is no damage but `NotFoundError`.
        """
        import icechunk

        place = f"{what} of " if what else ""
        try:
            yield
        except (icechunk.IcechunkError, ValueError, KeyError, TypeError, DamagedError) as error:
            if isinstance(error, DtedaskError) and not isinstance(error, DamagedError):
                raise
            found = read_error(error, f"{place}the snapshot {self.id} of the cube {self.url!r}")
            if isinstance(found, DamagedError) and self._was_there and self._integrity is not None:
                self._integrity.check_purged()
            if found is error:
                raise
            raise found from error

    def chunk_sizes(self, keys: list[str]) -> list[int]:
        """Stored bytes of chunks that exist; the manifests say so, the chunks are not read."""
        with self.told_damage():
            return list(run_async(sizes(self.session.store, keys)))

    def _groups_hint(self) -> str:
        return groups_hint(self.group_names)

    def _check_empty(self) -> None:
        """Tell an empty cube from one whose root cannot be read, which looks the same to Zarr."""
        import icechunk

        try:
            if self.repo.lookup_snapshot(self.id).parent_id is None:
                return
        except (icechunk.IcechunkError, ValueError) as error:
            raise self._damaged(first_line(error)) from error
        raise self._damaged("its root group is missing")

    def _damaged(self, reason: str) -> DamagedError:
        return DamagedError(
            f"The snapshot {self.id} of the cube {self.url!r} cannot be read: {reason}.",
            hint="Open an older snapshot with `at=`; `dtedask store history` lists them.",
        )

    def _document(self, key: str) -> dict[str, Any] | None:
        import icechunk
        from zarr.core.buffer import default_buffer_prototype

        try:
            data = run_async(self.session.store.get(key, default_buffer_prototype()))
        except icechunk.IcechunkError as error:
            raise read_error(error, f"the snapshot {self.id} of the cube {self.url!r}") from error
        return None if data is None else dict(json.loads(data.to_bytes()))

    async def _find_groups(self) -> list[str]:
        paths = await self._walk("", _GROUP_DEPTH)
        documents = await asyncio.gather(*(self._read_document(path) for path in paths))
        return [path for path, document in zip(paths, documents, strict=True) if is_ours(document)]

    async def _read_document(self, path: str) -> dict[str, Any]:
        from zarr.core.buffer import default_buffer_prototype

        data = await self.session.store.get(f"{path}/zarr.json", default_buffer_prototype())
        return {} if data is None else dict(json.loads(data.to_bytes()))

    async def _walk(self, prefix: str, depth: int) -> list[str]:
        names = [name async for name in self.session.store.list_dir(prefix) if name != "zarr.json"]
        paths = [f"{prefix}/{name}" if prefix else name for name in names]
        if depth == 1:
            return paths
        below = await asyncio.gather(*(self._walk(path, depth - 1) for path in paths))
        return [name for part in below for name in part]

    async def _read_group(self, name: str) -> Group | None:
        names = sorted([child async for child in self.session.store.list_dir(name) if child != "zarr.json"])
        paths = (name, *(f"{name}/{child}" for child in names))
        head, *documents = await asyncio.gather(*(self._read_document(path) for path in paths))
        if not is_ours(head):
            return None
        arrays = dict(zip(names, documents, strict=True))
        # What somebody else put into the group has no role, and is none of our business.
        roles = {child: found.get("attributes", {}).get("dtedask_role", "") for child, found in arrays.items()}
        attributes = head["attributes"]
        free = free_slots(attributes)
        axes = await asyncio.gather(
            *(self._read_axis(name, child, arrays[child], free) for child in names if roles[child] == "axis")
        )
        variables = {child: variable_of(child, arrays[child]) for child in names if roles[child] == "variable"}
        return Group(
            name=name,
            grid=grid_of(attributes["dtedask"]["grid"]),
            keys=attributes["dtedask"]["keys"],
            attributes=attributes,
            axes={axis.dimension.name: axis for axis in axes},
            variables=variables,
            coordinates={child: arrays[child] for child in names if roles[child] == "coordinate"},
            series=await self._read_series(name, variables) if FOLDER in names else {},
        )

    async def _read_series(self, group: str, variables: Mapping[str, Variable]) -> dict[str, SeriesArray]:
        """Arrays of time series, by the variable that they stand beside."""
        there = [name async for name in self.session.store.list_dir(f"{group}/{FOLDER}") if name in variables]
        paths = {name: f"{group}/{FOLDER}/{name}" for name in sorted(there)}
        documents = await asyncio.gather(*(self._read_document(path) for path in paths.values()))
        return {
            name: SeriesArray.from_document(path, document, variables[name].dims)
            for (name, path), document in zip(paths.items(), documents, strict=True)
            if document.get("attributes", {}).get("dtedask_role") == "series"
        }

    async def _read_axis(
        self, group: str, name: str, metadata: dict[str, Any], free: Mapping[str, frozenset[int]]
    ) -> Axis:
        import icechunk
        from zarr import AsyncArray
        from zarr.core.metadata import ArrayV3Metadata
        from zarr.storage import StorePath

        path = f"{group}/{name}"
        array = AsyncArray(ArrayV3Metadata.from_dict(metadata), StorePath(self.session.store, path))
        await asyncio.to_thread(self.check_arrays, [path])
        try:
            labels = np.asarray(await array.getitem(slice(None)))
        except (icechunk.IcechunkError, ValueError, RuntimeError) as error:
            place = f"the labels {path!r} in the snapshot {self.id} of the cube {self.url!r}"
            raise read_error(error, place) from error
        if labels.dtype.kind not in "if":
            labels = labels.astype(object)
        return Axis(
            Dimension(name, metadata["attributes"].get("dtedask_type", "")), labels, free.get(name, frozenset())
        )
