"""Weather that no model made: waves in a westerly flow, as formulas."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dtedask.geo import Grid, regular_latlon

Values = NDArray[np.float64]
_GRAVITY = 9.80665


@dataclass(frozen=True)
class Weather:
    """Waves in a westerly flow that move east.

    Parameters
    ----------
    degrees : float
        Distance of the points.
    step : float
        Hours after the start.
    """

    degrees: float
    step: float

    @cached_property
    def latitude(self) -> Values:
        """Latitudes, north to south."""
        return 90.0 - self.degrees * np.arange(round(180 / self.degrees) + 1, dtype=np.float64)

    @cached_property
    def longitude(self) -> Values:
        """Longitudes, west to east."""
        return self.degrees * np.arange(round(360 / self.degrees), dtype=np.float64)

    @cached_property
    def grid(self) -> Grid:
        """The global grid."""
        return regular_latlon(self.latitude, self.longitude)

    def field(self, name: str, level: int | None, member: int) -> Values:
        """One field in SI units, shape (latitude, longitude)."""
        height = _height(level or 1000)
        wave, slope = self._wave(member, height)
        formulas: dict[str, Callable[[], Values]] = {
            "z": lambda: _GRAVITY * (height * (0.97 + 0.03 * self._warmth) + 120 * wave),
            "t": lambda: _standard_temperature(height) - 25 + 40 * self._warmth + 4 * wave,
            "u": lambda: 4 + self._jet * (5 + height / 350) - 6 * wave,
            "v": lambda: 9 * slope,
            "q": lambda: 0.015 * self._warmth**2 * math.exp(-height / 2500) * (1 + 0.3 * wave),
            "2t": lambda: 255 + 45 * self._warmth + 3 * wave,
            "msl": lambda: 101_000 + 900 * self._jet + 1200 * wave,
            "10u": lambda: 2 + 6 * self._jet - 4 * wave,
            "10v": lambda: 5 * slope,
            "tcwv": lambda: 3 + 45 * self._warmth**2 * (1 - 0.4 * wave),
        }
        return formulas[name]()

    @cached_property
    def _phi(self) -> Values:
        return np.deg2rad(self.latitude)[:, None]

    @cached_property
    def _warmth(self) -> Values:
        """One at the equator, zero at the poles."""
        return np.cos(self._phi) ** 2 * np.ones((1, len(self.longitude)))

    @cached_property
    def _jet(self) -> Values:
        """One in the middle latitudes, zero at the equator and the poles."""
        return np.sin(2 * self._phi) ** 2 * np.ones((1, len(self.longitude)))

    def _wave(self, member: int, height: float) -> tuple[Values, Values]:
        """Height of the waves, -1 to 1, and their slope to the east; members drift apart with time."""
        phase = np.deg2rad(0.5 * self.step * (1 + 0.08 * member)) + height / 9000 + 0.05 * member
        angle = 5 * np.deg2rad(self.longitude)[None, :] - phase
        return np.cos(angle) * self._jet, -np.sin(angle) * self._jet


def _height(pressure_hpa: float) -> float:
    """Height of a pressure in the standard atmosphere, m."""
    return 44_330.8 * (1 - math.pow(pressure_hpa / 1013.25, 0.190263))


def _standard_temperature(height_m: float) -> float:
    return max(288.15 - 0.0065 * height_m, 216.65)
