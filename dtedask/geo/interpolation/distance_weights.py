"""What points weigh by their distance."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

_Array = NDArray[np.float64]
Weighting = Literal["inverse-distance", "inverse-distance-squared", "shepard", "gaussian", "climate-filter", "none"]
_SAME_M = 1e-4


def inverse_power(squares: _Array, power: float) -> _Array:
    """Weigh by one over a power of the distance (Shepard 1968); a point that is at the same place is all there is.

    Parameters
    ----------
    squares : numpy.ndarray of float64, shape (points, count)
        Squares of distances in metres, nearest first; infinite where there are no more points.
    power : float
        1 or 2 usually.
    """
    nearest = np.maximum(squares[:, :1], _SAME_M**2)
    is_there = np.isfinite(squares)
    relative = np.divide(np.maximum(squares, _SAME_M**2), nearest, out=np.ones(squares.shape), where=is_there)
    weights: _Array = np.where(is_there, relative ** (-0.5 * power), 0.0)
    weights[squares[:, 0] < _SAME_M**2, 1:] = 0.0
    return weights


def gaussian(squares: _Array, deviation_m: float) -> _Array:
    """Weigh by a Gaussian function of the distance; relative to the nearest point, so that all may be far away."""
    beyond = np.subtract(squares, squares[:, :1], out=np.full(squares.shape, np.inf), where=np.isfinite(squares))
    weights: _Array = np.exp(beyond / (-2.0 * deviation_m**2))
    return weights


def climate_filter(squares: _Array, distance_m: float, edge_m: float) -> _Array:
    """Weigh by 1 up to half a distance, by 0 beyond it, and by a cosine over an edge of some width on both sides.

    The smoothing of ECMWF's orography: IFS documentation, Cy47r3, part IV, chapter 11, equation 11.1.
    """
    distance, half = np.sqrt(squares), 0.5 * distance_m
    on_edge = 0.5 + 0.5 * np.cos(0.5 * np.pi * (np.minimum(distance, half + edge_m) - half + edge_m) / edge_m)
    return np.where(distance < half - edge_m, 1.0, np.where(distance > half + edge_m, 0.0, on_edge))
