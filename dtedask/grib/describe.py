"""Describe one message by asking ecCodes: slow and complete."""

from __future__ import annotations

import math

from dtedask.geo import Grid, PointOrder
from dtedask.grib.field import FieldDescription
from dtedask.grib.grids import read_grid
from dtedask.grib.handles import Handle
from dtedask.grib.keys import read_keys
from dtedask.request import parse_step

# Keys that tell products of one parameter apart, by product definition template of edition 2.
_ALWAYS = ("typeOfSecondFixedSurface", "typeOfGeneratingProcess")
_INTERVAL = ("typeOfStatisticalProcessing", "numberOfTimeRanges")
_PROBABILITY = ("probabilityType", "scaledValueOfLowerLimit", "scaledValueOfUpperLimit")
_AEROSOL = (
    *("constituentType", "aerosolType", "typeOfSizeInterval", "scaledValueOfFirstSize", "scaledValueOfSecondSize"),
    *("typeOfWavelengthInterval", "scaledValueOfFirstWavelength", "scaledValueOfSecondWavelength"),
)
_DETAILS = {
    **dict.fromkeys((0, 1), ()),
    **dict.fromkeys((8, 11), _INTERVAL),
    **dict.fromkeys((2, 3, 4), ("derivedForecast",)),
    **dict.fromkeys((12, 13, 14), (*_INTERVAL, "derivedForecast")),
    5: _PROBABILITY,
    9: (*_INTERVAL, *_PROBABILITY),
    6: ("percentileValue",),
    10: (*_INTERVAL, "percentileValue"),
    86: ("quantileValue", "totalNumberOfQuantiles"),
    87: (*_INTERVAL, "quantileValue", "totalNumberOfQuantiles"),
}
_MISSING_LEVEL = 2147483647
_DERIVABLE = frozenset({0, 1, 8, 11})
_EVERYTHING = (*_INTERVAL, "derivedForecast", *_PROBABILITY, "percentileValue", *_AEROSOL)


def describe(data: bytes | memoryview, *, grid: tuple[Grid, PointOrder] | None = None) -> FieldDescription:
    """Return what a message says of its field; `grid` is taken as known when given.

    Raises
    ------
    GribUnsupportedError
        If ecCodes cannot read it.
    """
    with Handle(data) as handle:
        return _describe(handle, *(grid or read_grid(handle)))


def _describe(handle: Handle, grid: Grid, order: PointOrder) -> FieldDescription:
    level_type, level = _level(handle)
    start, end = _steps(handle)
    step_type = handle.text("stepType", "instant")
    keys = read_keys(handle, level_type, level)
    short_name, name, units, standard_name = _words(handle, keys["param"])
    return FieldDescription(
        keys=keys,
        short_name=short_name,
        name=name,
        units=units,
        standard_name=standard_name,
        step_type=step_type,
        interval=None if step_type == "instant" or start is None else (start, end),
        step_seconds=end,
        level_type=level_type,
        level=level,
        edition=handle.need("edition"),
        grid=grid,
        order=order,
        packing=handle.text("packingType", "unknown"),
        bits_per_value=handle.integer("bitsPerValue"),
        has_bitmap=handle.integer("bitmapPresent") == 1 or handle.integer("missingValueManagementUsed") in (1, 2),
        product=_product(handle, keys, level_type),
        attributes=_attributes(handle, keys, level_type),
    )


_known_words: dict[tuple[str, str, int], tuple[str, str, str, str]] = {}


def _words(handle: Handle, param: str) -> tuple[str, str, str, str]:
    """Short name, name, units and CF name; the same for all messages of a parameter, and slow to ask for."""
    place = (param, handle.text("centre"), handle.integer("edition"))
    words = _known_words.get(place)
    if words is None:
        short_name, name, units, standard_name = (
            _known(handle.text(key)) for key in ("shortName", "name", "units", "cfName")
        )
        words = (short_name, name, units, standard_name)
        if "." in param:
            words = ("", f"parameter {param} of centre {place[1]}", "", "")
        _known_words[place] = words
    return words


def _known(text: str) -> str:
    return "" if text in ("unknown", "~", "Unknown") else text


def _level(handle: Handle) -> tuple[str, float | None]:
    """Level type and level; pressure is in hPa, as MARS has it, whether coded in Pa or hPa."""
    kind, value = handle.text("typeOfLevel", "unknown"), handle.get("level", float)
    if value is None or not math.isfinite(value) or value >= _MISSING_LEVEL:
        return kind, None
    return ("isobaricInhPa", float(value) / 100) if kind == "isobaricInPa" else (kind, float(value))


def _steps(handle: Handle) -> tuple[int | None, int]:
    try:
        step = parse_step(handle.text("stepRange", "0"))
    except ValueError:
        return None, 0
    return step.start_s, step.end_s


def _product(handle: Handle, keys: dict[str, str], level_type: str) -> tuple[tuple[str, str], ...]:
    """Return what neither keys nor interval say; what counts along from message to message is not in it."""
    wanted = ["stepType"]
    if "levelist" not in keys:
        wanted += ["level", "bottomLevel"]
    elif level_type.endswith("Layer"):
        wanted.append("bottomLevel")
    if handle.integer("edition") == 2:
        wanted += [*_ALWAYS, *_DETAILS.get(handle.integer("productDefinitionTemplateNumber"), _EVERYTHING)]
    return (("typeOfLevel", level_type), *((key, value) for key in wanted if (value := handle.text(key))))


def _attributes(handle: Handle, keys: dict[str, str], level_type: str) -> dict[str, int | float | str]:
    found: dict[str, int | float | str] = {
        "GRIB_centre": handle.text("centre"),
        "GRIB_typeOfLevel": level_type,
    }
    template = handle.integer("productDefinitionTemplateNumber", 0) if handle.integer("edition") == 2 else 0
    if template not in _DERIVABLE:
        found["GRIB_productDefinitionTemplateNumber"] = template
        wanted = _DETAILS.get(template, ())
        found |= {f"GRIB_{key}": value for key in wanted if (value := handle.get(key, int)) is not None}
    elif "." in keys["param"] and template in (8, 11):
        found["GRIB_typeOfStatisticalProcessing"] = handle.integer("typeOfStatisticalProcessing")
    return found
