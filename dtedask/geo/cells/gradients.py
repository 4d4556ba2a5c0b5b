"""Gradients of what is known as means over cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.cells.gradient_kernels import fit, row_neighbours
from dtedask.geo.cells.of_grid import Cells, TurnedBoxes
from dtedask.geo.cells.polygons import Polygons

_Array = NDArray[np.float64]
_Indices = NDArray[np.int64]
_NEAREST = 8


@dataclass(frozen=True, eq=False)
class Gradients:
    """Makes gradients on the sphere by least squares from the cells around a cell.

    Parameters
    ----------
    barycentres : numpy.ndarray of float64, shape (cells, 3)
        Means of the unit vector over the cells: linear functions have their cells' means there.
    rows : tuple of numpy.ndarray, or None
        First, count, west, step and periodicity of rows of boxes, whose neighbours are known.
    tree : scipy.spatial.cKDTree, or None
        Over the barycentres of other cells.
    """

    barycentres: _Array
    rows: tuple[NDArray[Any], ...] | None
    tree: Any

    @classmethod
    def of(cls, cells: Cells) -> Gradients:
        """Make what finds the neighbours of cells."""
        if isinstance(cells, TurnedBoxes):
            boxes = cells.boxes
            rows = (boxes.first, boxes.count, boxes.west, boxes.step, boxes.is_periodic, boxes.north, boxes.south)
            return cls(boxes.moments() / boxes.areas()[:, None], rows, None)
        from scipy.spatial import cKDTree

        areas, moments = cells.measures if isinstance(cells, Polygons) else (cells.areas(), cells.moments())
        barycentres = moments / areas[:, None]
        return cls(barycentres, None, cKDTree(barycentres))

    def coefficients(self, cells: _Indices) -> tuple[_Indices, _Array]:
        """Return neighbours of some cells, and what each difference from the cell's value adds to the gradient.

        Returns
        -------
        tuple of numpy.ndarray
            Neighbours, int64 of shape (n, k), -1 where there is none; and coefficients, float64 of shape (n, k, 3).
        """
        if self.rows is not None:
            neighbours = row_neighbours(cells, *self.rows)
        else:
            count = min(_NEAREST + 1, len(self.barycentres))
            neighbours = self.tree.query(self.barycentres[cells], k=count)[1].reshape(cells.size, count)
        return neighbours, fit(cells, neighbours, self.barycentres)
