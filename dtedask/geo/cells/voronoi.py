"""Cells of points without any structure: what is nearer to a point than to all others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError
from dtedask.geo.cells.polygons import Polygons


def voronoi(points: NDArray[np.float64]) -> Polygons:
    """Make the cells of points on the sphere (the dual of their Delaunay triangulation).

    Parameters
    ----------
    points : numpy.ndarray of float64, shape (n, 3)
        Unit vectors that cover the globe.

    Raises
    ------
    GridError
        If points coincide or there are fewer than four.
    """
    from scipy.spatial import SphericalVoronoi

    try:
        made = SphericalVoronoi(points, 1.0, threshold=1e-12)
    except ValueError as error:
        raise GridError(
            f"The cells of {len(points)} points cannot be made: {error}", hint="Leave out points that coincide."
        ) from error
    made.sort_vertices_of_regions()
    counts = np.array([len(region) for region in made.regions], np.int64)
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    vertices = made.vertices[np.concatenate(made.regions)]
    vertices /= np.linalg.norm(vertices, axis=1)[:, None]
    return _outside_in(Polygons(starts, vertices), points)


def _outside_in(polygons: Polygons, points: NDArray[np.float64]) -> Polygons:
    """Turn polygons around that run clockwise seen from outside."""
    starts, vertices = polygons.starts, polygons.vertices
    following = np.arange(starts[-1]) + 1
    following[starts[1:] - 1] = starts[:-1]
    cross = np.cross(vertices, vertices[following])
    is_clockwise = np.einsum("ni,ni->n", np.add.reduceat(cross, starts[:-1]), points) < 0.0
    counts = np.diff(starts)
    within = np.arange(starts[-1]) - np.repeat(starts[:-1], counts)
    last = np.repeat(starts[1:] - 1, counts)
    order = np.where(np.repeat(is_clockwise, counts), last - within, np.arange(starts[-1]))
    return Polygons(starts, vertices[order])
