"""Pressure and geopotential on model levels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError
from dtedask.geo.vertical.below import DRY_GAS, GRAVITY, VAPOUR_GAS
from dtedask.geo.vertical.columns import LEVEL, downwards, on_columns
from dtedask.geo.vertical.hybrid import HybridLevels

if TYPE_CHECKING:
    import xarray as xr

_Reals = NDArray[np.float64]


def pressure(
    surface_pressure: xr.DataArray, levels: HybridLevels, *, level: Iterable[int] | None = None
) -> xr.DataArray:
    """Pressure at full model levels.

    Parameters
    ----------
    surface_pressure : xarray.DataArray, shape (..., grid)
        In Pa. (``lnsp`` is its logarithm.) It stays lazy.
    levels : HybridLevels
        A and B of all levels of the model.
    level : iterable of int, optional
        Numbers of the levels, counted from 1 at the top; all by default.

    Returns
    -------
    xarray.DataArray of float64, shape (..., level, grid)
        In Pa, the mean of the half levels around each level.
    """
    numbers = _numbers(levels, level)
    a, b = (np.array(part) for part in (levels.a, levels.b))
    above, here = numbers - 1, numbers
    return _pressure(surface_pressure, 0.5 * (a[above] + a[here]), 0.5 * (b[above] + b[here]), numbers)


def half_level_pressure(surface_pressure: xr.DataArray, levels: HybridLevels) -> xr.DataArray:
    """Pressure at all half levels 0 to n in Pa: ``A + B * surface pressure``; `level` holds their numbers."""
    return _pressure(surface_pressure, np.array(levels.a), np.array(levels.b), np.arange(levels.count + 1))


def geopotential(
    temperature: xr.DataArray,
    humidity: xr.DataArray | None,
    surface_geopotential: xr.DataArray,
    surface_pressure: xr.DataArray,
    levels: HybridLevels,
) -> xr.DataArray:
    """Geopotential at full model levels, by integrating the hydrostatic equation from the ground.

    ``phi(k + 1/2) = phi(surface) + sum over the layers j below of R Tv(j) ln(p(j + 1/2) / p(j - 1/2))``, and
    ``phi(k) = phi(k + 1/2) + alpha(k) R Tv(k)`` with ``alpha(k) = 1 - p(k - 1/2) / dp(k) ln(p(k + 1/2) / p(k - 1/2))``,
    ``alpha(1) = ln 2`` and ``Tv = T (1 + (Rv / R - 1) q)`` (IFS Documentation Cy47r3, Part III, equations
    2.21 to 2.24).

    Parameters
    ----------
    temperature : xarray.DataArray, shape (..., level, grid)
        In K, with the coordinate ``level``: all numbers from some level down to the lowest of the model.
    humidity : xarray.DataArray or None
        Specific humidity in kg kg**-1 on the same levels; None for dry air.
    surface_geopotential, surface_pressure : xarray.DataArray, shape (..., grid)
        In m2 s**-2 and Pa.
    levels : HybridLevels
        A and B of all levels of the model.

    Returns
    -------
    xarray.DataArray of float64, shape (..., level, grid)
        In m2 s**-2; lazy where the input is.

    Raises
    ------
    GridError
        If levels are missing between the first and the ground.
    """
    warm = downwards(temperature, "temperature")
    numbers = _lowest_levels(warm, levels)
    fields = [warm]
    if humidity is not None:
        moist = downwards(humidity, "humidity")
        _lowest_levels(moist, levels)
        fields.append(moist)
    found = on_columns(
        _geopotential,
        fields,
        [surface_pressure, surface_geopotential],
        count=len(numbers),
        coordinate=warm[LEVEL],
        a=levels.a[numbers[0] - 1 :],
        b=levels.b[numbers[0] - 1 :],
    )
    return _named(found, "z", "geopotential", "m2 s-2")


def height(geopotential: xr.DataArray, *, surface_geopotential: xr.DataArray | None = None) -> xr.DataArray:
    """Geopotential height in m: above sea level, or above the ground where its geopotential is given.

    Geopotential divided by 9.80665 m s**-2.
    """
    if surface_geopotential is None:
        return _named(geopotential / GRAVITY, "gh", "geopotential_height", "m")
    above = (geopotential - surface_geopotential).transpose(*geopotential.dims) / GRAVITY
    return _named(above, "h", "height", "m")


def _pressure(surface: xr.DataArray, a: _Reals, b: _Reals, numbers: NDArray[np.int64]) -> xr.DataArray:
    import xarray as xr

    along_a, along_b = (xr.DataArray(part, {LEVEL: numbers}, (LEVEL,)) for part in (a, b))
    count = next((count for count in (2, 1) if surface.dims[-count:] in _GRIDS), 0)
    before, grid = surface.dims[: surface.ndim - count], surface.dims[surface.ndim - count :]
    found = (along_a + along_b * surface.astype(np.float64)).transpose(*before, LEVEL, *grid)
    if surface.chunks is not None:
        found = found.chunk({LEVEL: -1})
    kept = {"grid_spec": surface.attrs["grid_spec"]} if "grid_spec" in surface.attrs else {}
    return _named(found.drop_attrs().assign_attrs(kept), "pres", "air_pressure", "Pa")


_GRIDS = (("latitude", "longitude"), ("y", "x"), ("values",))


def _numbers(levels: HybridLevels, level: Iterable[int] | None) -> NDArray[np.int64]:
    numbers = np.arange(1, levels.count + 1) if level is None else np.array([int(number) for number in level])
    outside = numbers[(numbers < 1) | (numbers > levels.count)]
    if outside.size:
        raise GridError(f"There is no level {outside[0]}.", hint=f"The model has the levels 1 to {levels.count}.")
    return numbers


def _lowest_levels(field: xr.DataArray, levels: HybridLevels) -> NDArray[np.int64]:
    """Numbers of a field's levels, which have to be the lowest of the model without a gap."""
    if LEVEL not in field.coords:
        raise GridError("The levels have no numbers.", hint="Give the coordinate `level`, counted from 1 at the top.")
    numbers = _numbers(levels, field[LEVEL].to_numpy())
    expected = np.arange(levels.count + 1 - len(numbers), levels.count + 1)
    if not np.array_equal(numbers, expected):
        missing = sorted(set(range(int(numbers[0]), levels.count + 1)) - set(numbers.tolist()))
        raise GridError(
            f"The levels {', '.join(map(str, missing[:5]))} are missing between the first level and the ground.",
            hint="The hydrostatic equation is integrated over all of them.",
        )
    return numbers


def _geopotential(temperature: _Reals, *fields: _Reals, a: tuple[float, ...], b: tuple[float, ...]) -> _Reals:
    from dtedask.geo.vertical.kernels import integrate_columns

    *humidity, surface_pressure, surface_geopotential = fields
    energy = DRY_GAS * temperature
    if humidity:
        energy *= 1.0 + (VAPOUR_GAS / DRY_GAS - 1.0) * humidity[0]
    result = np.empty_like(temperature)
    is_top = a[0] + b[0] == 0
    integrate_columns(energy, surface_pressure, surface_geopotential, np.array([a, b]), is_top, result)
    return result


def _named(field: xr.DataArray, name: str, standard_name: str, units: str) -> xr.DataArray:
    kept = {"grid_spec": field.attrs["grid_spec"]} if "grid_spec" in field.attrs else {}
    return field.rename(name).drop_attrs(deep=False).assign_attrs(standard_name=standard_name, units=units, **kept)
