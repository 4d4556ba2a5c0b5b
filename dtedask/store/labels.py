"""The dimensions of a cube: from the keys of a field to the label of a slot, and back.

A field has a reference time, from ``date`` and ``time`` or from ``year`` and ``month``. A climatology has none: its
days and months are of no year, so they are dimensions of their own, ``dayofyear`` and ``month``, and ``time`` is one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from dtedask.core.errors import FieldError
from dtedask.request import format_step, parse_step

Label = int | float | str

# Dimension of a date without a year, by the type of the key.
CLIMATE_TYPES = {"climate-daily": "dayofyear", "climate-monthly": "month", "month": "month"}

# Characters of a reference time that its keys say, by how the keys of a variable are dated other than by days.
DATE_LENGTHS = {"month": 6, "year": 4, "year-and-month": 6, "year-key": 4}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INTEGERS = frozenset(
    {"member", "direction", "frequency", "fcmonth", "iteration", "channel", "ident", "instrument", "anoffset"}
)
_FIRST = ("forecast_reference_time", "month", "dayofyear", "time_of_day", "member", "step", "level")
_KEY_OF_DIMENSION = {"member": "number", "level": "levelist", "dayofyear": "date", "time_of_day": "time"}
_DTYPES = {"integer": "int64", "double": "float64"}
_DIMENSION_OF_KEY = {
    "date": "forecast_reference_time",
    "time": "forecast_reference_time",
    "hdate": "forecast_reference_time",
    "number": "member",
    "levelist": "level",
}
_LEAP_YEAR = 2000  # days of a climatology are counted in a year that has 29 February


@dataclass(frozen=True, slots=True)
class Dimension:
    """One dimension that fields are labelled by.

    Parameters
    ----------
    name : str
        Name in the cube, such as ``"member"``.
    type : str
        Type of its key where that is not as in MARS; empty for all others.
    """

    name: str
    type: str = ""

    @property
    def key(self) -> str:
        """The MARS key behind the dimension (``date`` for the reference time, which holds the time too)."""
        return "date" if self.name == "forecast_reference_time" else _KEY_OF_DIMENSION.get(self.name, self.name)

    @property
    def dtype(self) -> str:
        """Zarr's data type of the labels; it never depends on the values."""
        if self.name == "level":
            return "float64"
        return "int64" if self.name in _WHOLE else _DTYPES.get(self.type, "string")

    @property
    def attributes(self) -> dict[str, str]:
        """CF attributes of the coordinate."""
        return dict(_ATTRIBUTES.get(self.name, {"long_name": self.name}))

    def text(self, label: Label) -> str:
        """Canonical MARS value of a label; for the reference time the date and time as ``YYYYMMDDHHMM``."""
        if self.name == "forecast_reference_time":
            return (_EPOCH + timedelta(seconds=int(label))).strftime("%Y%m%d%H%M")
        if self.name == "date":
            return (_EPOCH + timedelta(days=int(label))).strftime("%Y%m%d")
        if self.name == "step":
            return format_step(int(label))
        if self.name == "dayofyear":
            return (date(_LEAP_YEAR, 1, 1) + timedelta(days=int(label) - 1)).strftime("%m%d")
        if self.name == "time_of_day":
            return f"{int(label) // 3600:02d}{int(label) % 3600 // 60:02d}"
        return f"{float(label):.10g}" if self.dtype == "float64" else str(label)

    def decode(self, labels: np.ndarray) -> np.ndarray:
        """Labels as a user sees them: times and steps as datetime64 and timedelta64."""
        if self.name == "forecast_reference_time":
            return labels.astype("datetime64[s]").astype("datetime64[ns]")
        if self.name == "date":
            return labels.astype("datetime64[D]").astype("datetime64[ns]")
        if self.name in ("step", "time_of_day"):
            return labels.astype("timedelta64[s]").astype("timedelta64[ns]")
        return labels.astype(object) if self.dtype == "string" else labels


