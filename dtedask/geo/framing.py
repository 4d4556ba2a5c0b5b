"""Frames: the outermost rows and columns of a grid."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError
from dtedask.geo.grid import Grid
from dtedask.geo.grids.points import base_kind

__all__ = ["frame_points", "lengths_of_rows"]

_KEPT = 16


@lru_cache(_KEPT)
def frame_points(grid: Grid, width: int) -> NDArray[np.bool_]:
    """Say which points are in the frame: those of the outermost rows, and the outermost ones of each row, as with MIR.

    Parameters
    ----------
    grid : Grid
        Its points stand in rows.
    width : int
        How many rows at each edge, and how many points at both ends of each row.

    Returns
    -------
    numpy.ndarray of bool, shape grid.shape
        Not to be changed.

    Raises
    ------
    GridError
        If its points do not stand in rows.
    """
    lengths = lengths_of_rows(grid)
    row = np.repeat(np.arange(lengths.size), lengths)
    column = np.arange(grid.size) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    is_outer = (row < width) | (row >= lengths.size - width)
    found: NDArray[np.bool_] = is_outer | (column < width) | (column >= lengths[row] - width)
    found = found.reshape(grid.shape)
    found.flags.writeable = False
    return found


def lengths_of_rows(grid: Grid) -> NDArray[np.int64]:
    """How many points each row has, from north to south.

    Raises
    ------
    GridError
        If its points do not stand in rows.
    """
    if len(grid.shape) == 2:
        return np.full(grid.shape[0], grid.shape[1], np.int64)
    rows = _own_system(grid).structure()
    if rows is not None:
        return rows.count[rows.count > 0].astype(np.int64)
    raise GridError(
        f"The points of the grid {grid.label} stand in no rows: it has no frame.",
        hint="Frames are for regular, Gaussian and rotated grids and for maps.",
    )


def _own_system(grid: Grid) -> Grid:
    """The grid before it was turned: there its rows are circles of latitude."""
    kind, place = base_kind(grid.kind), grid.description
    if kind == grid.kind:
        return grid
    del place["kind"]
    plain = {key: value for key, value in place.items() if not key.startswith(("south_pole", "stretching", "angle"))}
    return Grid.of(kind, plain, grid.dims, grid.shape)
