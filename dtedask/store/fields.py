"""The values of a variable as a lazy array: fields are fetched side by side and decoded in a pool of threads."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from dask.base import tokenize
from xarray.backends import BackendArray
from xarray.core import indexing

from dtedask.store.opaque import OpaqueCodec
from dtedask.store.repository import cached_snapshot
from dtedask.store.series.read import Points, choose, read
from dtedask.store.snapshot import Snapshot, Variable
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
            _without_empty_slices(key, self.shape), self.shape, indexing.IndexingSupport.OUTER, self._read
        )

    def _read(self, key: tuple[Any, ...]) -> np.ndarray:
        chosen = [np.atleast_1d(np.arange(len(t.slots))[part]) for t, part in zip(self._tables, key, strict=False)]
        crop = _Crop(key[len(self._tables) :], self._grid_shape)
        out = np.empty((*(len(part) for part in chosen), *crop.shape), dtype=self.dtype)
        if out.size:
            self._fill_all(out.reshape(-1, *crop.shape), self._slots(chosen), crop, key[len(self._tables) :])
        scalars = tuple(0 if isinstance(part, int | np.integer) else slice(None) for part in key[: len(chosen)])
        return out[scalars] if scalars else out

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

    def _fill_all(self, out: np.ndarray, rows: np.ndarray, crop: _Crop, key: tuple[Any, ...]) -> None:
        """Read fields: from their time series where that touches fewer bytes, else by themselves."""
        left = np.flatnonzero(~self._fill_from_series(out, rows, crop, key))
        if len(left) == len(rows):
            self._fill(out, self._keys(rows), crop)
        elif len(left):
            part = np.empty((len(left), *crop.shape), dtype=self.dtype)
            self._fill(part, self._keys(rows[left]), crop)
            out[left] = part

    def _fill_from_series(self, out: np.ndarray, rows: np.ndarray, crop: _Crop, key: tuple[Any, ...]) -> np.ndarray:
        """Read what is better read from time series; which of the fields that were."""
        nothing = np.zeros(len(rows), dtype=bool)
        if self._series is None or crop.is_whole:
            return nothing
        points = Points.of(self._series.patch, key, self._grid_shape)
        snapshot = cached_snapshot(*self._place)
        choice = choose(snapshot, self._series, rows, points, self._series.field_bytes)
        if not choice.fields:
            return nothing
        return read(snapshot, self._series, rows, points, choice, out.reshape(len(rows), *points.shape))

    def _fill(self, out: np.ndarray, keys: Sequence[str], crop: _Crop) -> None:
        snapshot = cached_snapshot(*self._place)
        size = int(np.prod(self._grid_shape)) * self.dtype.itemsize
        many = max(_BYTES_AT_ONCE // max(size, 1), 1)
        for start in range(0, len(keys), many):
            self._fill_part(out[start : start + many], keys[start : start + many], crop, snapshot)

    def _fill_part(self, out: np.ndarray, keys: Sequence[str], crop: _Crop, snapshot: Snapshot) -> None:
        stored = snapshot.read_chunks(list(keys))

        def decode(index: int) -> None:
            data = stored[index]
            place = Place(snapshot, keys[index])
            if data is None:
                out[index] = np.nan
            elif crop.is_whole:
                self._codec.decode_into(out[index], data, place)
            else:
                out[index] = crop(self._codec.decode(data, self._grid_shape, place))

        if len(keys) == 1:
            decode(0)
        else:
            list(_pool(os.getpid()).map(decode, range(len(keys))))


def _without_empty_slices(key: indexing.ExplicitIndexer, shape: tuple[int, ...]) -> indexing.ExplicitIndexer:
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


class _Crop:
    """The part of each field that is asked for."""

    def __init__(self, key: tuple[Any, ...], shape: tuple[int, ...]) -> None:
        parts = [np.arange(size)[part] for part, size in zip(key, shape, strict=True)]
        self.shape = tuple(len(part) for part in parts if np.ndim(part))
        self.is_whole = bool(shape) and all(
            isinstance(part, slice) and part.indices(size) == (0, size, 1)
            for part, size in zip(key, shape, strict=True)
        )
        self._key: Any = key
        if sum(isinstance(part, np.ndarray) for part in key) > 1:
            self._key = np.ix_(*(np.atleast_1d(part) for part in parts))

    def __call__(self, field: np.ndarray) -> np.ndarray:
        return np.asarray(field[self._key]).reshape(self.shape)


@lru_cache(maxsize=1)
def _pool(_process: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="decode")
