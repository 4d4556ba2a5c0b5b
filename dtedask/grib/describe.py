"""Describe one message by asking ecCodes: slow and complete."""

from __future__ import annotations

import math

from dtedask.grib.field import FieldDescription
from dtedask.grib.grids import read_grid
from dtedask.grib.handles import Handle
from dtedask.grib.keys import read_keys
from dtedask.request import parse_step

_DETAILS = (
    "typeOfStatisticalProcessing",
    "numberOfTimeRanges",
    "typeOfSecondFixedSurface",
    "derivedForecast",
    "probabilityType",
    "scaledValueOfLowerLimit",
    "scaledValueOfUpperLimit",
    "percentileValue",
    "constituentType",
    "aerosolType",
    "typeOfSizeInterval",
    "scaledValueOfFirstSize",
    "scaledValueOfSecondSize",
    "typeOfWavelengthInterval",
    "scaledValueOfFirstWavelength",
    "scaledValueOfSecondWavelength",
    "typeOfGeneratingProcess",
)


def describe(data: bytes | memoryview) -> FieldDescription:
    """Return what a message says of its field.

    Raises
    ------
    GribUnsupportedError
        If ecCodes cannot read it.
    """
    with Handle(data) as handle:
        return describe_handle(handle)


def describe_handle(handle: Handle) -> FieldDescription:
    """Return what an open message says of its field."""
    grid, order = read_grid(handle)
    level = _level(handle)
    start, end = _steps(handle)
    step_type = handle.text("stepType", "instant")
    return FieldDescription(
        keys=read_keys(handle, level),
        short_name=_known(handle.text("shortName")),
        name=_known(handle.text("name")),
        units=_known(handle.text("units")),
        standard_name=_known(handle.text("cfName")),
        step_type=step_type,
        interval=None if step_type == "instant" or start is None else (start, end),
        step_seconds=end,
        level_type=handle.text("typeOfLevel", "unknown"),
        level=level,
        edition=handle.need("edition"),
        grid=grid,
        order=order,
        packing=handle.text("packingType", "unknown"),
        bits_per_value=handle.integer("bitsPerValue"),
        has_bitmap=handle.integer("bitmapPresent") == 1,
        product=_product(handle),
        attributes=_attributes(handle),
    )


def _known(text: str) -> str:
    return "" if text in ("unknown", "~", "Unknown") or text.startswith("Experimental product") else text


def _level(handle: Handle) -> float | None:
    value = handle.get("level", float)
    return None if value is None or not math.isfinite(value) or value >= 2147483647 else float(value)


def _steps(handle: Handle) -> tuple[int | None, int]:
    try:
        step = parse_step(handle.text("stepRange", "0"))
    except ValueError:
        return None, 0
    return step.start_s, step.end_s


def _product(handle: Handle) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = [("typeOfLevel", handle.text("typeOfLevel", "unknown"))]
    found += [(key, handle.text(key)) for key in ("level", "bottomLevel", "stepType", "stepRange")]
    if handle.integer("edition") == 2:
        found += [(key, value) for key in _DETAILS if (value := handle.text(key))]
    return tuple(found)


def _attributes(handle: Handle) -> dict[str, int | float | str]:
    found: dict[str, int | float | str] = {
        "GRIB_centre": handle.text("centre"),
        "GRIB_typeOfLevel": handle.text("typeOfLevel", "unknown"),
        "GRIB_stepType": handle.text("stepType", "instant"),
    }
    return found