_ATTRIBUTES = {
    "forecast_reference_time": {
        "standard_name": "forecast_reference_time",
        "long_name": "initial time of the forecast",
        "units": "seconds since 1970-01-01T00:00:00",
        "calendar": "proleptic_gregorian",
    },
    "date": {
        "long_name": "real-time date of the hindcast",
        "units": "days since 1970-01-01",
        "calendar": "proleptic_gregorian",
    },
    "step": {
        "standard_name": "forecast_period",
        "long_name": "time since the forecast_reference_time, end of the interval",
        "units": "seconds",
        "dtype": "timedelta64[ns]",
    },
    "dayofyear": {"long_name": "day of a climatology, counted in a leap year: 29 February is 60", "units": "1"},
    "month": {"long_name": "month of a climatology, January is 1", "units": "1"},
    "time_of_day": {"long_name": "time of day of a climatology", "units": "seconds", "dtype": "timedelta64[ns]"},
    "member": {"standard_name": "realization", "long_name": "ensemble member, 0 is the control forecast", "units": "1"},
    "level": {"long_name": "level"},
    "direction": {"long_name": "wave direction number", "units": "1"},
    "frequency": {"long_name": "wave frequency number", "units": "1"},
    "fcmonth": {"long_name": "month of the forecast, the first is 1", "units": "1"},
}


_WHOLE = _INTEGERS | {"forecast_reference_time", "step", "date", "dayofyear", "month", "time_of_day"}


def ordered(names: list[str]) -> tuple[str, ...]:
    """Dimensions in the order of the field: reference time, member, step, level, then the others by name."""
    return tuple(sorted(names, key=lambda name: (_FIRST.index(name) if name in _FIRST else len(_FIRST), name)))


def dimension_of(key: str, date_type: str) -> str:
    """Dimension of a key that is one: its own name, or that of the time it is a part of."""
    if date_type in CLIMATE_TYPES and key in ("date", "time"):
        return "time_of_day" if key == "time" else CLIMATE_TYPES[date_type]
    return _DIMENSION_OF_KEY.get(key, key)


def label_of(dimension: Dimension, keys: Mapping[str, str]) -> Label:
    """Label of a field on a dimension.

    Raises
    ------
    FieldError
        If a level is not a number.
    """
    if dimension.name in _LABELS:
        return _LABELS[dimension.name](keys)
    text = keys[dimension.name]
    return int(text) if dimension.dtype == "int64" else float(text) if dimension.dtype == "float64" else text


def _reference_time(keys: Mapping[str, str]) -> int:
    day = keys.get("hdate") or keys.get("date") or f"{keys['year'].zfill(4)}{keys.get('month', '1').zfill(2)}"
    time = keys.get("time", "0000")
    moment = datetime.combine(_day(day), datetime.min.time(), UTC)
    return int((moment - _EPOCH).total_seconds()) + 3600 * int(time[:2]) + 60 * int(time[2:4])


def _day(text: str) -> date:
    if len(text) < 8:
        return date(int(text[:4]), int(text[4:6] or "1"), 1)
    return date(int(text[:4]), int(text[4:6]), max(int(text[6:8]), 1))


def _days(text: str) -> int:
    return (_day(text) - _EPOCH.date()).days


def _level(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise FieldError(f"The level {text!r} is not a number.", hint="Give levelist a number.") from error


def _month(keys: Mapping[str, str]) -> int:
    return int(keys["month"] if "month" in keys else keys["date"])


def _day_of_year(keys: Mapping[str, str]) -> int:
    return date(_LEAP_YEAR, int(keys["date"][:2]), int(keys["date"][2:])).timetuple().tm_yday


_LABELS: dict[str, Callable[[Mapping[str, str]], Label]] = {
    "forecast_reference_time": _reference_time,
    "month": _month,
    "dayofyear": _day_of_year,
    "time_of_day": lambda keys: 3600 * int(keys["time"][:2]) + 60 * int(keys["time"][2:4]),
    "date": lambda keys: _days(keys["date"]),
    "step": lambda keys: parse_step(keys["step"]).end_s,
    "member": lambda keys: int(keys.get("number", "0")),
    "level": lambda keys: _level(keys["levelist"]),
}
