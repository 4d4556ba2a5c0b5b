"""A triangulation of points in no order, with what is needed to find triangles in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError
from dtedask.geo.interpolation.cloud import Cloud, unit_vectors
from dtedask.geo.meshes.triangulation import delaunay_elements

if TYPE_CHECKING:
    from dtedask.geo.grids.rows import Points

_Array = NDArray[np.float64]
_Corners = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Triangles:
    """Delaunay triangles between the points of a grid.

    Parameters
    ----------
    cloud : Cloud
        The points that are corners.
    corners : numpy.ndarray of int32, shape (triangles, 3)
        Counter-clockwise from outside.
    beyond : numpy.ndarray of int32, shape (triangles, 3)
        The triangle beyond the edge opposite to each corner; -1 for none.
    around : numpy.ndarray of int32, shape (corners,)
        A triangle of each corner.
    """

    cloud: Cloud
    corners: _Corners
    beyond: _Corners
    around: _Corners

    @classmethod
    def of(cls, places: Points, longest: float | None = None) -> Triangles:
        """Triangulate points, without triangles that have an edge longer than `longest` radii.

        Of points at the same place the first is taken.

        Raises
        ------
        GridError
            If there are fewer than four points, all are on one circle, or all triangles have too long an edge.
        """
        latitude, longitude = places
        known = np.flatnonzero(np.isfinite(latitude) & np.isfinite(longitude))
        vectors = unit_vectors(latitude[known], longitude[known])
        _, single = np.unique(np.round(vectors, 11), axis=0, return_index=True)
        single.sort()
        vectors, points = vectors[single], known[single]
        corners = delaunay_elements(vectors)
        if longest is not None:
            edges = vectors[corners] - vectors[np.roll(corners, 1, axis=1)]
            corners = corners[np.max(np.sum(edges**2, axis=2), axis=1) <= longest**2]
            if not len(corners):
                raise GridError("All triangles have an edge that is too long.", hint="Allow longer ones.")
        used, numbers = np.unique(corners, return_inverse=True)
        vectors, points = vectors[used], points[used]
        oriented = _counter_clockwise(vectors, numbers.reshape(corners.shape).astype(np.int32))
        around = np.zeros(len(used), np.int32)
        around[oriented.ravel()] = np.repeat(np.arange(len(oriented), dtype=np.int32), 3)
        return cls(Cloud.around(vectors, points), oriented, _beyond(oriented), around)

    def weights(self, latitude: _Array, longitude: _Array) -> tuple[NDArray[np.int64], _Array]:
        """Return columns and weights of points, both of shape (points, 3); -1 outside of all triangles."""
        from dtedask.geo.interpolation.triangle_kernel import triangle_weights

        columns, weights = np.full((len(latitude), 3), -1, np.int64), np.zeros((len(latitude), 3))
        known = np.flatnonzero(np.isfinite(latitude) & np.isfinite(longitude))
        vectors = unit_vectors(latitude[known], longitude[known])
        begin = self.around[self.cloud.tree.query(vectors)[1]]
        found, shares = columns[known], weights[known]
        triangle_weights(self.cloud.vectors, (self.corners, self.beyond), begin, vectors, found, shares)
        columns[known], weights[known] = np.where(found >= 0, self.cloud.numbers[found], -1), shares
        return columns, weights


def _counter_clockwise(vectors: _Array, corners: _Corners) -> _Corners:
    first, second, third = (vectors[corners[:, corner]] for corner in range(3))
    volume: Any = np.sum(first * np.cross(second - first, third - first), axis=1)
    return np.where((volume > 0)[:, None], corners, corners[:, [0, 2, 1]])


def _beyond(corners: _Corners) -> _Corners:
    """Find for each edge the triangle on its other side: the two that name the same edge stand together once sorted."""
    ends = np.sort(np.stack([corners[:, [1, 2, 0]], corners[:, [2, 0, 1]]], axis=2).reshape(-1, 2), axis=1)
    keys = ends[:, 0].astype(np.int64) * (int(corners.max()) + 1) + ends[:, 1]
    order = np.argsort(keys, kind="stable")
    same = np.flatnonzero(keys[order[1:]] == keys[order[:-1]])
    beyond = np.full(len(keys), -1, np.int32)
    beyond[order[same]], beyond[order[same + 1]] = order[same + 1] // 3, order[same] // 3
    return beyond.reshape(-1, 3)
