"""Temperature and geopotential below the lowest level of a model, and below the ground.

Trenberth, Berry and Buja (1993), Vertical interpolation and truncation of model-coordinate data, NCAR/TN-396+STR,
section 5; these are the rules of the IFS (IFS Documentation, FULL-POS; the routines ppt and ppgeop).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

GRAVITY = 9.80665
DRY_GAS = 287.0597
VAPOUR_GAS = 461.5250
_LAPSE = 0.0065  # K m**-1, of the standard atmosphere
_HIGH_GROUND_M = (2000.0, 2500.0)
_PLATEAU_K = 298.0
_WARM_K, _COLD_K = 290.5, 255.0
_Reals = NDArray[np.floating]


def surface_temperature(lowest: _Reals, lowest_pressure: _Reals, surface_pressure: _Reals) -> _Reals:
    """Temperature at the ground that follows from that of the lowest level by the standard lapse rate."""
    slope = _LAPSE * DRY_GAS / GRAVITY
    return lowest * (1.0 + slope * (surface_pressure / lowest_pressure - 1.0))


def temperature_below(
    target: _Reals, lowest: _Reals, lowest_pressure: _Reals, surface_pressure: _Reals, surface_geopotential: _Reals
) -> _Reals:
    """Temperature in K at pressures of `target` that are higher than that of the lowest level; all broadcast.

    Down to the ground linear in log(pressure); below it with the standard lapse rate, that is weaker under high
    ground.
    """
    ground = surface_temperature(lowest, lowest_pressure, surface_pressure)
    height = surface_geopotential / GRAVITY
    sea = ground + _LAPSE * height
    capped = np.minimum(sea, _PLATEAU_K)
    low, high = _HIGH_GROUND_M
    share = np.clip((height - low) / (high - low), 0.0, 1.0)
    sea = (1.0 - share) * sea + share * capped
    with np.errstate(divide="ignore", invalid="ignore"):
        steep = DRY_GAS * np.maximum(sea - ground, 0.0) / surface_geopotential
    slope = np.where(height < low, _LAPSE * DRY_GAS / GRAVITY, steep)
    depth = slope * np.log(target / surface_pressure)
    under = ground * (1.0 + depth * (1.0 + depth * (0.5 + depth / 6.0)))
    part = _share_of_way(target, lowest_pressure, surface_pressure)
    return np.where(target > surface_pressure, under, lowest + part * (ground - lowest))


def geopotential_below(
    target: _Reals,
    lowest: _Reals,
    lowest_temperature: _Reals,
    lowest_pressure: _Reals,
    surface_pressure: _Reals,
    surface_geopotential: _Reals,
) -> _Reals:
    """Geopotential in m2 s**-2 at pressures of `target` that are higher than that of the lowest level; all broadcast.

    Down to the ground linear in log(pressure); below it a column of the standard lapse rate, that is changed where it
    would be hotter than 290.5 K at sea level or colder than 255 K at the ground.
    """
    ground = surface_temperature(lowest_temperature, lowest_pressure, surface_pressure)
    sea = ground + _LAPSE * surface_geopotential / GRAVITY
    is_hot = sea > _WARM_K
    with np.errstate(divide="ignore", invalid="ignore"):
        steep = DRY_GAS * (_WARM_K - ground) / surface_geopotential
    slope = np.where(is_hot, np.where(ground <= _WARM_K, steep, 0.0), _LAPSE * DRY_GAS / GRAVITY)
    ground = np.where(is_hot & (ground > _WARM_K), 0.5 * (_WARM_K + ground), ground)
    ground = np.where(ground < _COLD_K, 0.5 * (_COLD_K + ground), ground)
    fall = np.log(target / surface_pressure)
    depth = slope * fall
    under = surface_geopotential - DRY_GAS * ground * fall * (1.0 + depth * (0.5 + depth / 6.0))
    part = _share_of_way(target, lowest_pressure, surface_pressure)
    return np.where(target > surface_pressure, under, lowest + part * (surface_geopotential - lowest))


def _share_of_way(target: _Reals, lowest_pressure: _Reals, surface_pressure: _Reals) -> _Reals:
    """Where a pressure stands between the lowest level (0) and the ground (1)."""
    way = np.asarray(np.log(surface_pressure / lowest_pressure))
    found: _Reals = np.log(target / lowest_pressure) / np.where(way == 0.0, 1.0, way)
    return found
