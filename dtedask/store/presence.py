"""Which fields of a lazy variable exist: gaps are NaN when they are read, and nothing tells them from data then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from xarray.core import indexing

from dtedask.store.fields import FieldArray

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["fields_present"]


def fields_present(variable: xr.Variable) -> np.ndarray | None:
    """Whether each field of a variable exists.

    Parameters
    ----------
    variable : xarray.Variable
        Of a dataset that a store or the engine opened; also after fields were selected.

    Returns
    -------
    numpy.ndarray of bool, or None
        In the shape of the dimensions before those of the grid; None where that is not known, such as of Dask arrays
        or of values that are in memory.
    """
    array, key = _behind(variable._data)  # noqa: SLF001 - xarray says in no other way what a lazy variable reads
    if not isinstance(array, FieldArray) or isinstance(key, indexing.VectorizedIndexer):
        return None
    found = array.present()
    if key is None:
        return found
    parts = [_places(part, size) for part, size in zip(key.tuple, found.shape, strict=False)]
    return np.asarray(found[np.ix_(*map(np.atleast_1d, parts))]).reshape([len(part) for part in parts if part.ndim])


def _behind(data: Any) -> tuple[Any, Any]:
    """The array behind what xarray wraps around it, and what is selected of it."""
    while not isinstance(data, FieldArray) and hasattr(data, "array"):
        if isinstance(data, indexing.LazilyIndexedArray) and isinstance(data.array, FieldArray):
            return data.array, data.key
        data = data.array
    return data, None


def _places(part: Any, size: int) -> np.ndarray:
    """Places that a part of an indexer takes; a whole number takes one and leaves no dimension."""
    return np.arange(size)[part] if isinstance(part, slice) else np.asarray(part)
