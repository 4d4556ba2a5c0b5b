"""Transforms of fields between spherical harmonics and points, lazy where the fields are."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError
from dtedask.geo.fields import grid_of, on_grid
from dtedask.geo.grid import Grid
from dtedask.geo.spectral.analysis import highest_truncation, scalar_from, vorticity_divergence_from
from dtedask.geo.spectral.application import VALUES, applied, dataset_of, whole_grid
from dtedask.geo.spectral.coefficients import cut, power, size_of, times_laplacian, truncation_of, wind_times_cosine
from dtedask.geo.spectral.resolution import Order, matching_truncation
from dtedask.geo.spectral.synthesis import gradient_at, scalar_at, wind_at

if TYPE_CHECKING:
    import xarray as xr

_Values = NDArray[np.floating]


def inverse(coefficients: xr.DataArray, grid: Grid | str, *, truncation: int | Order | None = None) -> xr.DataArray:
    """Transform spherical harmonics to the points of a grid.

    Parameters
    ----------
    coefficients : xarray.DataArray, shape (..., values)
        Real and imaginary parts in GRIB's order, along the last dimension. Chunked input stays lazy: a task does all
        fields of a chunk.
    grid : Grid or str
        Any grid whose points are known. Rows of points that divide the circle (latitude-longitude grids and parts of
        them, Gaussian and reduced Gaussian grids, HEALPix) get the exact sum by Fourier transforms along rings;
        other points get it to 1e-12 of the largest value, by a non-uniform transform.
    truncation : int, {"linear", "quadratic", "cubic"} or None
        Wave numbers above it are left out; a word stands for what the grid can carry (`matching_truncation`). By
        default all are summed up, so that each value is the field at this point.

    Returns
    -------
    xarray.DataArray, shape (..., grid.shape)
        Computed in float64; float32 where the coefficients are.

    Raises
    ------
    GridError
        If these are no coefficients, or the grid has no points.
    """
    where, known = _target(grid), _truncation(coefficients)
    wanted = _wanted(truncation, where, known)
    (field,) = applied(partial(_inverse, grid=where, truncation=wanted), "inverse", [coefficients], [where])
    return on_grid(field, where)


def direct(field: xr.DataArray, truncation: int | Order = "linear", *, grid: Grid | None = None) -> xr.DataArray:
    """Transform a field on a grid to spherical harmonics.

    Parameters
    ----------
    field : xarray.DataArray, shape (..., grid.shape)
        On a global Gaussian grid (exact for fields of up to `truncation`), on a global latitude-longitude grid with or
        without the poles (exact), on a reduced Gaussian grid or HEALPix (repeated until rounding is all that is
        left). It has no missing values. Chunked input stays lazy.
    truncation : int or {"linear", "quadratic", "cubic"}
        Highest wave number that is wanted; a word stands for what the grid can carry.
    grid : Grid, optional
        By default the one that the field says.

    Returns
    -------
    xarray.DataArray, shape (..., values)
        In GRIB's order.

    Raises
    ------
    GridError
        If the grid cannot tell as many wave numbers.
    """
    where = grid_of(field) if grid is None else grid
    wanted = _direct_truncation(truncation, where)
    target = spectral_grid(wanted)
    (found,) = applied(partial(_direct, grid=where, truncation=wanted), "direct", [field], [target], source=where)
    return on_grid(found, target)


def wind(
    vorticity: xr.DataArray,
    divergence: xr.DataArray,
    grid: Grid | str,
    *,
    truncation: int | Order | None = None,
) -> xr.Dataset:
    """Transform vorticity and divergence to winds on a grid.

    Parameters
    ----------
    vorticity, divergence : xarray.DataArray, shape (..., values)
        Coefficients in s**-1, of one truncation. Their means (n = 0) say nothing and are not looked at.
    grid, truncation
        As for `inverse`.

    Returns
    -------
    xarray.Dataset
        ``u`` and ``v`` in m s**-1, to the east and to the north. At the poles they are the components along the
        meridian of each point. Nothing is divided by cos(latitude), and no wave number is cut off.
    """
    where, known = _target(grid), _truncation(vorticity, divergence)
    wanted = _wanted(truncation, where, known)
    parts = applied(partial(_wind, grid=where, truncation=wanted), "wind", [vorticity, divergence], [where] * 2)
    words = {"u": "eastward_wind", "v": "northward_wind"}
    return dataset_of(
        {
            name: (part, {"standard_name": words[name], "units": "m s-1"})
            for name, part in zip("uv", parts, strict=True)
        },
        where,
    )


def wind_coefficients(vorticity: xr.DataArray, divergence: xr.DataArray) -> xr.Dataset:
    """Coefficients of ``u cos(latitude)`` and ``v cos(latitude)`` of vorticity and divergence.

    Returns
    -------
    xarray.Dataset
        ``u_cos`` and ``v_cos`` in m s**-1, of one wave number more than those given: nothing is lost.
    """
    target = spectral_grid(_truncation(vorticity, divergence) + 1)
    parts = applied(_wind_coefficients, "wind_coefficients", [vorticity, divergence], [target] * 2)
    return dataset_of(
        {f"{name}_cos": (part, {"units": "m s-1"}) for name, part in zip("uv", parts, strict=True)}, target
    )


def vorticity_divergence(
    u: xr.DataArray, v: xr.DataArray, truncation: int | Order = "linear", *, grid: Grid | None = None
) -> xr.Dataset:
    """Transform winds on a grid to vorticity and divergence.

    Parameters
    ----------
    u, v : xarray.DataArray, shape (..., grid.shape)
        Winds to the east and to the north in m s**-1.
    truncation, grid
        As for `direct`.

    Returns
    -------
    xarray.Dataset
        ``vo`` and ``d``: coefficients in s**-1.
    """
    where = grid_of(u) if grid is None else grid
    wanted = _direct_truncation(truncation, where)
    target = spectral_grid(wanted)
    do = partial(_vorticity_divergence, grid=where, truncation=wanted)
    parts = applied(do, "vorticity_divergence", [u, v], [target] * 2, source=where)
    words = {"vo": "atmosphere_relative_vorticity", "d": "divergence_of_wind"}
    return dataset_of(
        {name: (part, {"standard_name": words[name], "units": "s-1"}) for name, part in zip(words, parts, strict=True)},
        target,
    )


def gradient(coefficients: xr.DataArray, grid: Grid | str, *, truncation: int | Order | None = None) -> xr.Dataset:
    """Derivatives of a field to the east and to the north, on a grid.

    Returns
    -------
    xarray.Dataset
        ``east`` and ``north``, in units of the field per metre.
    """
    where, known = _target(grid), _truncation(coefficients)
    wanted = _wanted(truncation, where, known)
    parts = applied(partial(_gradient, grid=where, truncation=wanted), "gradient", [coefficients], [where] * 2)
    units = {"units": f"{said} m-1"} if (said := coefficients.attrs.get("units")) else {}
    return dataset_of({name: (part, units) for name, part in zip(("east", "north"), parts, strict=True)}, where)


def truncate(coefficients: xr.DataArray, truncation: int) -> xr.DataArray:
    """Leave out wave numbers above a truncation, or add zeros up to it."""
    _truncation(coefficients)
    target = spectral_grid(_checked(truncation))
    (found,) = applied(partial(_truncate, truncation=truncation), "truncate", [coefficients], [target])
    return on_grid(found, target)


def laplacian(coefficients: xr.DataArray) -> xr.DataArray:
    """Laplacian on the sphere of 6,371,229 m: times ``-n (n + 1) / a**2``, per square metre."""
    return _with_laplacian(coefficients, 1)


def inverse_laplacian(coefficients: xr.DataArray) -> xr.DataArray:
    """Field without a mean whose Laplacian this is: the stream function of vorticity, for one."""
    return _with_laplacian(coefficients, -1)


def spectrum(coefficients: xr.DataArray) -> xr.DataArray:
    """Mean square of a field by total wave number.

    Returns
    -------
    xarray.DataArray of float64, shape (..., wavenumber)
        Its sum over all wave numbers is the mean of the square of the field over the sphere. For the kinetic energy
        by wave number take that of vorticity and of divergence, times ``a**2 / (2 n (n + 1))``.
    """
    known = _truncation(coefficients)
    import xarray as xr

    found = xr.apply_ufunc(
        power,
        whole_grid(coefficients, (VALUES,)),
        input_core_dims=[[VALUES]],
        output_core_dims=[["wavenumber"]],
        dask="parallelized",
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"output_sizes": {"wavenumber": known + 1}},
        keep_attrs=False,
    )
    placed: xr.DataArray = found.assign_coords(wavenumber=np.arange(known + 1)).rename(coefficients.name)
    return placed


def spectral_grid(truncation: int) -> Grid:
    """Return the grid of spherical harmonics of a triangular truncation."""
    return Grid.of("sh", {"truncation": truncation}, (VALUES,), (size_of(truncation),))


def _with_laplacian(coefficients: xr.DataArray, exponent: int) -> xr.DataArray:
    target = spectral_grid(_truncation(coefficients))
    name = "laplacian" if exponent > 0 else "inverse_laplacian"
    (found,) = applied(partial(_laplacian, exponent=exponent), name, [coefficients], [target])
    found.attrs.pop("units", None)
    found.attrs.pop("standard_name", None)
    return on_grid(found, target)


def _truncation(*coefficients: xr.DataArray) -> int:
    """Check coefficients at the boundary, and tell the truncation that they share."""
    for field in coefficients:
        kind = grid_of(field).kind if "grid_spec" in field.attrs else "sh"
        if field.dims[-1:] != (VALUES,) or kind != "sh":
            raise GridError(
                f"An array over {', '.join(map(str, field.dims)) or 'nothing'} on {kind} holds no spherical harmonics.",
                hint="They stand along the last dimension, `values`; see spectral.direct for fields on a grid.",
            )
    known = {truncation_of(field.sizes[VALUES]) for field in coefficients}
    if len(known) > 1:
        raise GridError(
            f"Fields of the truncations {', '.join(map(str, sorted(known)))} do not belong together.",
            hint="Bring them to one by spectral.truncate.",
        )
    return known.pop()


def _target(grid: Grid | str) -> Grid:
    return grid if isinstance(grid, Grid) else Grid(grid)


def _wanted(truncation: int | Order | None, grid: Grid, known: int) -> int:
    if truncation is None:
        return known
    highest = matching_truncation(grid, truncation) if isinstance(truncation, str) else _checked(truncation)
    return min(known, highest)


def _checked(truncation: int) -> int:
    if truncation < 0:
        raise GridError(f"A truncation of {truncation} cannot be.", hint="It is 0 or more.")
    return truncation


def _direct_truncation(truncation: int | Order, grid: Grid) -> int:
    highest = highest_truncation(grid)
    wanted = min(matching_truncation(grid, truncation), highest) if isinstance(truncation, str) else truncation
    if not 0 <= wanted <= highest:
        raise GridError(
            f"The truncation {wanted} cannot be told from the grid {grid.label}.", hint=f"It allows 0 to {highest}."
        )
    return wanted


def _inverse(values: _Values, *, grid: Grid, truncation: int, threads: int) -> _Values:
    return scalar_at(cut(values, truncation), grid, threads)


def _direct(values: _Values, *, grid: Grid, truncation: int, threads: int) -> _Values:
    return scalar_from(values, grid, truncation, threads)


def _wind(
    vorticity: _Values, divergence: _Values, *, grid: Grid, truncation: int, threads: int
) -> tuple[_Values, _Values]:
    return wind_at(cut(vorticity, truncation), cut(divergence, truncation), grid, threads)


def _wind_coefficients(vorticity: _Values, divergence: _Values, *, threads: int) -> tuple[_Values, _Values]:  # noqa: ARG001
    return wind_times_cosine(vorticity, divergence)


def _vorticity_divergence(
    east: _Values, north: _Values, *, grid: Grid, truncation: int, threads: int
) -> tuple[_Values, _Values]:
    return vorticity_divergence_from(east, north, grid, truncation, threads)


def _gradient(values: _Values, *, grid: Grid, truncation: int, threads: int) -> tuple[_Values, _Values]:
    return gradient_at(cut(values, truncation), grid, threads)


def _truncate(values: _Values, *, truncation: int, threads: int) -> _Values:  # noqa: ARG001
    return cut(values, truncation)


def _laplacian(values: _Values, *, exponent: int, threads: int) -> _Values:  # noqa: ARG001
    return times_laplacian(values, exponent)
