"""Write a field as a GRIB2 message."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GribUnsupportedError
from dtedask.geo import Grid
from dtedask.grib.encode_grid import message_order, write_grid
from dtedask.grib.field import FieldDescription
from dtedask.grib.handles import MISSING, Handle
from dtedask.grib.scan import describe
from dtedask.request import canonical_value, format_step, interval_of_months, parse_step, span_months

Packing = Literal["grid_ccsds", "grid_simple", "grid_ieee"]
_BITS = 16
_CENTRE_CLASS_KEYS = ("class", "stream", "type", "expver")
_LEVEL_TYPES = {
    "pl": "isobaricInhPa",
    "ml": "hybrid",
    "pt": "theta",
    "pv": "potentialVorticity",
    "hl": "heightAboveGround",
    "sol": "soilLayer",
    "hhl": "hybridHeight",
    "hpl": "hybridPressure",
}
_DONE_ELSEWHERE = frozenset(
    ("class", "stream", "type", "expver", "levtype", "levelist", "param", "date", "time", "step", "number", "model")
)
_DETAILS = (
    *("derivedForecast", "numberOfForecastsInEnsemble", "probabilityType", "percentileValue"),
    *("quantileValue", "totalNumberOfQuantiles"),
    *("scaleFactorOfLowerLimit", "scaledValueOfLowerLimit", "scaleFactorOfUpperLimit", "scaledValueOfUpperLimit"),
    "typeOfStatisticalProcessing",
)
DERIVED = frozenset({"timespan", "stattype"})  # GRIB2 says them of any interval, GRIB1 never does
_LAST_WITHOUT_TIMESPAN = 33
_WHOLE_WAVES = 20  # as ECMWF's own messages have it
_KINDS = {"an": 0, "fc": 1, "cf": 3, "pf": 4}


def encode(
    values: NDArray[Any],
    keys: Mapping[str, str],
    grid: Grid,
    *,
    attributes: Mapping[str, Any] | None = None,
    interval: tuple[int, int] | None = None,
    bits_per_value: int | None = None,
    decimal_scale: int = 0,
    packing: Packing = "grid_ccsds",
) -> bytes:
    """Encode a field as one GRIB2 message; scanning it gives the same keys and grid.

    Parameters
    ----------
    values : numpy.ndarray
        As many as the grid has points, in its order; NaN is missing.
    keys : mapping
        MARS keys, canonical as `scan` gives them.
    grid : Grid
        Where the points are.
    attributes : mapping, optional
        ``GRIB_*`` attributes of the field's description; ``GRIB_bitsPerValue`` counts as well.
    interval : tuple of int, optional
        Start and end of the statistical interval in seconds after the reference time.
    bits_per_value : int, optional
        Bits of each packed value, 16 by default: the error is less than the range of the values divided by 2**16 - 1.
    decimal_scale : int
        Power of ten by which values are multiplied before they are packed.
    packing : {"grid_ccsds", "grid_simple", "grid_ieee"}
        ``grid_ieee`` keeps every bit of float32 or float64 values. Spherical harmonics are always packed as such.

    Returns
    -------
    bytes
        The message.

    Raises
    ------
    GribUnsupportedError
        If GRIB2 or ecCodes cannot say what keys, grid or attributes say; names what.
    """
    said = said_of(attributes)
    bits = bits_per_value or int(said.get("bitsPerValue") or _BITS)
    with Handle(sample="GRIB2") as handle:
        write_product(handle, keys, said, interval)
        write_grid(handle, grid)
        write_directions(handle, said)
        write_values(handle, values, grid, bits, decimal_scale, packing)
        message = handle.message()
    check_said(message, keys, grid)
    return message


def said_of(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    """Attributes of a description, by the names that ecCodes has for them."""
    return {str(key).removeprefix("GRIB_"): value for key, value in (attributes or {}).items()}


def write_product(
    handle: Handle, keys: Mapping[str, str], said: Mapping[str, Any], interval: tuple[int, int] | None
) -> None:
    """Write all that a header says but the grid."""
    handle.set("tablesVersion", _tables_version(handle, keys))
    _write_identity(handle, keys, said, interval)
    write_reference_time(handle, keys)
    write_parameter(handle, keys)
    write_level(handle, keys, said)
    write_step(handle, keys, interval)
    write_member(handle, keys)
    for key in _DETAILS:
        if key in said:
            handle.set(key, int(said[key]))
    for key in set(keys) - _DONE_ELSEWHERE - DERIVED:
        if handle.text(key) != keys[key]:
            handle.set(key, keys[key])


def _tables_version(handle: Handle, keys: Mapping[str, str]) -> int:
    """From version 34 on, ecCodes says timespan and stattype of every interval and drops names such as mx2t6."""
    latest = handle.integer("tablesVersionLatest")
    return (
        latest
        if (DERIVED & keys.keys() and keys["type"] != "ep") or latest <= _LAST_WITHOUT_TIMESPAN
        else _LAST_WITHOUT_TIMESPAN
    )


def _write_identity(
    handle: Handle, keys: Mapping[str, str], said: Mapping[str, Any], interval: tuple[int, int] | None
) -> None:
    """Centre, product definition template and MARS labels."""
    centre = str(said.get("centre") or keys["class"].removeprefix("c") if _is_plain(keys, said) else "ecmf")
    handle.set("centre", int(centre) if centre.isdigit() else centre)
    template = said.get("productDefinitionTemplateNumber")
    if template is None:
        is_member = "number" in keys or keys["type"] in ("cf", "pf")
        template = (11 if is_member else 8) if interval is not None else (1 if is_member else 0)
    handle.set("productDefinitionTemplateNumber", int(template))
    if _is_plain(keys, said):
        handle.set("typeOfProcessedData", _KINDS.get(keys["type"], 1))
        return
    handle.set("setLocalDefinition", 1)
    for key in _CENTRE_CLASS_KEYS:
        handle.set(key, keys[key])
    if "model" in keys:
        handle.set("model", keys["model"])


def _is_plain(keys: Mapping[str, str], said: Mapping[str, Any]) -> bool:
    """Whether the message has no MARS labels: its class was made from the centre."""
    centre = str(said.get("centre", ""))
    return keys["class"] in (centre, f"c{centre}")


def write_member(handle: Handle, keys: Mapping[str, str]) -> None:
    """Write the number of the member, where the product has one."""
    if handle.get("perturbationNumber", int) is None:
        return
    number = int(keys.get("number", 0))
    handle.set("perturbationNumber", number)
    handle.set("typeOfEnsembleForecast", 1 if keys["type"] == "cf" else 3)


def write_parameter(handle: Handle, keys: Mapping[str, str]) -> None:
    """Write the parameter."""
    param = keys["param"]
    parts = param.split(".")
    if len(parts) == 3:
        for key, part in zip(("discipline", "parameterCategory", "parameterNumber"), parts, strict=True):
            handle.set(key, int(part))
    elif len(parts) == 2:
        raise GribUnsupportedError(
            f"Parameter {param} is known by its GRIB1 table only and has no place in GRIB2.",
            hint="Keep the original messages (layout 'messages').",
        )
    else:
        _write_known(handle, int(param))


def _write_known(handle: Handle, param: int) -> None:
    try:
        handle.set("paramId", param)
    except GribUnsupportedError as error:
        if handle.integer("tablesVersion") != handle.integer("tablesVersionLatest"):
            handle.set("tablesVersion", handle.integer("tablesVersionLatest"))
            return _write_known(handle, param)
        raise GribUnsupportedError(
            f"ecCodes knows no GRIB2 parameter for param={param}.", hint="Keep the original messages."
        ) from error


def write_directions(handle: Handle, said: Mapping[str, Any]) -> None:
    """Say that components of a wind count from the columns and rows of a turned grid; after the grid."""
    if "uvRelativeToGrid" in said:
        handle.set("uvRelativeToGrid", int(said["uvRelativeToGrid"]))


def write_level(handle: Handle, keys: Mapping[str, str], said: Mapping[str, Any]) -> None:
    """Write the level."""
    levtype, level = keys.get("levtype", "sfc"), keys.get("levelist")
    if level is None:
        return
    kind = str(said.get("typeOfLevel") or _LEVEL_TYPES.get(levtype, levtype))
    if kind in ("isobaricInhPa", "isobaricInPa"):
        _write_pressure(handle, float(level))
        return
    try:
        _set_new(handle, "typeOfLevel", kind)
    except GribUnsupportedError as error:
        raise GribUnsupportedError(
            f"ecCodes knows no GRIB2 level for levtype={levtype}, levelist={level}.",
            hint="Give the attribute GRIB_typeOfLevel, or leave levelist out.",
        ) from error
    handle.set("level", float(level) if "." in level else int(level))
    if kind.endswith("Layer") and kind != "soilLayer":
        handle.set("bottomLevel", int(float(level)) + 1)


def _write_pressure(handle: Handle, hectopascal: float) -> None:
    is_whole = hectopascal >= 1 and hectopascal == int(hectopascal)
    _set_new(handle, "typeOfLevel", "isobaricInhPa" if is_whole else "isobaricInPa")
    handle.set("level", int(hectopascal) if is_whole else round(hectopascal * 100))


def write_reference_time(handle: Handle, keys: Mapping[str, str]) -> None:
    """Write date and time."""
    handle.set("dataDate", int(keys["date"]))
    handle.set("dataTime", int(keys.get("time", "0000")[:4]))


def write_step(handle: Handle, keys: Mapping[str, str], interval: tuple[int, int] | None) -> None:
    """Write the step or the interval; after the reference time, from which ecCodes counts."""
    step = format_step(interval[1], interval[0]) if interval else keys.get("step", "0")
    handle.set("stepRange" if interval or "-" in step else "step", step)


def _set_new(handle: Handle, key: str, value: str) -> None:
    """Set a text where it is another: setting one that ecCodes makes of many keys takes long."""
    if handle.text(key) != value:
        handle.set(key, value)


def write_values(handle: Handle, values: NDArray[Any], grid: Grid, bits: int, decimal_scale: int, packing: str) -> None:
    """Pack the values of a field; NaN is missing."""
    is_double = values.dtype == "float64"
    with np.errstate(invalid="ignore"):  # NaN of the kind that signals is missing as any other
        data = np.asarray(values, dtype="float64").reshape(grid.shape)
    data = np.ascontiguousarray(message_order(data, grid)).ravel()
    if grid.kind == "sh":
        _write_harmonics(handle, data, int(grid.description["truncation"]), bits)
        return
    _set_new(handle, "packingType", packing)
    missing = np.isnan(data)
    if missing.any():
        handle.set("bitmapPresent", 1)
        handle.set("missingValue", MISSING)
        data = np.where(missing, MISSING, data)
    if packing == "grid_ieee":
        handle.set("precision", 2 if is_double else 1)
    else:
        if decimal_scale:
            handle.set("decimalScaleFactor", decimal_scale)
        handle.set("bitsPerValue", bits)
    handle.set("values", data)


def _write_harmonics(handle: Handle, data: NDArray[np.float64], truncation: int, bits: int) -> None:
    """Pack harmonics: those of the longest waves as 32-bit numbers, all others scaled by a power of their wavenumber.

    Packed as they are, a field would lose its short waves, which are smaller by orders of magnitude.
    """
    whole = min(_WHOLE_WAVES, truncation - 1)
    handle.set("bitsPerValue", bits)
    handle.set("values", data)  # ecCodes packs as many as it was told before when it changes the packing
    short = data[_are_short(truncation, whole)]
    if not short.size or short.min() == short.max():
        return  # ecCodes finds no power of their wavenumber by which to scale them
    _set_new(handle, "packingType", "spectral_complex")
    for key in ("JS", "KS", "MS"):
        handle.set(key, whole)
    handle.set("TS", (whole + 1) * (whole + 2))
    handle.set("unpackedSubsetPrecision", 1)
    handle.set("bitsPerValue", bits)
    handle.set("values", data)


@lru_cache(16)
def _are_short(truncation: int, whole: int) -> NDArray[np.bool_]:
    """Which coefficients, real and imaginary parts one after the other, are of waves that are packed."""
    waves = np.concatenate([np.arange(order, truncation + 1) for order in range(truncation + 1)])
    return np.repeat(waves > whole, 2)


def _is_said(key: str, wanted: Mapping[str, str], told: FieldDescription) -> bool:
    """Whether the message says a key in another way: a statistic by its interval and its type of processing."""
    if key == "step" and told.interval is not None:
        # Of a mean over months there is none, and of some products over an interval ecCodes names both its ends.
        return key not in wanted or _ends_alike(wanted[key], told.keys.get(key, ""))
    if key not in DERIVED or key not in wanted:
        return key in DERIVED
    if key == "stattype":
        return wanted[key] == told.step_type or told.keys.get("type") == "ep"  # that of a probability is its limits
    return told.interval is not None and _is_as_long(wanted, told.interval)


def _ends_alike(one: str, other: str) -> bool:
    return bool(other) and parse_step(one).end_s == parse_step(other).end_s


def _is_as_long(wanted: Mapping[str, str], interval: tuple[int, int]) -> bool:
    months = span_months({"timespan": wanted["timespan"]})
    if months is not None:
        return interval == interval_of_months(wanted, months)
    if wanted["timespan"] in ("fs", "none"):
        return False
    return interval[1] - interval[0] == parse_step(wanted["timespan"]).end_s


def check_said(message: bytes, keys: Mapping[str, str], grid: Grid, *, unchecked: bool = False) -> None:
    """Refuse a message that says something else; with `unchecked` keys its grid only is looked at."""
    told = describe(message)
    wanted = {key: value if key == "param" else canonical_value(key, value) for key, value in keys.items()}
    wrong = [
        f"{key}={wanted.get(key, 'absent')} became {told.keys.get(key, 'absent')}"
        for key in sorted(set(wanted) | set(told.keys))
        if wanted.get(key) != told.keys.get(key) and not _is_said(key, wanted, told)
    ]
    if unchecked:
        wrong = []
    if told.grid != grid:
        wrong.append(f"grid {grid.label} became {told.grid.label}")
    if wrong:
        raise GribUnsupportedError(
            f"The field cannot be said in GRIB2 as ecCodes writes it: {', '.join(wrong)}.",
            hint="Keep the original messages (layout 'messages'), or correct the keys.",
        )
