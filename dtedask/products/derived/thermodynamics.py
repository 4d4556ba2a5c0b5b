"""Water vapour in air, as ECMWF's IFS has it; everything in float64 and SI units."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "dew_point",
    "relative_humidity",
    "saturation_over_ice",
    "saturation_over_water",
    "saturation_vapour_pressure",
    "specific_humidity",
    "vapour_pressure",
    "wind_chill",
]

Values = NDArray[np.float64]
# IFS Documentation CY47R3, Part IV: Physical processes, chapter 12 (in CY45R1 page 116): Tetens' formula,
# e = a1 exp(a3 (T - T0) / (T - a4)), over water after Buck (1981), over ice after Alduchov and Eskridge (1996).
_A1 = 611.21
_WATER = (17.502, 32.19)
_ICE = (22.587, -0.7)
_T0, _T_ICE = 273.16, 250.16
# Rdry / Rvap of the IFS: 287.0597 / 461.5250.
EPSILON = 287.0597 / 461.5250


def saturation_over_water(temperature: Values) -> Values:
    """Pressure of saturated water vapour over water, in Pa, at a temperature in K (Tetens' formula of the IFS)."""
    return _tetens(temperature, *_WATER)


def saturation_over_ice(temperature: Values) -> Values:
    """Pressure of saturated water vapour over ice, in Pa, at a temperature in K (Tetens' formula of the IFS)."""
    return _tetens(temperature, *_ICE)


def saturation_vapour_pressure(temperature: Values) -> Values:
    """Pressure of saturated water vapour over the mixed phase of the IFS, in Pa, at a temperature in K.

    Water above 273.16 K, ice below 250.16 K, and between them a part of both: the part of water is the square of how
    far the temperature has come from the one to the other (IFS Documentation CY47R3, Part IV, chapter 12).
    """
    water = np.clip((temperature - _T_ICE) / (_T0 - _T_ICE), 0.0, 1.0) ** 2
    return water * saturation_over_water(temperature) + (1.0 - water) * saturation_over_ice(temperature)


def vapour_pressure(humidity: Values, pressure: Values) -> Values:
    """Pressure of water vapour in Pa of a specific humidity in kg kg**-1, at a pressure in Pa."""
    return pressure * humidity / (EPSILON + (1.0 - EPSILON) * humidity)


def relative_humidity(temperature: Values, humidity: Values, pressure: Values) -> Values:
    """Relative humidity in %, over the mixed phase as parameter 157 of ECMWF is.

    Of temperature in K, specific humidity in kg kg**-1 and pressure in Pa.
    """
    return 100.0 * vapour_pressure(humidity, pressure) / saturation_vapour_pressure(temperature)


def specific_humidity(vapour: Values, pressure: Values) -> Values:
    """Specific humidity in kg kg**-1 of water vapour of a pressure in Pa, in air of a pressure in Pa.

    IFS Documentation CY47R3, Part IV, equation 7.4 (of saturation; here of any vapour).
    """
    return EPSILON * vapour / (pressure - (1.0 - EPSILON) * vapour)


def dew_point(vapour: Values) -> Values:
    """Temperature in K at which a pressure of water vapour in Pa is that of saturation over water.

    Tetens' formula turned round, as the IFS does for 2 metre dew point temperature; NaN where there is no vapour.
    """
    a3, a4 = _WATER
    with np.errstate(invalid="ignore", divide="ignore"):
        logarithm = np.log(np.where(vapour > 0, vapour, np.nan) / _A1)
    return (a3 * _T0 - a4 * logarithm) / (a3 - logarithm)


def wind_chill(temperature: Values, wind: Values) -> Values:
    """Temperature in K that feels as cold without wind, of temperature in K and wind in m s**-1 at 10 metres.

    The index of Environment Canada and the National Weather Service of 2001 (Osczevski and Bluestein, 2005, Bulletin of
    the American Meteorological Society, doi:10.1175/BAMS-86-10-1453): up to 10 degC and from 4.8 km h**-1 on; elsewhere
    it is the temperature.
    """
    celsius, power = temperature - 273.15, (3.6 * wind) ** 0.16
    felt = 13.12 + 0.6215 * celsius - 11.37 * power + 0.3965 * celsius * power
    known = np.isnan(temperature) | np.isnan(wind) | ((celsius <= 10.0) & (3.6 * wind >= 4.8))
    return np.where(known, felt + 273.15, temperature)


def _tetens(temperature: Values, a3: float, a4: float) -> Values:
    return _A1 * np.exp(a3 * (temperature - _T0) / (temperature - a4))
