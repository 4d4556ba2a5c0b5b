"""The values of a variable as a lazy array: fields are fetched side by side and decoded in a pool of threads."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import xarray as xr
from dask.base import tokenize
from xarray.backends import BackendArray
from xarray.core import indexing

from dtedask.store.group import Variable
from dtedask.store.layouts import FieldCodec, TileCodec
from dtedask.store.layouts.local_packs import PackedChunk, packed_or_read
from dtedask.store.layouts.tile_reader import read_tiles
from dtedask.store.layouts.tiling import Window, positions_of
from dtedask.store.opaque import OpaqueCodec
from dtedask.store.pool import decoding_pool
from dtedask.store.repository import cached_snapshot
from dtedask.store.series.read import Points, read_better
from dtedask.store.snapshot import Snapshot
from dtedask.store.upkeep.affected import Place

if TYPE_CHECKING:
    from dtedask.store.location import Location
    from dtedask.store.series.array import SeriesArray

_BYTES_AT_ONCE = 64 * 2**20


@dataclass(frozen=True)
class SlotTable:
    """One dimension that a user sees, and the slots behind its labels.

    Parameters
    ----------
    positions : tuple of int
        Dimensions of the stored array that it stands for: one, or reference time and step for a time axis.
    slots : numpy.ndarray of int64, shape (labels, len(positions))
        The slot of each label on each of them.
    """

    positions: tuple[int, ...]
    slots: np.ndarray


class FieldArray(BackendArray):
    """A variable of a snapshot; it opens the cube where it is read, so that it travels as a few names.

    Parameters
    ----------
    location : Location
        The root.
    cube, snapshot, group, variable : str
        What to read.
    tables : sequence of SlotTable
        Dimensions before those of the grid.
    series : SeriesArray, optional
        Time series of the variable, which are read where that touches fewer bytes.
    """

    def __init__(
        self,
        location: Location,
        cube: str,
        snapshot: str,
        group: str,
        variable: Variable,
        tables: Sequence[SlotTable],
        *,
        series: SeriesArray | None = None,
    ) -> None:
        self._place = (location, cube, snapshot)
        self._group = group
        self._variable = variable.name
        self._tables = tuple(tables)
        self._series = series
        self._grid_shape = variable.shape[len(variable.dims) :]
        assert not isinstance(variable.codec, OpaqueCodec)
        self._codec = variable.codec
        self.dtype = np.dtype(variable.dtype)
        self.shape = (*(len(table.slots) for table in self._tables), *self._grid_shape)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(
            without_empty_slices(key, self.shape), self.shape, indexing.IndexingSupport.OUTER, self._read
        )

    def present(self) -> np.ndarray:
        """Whether each field exists, in the shape of the dimensions before those of the grid."""
        slots = cached_snapshot(*self._place).present(self._group, self._variable)
        known = set(map(tuple, slots.tolist()))
        shape = self.shape[: len(self._tables)]
        rows = self._slots([np.arange(size) for size in shape]) if self._tables else np.empty((1, 0), dtype=np.int64)
        return np.fromiter((row in known for row in map(tuple, rows.tolist())), bool, len(rows)).reshape(shape)

    def _read(self, key: tuple[Any, ...]) -> np.ndarray:
        chosen = [np.atleast_1d(np.arange(len(t.slots))[part]) for t, part in zip(self._tables, key, strict=False)]
        part = self._part(key[len(self._tables) :])
        out = np.empty((*map(len, chosen), *part.shape), dtype=self.dtype)
        if out.size:
            self._fill_all(out.reshape(-1, *part.shape), self._slots(chosen), part, key[len(self._tables) :])
        scalars = tuple(0 if isinstance(one, int | np.integer) else slice(None) for one in key[: len(chosen)])
        return out[scalars] if scalars else out

    def _part(self, key: tuple[Any, ...]) -> Part:
        """How the part of each field is read that is asked for."""
        crop = _Crop(self._codec, key, self._grid_shape)
        return crop if crop.is_whole or not isinstance(self._codec, TileCodec) else _Tiles(self._codec, key, crop)

    def _slots(self, chosen: Sequence[np.ndarray]) -> np.ndarray:
        """Slots of the fields that are asked for, shape (fields, dimensions)."""
        width = sum(len(table.positions) for table in self._tables)
        rows = np.empty((math.prod(map(len, chosen)), width), dtype=np.int64)
        places = np.indices(tuple(map(len, chosen))).reshape(len(chosen), -1)
        for table, part, place in zip(self._tables, chosen, places, strict=True):
            rows[:, list(table.positions)] = table.slots[part][place]
        return rows

    def _keys(self, rows: np.ndarray) -> list[str]:
        """Zarr keys of the chunks of fields."""
        head, zeros = f"{self._group}/{self._variable}/c", ["0"] * len(self._grid_shape)
        return ["/".join([head, *map(str, row), *zeros]) for row in rows.tolist()]

    def _fill_all(self, out: np.ndarray, rows: np.ndarray, part: Part, key: tuple[Any, ...]) -> None:
        """Read fields: from their time series where that touches fewer bytes, else by themselves."""
        left = np.flatnonzero(~self._fill_from_series(out, rows, part, key))
        if len(left) == len(rows):
            self._fill(out, self._keys(rows), part)
        elif len(left):
            others = np.empty((len(left), *part.shape), dtype=self.dtype)
            self._fill(others, self._keys(rows[left]), part)
            out[left] = others

    def _fill_from_series(self, out: np.ndarray, rows: np.ndarray, part: Part, key: tuple[Any, ...]) -> np.ndarray:
        """Read what is better read from time series; which of the fields that were."""
        if self._series is None or part.is_whole:
            return np.zeros(len(rows), dtype=bool)
        points = Points.of(self._series.patch, key, self._grid_shape)
        room = out.reshape(len(rows), *points.shape)
        return read_better(cached_snapshot(*self._place), self._series, rows, points, part.field_bytes, room)

    def _fill(self, out: np.ndarray, keys: Sequence[str], part: Part) -> None:
        snapshot = cached_snapshot(*self._place)
        many = max(_BYTES_AT_ONCE // max(part.field_bytes, 1), 1)
        for start in range(0, len(keys), many):
            _fill_some(out[start : start + many], keys[start : start + many], part, snapshot)


def _fill_some(out: np.ndarray, keys: Sequence[str], part: Part, snapshot: Snapshot) -> None:
    """Fetch some fields and decode them, in threads where they are several."""
    stored = part.fetch(snapshot, keys)

    def decode(index: int) -> None:
        if stored[index] is None:
            out[index] = np.nan
        else:
            # The slice keeps an array where the part is one point.
            part.decode(out[index : index + 1], stored[index], Place(snapshot, keys[index]))

    if len(keys) == 1:
        decode(0)
    else:
        list(decoding_pool().map(decode, range(len(keys))))


def without_empty_slices(key: indexing.ExplicitIndexer, shape: tuple[int, ...]) -> indexing.ExplicitIndexer:
    """An indexer in which empty slices go forwards: xarray 2026.9 stumbles over those that go backwards."""
    parts = tuple(
        slice(0, 0) if isinstance(part, slice) and not range(*part.indices(size)) else part
        for part, size in zip(key.tuple, shape, strict=True)
    )
    return type(key)(parts)


class SnapshotVariable(xr.Variable):
    """A variable of a snapshot, whose Dask names tell snapshots apart.

    xarray names the Dask arrays of an engine after path and arguments alone. Two datasets of one cube, opened before
    and after a commit, would have equal names, and Dask takes what has equal names for equal.
    """

    __slots__ = ()

    def chunk(self, *args: Any, **kwargs: Any) -> Any:
        """Put the values into Dask chunks; see `xarray.Variable.chunk`."""
        name = _name_by_engine(kwargs)
        if name:
            given = {**kwargs["from_array_kwargs"], "name": f"{name}-{tokenize(self._data)}"}
            kwargs["from_array_kwargs"] = given
        return super().chunk(*args, **kwargs)


class CoordinateVariable(xr.Variable):
    """A coordinate that is in memory and stays there when a dataset is opened in Dask chunks.

    Those of a large grid would travel in every graph.
    """

    __slots__ = ()

    def chunk(self, *args: Any, **kwargs: Any) -> Any:
        """Put the values into Dask chunks, except on opening; see `xarray.Variable.chunk`."""
        plain = xr.Variable(self.dims, self.to_numpy(), self.attrs, self.encoding)
        return plain if _name_by_engine(kwargs) else plain.chunk(*args, **kwargs)


def _name_by_engine(options: Mapping[str, Any]) -> str:
    """Name of a Dask array that `xarray.open_dataset` asks for; empty where somebody else asks."""
    name = (options.get("from_array_kwargs") or {}).get("name")
    return name if isinstance(name, str) and name.startswith("open_dataset-") else ""


class Part(Protocol):
    """The part of each field that is asked for."""

    shape: tuple[int, ...]
    is_whole: bool
    field_bytes: int

    def fetch(self, snapshot: Snapshot, keys: Sequence[str]) -> Sequence[Any]:
        """What is stored of fields; None for those that do not exist."""

    def decode(self, out: np.ndarray, stored: Any, place: object) -> None:
        """Put the part of one field into an array of its shape, with a dimension of length 1 before it."""


class _Crop:
    """A part of fields that are decoded as a whole."""

    def __init__(self, codec: FieldCodec, key: tuple[Any, ...], shape: tuple[int, ...]) -> None:
        parts = [positions_of(part, size) for part, size in zip(key, shape, strict=True)]
        is_one = [isinstance(part, int | np.integer) for part in key]
        self.shape = tuple(len(part) for part, is_scalar in zip(parts, is_one, strict=True) if not is_scalar)
        self.field_bytes = math.prod(shape) * np.dtype(codec.dtype).itemsize
        self.is_whole = bool(shape) and all(
            isinstance(part, slice) and part.indices(size) == (0, size, 1)
            for part, size in zip(key, shape, strict=True)
        )
        self._codec, self.field_shape = codec, shape
        self._key: Any = key
        if sum(isinstance(part, np.ndarray) for part in key) > 1:
            self._key = np.ix_(*map(np.asarray, parts))

    def fetch(self, snapshot: Snapshot, keys: Sequence[str]) -> Sequence[PackedChunk | bytes | None]:
        return packed_or_read(snapshot, keys) if self._codec.keeps_messages else snapshot.read_chunks(list(keys))

    def decode(self, out: np.ndarray, stored: PackedChunk | bytes, place: object) -> None:
        if isinstance(stored, PackedChunk):
            found = stored.read()
            assert found is not None  # it stands in the manifest
            stored = found
        if self.is_whole:
            self._codec.decode_into(out[0], stored, place)
        else:
            field = self._codec.decode(stored, self.field_shape, place)
            out[0] = np.asarray(field[self._key]).reshape(self.shape)


class _Tiles:
    """A part of fields of which only some tiles are read."""

    is_whole = False

    def __init__(self, codec: TileCodec, key: tuple[Any, ...], crop: _Crop) -> None:
        self._codec = codec
        self._tiling = codec.tiling(crop.field_shape)
        self._window = Window.of(self._tiling, key)
        self.shape = crop.shape
        self.field_bytes = len(self._window.tiles) * codec.tile_bytes

    def fetch(self, snapshot: Snapshot, keys: Sequence[str]) -> Sequence[Any]:
        return read_tiles(snapshot, keys, self._codec, self._tiling, self._window, partial(Place, snapshot))

    def decode(self, out: np.ndarray, stored: Any, place: object) -> None:
        self._codec.decode_window(out.reshape(self._window.shape), stored, self._window, place)
