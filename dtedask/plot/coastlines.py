"""Coast lines of Natural Earth on any map: cut where the map ends, and not drawn across it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dtedask.plot.projection import Projection

__all__ = ["Scale", "coastlines", "line_on_map"]

Values = NDArray[np.float64]
Scale = Literal["110m", "50m"]
_FILE = Path(__file__).parent / "data" / "coastlines.npz"
_FINE = 1.0  # degrees between points of lines on bent maps, at most


@lru_cache(maxsize=2)
def coastlines(scale: Scale = "110m") -> tuple[Values, Values]:
    """Return latitude and longitude of all coast lines, NaN between one and the next; leave them untouched."""
    with np.load(_FILE) as file:
        steps, lengths = file[f"steps_{scale}"], file[f"lengths_{scale}"]
    longitude, latitude = np.cumsum(steps, axis=1, dtype=np.int16) / 100.0
    ends = np.cumsum(lengths)[:-1]
    return np.insert(latitude, ends, np.nan), np.insert(longitude, ends, np.nan)


def line_on_map(projection: Projection, latitude: Values, longitude: Values) -> tuple[Values, Values]:
    """Return x and y of lines, NaN between one and the next.

    Parameters
    ----------
    projection : Projection
        The map.
    latitude, longitude : numpy.ndarray
        Points of lines that are the shortest way from each to the next, NaN between one line and the next.
    """
    if projection.is_circular:
        return projection.forward(*_within_cap(projection, *_refined(latitude, longitude)))
    latitude, turned = _refined(latitude, projection.turned(longitude))
    latitude, turned = _cut_at_seam(latitude, turned)
    # A hair inside, or the end at the eastern seam would be turned to the western one.
    inside = np.clip(turned, -180.0 + 1e-9, 180.0 - 1e-9)
    return projection.forward(latitude, inside + projection.longitude)


def _refined(latitude: Values, longitude: Values) -> tuple[Values, Values]:
    """Put points in between where those of a line are far apart; between them longitude goes the shorter way."""
    around = (np.diff(longitude) + 180.0) % 360.0 - 180.0
    apart = np.fmax(np.abs(np.diff(latitude)), np.abs(around))
    parts = np.where(np.isfinite(apart), np.clip(np.ceil(apart / _FINE), 1, 360), 1).astype(int)
    if parts.size == 0 or parts.max() == 1:
        return latitude, longitude
    start = np.repeat(np.arange(len(parts)), parts)
    share = (np.arange(len(start)) - np.repeat(np.cumsum(parts) - parts, parts)) / parts[start]
    # A point before a break has no way to go.
    way = np.where(share > 0, share * around[start], 0.0), np.where(share > 0, share * np.diff(latitude)[start], 0.0)
    fine_longitude = np.append(longitude[start] + way[0], longitude[-1])
    return np.append(latitude[start] + way[1], latitude[-1]), (fine_longitude + 180.0) % 360.0 - 180.0


def _cut_at_seam(latitude: Values, turned: Values) -> tuple[Values, Values]:
    """Cut lines at 180 degrees from the middle, and let both ends reach the cut."""
    step = np.diff(turned)
    with np.errstate(invalid="ignore"):
        cuts = np.flatnonzero(np.abs(step) > 180.0)
    side = np.sign(turned[cuts]) * 180.0
    before, after = np.abs(side - turned[cuts]), np.abs(-side - turned[cuts + 1])
    share = before / np.maximum(before + after, 1e-12)
    height = latitude[cuts] + share * (latitude[cuts + 1] - latitude[cuts])
    where = np.repeat(cuts + 1, 3)
    between = np.stack([height, np.full(len(cuts), np.nan), height], axis=1).ravel()
    sides = np.stack([side, np.full(len(cuts), np.nan), -side], axis=1).ravel()
    return np.insert(latitude, where, between), np.insert(turned, where, sides)


def _within_cap(projection: Projection, latitude: Values, longitude: Values) -> tuple[Values, Values]:
    """Leave out what lies beyond the rim, and let lines reach it."""
    towards = _unit(projection.pole, projection.longitude)
    points = _unit(latitude, longitude)
    height = points @ towards - np.cos(np.deg2rad(projection.cap)) - 1e-9
    with np.errstate(invalid="ignore"):
        crossing = np.flatnonzero(height[:-1] * height[1:] < 0)
    share = height[crossing] / (height[crossing] - height[crossing + 1])
    rim = points[crossing] + share[:, None] * (points[crossing + 1] - points[crossing])
    rim /= np.linalg.norm(rim, axis=1, keepdims=True)
    rim_latitude, rim_longitude = np.rad2deg(np.arcsin(rim[:, 2])), np.rad2deg(np.arctan2(rim[:, 1], rim[:, 0]))
    latitude = np.where(height < 0, np.nan, latitude)
    return np.insert(latitude, crossing + 1, rim_latitude), np.insert(longitude, crossing + 1, rim_longitude)


def _unit(latitude: float | Values, longitude: float | Values) -> Values:
    phi, lam = np.deg2rad(latitude), np.deg2rad(longitude)
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi) + 0 * lam], axis=-1)
