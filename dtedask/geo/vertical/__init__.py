"""Model levels: their pressure, geopotential and height, and interpolation to pressure levels and heights."""

from dtedask.geo.vertical.hybrid import HybridLevels
from dtedask.geo.vertical.interpolation import (
    geopotential_on_pressure_levels,
    temperature_on_pressure_levels,
    to_heights,
    to_pressure_levels,
)
from dtedask.geo.vertical.pressure import geopotential, half_level_pressure, height, pressure

__all__ = [
    "HybridLevels",
    "geopotential",
    "geopotential_on_pressure_levels",
    "half_level_pressure",
    "height",
    "pressure",
    "temperature_on_pressure_levels",
    "to_heights",
    "to_pressure_levels",
]
