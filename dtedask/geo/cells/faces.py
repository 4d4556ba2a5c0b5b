"""The cells of HEALPix: squares on the twelve faces of its equal-area projection."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.cells.boxes import Boxes
from dtedask.geo.cells.face_kernels import boxes_of_cells, cells_of_boxes, cells_of_cells, moments_of_cells
from dtedask.geo.cells.overlaps import Overlaps
from dtedask.geo.grid import Grid
from dtedask.geo.healpix import places_of, ring_places

_Array = NDArray[np.float64]
_Indices = NDArray[np.int64]
_FACES = 12
_EIGHTH = 45.0


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Cells of a HEALPix grid.

    On each face cells are squares of equal size, in coordinates u to the north-east and v to the north-west from 0 to
    1; the projection keeps areas (Gorski et al. 2005, doi:10.1086/427976; Calabretta and Roukema 2007). Circles of
    latitude and meridians are straight lines there, in the caps as around the equator, which makes overlaps with boxes
    of latitude and longitude polygons of the plane.

    Parameters
    ----------
    nside : int
        Cells along the side of a face.
    turn : float
        Degrees by which the grid is turned to the east.
    cells : numpy.ndarray of int64, shape (size,)
        The cell of each point, counted as ``(face * nside + y) * nside + x``.
    points : numpy.ndarray of int64, shape (size,)
        The point of each cell.
    """

    nside: int
    turn: float
    cells: _Indices
    points: _Indices

    @property
    def size(self) -> int:
        """Number of cells."""
        return _FACES * self.nside * self.nside

    def areas(self) -> _Array:
        """Return the areas of the cells on a sphere of radius 1: all are equal."""
        return np.full(self.size, 4.0 * np.pi / self.size)

    def moments(self) -> _Array:
        """Return the integrals of the unit vector over the cells on a sphere of radius 1, shape (size, 3)."""
        return _turned(moments_of_cells(self.cells, self.nside), self.turn)

    def of_rings(self) -> _Indices:
        """Return the point of each cell along the rings from north to south, shape (size,)."""
        found = np.empty_like(self.points)
        found[_along_rings(self.nside)] = self.points
        return found


@lru_cache(maxsize=4)
def faces_of(grid: Grid) -> Faces:
    """Return the cells of a HEALPix grid."""
    said = grid.description
    nside = int(said["nside"])
    points = _along_rings(nside)
    if said["ordering"] == "nested":
        points = places_of(nside, "ring")[points]
    cells = np.empty_like(points)
    cells[points] = np.arange(points.size)
    return Faces(nside, float(said.get("first_longitude", _EIGHTH)) - _EIGHTH, cells, points)


def _along_rings(nside: int) -> _Indices:
    """Return the places of cells along the rings."""
    face, within = np.divmod(np.arange(_FACES * nside * nside, dtype=np.int64), nside * nside)
    y, x = np.divmod(within, nside)
    return ring_places(face, x, y, nside)


def meet_faces(source: Faces, target: Faces, points: _Indices, *, moments: bool = False) -> Overlaps:
    """Intersect cells of two HEALPix grids that share their faces."""
    turns = round((target.turn - source.turn) / 90.0) % 4
    found = Overlaps(*cells_of_cells(target.cells[points], target.nside, source.nside, turns, moments))
    return found._replace(indices=source.points[found.indices], moments=_turned(found.moments, source.turn))


def cells_in_boxes(source: Faces, target: Boxes, boxes: _Indices, *, moments: bool = False) -> Overlaps:
    """Intersect boxes of a target with the cells of HEALPix; indices are points of the HEALPix grid."""
    found = Overlaps(*cells_of_boxes(boxes, _on_faces(target, source.turn), source.nside, moments))
    return found._replace(indices=source.points[found.indices], moments=_turned(found.moments, source.turn))


def boxes_in_cells(source: Boxes, target: Faces, points: _Indices, *, moments: bool = False) -> Overlaps:
    """Intersect cells of HEALPix with boxes of a source."""
    rows = _on_faces(source, target.turn)
    found = Overlaps(*boxes_of_cells(target.cells[points], rows, target.nside, moments))
    return found._replace(moments=_turned(found.moments, target.turn))


def _turned(vectors: _Array, turn: float) -> _Array:
    """Turn vectors to the east by some degrees."""
    if turn == 0.0:
        return vectors
    angle = np.deg2rad(turn)
    sine, cosine = np.sin(angle), np.cos(angle)
    turned: _Array = vectors @ np.array([[cosine, sine, 0.0], [-sine, cosine, 0.0], [0.0, 0.0, 1.0]])
    return turned


def _on_faces(boxes: Boxes, turn: float) -> tuple[_Array | _Indices, ...]:
    """Return rows of boxes as the faces see them: distance from the north pole in faces, longitude in eighths."""
    west, step, left, right = (
        (boxes.west - turn) / _EIGHTH,
        boxes.step / _EIGHTH,
        np.where(boxes.is_periodic, -np.inf, (boxes.left - turn) / _EIGHTH),
        np.where(boxes.is_periodic, np.inf, (boxes.right - turn) / _EIGHTH),
    )
    return _height(boxes.north), _height(boxes.south), boxes.first, boxes.count, west, step, left, right


def _height(latitude: _Array) -> _Array:
    """Return how far latitudes are from the north pole on the faces: 1 and 3 where the caps end, 2 at the equator."""
    distance = np.sqrt(6.0) * np.sin(0.5 * np.deg2rad(90.0 - np.abs(latitude)))
    cap = np.where(latitude > 0.0, distance, 4.0 - distance)
    found: _Array = np.where(distance < 1.0, cap, 2.0 - 1.5 * np.sin(np.deg2rad(latitude)))
    return found
