"""Vectors, arcs and areas on the sphere, exact for great circles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

EARTH_RADIUS_M = 6_371_229.0
"""Radius of the sphere that GRIB calls shape of the Earth 6, as ECMWF's models have it."""

Array = NDArray[np.float64]


def unit_vectors(latitude: Array, longitude: Array) -> Array:
    """Return the places on the unit sphere of points in degrees, shape (points, 3)."""
    phi, theta = np.radians(longitude), np.radians(latitude)
    along = np.cos(theta)
    return np.stack([along * np.cos(phi), along * np.sin(phi), np.sin(theta)], axis=-1)


def frames(latitude: Array, longitude: Array) -> tuple[Array, Array]:
    """Return the unit vectors to the east and to the north at points in degrees, each of shape (points, 3).

    At a pole they are those of the point's longitude, as the winds of a row at a pole are written.
    """
    phi, theta = np.radians(longitude), np.radians(latitude)
    east = np.stack([-np.sin(phi), np.cos(phi), np.zeros_like(phi)], axis=-1)
    north = np.stack([-np.sin(theta) * np.cos(phi), -np.sin(theta) * np.sin(phi), np.cos(theta)], axis=-1)
    return east, north


def degrees_of(vectors: Array) -> tuple[Array, Array]:
    """Return latitude and longitude (in [0, 360)) of vectors of shape (points, 3)."""
    x, y, z = vectors.T
    return np.degrees(np.arctan2(z, np.hypot(x, y))), np.degrees(np.arctan2(y, x)) % 360.0


def turns(a: Array, b: Array, c: Array) -> Array:
    """Return the triple products of triangles, positive where a, b, c go around counter-clockwise seen from outside."""
    found: Array = np.einsum("...i,...i->...", a, np.cross(b - a, c - a))
    return found


def unit(vectors: Array) -> Array:
    """Bring vectors of shape (3, ...) to length 1."""
    return np.asarray(vectors / np.sqrt(_dot(vectors, vectors)))


def right_normals(a: Array, b: Array) -> Array:
    """Return the normals to the right of ways along great circles, times the lengths of the ways.

    Parameters
    ----------
    a, b : numpy.ndarray of float64, shape (3, ways)
        Start and end, on the unit sphere.
    """
    way = b - a
    normal = _cross(way, a)
    size = np.sqrt(_dot(normal, normal))
    length = 2.0 * np.arcsin(np.minimum(0.5 * np.sqrt(_dot(way, way)), 1.0))
    return np.asarray(normal * (length / np.where(size > 0.0, size, 1.0)))


def solid_angles(a: Array, b: Array, c: Array) -> Array:
    """Return the areas of triangles on the unit sphere, counter-clockwise positive, exact for small ones too.

    Van Oosterom and Strackee 1983, https://doi.org/10.1109/TBME.1983.325207; corners of shape (3, triangles).
    """
    volume = _dot(a, _cross(b - a, c - a))
    return np.asarray(2.0 * np.arctan2(volume, 1.0 + _dot(a, b) + _dot(b, c) + _dot(c, a)))


def _dot(a: Array, b: Array) -> Array:
    return np.asarray(a[0] * b[0] + a[1] * b[1] + a[2] * b[2])


def _cross(a: Array, b: Array) -> Array:
    return np.stack([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])
