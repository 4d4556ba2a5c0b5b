"""Units of fields, and those in which people read them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Conversion", "conversion", "unit_text"]

_GRAVITY = 9.80665  # m s-2, the standard acceleration of free fall (CGPM 1901), which makes heights of geopotential
_POWERS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
# Different ways to write a unit.
_SAME = {
    "(0 - 1)": "1", "(0-1)": "1", "proportion": "1", "fraction": "1", "dimensionless": "1",
    "kelvin": "K", "deg_c": "degC", "celsius": "degC", "°c": "degC", "degrees_celsius": "degC",
    "percent": "%", "m of water equivalent": "m", "m of water": "m", "gpm": "m", "hectopascals": "hPa",
    "mbar": "hPa", "millibars": "hPa", "pascal": "Pa", "kg m-2": "mm", "degree true": "degrees",
}  # fmt: skip
# What one unit is in another: factor, then what is added.
_FACTORS: dict[tuple[str, str], tuple[float, float]] = {
    ("K", "degC"): (1.0, -273.15),
    ("K", "degF"): (1.8, -459.67),
    ("degC", "K"): (1.0, 273.15),
    ("Pa", "hPa"): (0.01, 0.0),
    ("m2 s-2", "m"): (1.0 / _GRAVITY, 0.0),
    ("m2 s-2", "dam"): (0.1 / _GRAVITY, 0.0),
    ("m", "dam"): (0.1, 0.0),
    ("m", "mm"): (1000.0, 0.0),
    ("m", "cm"): (100.0, 0.0),
    ("m", "km"): (0.001, 0.0),
    ("mm", "cm"): (0.1, 0.0),
    ("1", "%"): (100.0, 0.0),
    ("%", "1"): (0.01, 0.0),
    ("kg kg-1", "g kg-1"): (1000.0, 0.0),
    ("m s-1", "km h-1"): (3.6, 0.0),
    ("m s-1", "kt"): (3600.0 / 1852.0, 0.0),
    ("kg m-2 s-1", "mm h-1"): (3600.0, 0.0),
    ("m s-1", "mm h-1"): (3_600_000.0, 0.0),
    ("s-1", "1e-5 s-1"): (1e5, 0.0),
    ("J m-2", "MJ m-2"): (1e-6, 0.0),
    ("J m-2", "kJ m-2"): (1e-3, 0.0),
    ("K m2 kg-1 s-1", "PVU"): (1e6, 0.0),
}


@dataclass(frozen=True, slots=True)
class Conversion:
    """From the units of a field to those of its picture.

    Parameters
    ----------
    factor, offset : float
        Shown value = value * factor + offset.
    units : str
        Those of the picture.
    """

    factor: float
    offset: float
    units: str

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Convert values."""
        return values if self.factor == 1.0 and not self.offset else values * self.factor + self.offset


def conversion(units: str, wanted: str | None) -> Conversion | None:
    """Return how to show values of some units in others; None where the one cannot be told from the other.

    Parameters
    ----------
    units : str
        Of the field, as GRIB or CF write them: ``m s**-1``, ``m/s``, ``kg kg-1``.
    wanted : str, optional
        Of the picture; those of the field by default.
    """
    if wanted is None:
        return Conversion(1.0, 0.0, units)
    found, shown = _canonical(units), _canonical(wanted)
    if found == shown:
        return Conversion(1.0, 0.0, wanted)
    known = _FACTORS.get((found, shown))
    if known is not None:
        return Conversion(*known, wanted)
    back = _FACTORS.get((shown, found))
    return None if back is None else Conversion(1.0 / back[0], -back[1] / back[0], wanted)


def unit_text(units: str) -> str:
    """Return units as people write them: ``m s⁻¹``, ``°C``, ``10⁻⁵ s⁻¹``; nothing for numbers without."""
    text = _canonical(units)
    text = units if text == "mm" else text  # as kg m-2 where the field has it so
    if text in ("1", "~", "unknown", "numeric") or text.lower().startswith("(code table"):
        return ""
    text = {"degC": "°C", "degF": "°F", "degrees": "°", "degree": "°"}.get(text, text)
    text = re.sub(r"\b1e(-?\d+)", lambda found: f"10{found[1].translate(_POWERS)}", text)
    return re.sub(r"(?<=[A-Za-z])(\*\*)?(-?\d+)", lambda found: found[2].translate(_POWERS), text)


def _canonical(units: str) -> str:
    text = " ".join(units.replace("**", "").replace("^", "").split())
    text = re.sub(r"/ ?([A-Za-z]+)(\d*)", lambda found: f" {found[1]}-{found[2] or 1}", text)
    return _SAME.get(text, _SAME.get(text.lower(), text))
