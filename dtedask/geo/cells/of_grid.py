"""The cells of a grid of any kind."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.cells.boxes import Boxes
from dtedask.geo.cells.faces import Faces, faces_of
from dtedask.geo.cells.outlines import box_outlines, face_outlines
from dtedask.geo.cells.polygons import Polygons, of_equal_length, quadrangles, unit_vectors
from dtedask.geo.cells.rows import own_boxes
from dtedask.geo.cells.voronoi import voronoi
from dtedask.geo.grid import Grid
from dtedask.geo.grids.cubed_sphere import cube_corners
from dtedask.geo.grids.maps import KINDS, plane
from dtedask.geo.grids.placing import is_rotated, placed
from dtedask.geo.grids.rows import Points
from dtedask.geo.grids.sub_area import is_inside
from dtedask.geo.projection import unproject

_Array = NDArray[np.float64]


class TurnedBoxes(NamedTuple):
    """Boxes of latitude and longitude in a system whose pole is turned away.

    Parameters
    ----------
    boxes : Boxes
        In the order of points.
    matrix : numpy.ndarray of float64, shape (3, 3)
        Turns unit vectors of that system to those of the Earth; the unit matrix where the pole is the Earth's.
    """

    boxes: Boxes
    matrix: _Array

    def areas(self) -> _Array:
        """Return the areas on a sphere of radius 1."""
        return self.boxes.areas()

    @property
    def size(self) -> int:
        """Number of boxes."""
        return self.boxes.size


Cells = TurnedBoxes | Faces | Polygons


@lru_cache(maxsize=8)
def cells_of(grid: Grid) -> Cells:
    """Return the cells of a grid.

    Points in rows have boxes, turned with their pole if it is; HEALPix its own cells; points that are regular on a map
    the quadrangles between lines half-way between them, the cubed sphere its own; all others what is nearer to them
    than to other points.

    Raises
    ------
    GridError
        If the grid does not say where its points are.
    """
    place = grid.description
    if grid.kind == "part":
        return _in_area(place)
    if grid.kind == "cubed_sphere":
        return _on_cube(place)
    if grid.kind == "healpix":
        return faces_of(grid)
    boxes = _in_rows(place)
    if boxes is not None:
        return boxes
    if grid.kind in KINDS:
        return _on_map(grid)
    return voronoi(unit_vectors(*grid.points()))


def outlines(cells: Cells) -> Polygons:
    """Return cells as polygons on the Earth."""
    if isinstance(cells, Faces):
        return face_outlines(cells)
    if isinstance(cells, TurnedBoxes):
        return box_outlines(cells.boxes).turned(cells.matrix)
    return cells


def _in_rows(place: dict[str, Any]) -> TurnedBoxes | None:
    boxes = own_boxes(place)
    if boxes is None:
        return None
    axes = Points(np.array([0.0, 0.0, 90.0]), np.array([0.0, 90.0, 0.0]))
    return TurnedBoxes(boxes, unit_vectors(*placed(place, axes)).T if is_rotated(place) else np.eye(3))


def _in_area(place: dict[str, Any]) -> Polygons:
    """Return those cells of another grid whose points lie in an area."""
    whole = Grid(place["of"])
    return outlines(cells_of(whole)).take(np.flatnonzero(is_inside(whole.points(), place["area"])))


def _on_cube(place: dict[str, Any]) -> Polygons:
    """Return the cells of a cubed sphere: lines of its faces are great circles."""
    faces = [quadrangles(corners) for corners in cube_corners(place)]
    return of_equal_length(np.concatenate([face.vertices.reshape(-1, 4, 3) for face in faces]))


def _on_map(grid: Grid) -> Polygons:
    place = grid.description
    y, x = plane(place)
    across = np.append(x - 0.5 * place["dx"], x[-1] + 0.5 * place["dx"])
    down = np.append(y + 0.5 * place["dy"], y[-1] - 0.5 * place["dy"])
    return quadrangles(unit_vectors(*unproject(place, *np.meshgrid(across, down))))
