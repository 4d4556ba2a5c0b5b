"""Values of a variable that stand in several roots, as one lazy array: each field is read from the root that has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from xarray.backends import BackendArray
from xarray.core import indexing

from dtedask.store.dataset import LazyArray, Part, field_array
from dtedask.store.fields import SlotTable, without_empty_slices
from dtedask.store.folding import fold
from dtedask.store.location import Location
from dtedask.store.several.merge import Merged

if TYPE_CHECKING:
    from dtedask.store.selection import Selection


def fan_in(_location: Location, part: Part, tables: Sequence[SlotTable]) -> LazyArray:
    """Values of merged fields; of fields of one root alone the array of that root."""
    assert isinstance(part, Merged)
    assert part.owners is not None
    arrays = [_of_root(part, number, tables) for number in range(len(part.parts))]
    is_whole = len(arrays) == 1 and bool((part.owners >= 0).all())
    return arrays[0] if is_whole else FanInArray(arrays, part.owners, tables)


def location_of(selection: Selection) -> Location:
    """The root that a selection is of."""
    snapshot = selection.snapshot
    return Location(snapshot.url.removesuffix(f"/{snapshot.cube}"))


def _of_root(part: Merged, number: int, tables: Sequence[SlotTable]) -> LazyArray:
    """The array of one root, by the places of the merged axes; what it lacks is never asked for."""
    dims, places = part.variable.dims, part.places[number]
    own = []
    for table in tables:
        columns = [
            np.maximum(places[dims[position]][table.slots[:, column]], 0)
            for column, position in enumerate(table.positions)
        ]
        own.append(SlotTable(table.positions, np.stack(columns, axis=1)))
    root = part.parts[number]
    return field_array(location_of(root), root, own)


class FanInArray(BackendArray):
    """An array whose fields come from several others.

    Parameters
    ----------
    arrays : sequence of LazyArray
        All of the same shape; each holds some of the fields.
    owners : numpy.ndarray of int
        By slots: number of the array that holds a field, -1 where none does.
    tables : sequence of SlotTable
        Slots of the labels of each dimension before those of the grid.
    """

    def __init__(self, arrays: Sequence[LazyArray], owners: np.ndarray, tables: Sequence[SlotTable]) -> None:
        self._arrays = tuple(arrays)
        self._owners = owners
        self._tables = tuple(tables)
        self.shape: tuple[int, ...] = arrays[0].shape
        self.dtype = np.result_type(*(array.dtype for array in arrays))

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(
            without_empty_slices(key, self.shape), self.shape, indexing.IndexingSupport.OUTER, self._read
        )

    def _read(self, key: tuple[Any, ...]) -> np.ndarray:
        leading, grid = key[: len(self._tables)], key[len(self._tables) :]
        chosen = [np.atleast_1d(np.arange(size)[part]) for size, part in zip(self.shape, leading, strict=False)]
        owners = self._owners_of(chosen)
        held = np.unique(owners)
        if len(held) == 1 and held[0] >= 0:
            return np.asarray(self._arrays[int(held[0])][indexing.OuterIndexer(key)], dtype=self.dtype)
        cropped = [np.arange(size)[part] for size, part in zip(self.shape[len(chosen) :], grid, strict=True)]
        out = np.full((*owners.shape, *(len(part) for part in cropped if np.ndim(part))), np.nan, dtype=self.dtype)
        for number in held[held >= 0].tolist():
            for box in fold(np.argwhere(owners == number)):
                part = tuple(places[inner] for places, inner in zip(chosen, box, strict=True))
                out[np.ix_(*box)] = self._arrays[number][indexing.OuterIndexer((*part, *grid))]
        scalars = tuple(0 if isinstance(part, int | np.integer) else slice(None) for part in leading)
        return out[scalars] if scalars else out

    def _owners_of(self, chosen: Sequence[np.ndarray]) -> np.ndarray:
        """Owner of each combination of chosen labels, one dimension a table."""
        index: list[np.ndarray] = [np.empty(0, dtype=np.int64)] * self._owners.ndim
        for place, (table, part) in enumerate(zip(self._tables, chosen, strict=True)):
            shape = [1] * len(self._tables)
            shape[place] = len(part)
            for column, position in enumerate(table.positions):
                index[position] = table.slots[part, column].reshape(shape)
        found: np.ndarray = self._owners[tuple(index)]
        return found
