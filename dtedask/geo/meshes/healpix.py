"""The mesh of HEALPix: the centres of pixels are its nodes, the corners of pixels its elements."""

from __future__ import annotations

import numpy as np

from dtedask.geo.healpix import Ordering
from dtedask.geo.meshes.connectivity import NONE, Integers, lists
from dtedask.geo.meshes.sphere import Array

_FACES = 12
# Row of rings, and eighth of a circle, on which the southernmost corner of each face lies (Gorski et al. 2005).
_RING_OF_FACE = np.array([2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4])
_EIGHTH_OF_FACE = np.array([1, 3, 5, 7, 0, 2, 4, 6, 1, 3, 5, 7])
_CORNERS = ((0, 0), (1, 0), (1, 1), (0, 1))


def healpix_elements(nside: int, ordering: Ordering, xyz: Array) -> Integers:
    """Join the pixels that meet at each corner: four, but three at the eight corners where three faces meet.

    Parameters
    ----------
    nside : int
    ordering : {"ring", "nested"}
    xyz : numpy.ndarray of float64, shape (12 nside**2, 3)
        Centres of the pixels.

    Returns
    -------
    numpy.ndarray of int64, shape (12 nside**2 + 2, 4)
        -1 behind the pixels of triangles.
    """
    face, x, y = _faces(nside)
    pixel = np.tile(_pixels(nside, ordering, face, x, y), len(_CORNERS))
    corner = np.concatenate([_corner(nside, face, x + right, y + up) for right, up in _CORNERS])
    _, number = np.unique(corner, return_inverse=True)
    corners = int(number.max()) + 1
    order = np.lexsort((_bearings(xyz, pixel, number, corners), number))
    offsets, pixels = lists(number[order], pixel[order], corners)
    found = np.full((corners, len(_CORNERS)), NONE, np.int64)
    found[number[order], np.arange(pixel.size) - offsets[number[order]]] = pixels
    return found


def _faces(nside: int) -> tuple[Integers, Integers, Integers]:
    """Face, and place along its two sides, of all pixels."""
    face, within = np.divmod(np.arange(_FACES * nside * nside, dtype=np.int64), nside * nside)
    return face, *np.divmod(within, nside)


def _pixels(nside: int, ordering: Ordering, face: Integers, x: Integers, y: Integers) -> Integers:
    """Number of each pixel in an order."""
    if ordering == "nested":
        return face * nside * nside + (_spread_bits(x) | (_spread_bits(y) << 1))
    ring = _RING_OF_FACE[face] * nside - x - y - 1
    number = np.arange(4 * nside, dtype=np.int64)
    length = 4 * np.minimum(np.minimum(number, nside), 4 * nside - number)
    before, eighth = np.cumsum(length) - length, length[ring] // 4
    shift = np.where((ring >= nside) & (ring <= 3 * nside), (ring - nside) & 1, 0)
    column = (_EIGHTH_OF_FACE[face] * eighth + x - y + 1 + shift) // 2 - 1
    return np.asarray(before[ring] + column % length[ring], np.int64)


def _spread_bits(numbers: Integers) -> Integers:
    """Put the bits of a number at places 0, 2, 4, ..."""
    found = np.zeros_like(numbers)
    for bit in range(int(numbers.max()).bit_length()):
        found |= ((numbers >> bit) & 1) << (2 * bit)
    return found


def _corner(nside: int, face: Integers, x: Integers, y: Integers) -> Integers:
    """A number for each place on the sphere that corners of pixels have: its ring, and its eighths along the ring."""
    ring = _RING_OF_FACE[face] * nside - x - y
    eighth = np.minimum(np.minimum(ring, nside), 4 * nside - ring)
    along = (_EIGHTH_OF_FACE[face] * eighth + x - y) % np.maximum(8 * eighth, 1)
    return np.asarray(ring * 8 * nside + along, np.int64)


def _bearings(xyz: Array, pixel: Integers, corner: Integers, corners: int) -> Array:
    """Angle at which each pixel lies around its corner, counter-clockwise seen from outside."""
    middle = np.stack([np.bincount(corner, xyz[pixel, axis], corners) for axis in range(3)], axis=1)
    middle = middle / np.linalg.norm(middle, axis=1, keepdims=True)
    aside = np.eye(3)[np.abs(middle).argmin(axis=1)]
    first = np.cross(middle, aside)
    second = np.cross(middle, first)
    away = xyz[pixel] - middle[corner]
    angle: Array = np.arctan2(np.einsum("pi,pi->p", away, second[corner]), np.einsum("pi,pi->p", away, first[corner]))
    return angle
