"""From model levels to pressure levels and heights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError
from dtedask.geo.vertical.below import geopotential_below, temperature_below
from dtedask.geo.vertical.columns import LEVEL, downwards, on_columns

if TYPE_CHECKING:
    import xarray as xr

Beyond = Literal["missing", "nearest"]
_Reals = NDArray[np.float64]


def to_pressure_levels(
    field: xr.DataArray,
    pressure: xr.DataArray,
    levels_hpa: Iterable[float],
    *,
    above: Beyond = "missing",
    below: Beyond = "missing",
) -> xr.DataArray:
    """Interpolate a field to pressure levels, linearly in the logarithm of pressure.

    Parameters
    ----------
    field : xarray.DataArray, shape (..., level, grid)
        On model levels. It stays lazy; its levels are brought into one chunk.
    pressure : xarray.DataArray, shape (..., level, grid)
        Pressure at the same levels in Pa, that grows with the number of the level; see `pressure`.
    levels_hpa : iterable of float
        In hPa, in any order; the result has this order.
    above, below : {"missing", "nearest"}
        What stands above the uppermost level, and below the lowest: NaN, or the value of that level. For temperature
        and geopotential below the ground see `temperature_on_pressure_levels`, `geopotential_on_pressure_levels`.

    Returns
    -------
    xarray.DataArray, shape (..., level, grid)
        ``level`` holds the pressure in hPa. Computed in float64; float32 where the field is.
    """
    import xarray as xr

    wanted = _targets(levels_hpa, "pressure level")
    words = {"standard_name": "air_pressure", "units": "hPa", "positive": "down"}
    coordinate = xr.DataArray(wanted, dims=LEVEL, attrs=words)
    return _interpolated(field, pressure, wanted * 100.0, coordinate, above=above, below=below, sign=1.0)


def to_heights(
    field: xr.DataArray,
    height: xr.DataArray,
    heights_m: Iterable[float],
    *,
    above: Beyond = "missing",
    below: Beyond = "missing",
) -> xr.DataArray:
    """Interpolate a field linearly to heights.

    Parameters
    ----------
    field, above, below
        As for `to_pressure_levels`.
    height : xarray.DataArray, shape (..., level, grid)
        Height of the same levels in m, above sea level or the ground; it falls with the number of the level.
    heights_m : iterable of float
        In m, above what `height` is above.

    Returns
    -------
    xarray.DataArray, shape (..., level, grid)
        ``level`` holds the heights in m.
    """
    import xarray as xr

    wanted = _targets(heights_m, "height", lowest=-np.inf)
    coordinate = xr.DataArray(wanted, dims=LEVEL, attrs={"standard_name": "height", "units": "m", "positive": "up"})
    return _interpolated(field, height, wanted, coordinate, above=above, below=below, sign=-1.0)


def temperature_on_pressure_levels(
    temperature: xr.DataArray,
    pressure: xr.DataArray,
    surface_pressure: xr.DataArray,
    surface_geopotential: xr.DataArray,
    levels_hpa: Iterable[float],
    *,
    above: Beyond = "missing",
) -> xr.DataArray:
    """Interpolate temperature to pressure levels; below the lowest level it follows the rules of the IFS.

    Parameters
    ----------
    temperature, pressure, levels_hpa, above
        As for `to_pressure_levels`; all levels down to the lowest of the model.
    surface_pressure, surface_geopotential : xarray.DataArray, shape (..., grid)
        In Pa and m2 s**-2.
    """
    inside = to_pressure_levels(temperature, pressure, levels_hpa, above=above)
    lowest, lowest_pressure = (_lowest(field) for field in (temperature, pressure))
    fields = [lowest, lowest_pressure, surface_pressure, surface_geopotential]
    return _with_below(inside, lowest_pressure, temperature_below, fields)


def geopotential_on_pressure_levels(
    geopotential: xr.DataArray,
    temperature: xr.DataArray,
    pressure: xr.DataArray,
    surface_pressure: xr.DataArray,
    surface_geopotential: xr.DataArray,
    levels_hpa: Iterable[float],
    *,
    above: Beyond = "missing",
) -> xr.DataArray:
    """Interpolate geopotential to pressure levels; below the lowest level it follows the rules of the IFS.

    Parameters
    ----------
    geopotential, temperature, pressure, levels_hpa, above
        As for `to_pressure_levels`; of temperature the lowest level is looked at.
    surface_pressure, surface_geopotential : xarray.DataArray, shape (..., grid)
        In Pa and m2 s**-2.
    """
    inside = to_pressure_levels(geopotential, pressure, levels_hpa, above=above)
    lowest_pressure = _lowest(pressure)
    fields = [_lowest(geopotential), _lowest(temperature), lowest_pressure, surface_pressure, surface_geopotential]
    return _with_below(inside, lowest_pressure, geopotential_below, fields)


def _targets(levels: Iterable[float], word: str, lowest: float = 0.0) -> _Reals:
    wanted = np.array([float(level) for level in levels])
    wrong = wanted[~(np.isfinite(wanted) & (wanted > lowest))]
    if not wanted.size or wrong.size:
        raise GridError(
            f"{wrong[0] if wrong.size else 'Nothing'} is no {word}.", hint="Give one or more numbers, such as 850, 500."
        )
    return wanted


def _interpolated(
    field: xr.DataArray,
    places: xr.DataArray,
    targets: _Reals,
    coordinate: xr.DataArray,
    *,
    above: Beyond,
    below: Beyond,
    sign: float,
) -> xr.DataArray:
    for name, value in (("above", above), ("below", below)):
        if value not in ("missing", "nearest"):
            raise GridError(f"There is no choice {value!r} for {name}.", hint="It is missing or nearest.")
    values, where = downwards(field, "field"), downwards(places, "coordinate of the levels")
    same = values.sizes[LEVEL] == where.sizes[LEVEL]
    if same and LEVEL in values.coords and LEVEL in where.coords:
        same = np.array_equal(values[LEVEL], where[LEVEL])
    if not same:
        raise GridError("The field and its pressure or height are not on the same levels.", hint="Select one's levels.")
    return on_columns(
        _interpolate,
        [values, where],
        [],
        count=len(targets),
        coordinate=coordinate,
        dtype=np.result_type(np.float32, field.dtype),
        targets=targets * sign,
        sign=sign,
        keeps=(above == "nearest", below == "nearest"),
    ).rename(field.name)


def _interpolate(values: _Reals, places: _Reals, *, targets: _Reals, sign: float, keeps: tuple[bool, bool]) -> _Reals:
    from dtedask.geo.vertical.kernels import interpolate_columns

    order = np.argsort(targets)
    sorted_result = np.empty((len(targets), values.shape[1]))
    is_logarithmic = sign > 0
    interpolate_columns(values, places * sign, targets[order], is_logarithmic, keeps, sorted_result)
    if np.array_equal(order, np.arange(len(order))):
        return sorted_result
    result = np.empty_like(sorted_result)
    result[order] = sorted_result
    return result


def _lowest(field: xr.DataArray) -> xr.DataArray:
    return downwards(field, "field").isel({LEVEL: -1}, drop=True)


def _with_below(
    inside: xr.DataArray, lowest_pressure: xr.DataArray, rule: Any, fields: list[xr.DataArray]
) -> xr.DataArray:
    import xarray as xr

    targets = inside[LEVEL] * 100.0
    outside = xr.apply_ufunc(
        rule, targets, *fields, dask="parallelized", output_dtypes=[np.float64], join="exact", keep_attrs=False
    )
    filled = inside.where(targets <= lowest_pressure, outside.transpose(*inside.dims))
    return filled.astype(inside.dtype).transpose(*inside.dims).assign_attrs(inside.attrs)
