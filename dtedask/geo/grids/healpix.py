"""Where the points of HEALPix grids are."""

from __future__ import annotations

import numpy as np

from dtedask.geo.grids.angles import CIRCLE
from dtedask.geo.grids.rows import Points, Rows, rows_of


def ring_rows(nside: int, first_longitude: float = 45.0) -> Rows:
    """Return the rings of a HEALPix grid, north to south.

    The formulas of Górski et al. (2005), The Astrophysical Journal 622, equations 4 to 9.

    Parameters
    ----------
    nside : int
        Points along the side of each of the twelve faces.
    first_longitude : float
        Longitude of the first point of the first ring; 45 unless the whole grid is turned.
    """
    ring = np.arange(1, 4 * nside, dtype=np.int64)
    cap = np.minimum(ring, 4 * nside - ring)
    count = 4 * np.minimum(cap, nside)
    # near the poles the arcsine of the height loses digits, the distance from the pole does not
    polar = 90.0 - np.rad2deg(2.0 * np.arcsin(cap / (nside * np.sqrt(6.0))))
    equatorial = np.rad2deg(np.arcsin(np.clip((2.0 / 3.0) * (2.0 - cap / nside), -1.0, 1.0)))
    north = np.where(cap < nside, polar, equatorial)
    is_shifted = (cap < nside) | ((ring - nside) % 2 == 0)
    step = CIRCLE / count
    west = np.where(is_shifted, 0.5 * step, 0.0)
    west = west if first_longitude == 45.0 else (west + first_longitude - 45.0) % CIRCLE
    return rows_of(np.where(ring > 2 * nside, -north, north), count, west, step, True)


def nested_points(nside: int, first_longitude: float = 45.0) -> Points:
    """Return the points of a HEALPix grid in nested order; `nside` is a power of 2."""
    from dtedask.geo.healpix import places_of

    latitude, longitude = ring_rows(nside, first_longitude).points()
    places = places_of(nside, "nested")
    return Points(latitude[places], longitude[places])
