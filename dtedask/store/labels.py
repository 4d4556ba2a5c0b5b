"""The dimensions of a cube: from the keys of a field to the label of a slot, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from dtedask.core.errors import FieldError
from dtedask.request import format_step, parse_step

Label = int | float | str

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INTEGERS = frozenset(
    {"member", "direction", "frequency", "fcmonth", "iteration", "channel", "ident", "instrument", "anoffset"}
)
_FIRST = ("forecast_reference_time", "member", "step", "level")
_KEY_OF_DIMENSION = {"member": "number", "level": "levelist"}


@dataclass(frozen=True, slots=True)
class Dimension:
    """One dimension that fields are labelled by.

    Parameters
    ----------
    name : str
        Name in the cube, such as ``"member"``.
    """

    name: str

    @property
    def key(self) -> str:
        """The MARS key behind the dimension (``date`` for the reference time, which holds the time too)."""
        return "date" if self.name == "forecast_reference_time" else _KEY_OF_DIMENSION.get(self.name, self.name)

    @property
    def dtype(self) -> str:
        """Zarr's data type of the labels; it never depends on the values."""
        if self.name == "level":
            return "float64"
        if self.name in _INTEGERS or self.name in ("forecast_reference_time", "step", "date"):
            return "int64"
        return "string"

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
        if self.name == "level":
            return f"{float(label):.10g}"
        return str(label)

    def decode(self, labels: np.ndarray) -> np.ndarray:
        """Labels as a user sees them: times and steps as datetime64 and timedelta64."""
        if self.name == "forecast_reference_time":
            return labels.astype("datetime64[s]").astype("datetime64[ns]")
        if self.name == "date":
            return labels.astype("datetime64[D]").astype("datetime64[ns]")
        if self.name == "step":
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
    "member": {"standard_name": "realization", "long_name": "ensemble member, 0 is the control forecast", "units": "1"},
    "level": {"long_name": "level"},
    "direction": {"long_name": "wave direction number", "units": "1"},
    "frequency": {"long_name": "wave frequency number", "units": "1"},
    "fcmonth": {"long_name": "month of the forecast, the first is 1", "units": "1"},
}


def ordered(names: list[str]) -> tuple[str, ...]:
    """Dimensions in the order of the field: reference time, member, step, level, then the others by name."""
    return tuple(sorted(names, key=lambda name: (_FIRST.index(name) if name in _FIRST else len(_FIRST), name)))


def label_of(dimension: str, keys: Mapping[str, str]) -> Label:
    """Label of a field on a dimension.

    Raises
    ------
    FieldError
        If a level is not a number.
    """
    if dimension == "forecast_reference_time":
        return _reference_time(keys)
    if dimension == "date":
        return _days(keys["date"])
    if dimension == "step":
        return parse_step(keys["step"]).end_s
    if dimension == "member":
        return int(keys.get("number", "0"))
    if dimension == "level":
        return _level(keys["levelist"])
    return int(keys[dimension]) if dimension in _INTEGERS else keys[dimension]


def _reference_time(keys: Mapping[str, str]) -> int:
    day = keys.get("hdate", keys["date"])
    time = keys.get("time", "0000")
    moment = datetime.combine(_day(day), datetime.min.time(), UTC)
    return int((moment - _EPOCH).total_seconds()) + 3600 * int(time[:2]) + 60 * int(time[2:4])


def _day(text: str) -> date:
    if len(text) == 6:
        return date(int(text[:4]), int(text[4:6]), 1)
    return date(int(text[:4]), int(text[4:6]), max(int(text[6:8]), 1))


def _days(text: str) -> int:
    return (_day(text) - _EPOCH.date()).days


def _level(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise FieldError(f"The level {text!r} is not a number.", hint="Give levelist a number.") from error
