"""The boxes of a grid whose points stand in rows."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError
from dtedask.geo.cells.boxes import Boxes, boxes_of, gaussian_edges, row_edges
from dtedask.geo.grid import Grid
from dtedask.geo.grids.placing import stretched
from dtedask.geo.grids.points import own_rows
from dtedask.geo.healpix import places_of, reordered


class GridBoxes(NamedTuple):
    """Boxes of a grid, and where its points stand among them.

    Parameters
    ----------
    boxes : Boxes
        North to south, west to east.
    places : numpy.ndarray of int64, shape (size,), or None
        The box of each point, where points do not stand in the order of boxes.
    points : numpy.ndarray of int64, shape (size,), or None
        The point of each box, likewise.
    """

    boxes: Boxes
    places: NDArray[np.int64] | None = None
    points: NDArray[np.int64] | None = None

    def select(self, first: int, last: int) -> NDArray[np.int64]:
        """Return the boxes of the points `first` to `last` (exclusive)."""
        return np.arange(first, last, dtype=np.int64) if self.places is None else self.places[first:last]

    def areas(self) -> NDArray[np.float64]:
        """Return the areas of the boxes on a sphere of radius 1, in the order of points."""
        areas = self.boxes.areas()
        return areas if self.places is None else areas[self.places]


@lru_cache(maxsize=8)
def grid_boxes(grid: Grid) -> GridBoxes | None:
    """Return the boxes of a grid, None for one whose points do not stand in rows.

    HEALPix has boxes as MIR has them, not its own cells: of its rings.
    """
    if grid.kind == "healpix" and grid.description["ordering"] == "nested":
        nside = int(grid.description["nside"])
        along = grid_boxes(reordered(grid, "ring"))
        return None if along is None else GridBoxes(along.boxes, places_of(nside, "nested"), places_of(nside, "ring"))
    if grid.structure() is None:
        return None
    boxes = own_boxes(grid.description)
    return None if boxes is None else GridBoxes(boxes)


def own_boxes(place: dict[str, Any]) -> Boxes | None:
    """Return the boxes of a grid's description in its own system, which may be turned; None for points without rows."""
    rows = own_rows(place)
    if rows is None:
        return None
    plain = own_rows({name: value for name, value in place.items() if not name.startswith("stretching")})
    if "n" in place and plain is not None:
        number = int(place["n"])
        first, count = place.get("rows", (0, 2 * number))
        edges = gaussian_edges(number, first, count, is_periodic=bool(rows.is_periodic.all()))
    else:
        edges = row_edges(plain or rows)
    return boxes_of(rows, stretched(place, edges))


def need_boxes(grid: Grid) -> GridBoxes:
    """Return the boxes of a grid.

    Raises
    ------
    GridError
        If its points do not stand in rows.
    """
    found = grid_boxes(grid)
    if found is None:
        raise GridError(
            f"The points of the grid {grid.label} do not stand in rows: it has no boxes of latitude and longitude.",
            hint="Use the method 'conservative', which knows the cells of all grids.",
        )
    return found
