"""What a coverage says of its parameters, of its reference systems, and of the fields that it was made of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["parameter_words", "referencing", "unit_words"]

_UCUM = "http://www.opengis.net/def/uom/UCUM/"
_CF = "http://vocab.nerc.ac.uk/standard_name/"
_FACTOR = re.compile(r"(%|[A-Za-z]+)(?:\*\*)?(-?\d+)?")
_CALLED = {"degC": "Cel", "degrees": "deg", "degree": "deg", "Degree true": "deg", "Fraction": "1", "Proportion": "1"}
_CALLED |= {"1": "1", "(0 - 1)": "1", "Dimensionless": "1", "Numeric": "1", "gpm": "m", "m of water equivalent": "m"}
_NONE = ("", "~", "unknown")
_METHODS = {"accum": "sum", "avg": "mean", "max": "maximum", "min": "minimum", "sd": "standard_deviation"}
_LEVELS = {
    "pl": ("Pressure", "down", "hPa"),
    "pt": ("Potential temperature", "up", "K"),
    "pv": ("Potential vorticity", "up", "10-9.K.m2.kg-1.s-1"),
    "hl": ("Height above ground", "up", "m"),
    "sol": ("Layer of soil", "down", "1"),
    "ml": ("Model level", "down", "1"),
}


def parameter_words(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The object `Parameter` of a variable."""
    called = str(attributes.get("long_name") or attributes.get("GRIB_shortName") or "unknown parameter")
    observed: dict[str, Any] = {"label": {"en": called}}
    if attributes.get("standard_name"):
        observed = {"id": f"{_CF}{attributes['standard_name']}/", **observed}
    found: dict[str, Any] = {"type": "Parameter", "observedProperty": observed}
    unit = unit_words(str(attributes.get("units", "")))
    if unit:
        found["unit"] = unit
    method = _METHODS.get(str(attributes.get("GRIB_stepType", "")))
    if method is not None:
        hours = int(attributes.get("interval_s", 0)) / 3600
        found["measurementType"] = {"method": method} | ({"period": f"PT{hours:g}H"} if hours else {})
    return found


def unit_words(units: str) -> dict[str, Any]:
    """The object `Unit`, in the symbols of UCUM where the units can be said so; empty where there are none.

    Examples
    --------
    >>> unit_words("m s**-1")["symbol"]["value"]
    'm.s-1'
    """
    if units in _NONE or units.lower().startswith("(code table"):
        return {}
    symbol = _CALLED.get(units) or _ucum(units)
    if symbol is None:
        return {"symbol": units}
    return {"symbol": {"value": symbol, "type": _UCUM}}


def _ucum(units: str) -> str | None:
    factors = [_FACTOR.fullmatch(one) for one in units.split()]
    if not all(factors):
        return None
    return ".".join(_CALLED.get(one[1], one[1]) + (one[2] or "") for one in factors if one is not None)


def referencing(levtype: str | None) -> list[dict[str, Any]]:
    """Reference systems of longitude and latitude, of time, and of levels where there are some."""
    found: list[dict[str, Any]] = [
        {
            "coordinates": ["x", "y"],
            "system": {"type": "GeographicCRS", "id": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"},
        },
        {"coordinates": ["t"], "system": {"type": "TemporalRS", "calendar": "Gregorian"}},
    ]
    if levtype is None:
        return found
    name, direction, unit = _LEVELS.get(levtype, (f"Level of {levtype}", "up", "1"))
    axis = {"name": {"en": name}, "direction": direction, "unit": {"symbol": unit}}
    return [*found, {"coordinates": ["z"], "system": {"type": "VerticalCRS", "cs": {"csAxes": [axis]}}}]
