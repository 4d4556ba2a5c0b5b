"""The triangle on which a point lies, found by going from one to the next."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.compiled import compiled

_OUTSIDE = 1e-9  # a part of a triangle by which a point may be outside of it, at the edge of all triangles
_MOST = 1_000_000
_Corners = NDArray[np.int32]


@compiled
def triangle_weights(
    vectors: NDArray[np.float64],
    triangles: tuple[_Corners, _Corners],
    begin: _Corners,
    points: NDArray[np.float64],
    columns: NDArray[np.int64],
    weights: NDArray[np.float64],
) -> None:
    """Write the corners of the triangle on which each point is projected from the centre, and their weights.

    Parameters
    ----------
    vectors : numpy.ndarray of float64, shape (size, 3)
        Points of the source on the unit sphere.
    triangles : tuple of numpy.ndarray of int32, each of shape (triangles, 3)
        Corners, counter-clockwise from outside, and the triangle beyond the edge opposite to each; -1 for none.
    begin : numpy.ndarray of int32, shape (points,)
        A triangle that is near each point.
    points : numpy.ndarray of float64, shape (points, 3)
        On the unit sphere.
    columns, weights : numpy.ndarray, shape (points, 3)
        Results; columns are -1 for points outside of all triangles.
    """
    corners, beyond = triangles
    for point in range(len(points)):
        columns[point, :] = -1
        weights[point, :] = 0.0
        triangle = begin[point]
        for _ in range(_MOST):
            least = _shares(vectors, corners[triangle], points[point], weights[point])
            further = -1 if weights[point, least] >= 0.0 else beyond[triangle, least]
            if further < 0:
                break
            triangle = further
        if weights[point, least] >= -_OUTSIDE:
            for corner in range(3):
                columns[point, corner] = corners[triangle, corner]
                weights[point, corner] = max(weights[point, corner], 0.0)
        else:
            weights[point, :] = 0.0


@compiled
def _shares(
    vectors: NDArray[np.float64], corners: NDArray[np.int32], point: NDArray[np.float64], weights: NDArray[np.float64]
) -> int:
    """Barycentric weights of the projection of a point, and which is the least.

    The weight of a corner is the volume that the point spans with the two others; differences from the point go in,
    so that no digits are lost in small triangles.
    """
    total = 0.0
    for corner in range(3):
        a, b = vectors[corners[(corner + 1) % 3]], vectors[corners[(corner + 2) % 3]]
        ax, ay, az = a[0] - point[0], a[1] - point[1], a[2] - point[2]
        bx, by, bz = b[0] - point[0], b[1] - point[1], b[2] - point[2]
        volume = point[0] * (ay * bz - az * by) + point[1] * (az * bx - ax * bz) + point[2] * (ax * by - ay * bx)
        weights[corner] = volume
        total += np.abs(volume)
    least = 0
    for corner in range(3):
        weights[corner] /= total
        if weights[corner] < weights[least]:
            least = corner
    return least
