"""Part of a grid, and where its points stand in the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.grid import Grid


@dataclass(frozen=True, slots=True, eq=False)
class Cropped:
    """The points of a grid in an area.

    Parameters
    ----------
    grid : Grid
        The points, as a grid of their own.
    places : numpy.ndarray of int64, shape (grid.size,)
        Where each of them stands in the whole grid.
    """

    grid: Grid
    places: NDArray[np.int64]


def cropped(grid: Grid, area: Sequence[float]) -> Cropped:
    """Cut an area out of a grid.

    Parameters
    ----------
    grid : Grid
        The whole grid.
    area : sequence of float
        North, west, south, east in degrees, the MARS order, edges included; of turned grids in their own system.

    Returns
    -------
    Cropped
        Its points run from the west edge of the area to the east one, also across Greenwich. The grid itself, where all
        of its points are in the area.

    Raises
    ------
    GridError
        If no point lies in the area, or the points in it are no grid.
    """
    part, places = grid.crop(area)
    if part.size == grid.size and (part == grid or len(grid.shape) == 1):
        return Cropped(grid, np.arange(grid.size, dtype=np.int64))
    return Cropped(part, places)
