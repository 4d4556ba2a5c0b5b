"""The MARS keys of a message, with what is missing filled in."""

from __future__ import annotations

from dtedask.core.errors import GribUnsupportedError
from dtedask.grib.handles import Handle
from dtedask.request import canonical_value

_ENSEMBLE_TEMPLATES = frozenset({1, 11, 33, 34, 41, 43, 45, 47, 49, 54, 56, 58, 59, 60, 61, 63, 68, 71, 73, 77, 79, 81})
_DERIVED_TEMPLATES = frozenset({2, 3, 4, 12, 13, 14})
_PROBABILITY_TEMPLATES = frozenset({5, 9})
_QUANTILE_TEMPLATES = frozenset({6, 10, 86, 87})
_ENSEMBLE_TYPES = frozenset({"cf", "pf", "em", "es", "ep", "pb"})
_SLOW = frozenset({"param"})
_LEVELLESS = frozenset({"surface", "meanSea", "nominalTop", "entireAtmosphere", "unknown", ""})


def read_keys(handle: Handle, level_type: str, level: float | None) -> dict[str, str]:
    """Return the canonical MARS keys of a message.

    Class, stream, expver and type of a message that has none follow from the centre and the kind of data.
    """
    found = dict(handle.namespace("mars", without=_SLOW))
    keys = {key: value for key, value in found.items() if not _is_dropped(key, value)}
    keys["param"] = read_param(handle)
    if "class" not in keys:
        keys = _without_mars(handle) | keys | _separate_levels(handle, level_type, level, keys)
    if keys.get("levtype", "unknown") == "unknown":
        keys |= _own_level_type(handle, level_type, level)
    if keys["levtype"] == "pl" and level is not None and level_type == "isobaricInhPa":
        keys["levelist"] = format_level(level)  # MARS counts in hPa; ecCodes gives 50 Pa as 50
    keys.setdefault("step", handle.text("stepRange", "0"))
    keys["expver"] = keys.get("expver", "0001").rjust(4, "0")
    return {key: value if key == "param" else _canonical(key, value) for key, value in keys.items()}


def read_param(handle: Handle) -> str:
    """Return the paramId, or the numbers of the parameter where ecCodes does not know it."""
    number = handle.integer("paramId")
    if number:
        return str(number)
    edition = handle.integer("edition")
    parts = ("table2Version", "indicatorOfParameter") if edition == 1 else _NUMBERS
    return ".".join(str(handle.integer(part)) for part in parts)


_NUMBERS = ("discipline", "parameterCategory", "parameterNumber")


def _canonical(key: str, value: str) -> str:
    try:
        return canonical_value(key, value)
    except ValueError as error:
        if key in ("date", "time", "step"):
            raise GribUnsupportedError(f"The message says {key}={value}.", hint="Correct it with grib_set.") from error
        return value


def _is_dropped(key: str, value: str) -> bool:
    if key.startswith("_"):
        return True
    return (key, value) == ("domain", "g") or (key in ("timespan", "stattype") and value == "none")


def _without_mars(handle: Handle) -> dict[str, str]:
    kind = _kind_of_data(handle)
    centre = handle.text("centre", "unknown").lower()
    keys = {
        "class": f"c{centre}" if centre.isdigit() else centre,
        "expver": "0001",
        "stream": "enfo" if kind in _ENSEMBLE_TYPES else "oper",
        "type": kind,
        "levtype": "unknown",
    }
    if kind == "pf":
        keys["number"] = handle.text("perturbationNumber", "0")
    if kind == "pb":
        part, whole = handle.text("quantileValue"), handle.text("totalNumberOfQuantiles")
        keys["quantile"] = f"{part}:{whole}" if part and whole else f"{handle.text('percentileValue', '0')}:100"
    return keys


def _kind_of_data(handle: Handle) -> str:
    if handle.integer("edition") == 1:
        return "an" if handle.integer("timeRangeIndicator") == 1 else "fc"
    template = handle.integer("productDefinitionTemplateNumber")
    if template in _ENSEMBLE_TEMPLATES:
        return "cf" if handle.integer("typeOfEnsembleForecast") in (0, 1) else "pf"
    if template in _DERIVED_TEMPLATES:
        return "em" if handle.integer("derivedForecast") in (0, 1) else "es"
    if template in _PROBABILITY_TEMPLATES:
        return "ep"
    if template in _QUANTILE_TEMPLATES:
        return "pb"
    return "an" if handle.integer("typeOfProcessedData", 1) == 0 else "fc"


def _separate_levels(handle: Handle, level_type: str, level: float | None, keys: dict[str, str]) -> dict[str, str]:
    """Level type and level where `sfc` would put different levels together (messages without MARS keys)."""
    if keys.get("levtype") != "sfc" or level_type in _LEVELLESS or level is None:
        return {}
    is_layer = level_type.endswith("Layer")
    if not is_layer and (level == 0 or format_level(level) in handle.text("shortName")):
        return {}
    return {"levtype": level_type, "levelist": format_level(level)}


def _own_level_type(handle: Handle, level_type: str, level: float | None) -> dict[str, str]:
    if level_type == "unknown":
        level_type = f"surface{handle.integer('typeOfFirstFixedSurface', handle.integer('indicatorOfTypeOfLevel'))}"
    return {"levtype": level_type} | ({} if level is None else {"levelist": format_level(level)})


def format_level(level: float) -> str:
    """Write a level as MARS does: `500`, `0.5`."""
    return f"{level:.10g}"
