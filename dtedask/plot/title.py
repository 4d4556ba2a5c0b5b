"""The title of a map, in the words in which forecasters speak of a field."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.plot.style import unit_text

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["field_name", "joined", "title_lines", "title_of"]

_TYPES = {
    "an": "analysis",
    "fc": "forecast",
    "cf": "control forecast",
    "em": "ensemble mean",
    "es": "ensemble standard deviation",
    "ep": "event probability",
    "taem": "time average of the ensemble mean",
    "cd": "climate distribution",
}
_STATISTICS = {
    "accum": "accumulated over",
    "avg": "mean over",
    "max": "maximum over",
    "min": "minimum over",
    "diff": "difference over",
    "range": "range over",
    "sd": "standard deviation over",
}
_TIMES = ("valid_time", "forecast_reference_time", "step", "time")
_SPATIAL = ("latitude", "longitude", "y", "x", "crs", "lat", "lon")


def title_of(field: xr.DataArray, units: str = "") -> str:
    """Return what a field is, when it is valid, and where it comes from: one to three lines.

    Parameters
    ----------
    field : xarray.DataArray
        One field; its other dimensions are scalar coordinates.
    units : str
        Units of the picture, where nothing else in it says them.
    """
    return "\n".join(title_lines(field, units))


def title_lines(field: xr.DataArray, units: str = "") -> list[str]:
    """Return the lines of `title_of`."""
    said = f" ({text})" if (text := unit_text(units)) else ""
    lines = [_what(field) + said, ", ".join(_when(field)), ", ".join(_origin(field.attrs))]
    return [line for line in lines if line]


def joined(titles: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of one title for several fields: what they share stands once."""
    shown = [title for title in titles if title]
    if len(shown) > 1 and all(title[1:] == shown[0][1:] for title in shown):
        return ["; ".join(title[0] for title in shown), *shown[0][1:]]
    return [line for title in shown for line in title]


def field_name(field: xr.DataArray) -> str:
    """Return the name of a parameter."""
    named = field.attrs.get("long_name") or field.attrs.get("GRIB_name") or field.attrs.get("standard_name")
    return str(named or field.name or "Field").replace("_", " ")


def _what(field: xr.DataArray) -> str:
    words = [field_name(field) + _level(field), *_which(field)]
    return ", ".join(words)


def _level(field: xr.DataArray) -> str:
    level = _scalar(field, "level")
    if level is None:
        return ""
    words = field.coords["level"].attrs
    units, name = str(words.get("units", "")), str(words.get("long_name", ""))
    if units not in ("", "1"):
        return f" at {level:g} {units}"
    name = name.removeprefix("level (").removesuffix(")") or "level"
    return f" on {name} {level:g}"


def _which(field: xr.DataArray) -> Iterator[str]:
    """Member, and all else that tells fields apart."""
    for name, coordinate in field.coords.items():
        if coordinate.ndim or name in (*_TIMES, *_SPATIAL, "level") or "grid_mapping_name" in coordinate.attrs:
            continue
        value = coordinate.item()
        if name != "member":
            yield f"{str(name).replace('_', ' ')} {value}"
        elif field.attrs.get("mars_type") not in ("em", "es", "ep"):
            is_control = value == 0 and field.attrs.get("mars_type") in ("pf", "cf")
            yield "control forecast" if is_control else f"member {value}"


def _when(field: xr.DataArray) -> Iterator[str]:
    reference, step = _scalar(field, "forecast_reference_time"), _scalar(field, "step")
    valid = _scalar(field, "valid_time")
    if valid is None and reference is not None and step is not None:
        valid = reference + step
    if valid is None:
        valid = _scalar(field, "time")
    hours = None if step is None else step / np.timedelta64(1, "h")
    kind = str(field.attrs.get("mars_type", ""))
    yield from _statistics(field.attrs, hours)
    if valid is not None:
        yield f"valid {_time(valid)}"
    if reference is not None and (hours or kind not in ("", "an")):
        yield f"{_TYPES.get(kind, 'forecast')} from {_time(reference, day=False)}"
        if hours is not None:
            yield f"step {hours:g} h"
    elif kind in _TYPES:
        yield _TYPES[kind]


def _statistics(attributes: dict[Any, Any], hours: float | None) -> Iterator[str]:
    words = _STATISTICS.get(str(attributes.get("GRIB_stepType", "")))
    if words is None:
        return
    months, seconds = attributes.get("interval_months"), attributes.get("interval_s")
    if months is not None:
        yield f"{words} {months} months" if int(months) != 1 else f"{words} a month"
    elif seconds:
        yield f"{words} {int(seconds) / 3600:g} h"
    elif hours:
        yield f"{words} {hours:g} h"


def _origin(attributes: dict[Any, Any]) -> Iterator[str]:
    for key, word in (("class", "class"), ("stream", "stream"), ("model", "model"), ("expver", "expver")):
        value = attributes.get(f"mars_{key}")
        if value is not None:
            yield f"{word} {value}"


def _scalar(field: xr.DataArray, name: str) -> Any:
    coordinate = field.coords.get(name)
    return None if coordinate is None or coordinate.ndim else coordinate.to_numpy()[()]


def _time(moment: Any, *, day: bool = True) -> str:
    if not np.issubdtype(np.asarray(moment).dtype, np.datetime64):
        return str(moment)
    found = moment.astype("datetime64[s]").item()
    clock = f"{found:%Y-%m-%d %H:%M} UTC"
    return f"{found:%A} {clock}" if day else clock
