"""Overlaps of the cells of two grids of any kinds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.cells.box_overlaps import box_overlaps
from dtedask.geo.cells.clipping import polygons_in_boxes, polygons_in_polygons
from dtedask.geo.cells.faces import Faces, boxes_in_cells, cells_in_boxes, meet_faces
from dtedask.geo.cells.near import box_circles, near_pairs
from dtedask.geo.cells.of_grid import Cells, TurnedBoxes, outlines
from dtedask.geo.cells.overlaps import Overlaps
from dtedask.geo.cells.polygons import Polygons

_Array = NDArray[np.float64]
_Indices = NDArray[np.int64]
_SLIVER = 1e-13


@dataclass(frozen=True, eq=False)
class Meeting:
    """Cells of two grids, made ready to be intersected block by block.

    Parameters
    ----------
    source, target : TurnedBoxes, Faces or Polygons
        Both as boxes of one system, both as HEALPix, or at least one as polygons; those stand in the system of the
        other's boxes.
    source_areas, target_areas : numpy.ndarray of float64, shapes (sources,) and (targets,)
        On a sphere of radius 1. Of cells that had to be made polygons, the polygons' areas.
    search : Search, optional
        Where pairs must be searched.
    """

    source: Cells
    target: Cells
    source_areas: _Array
    target_areas: _Array
    search: Search | None = None

    def overlaps(self, first: int, last: int, *, moments: bool = False) -> Overlaps:
        """Intersect the target cells `first` to `last` (exclusive) with those of the source."""
        points = np.arange(first, last, dtype=np.int64)
        source, target = self.source, self.target
        if isinstance(source, TurnedBoxes) and isinstance(target, TurnedBoxes):
            return box_overlaps(source.boxes, target.boxes, points, moments=moments)
        if self.search is None:
            return _on_faces(source, target, points, moments)
        return self._pairs(points, self.search)

    def _pairs(self, points: _Indices, search: Search) -> Overlaps:
        targets, sources = near_pairs(search.tree, search.radii, search.centres[points], search.reaches[points])
        areas, moments = _clipped(self.source, self.target, search.edges, sources, points[targets])
        is_met = areas > _SLIVER * np.minimum(self.source_areas[sources], self.target_areas[points[targets]])
        counts = np.bincount(targets[is_met], minlength=points.size)
        indptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        return Overlaps(indptr, sources[is_met], areas[is_met], moments[is_met])


class Search(NamedTuple):
    """What finds cells that may overlap.

    Parameters
    ----------
    tree : scipy.spatial.cKDTree
        Over the centres of the source's cells.
    radii : numpy.ndarray of float64, shape (sources,)
        Distances from there within which they lie.
    centres, reaches : numpy.ndarray of float64, shapes (targets, 3) and (targets,)
        The same of the target's cells.
    edges : tuple of numpy.ndarray, or None
        North, west, south and east of those cells that are boxes.
    """

    tree: Any
    radii: _Array
    centres: _Array
    reaches: _Array
    edges: tuple[_Array, _Array, _Array, _Array] | None


def meeting(source: Cells, target: Cells) -> Meeting:
    """Make the cells of two grids ready to be intersected.

    Parameters
    ----------
    source, target : TurnedBoxes, Faces or Polygons
        Cells of both.
    """
    if _are_alike(source, target):
        return Meeting(source, target, source.areas(), target.areas())
    if isinstance(target, TurnedBoxes):
        source = outlines(source).turned(target.matrix.T)
    elif isinstance(source, TurnedBoxes):
        target = outlines(target).turned(source.matrix.T)
    else:
        source, target = outlines(source), outlines(target)
    return Meeting(source, target, source.areas(), target.areas(), _search(source, target))


def _search(source: Cells, target: Cells) -> Search:
    from scipy.spatial import cKDTree

    centres, radii = _circles(source)
    boxes = [cells.boxes.edges() for cells in (source, target) if isinstance(cells, TurnedBoxes)]
    return Search(cKDTree(centres), radii, *_circles(target), boxes[0] if boxes else None)


def _are_alike(source: Cells, target: Cells) -> bool:
    """Whether overlaps are known in closed form."""
    if isinstance(source, TurnedBoxes) and isinstance(target, TurnedBoxes):
        return np.array_equal(source.matrix, target.matrix)
    if isinstance(source, Polygons) or isinstance(target, Polygons):
        return False
    if isinstance(source, Faces) and isinstance(target, Faces):
        return (source.turn - target.turn) % 90.0 == 0.0
    boxes = source if isinstance(source, TurnedBoxes) else target
    return isinstance(boxes, TurnedBoxes) and np.array_equal(boxes.matrix, np.eye(3))


def _on_faces(source: Cells, target: Cells, points: _Indices, moments: bool) -> Overlaps:
    if isinstance(source, Faces) and isinstance(target, Faces):
        return meet_faces(source, target, points, moments=moments)
    if isinstance(source, Faces) and isinstance(target, TurnedBoxes):
        return cells_in_boxes(source, target.boxes, points, moments=moments)
    if isinstance(source, TurnedBoxes) and isinstance(target, Faces):
        return boxes_in_cells(source.boxes, target, points, moments=moments)
    raise AssertionError(type(source), type(target))


def _circles(cells: Cells) -> tuple[_Array, _Array]:
    if isinstance(cells, TurnedBoxes):
        return box_circles(cells.boxes)
    if isinstance(cells, Polygons):
        return cells.centres, cells.radii
    raise AssertionError(type(cells))


def _clipped(
    source: Cells, target: Cells, edges: tuple[_Array, ...] | None, sources: _Indices, targets: _Indices
) -> tuple[_Array, _Array]:
    """Return areas and moments of the overlaps of pairs."""
    if isinstance(source, TurnedBoxes):
        source, target, sources, targets = target, source, targets, sources
    if not isinstance(source, Polygons):
        raise AssertionError(type(source))
    if isinstance(target, Polygons):
        if source.is_convex and not target.is_convex:
            source, target, sources, targets = target, source, targets, sources
        shapes = (source.starts, source.vertices, target.starts, target.vertices)
        areas, moments = polygons_in_polygons(sources, targets, *shapes, target.centres, target.is_convex)
    else:
        areas, moments = polygons_in_boxes(sources, targets, source.starts, source.vertices, *(edges or ()))
    return areas, moments
