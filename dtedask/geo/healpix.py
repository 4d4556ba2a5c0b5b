"""The two orders of HEALPix: along rings of latitude, or nested in the twelve faces of the sphere."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import FieldError
from dtedask.geo.grid import Grid

Ordering = Literal["ring", "nested"]
# Row of rings, and eighth of a circle, on which the southernmost corner of each face lies.
_RING_OF_FACE = np.array([2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4])
_EIGHTH_OF_FACE = np.array([1, 3, 5, 7, 0, 2, 4, 6, 1, 3, 5, 7])


def reordered(grid: Grid, ordering: Ordering) -> Grid:
    """Describe a HEALPix grid in one of its two orders.

    Raises
    ------
    FieldError
        If it is no HEALPix grid, or has no nested order since its nside is no power of 2.
    """
    if grid.kind != "healpix":
        raise FieldError(f"The grid {grid.label} is no HEALPix grid.", hint="Select the fields on HEALPix before.")
    said = grid.description
    nside, known = int(said["nside"]), ("ring", "nested")
    if said["ordering"] not in known or nside & (nside - 1):
        raise FieldError(
            f"The grid {grid.label} (nside {nside}, {said['ordering']}) has no other order.",
            hint="Only HEALPix grids whose nside is a power of 2 are nested.",
        )
    said.pop("kind")
    return Grid.of("healpix", {**said, "ordering": ordering}, grid.dims, grid.shape)


@lru_cache(8)
def places_of(nside: int, ordering: Ordering) -> NDArray[np.int64]:
    """Where the points of one order stand in the other.

    Parameters
    ----------
    nside : int
        A power of 2.
    ordering : {"ring", "nested"}
        The order that is wanted.

    Returns
    -------
    numpy.ndarray of int64, shape (12 nside**2,)
        ``values[places_of(nside, "nested")]`` are values along rings, put in nested order. Not to be changed.
    """
    import healpix

    convert = healpix.nest2ring if ordering == "nested" else healpix.ring2nest
    places: NDArray[np.int64] = convert(nside, np.arange(12 * nside * nside, dtype=np.int64))
    places.flags.writeable = False
    return places


def ring_places(face: NDArray[np.int64], x: NDArray[np.int64], y: NDArray[np.int64], nside: int) -> NDArray[np.int64]:
    """Return the places along the rings of cells that are given by their face and their columns in it.

    Parameters
    ----------
    face, x, y : numpy.ndarray of int64
        Faces from 0 to 11; columns from 0 to nside - 1, counted to the north-east and to the north-west.
    nside : int
        Any positive number.
    """
    ring = _RING_OF_FACE[face] * nside - x - y - 1
    before, length = _rings(nside)
    eighth = length[ring] // 4
    shift = np.where((ring >= nside) & (ring <= 3 * nside), (ring - nside) & 1, 0)
    column = (_EIGHTH_OF_FACE[face] * eighth + x - y + 1 + shift) // 2
    column = np.where(column < 1, column + 4 * eighth, np.where(column > 4 * eighth, column - 4 * eighth, column))
    found: NDArray[np.int64] = before[ring] + column - 1
    return found


def _rings(nside: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Points before each ring, and on it; rings are counted from 1."""
    number = np.arange(4 * nside, dtype=np.int64)
    length = 4 * np.minimum(np.minimum(number, nside), 4 * nside - number)
    return np.cumsum(length) - length, length
