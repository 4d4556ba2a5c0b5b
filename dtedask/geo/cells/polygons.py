"""Cells that are polygons on the sphere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.cells.clipping import are_convex, areas_of

_Array = NDArray[np.float64]
_MARGIN = 1.0 + 1e-9


@dataclass(frozen=True, eq=False)
class Polygons:
    """Polygons of great circles on the sphere of radius 1.

    Parameters
    ----------
    starts : numpy.ndarray of int64, shape (size + 1,)
        Where the corners of each polygon begin.
    vertices : numpy.ndarray of float64, shape (n, 3)
        Corners as unit vectors, counter-clockwise seen from outside. Neighbours share them.
    """

    starts: NDArray[np.int64]
    vertices: _Array

    @property
    def size(self) -> int:
        """Number of polygons."""
        return self.starts.size - 1

    @cached_property
    def measures(self) -> tuple[_Array, _Array]:
        """Areas, shape (size,), and integrals of the unit vector, shape (size, 3), on a sphere of radius 1."""
        areas, moments = areas_of(self.starts, self.vertices)
        return areas, moments

    def areas(self) -> _Array:
        """Return the areas on a sphere of radius 1."""
        return self.measures[0]

    @cached_property
    def is_convex(self) -> bool:
        """Whether all polygons are convex."""
        return bool(are_convex(self.starts, self.vertices))

    @cached_property
    def centres(self) -> _Array:
        """Unit vectors within the polygons, shape (size, 3)."""
        return _unit(np.add.reduceat(self.vertices, self.starts[:-1]))

    @cached_property
    def radii(self) -> _Array:
        """Distances from the centres, straight through the Earth, within which the polygons lie."""
        counts = np.diff(self.starts)
        distance = np.linalg.norm(self.vertices - np.repeat(self.centres, counts, axis=0), axis=1)
        farthest: _Array = np.maximum.reduceat(distance, self.starts[:-1]) * _MARGIN
        return farthest

    def turned(self, matrix: _Array) -> Polygons:
        """Return the polygons turned by a matrix of shape (3, 3)."""
        return Polygons(self.starts, self.vertices @ matrix.T)

    def take(self, places: NDArray[np.int64]) -> Polygons:
        """Return some of the polygons."""
        counts = np.diff(self.starts)[places]
        starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        order = np.arange(starts[-1]) + np.repeat(self.starts[places] - starts[:-1], counts)
        return Polygons(starts, self.vertices[order])


def unit_vectors(latitude: _Array, longitude: _Array) -> _Array:
    """Return points given in degrees as unit vectors, shape (..., 3)."""
    height, turn = np.deg2rad(latitude), np.deg2rad(longitude)
    return np.stack([np.cos(height) * np.cos(turn), np.cos(height) * np.sin(turn), np.sin(height)], axis=-1)


def quadrangles(corners: _Array) -> Polygons:
    """Make the polygons of a mesh of rows and columns.

    Parameters
    ----------
    corners : numpy.ndarray of float64, shape (ny + 1, nx + 1, 3)
        Unit vectors, in the order of rows and columns of the cells between them; rows may run either way.
    """
    around = [corners[:-1, :-1], corners[1:, :-1], corners[1:, 1:], corners[:-1, 1:]]
    vertices = np.stack(around, axis=2).reshape(-1, 4, 3)
    volume = np.einsum(
        "ni,ni->n", vertices[:, 0], np.cross(vertices[:, 1] - vertices[:, 0], vertices[:, 2] - vertices[:, 0])
    )
    if np.median(volume) < 0:
        vertices = vertices[:, ::-1]
    return of_equal_length(vertices)


def of_equal_length(vertices: _Array) -> Polygons:
    """Make polygons that have as many corners each, shape (size, corners, 3)."""
    size, corners, _ = vertices.shape
    return Polygons(np.arange(size + 1, dtype=np.int64) * corners, np.ascontiguousarray(vertices.reshape(-1, 3)))


def _unit(vectors: _Array) -> _Array:
    found: _Array = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    return found
