"""Arrows and barbs of a wind on a map."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dtedask.plot.frame import Frame
from dtedask.plot.library import Axes
from dtedask.plot.projection import Projection
from dtedask.plot.sampling import Sampler
from dtedask.plot.style import unit_text

__all__ = ["draw_wind"]

Values = NDArray[np.float64]
_ACROSS = 34  # arrows along the longer side
_STEP = 0.01  # degrees on which the direction on the map is found


def draw_wind(
    ax: Axes,
    frame: Frame,
    sampler: Sampler,
    wind: tuple[Values, Values],
    *,
    draw: Literal["arrows", "barbs"],
    units: str,
    colour: str,
) -> Any:
    """Draw the wind at evenly spaced places of a map.

    Parameters
    ----------
    ax : Axes
        Where to.
    frame : Frame
        What it shows.
    sampler : Sampler
        Finds points of the field.
    wind : tuple of numpy.ndarray, shape (points,)
        To the east and to the north.
    draw : {"arrows", "barbs"}
        Barbs have half a feather for 5, a feather for 10 and a flag for 50.
    units : str
        Of the wind.
    colour : str
        Of arrows and barbs.
    """
    x, y, latitude, longitude = _places(frame)
    found = sampler.nearest(latitude, longitude)
    east, north = (np.where(found >= 0, part[found], np.nan) for part in wind)
    to_right, upwards = _on_paper(frame.projection, latitude, longitude, east, north)
    is_there = np.isfinite(to_right) & np.isfinite(upwards)
    x, y, to_right, upwards = x[is_there], y[is_there], to_right[is_there], upwards[is_there]
    if draw == "barbs":
        flipped = latitude[is_there] < 0  # feathers are on the side of the low pressure
        return ax.barbs(x, y, to_right, upwards, length=5, linewidth=0.6, color=colour, flip_barb=flipped, zorder=4)
    speed = np.hypot(to_right, upwards)
    typical = _round(float(np.percentile(speed, 95))) if speed.size else 1.0
    drawn = ax.quiver(
        x, y, to_right, upwards, color=colour, zorder=4, width=0.0016, headwidth=4.5,
        scale=typical * _ACROSS * 0.75, scale_units="width",
    )  # fmt: skip
    ax.quiverkey(
        drawn, 0.93, 1.03, typical, f"{typical:g} {unit_text(units)}", labelpos="W", fontproperties={"size": "small"}
    )
    return drawn


def _places(frame: Frame) -> tuple[Values, Values, Values, Values]:
    """Places on paper and on the Earth, on a coarse mesh; where the map shows the Earth."""
    width, height = frame.right - frame.left, frame.top - frame.bottom
    gap = max(width, height) / _ACROSS
    x, y = np.meshgrid(
        np.arange(frame.left + gap / 2, frame.right, gap), np.arange(frame.bottom + gap / 2, frame.top, gap)
    )
    latitude, longitude = frame.projection.inverse(x, y)
    is_on_map = np.isfinite(latitude) & (np.abs(latitude) < 89.9)
    return x[is_on_map], y[is_on_map], latitude[is_on_map], longitude[is_on_map]


def _on_paper(
    projection: Projection, latitude: Values, longitude: Values, east: Values, north: Values
) -> tuple[Values, Values]:
    """Turn a wind into the directions of the paper; its speed stays."""
    speed = np.hypot(east, north)
    with np.errstate(invalid="ignore", divide="ignore"):
        # A short way downwind, and the same way upwind, so that the middle is the place itself.
        up, right = _STEP * north / speed, _STEP * east / speed / np.cos(np.deg2rad(latitude))
        ahead = projection.forward(latitude + up / 2, longitude + right / 2)
        behind = projection.forward(latitude - up / 2, longitude - right / 2)
        x, y = ahead[0] - behind[0], ahead[1] - behind[1]
        if projection.name == "plate-carree":  # where a degree to the east is not as long as one to the north
            x, y = east, north
        length = np.hypot(x, y)
        is_calm = speed == 0
        return np.where(is_calm, 0.0, speed * x / length), np.where(is_calm, 0.0, speed * y / length)


def _round(value: float) -> float:
    """A round number near a value."""
    if value <= 0:
        return 1.0
    ten = 10.0 ** np.floor(np.log10(value))
    return float(min((1, 2, 5, 10), key=lambda one: abs(one * ten - value)) * ten)
