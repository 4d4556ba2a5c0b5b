"""CF bounds of the steps and reference times of statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from dtedask.request import format_step
from dtedask.store.fields import CoordinateVariable

if TYPE_CHECKING:
    import xarray as xr

    from dtedask.store.group import Variable


class _Part(Protocol):
    @property
    def variable(self) -> Variable: ...


def interval_bounds(coordinates: Mapping[str, xr.Variable], parts: Sequence[_Part]) -> dict[str, xr.Variable]:
    """CF bounds of steps and reference times, one variable a length of interval, where intervals are stored."""
    attributes = [part.variable.attributes for part in parts]
    lengths = sorted({int(found["interval_s"]) for found in attributes if "interval_s" in found})
    months = sorted({int(found["interval_months"]) for found in attributes if "interval_months" in found})
    if "step" not in coordinates:
        return _reference_bounds(coordinates, months)
    ends = coordinates["step"].to_numpy()
    starts = {_length_name(length): ends - np.timedelta64(length, "s") if length else ends * 0 for length in lengths}
    starts |= _starts_of_months(coordinates, ends, months)
    bounds: dict[str, xr.Variable] = {}
    for name, begins in starts.items():
        name_of_bounds = f"step_bounds_{name}" if bounds else "step_bounds"
        bounds[name_of_bounds] = CoordinateVariable(("step", "bounds"), np.stack([begins, ends], axis=1))
    if bounds:
        coordinates["step"].attrs["bounds"] = "step_bounds"
    return bounds


def _starts_of_months(
    coordinates: Mapping[str, xr.Variable], ends: np.ndarray, months: Sequence[int]
) -> dict[str, np.ndarray]:
    """Starts of the steps of whole months; they are those of one reference time only."""
    started = coordinates.get("forecast_reference_time")
    if started is None or started.size != 1 or not months:
        return {}
    (reference,) = started.to_numpy()
    return {f"{count}months": _moved(reference + ends, -count) - reference for count in months}


def _reference_bounds(coordinates: Mapping[str, xr.Variable], months: Sequence[int]) -> dict[str, xr.Variable]:
    """Bounds of means over whole months, which begin at their reference time and have no step."""
    started = coordinates.get("forecast_reference_time")
    if started is None or not months:
        return {}
    times = started.to_numpy()
    bounds: dict[str, xr.Variable] = {}
    for count in months:
        name = f"forecast_reference_time_bounds_{count}months" if bounds else "forecast_reference_time_bounds"
        ends = np.stack([times, _moved(times, count)], axis=1)
        bounds[name] = CoordinateVariable(("forecast_reference_time", "bounds"), ends)
    started.attrs["bounds"] = "forecast_reference_time_bounds"
    return bounds


def _moved(times: np.ndarray, months: int) -> np.ndarray:
    """Return the same day and time some months later, for days that every month has."""
    first = times.astype("datetime64[M]")
    moved: np.ndarray = (first + months).astype(times.dtype) + (times - first)
    return moved


def _length_name(length: int) -> str:
    text = format_step(length)
    return text if text[-1].isalpha() else f"{text}h"
