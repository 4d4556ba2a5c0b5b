"""What a task of a graph does to its fields: small, so that it travels; weights are loaded where it runs."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.application.missing import DEFAULT, MissingPolicy

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from dtedask.geo.application.compact import CompactWeights
    from dtedask.geo.grid import Grid
    from dtedask.geo.weighting import WeightsHandle

Window = tuple[tuple[int, int], ...]
_KEPT = 8
_lock = threading.Lock()
_loading: dict[str, threading.Lock] = {}
_compact: OrderedDict[tuple[Any, ...], CompactWeights] = OrderedDict()


@dataclass(frozen=True)
class Operation:
    """Weights by name, and how they are applied.

    Parameters
    ----------
    handle : WeightsHandle
        The weights, and the grids.
    window : tuple of (int, int)
        First and last (exclusive) index of the part of the source that is read, in each of its dimensions.
    missing : MissingPolicy
        What becomes of points with missing values.
    simulated, tolerance : float
        The number that counts as missing under ``simulated-missing-value``, and how far from it a value may be.
    """

    handle: WeightsHandle
    window: Window
    missing: MissingPolicy = DEFAULT
    simulated: float = 9999.0
    tolerance: float = 0.0

    @property
    def source(self) -> Grid:
        """Where values are."""
        return self.handle.interpolation.source

    @property
    def target(self) -> Grid:
        """Where values are wanted."""
        return self.handle.interpolation.target

    def __call__(self, values: NDArray[Any]) -> NDArray[np.floating]:
        """Interpolate fields.

        Parameters
        ----------
        values : numpy.ndarray, shape (..., window)
            The part of the source that the window names.

        Returns
        -------
        numpy.ndarray, shape (..., target.shape)
            float32 or float64.
        """
        from dtedask.geo.application.apply import as_floating

        before = values.shape[: values.ndim - len(self.window)]
        count = int(np.prod(before, dtype=np.int64))
        fields = as_floating(values).reshape(count, -1)
        found = self._simulated(fields) if self.missing == "simulated-missing-value" else self._apply(fields)
        return found.reshape(*before, *self.target.shape)

    def _simulated(self, fields: NDArray[np.floating]) -> NDArray[np.floating]:
        is_missing = np.abs(fields - self.simulated) <= self.tolerance
        found = self._apply(np.where(is_missing, np.asarray(np.nan, fields.dtype), fields))
        found[np.isnan(found)] = self.simulated
        return found

    def _apply(self, fields: NDArray[np.floating]) -> NDArray[np.floating]:
        from dtedask.geo.application.apply import apply
        from dtedask.geo.application.reduce import reduce_rows

        weights = compact_weights(self.handle, self.window, heaviest_only=self.missing == "heaviest")
        if self.handle.reduction != "sum":
            return reduce_rows(weights, fields, self.handle.reduction)
        return apply(weights, fields, missing=self.missing)


def compact_weights(handle: WeightsHandle, window: Window, *, heaviest_only: bool = False) -> CompactWeights:
    """Return weights as the kernels read them; a process makes them once."""
    from dtedask.geo.application.compact import compact

    key = (handle.key, window, heaviest_only)
    with _lock:
        loading = _loading.setdefault(handle.key, threading.Lock())
    with loading:
        with _lock:
            found = _compact.get(key)
            if found is not None:
                _compact.move_to_end(key)
                return found
        matrix = within_window(handle.matrix(), handle.interpolation.source.shape, window)
        found = compact(matrix, heaviest_only=heaviest_only)
        with _lock:
            _compact[key] = found
            while len(_compact) > _KEPT:
                _compact.popitem(last=False)
    return found


def window_of(matrix: csr_array, shape: tuple[int, ...]) -> Window:
    """Find the smallest part of a source grid of a shape that weights read."""
    if not matrix.nnz:
        return tuple((0, 1) for _ in shape)
    used = np.unravel_index(np.unique(matrix.indices), shape)
    return tuple((int(places.min()), int(places.max()) + 1) for places in used)


def within_window(matrix: csr_array, shape: tuple[int, ...], window: Window) -> csr_array:
    """Number the columns of weights as the points of a window of the source are."""
    from scipy.sparse import csr_array

    if all(edges == (0, size) for edges, size in zip(window, shape, strict=True)):
        return matrix
    places = np.unravel_index(matrix.indices, shape)
    moved = tuple(place - first for place, (first, _) in zip(places, window, strict=True))
    inner = tuple(last - first for first, last in window)
    columns = np.ravel_multi_index(moved, inner)
    return csr_array((matrix.data, columns, matrix.indptr), (matrix.shape[0], int(np.prod(inner))))
