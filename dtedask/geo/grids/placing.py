"""Grids that are stretched around a pole, or whose pole is turned away: from their own system to the Earth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.grids.rows import Points
from dtedask.geo.projection import unrotate

_Array = NDArray[np.float64]
_FACTOR = "stretching_factor"
_SOUTH_POLE = "south_pole_latitude"


def is_rotated(place: Mapping[str, Any]) -> bool:
    """Whether a grid's pole, or the pole that it is stretched around, is not that of the Earth."""
    return _SOUTH_POLE in place or (_FACTOR in place and abs(place["stretching_pole_latitude"]) != 90.0)


def stretched(place: Mapping[str, Any], latitude: _Array) -> _Array:
    """Return latitudes of a stretched grid about its pole of stretching, of those at which its rows are described.

    The formula of WMO's Manual on Codes (volume I.2, FM 92 GRIB, grid templates 3.2, 3.3, 3.42 and 3.43), solved for
    the true latitude. It is Schmidt's transformation: distances from the pole, as tangents of half the angle, are
    divided by the factor.
    """
    if _FACTOR not in place:
        return latitude
    distance = np.deg2rad(90.0 - latitude)
    moved: _Array = 90.0 - np.rad2deg(2.0 * np.arctan2(np.sin(distance / 2.0), place[_FACTOR] * np.cos(distance / 2.0)))
    return moved


def placed(place: Mapping[str, Any], points: Points) -> Points:
    """Turn points, stretched already, from a grid's own system to the Earth."""
    if _FACTOR in place and place["stretching_pole_latitude"] != 90.0:
        pole = {
            _SOUTH_POLE: -place["stretching_pole_latitude"],
            "south_pole_longitude": place["stretching_pole_longitude"] + 180.0,
            "angle": 0.0,
        }
        points = Points(*unrotate(pole, *points))
    return Points(*unrotate(place, *points)) if _SOUTH_POLE in place else points
