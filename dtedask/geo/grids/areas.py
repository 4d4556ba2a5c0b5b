"""Areas of the cells around the points of a grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.cells.rows import own_boxes

if TYPE_CHECKING:
    from dtedask.geo.grid import Grid

_Array = NDArray[np.float64]
EARTH_RADIUS_M = 6_371_229.0


def areas(grid: Grid) -> _Array:
    """Return the area of the cell of each point, in square metres on a sphere of 6,371,229 m.

    Cells of rows reach half way to the rows and points beside them, those of Gaussian rows as far as the weights of the
    quadrature say; the outermost reach to the pole if there is no room for another row, and those of an area end with
    its points. They are MIR's. Cells of HEALPix are equal, those of cubed spheres lie between lines on the faces. Cells
    on a map are those between lines half way between its points. Cells of all others hold what is nearest to their
    point.

    Raises
    ------
    GridError
        If the grid does not say where its points are.
    """
    place = grid.description
    if grid.kind == "healpix":
        return np.full(grid.size, 4.0 * np.pi * EARTH_RADIUS_M**2 / (12 * place["nside"] ** 2))
    boxes = own_boxes(place)
    if boxes is not None:
        return EARTH_RADIUS_M**2 * boxes.areas()
    from dtedask.geo.cells.of_grid import cells_of

    return EARTH_RADIUS_M**2 * cells_of(grid).areas()
