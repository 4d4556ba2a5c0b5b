"""Speed and direction of wind, in float64."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["eastward", "northward", "wind_direction"]

Values = NDArray[np.float64]


def wind_direction(eastward: Values, northward: Values) -> Values:
    """Direction from which the wind blows, in degrees clockwise from north, above 0 and up to 360.

    As WMO reports it: 360 is a wind from the north. Of no wind at all it is 0.
    """
    degrees = np.degrees(np.arctan2(-eastward, -northward))
    degrees = np.where(degrees <= 0.0, degrees + 360.0, degrees)
    return np.where((eastward == 0.0) & (northward == 0.0), 0.0, degrees)


def eastward(speed: Values, direction: Values) -> Values:
    """Component towards the east of a wind that blows from a direction in degrees."""
    return -speed * np.sin(np.radians(direction))


def northward(speed: Values, direction: Values) -> Values:
    """Component towards the north of a wind that blows from a direction in degrees."""
    return -speed * np.cos(np.radians(direction))
