"""Delaunay meshes of any points on the sphere."""

from __future__ import annotations

import numpy as np

from dtedask.core.errors import GridError
from dtedask.geo.meshes.connectivity import Integers
from dtedask.geo.meshes.sphere import Array


def delaunay_elements(xyz: Array) -> Integers:
    """Triangulate places on the unit sphere, none of which is there twice.

    The faces of the convex hull of points on a sphere are their Delaunay triangulation (Brown 1979). Faces that see the
    centre of the sphere from outside close the hull of points of a region behind it; they are left out.

    Returns
    -------
    numpy.ndarray of int64, shape (triangles, 3)

    Raises
    ------
    GridError
        If there are fewer than four points, or all lie in one plane.
    """
    from scipy.spatial import ConvexHull, QhullError

    try:
        hull = ConvexHull(xyz)
    except (QhullError, ValueError) as error:
        raise GridError(
            f"{len(xyz)} points have no Delaunay mesh.", hint="At least four are needed, not all on one circle."
        ) from error
    return np.asarray(hull.simplices[hull.equations[:, 3] < 0.0], np.int64)
