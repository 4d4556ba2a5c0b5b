"""What a task of a graph does to its fields: small, so that it travels; weights are loaded where it runs."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.application.missing import DEFAULT, MissingPolicy
from dtedask.geo.area import Area
from dtedask.geo.cropping import Cropped, cropped

if TYPE_CHECKING:
    from collections.abc import Callable

    from scipy.sparse import csr_array

    from dtedask.geo.application.compact import CompactWeights
    from dtedask.geo.grid import Grid
    from dtedask.geo.weighting import WeightsHandle

Window = tuple[tuple[int, int], ...]
_KEPT = 8
_BOUNDS: tuple[Literal["minimum"], Literal["maximum"]] = ("minimum", "maximum")
_lock = threading.Lock()
_loading: dict[tuple[Any, ...], threading.Lock] = {}
_compact: OrderedDict[tuple[Any, ...], CompactWeights] = OrderedDict()


@dataclass(frozen=True)
class Operation:
    """Weights by name, and how they are applied.

    Parameters
    ----------
    handle : WeightsHandle
        The weights of the whole target, and the grids.
    area : tuple of float, or None
        North, west, south, east of the part of the target that is wanted.
    window : tuple of (int, int)
        First and last (exclusive) index of the part of the source that is read, in each of its dimensions.
    missing : MissingPolicy
        What becomes of points with missing values.
    simulated, tolerance : float
        The number that counts as missing under ``simulated-missing-value``, and how far from it a value may be.
    """

    handle: WeightsHandle
    area: Area | None
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
        whole = self.handle.interpolation.target
        return whole if self.area is None else _cut(whole, self.area).grid

    def __call__(self, *values: NDArray[Any]) -> NDArray[np.floating]:
        """Interpolate fields.

        Parameters
        ----------
        values : one numpy.ndarray, shape (..., window)
            The part of the source that the window names.

        Returns
        -------
        numpy.ndarray, shape (..., target.shape)
            float32 or float64.
        """
        from dtedask.geo.application.apply import as_floating

        (given,) = values
        before = given.shape[: given.ndim - len(self.window)]
        fields = as_floating(given).reshape(math.prod(before), math.prod(given.shape[len(before) :]))
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

        weights = self._compact(self.handle)
        if self.handle.reduction != "sum":
            return reduce_rows(weights, fields, self.handle.reduction)
        found = apply(weights, fields, missing=self.missing)
        limits = self.handle.limits()
        if limits is not None:
            around = self._compact(limits)
            low, high = (reduce_rows(around, fields, which) for which in _BOUNDS)
            np.clip(found, low, high, out=found, where=~np.isnan(low))
        return found

    def _compact(self, handle: WeightsHandle) -> CompactWeights:
        """Return weights as the kernels read them; a process makes them once."""
        from dtedask.geo.application.compact import compact

        is_heaviest = self.missing == "heaviest"

        def make() -> CompactWeights:
            matrix = within_window(rows_of(handle, self.area), self.source.shape, self.window)
            return compact(matrix, heaviest_only=is_heaviest)

        return _once((handle.key, self.area, self.window, is_heaviest), make)


def _once(key: tuple[Any, ...], make: Callable[[], CompactWeights]) -> CompactWeights:
    """Return what was made before under a key, or make it; of several threads one does."""
    with _lock:
        loading = _loading.setdefault(key, threading.Lock())
    with loading:
        with _lock:
            found = _compact.get(key)
        if found is None:
            found = make()
        with _lock:
            _compact[key] = found
            _compact.move_to_end(key)
            while len(_compact) > _KEPT:
                _loading.pop(_compact.popitem(last=False)[0], None)
    return found


@lru_cache(_KEPT)
def _cut(grid: Grid, area: Area) -> Cropped:
    return cropped(grid, area)


def rows_of(handle: WeightsHandle, area: Area | None) -> csr_array:
    """Return the weights of the points of the target in an area; no others are read."""
    return handle.matrix() if area is None else handle.take(_cut(handle.interpolation.target, area).places)


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
