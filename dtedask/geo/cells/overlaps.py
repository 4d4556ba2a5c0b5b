"""What overlaps of cells are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Overlaps(NamedTuple):
    """What parts of cells of one grid lie in cells of another, as the rows of a sparse matrix.

    Parameters
    ----------
    indptr : numpy.ndarray of int64, shape (targets + 1,)
        Where the overlaps of each target cell begin.
    indices : numpy.ndarray of int64, shape (n,)
        Source cells; one may occur twice in a row.
    areas : numpy.ndarray of float64, shape (n,)
        Areas of the overlaps on a sphere of radius 1.
    moments : numpy.ndarray of float64, shape (n, 3) or (0, 3)
        Integrals of the unit vector over each overlap, where they were asked for.
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int64]
    areas: NDArray[np.float64]
    moments: NDArray[np.float64]
