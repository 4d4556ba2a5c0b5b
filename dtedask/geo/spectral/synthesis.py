"""From coefficients to points: sums of spherical harmonics by ducc0."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.grid import Grid
from dtedask.geo.spectral.coefficients import EARTH_RADIUS_M, as_complex, truncation_of, wavenumbers
from dtedask.geo.spectral.places import Rings, Scattered, places_of_grid

Reals = NDArray[np.float64]
_Complex = NDArray[np.complex128]
_ACCURACY = 1e-12  # of points that stand on no rings, against the largest value; ducc0 can do 2e-13 in float64


def scalar_at(values: NDArray[np.floating], grid: Grid, threads: int) -> Reals:
    """Values of fields, shape (fields, grid.size), from coefficients of shape (fields, numbers)."""
    return _synthesise(normalised(values)[:, None], grid, 0, threads)[:, 0]


def gradient_at(values: NDArray[np.floating], grid: Grid, threads: int) -> tuple[Reals, Reals]:
    """Derivatives to the east and to the north per metre, each of shape (fields, grid.size)."""
    found = _synthesise(normalised(values)[:, None], grid, 1, threads, mode="DERIV1")
    return found[:, 1] / EARTH_RADIUS_M, found[:, 0] / -EARTH_RADIUS_M


def wind_at(
    vorticity: NDArray[np.floating], divergence: NDArray[np.floating], grid: Grid, threads: int
) -> tuple[Reals, Reals]:
    """Winds u and v, each of shape (fields, grid.size), of all that vorticity and divergence say; poles included."""
    gradient, curl = (scaled_to_potential(normalised(part)) for part in (divergence, vorticity))
    found = _synthesise(np.stack([gradient, curl], axis=1), grid, 1, threads)
    return found[:, 1], -found[:, 0]


def normalised(values: NDArray[np.floating]) -> _Complex:
    """Coefficients of harmonics that are orthonormal and have a factor (-1)**m, as ducc0 wants them."""
    zonal = wavenumbers(truncation_of(values.shape[-1])).zonal
    return as_complex(values) * (math.sqrt(4.0 * math.pi) * np.where(zonal % 2, -1.0, 1.0))


def scaled_to_potential(values: _Complex) -> _Complex:
    """From vorticity or divergence to the coefficients of vector harmonics: times -a / sqrt(n (n + 1))."""
    total = _total_of(values)
    root = np.sqrt(total * (total + 1.0))
    return values * np.divide(-EARTH_RADIUS_M, root, out=np.zeros_like(root), where=total > 0)


def _total_of(values: _Complex) -> NDArray[np.int64]:
    return wavenumbers(truncation_of(2 * values.shape[-1])).total


def _synthesise(harmonics: _Complex, grid: Grid, spin: Literal[0, 1], threads: int, mode: str = "STANDARD") -> Reals:
    """Sum harmonics of shape (fields, 1 or 2, coefficients) to (fields, 1 or 2, grid.size)."""
    truncation = truncation_of(2 * harmonics.shape[-1])
    options: dict[str, Any] = {"spin": spin, "mode": mode, "lmax": truncation, "nthreads": threads}
    places = places_of_grid(grid)
    if isinstance(places, Scattered):
        return _at_points(harmonics, places, options)
    return _on_rings(harmonics, places, options)


def _on_rings(harmonics: _Complex, rings: Rings, options: dict[str, Any]) -> Reals:
    from ducc0.sht import synthesis

    values: Reals = synthesis(
        alm=harmonics,
        theta=rings.colatitude,
        nphi=rings.count,
        phi0=rings.first,
        ringstart=rings.start,
        **options,
    )
    return values if rings.taken is None else values[..., rings.taken]


def _at_points(harmonics: _Complex, points: Scattered, options: dict[str, Any]) -> Reals:
    from ducc0.sht import synthesis_general

    values = [synthesis_general(alm=one, loc=points.places, epsilon=_ACCURACY, **options) for one in harmonics]
    return np.stack(values)
