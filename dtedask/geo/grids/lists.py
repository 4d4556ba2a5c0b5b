"""A grid from a list of points: reduced Gaussian, HEALPix, or unstructured."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.grid import Grid
from dtedask.geo.grids.axes import gaussian_rows, resolution_of

_Array = NDArray[np.floating]


def grid_of_points(latitude: _Array, longitude: _Array, *, name: str = "") -> Grid:
    """Tell the grid of points in their order.

    Parameters
    ----------
    latitude, longitude : numpy.ndarray, shape (size,)
        Degrees.
    name : str
        What an unstructured grid is called.

    Returns
    -------
    Grid
        A whole reduced Gaussian grid or HEALPix if the points are those of one; else an unstructured grid, whose
        coordinates are kept.
    """
    resolution = max(resolution_of(latitude), 1e-5)
    for grid in _candidates(latitude, resolution):
        known = grid.points()
        apart = np.abs((known.longitude - longitude + 180.0) % 360.0 - 180.0)
        if np.abs(known.latitude - latitude).max() <= resolution and apart.max() <= resolution:
            return grid
    return Grid.unstructured(latitude, longitude, name=name)


def _candidates(latitude: _Array, resolution: float) -> Iterator[Grid]:
    size = latitude.size
    nside = math.isqrt(size // 12)
    if nside and 12 * nside * nside == size:
        yield Grid(f"H{nside}")
        if nside & (nside - 1) == 0:
            yield Grid(f"H{nside}-nested")
    starts = np.flatnonzero(np.diff(latitude, prepend=np.inf))
    lengths = np.diff(starts, append=size)
    found = gaussian_rows(latitude[starts], resolution) if starts.size % 2 == 0 else None
    if found is not None and found[2] == 2 * found[0]:
        yield Grid({"pl": lengths.tolist()})
