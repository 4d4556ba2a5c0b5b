"""Coefficients of spherical harmonics as GRIB has them: their order, and what can be done without a transform.

A field is ``f = sum over m = -T..T, n = |m|..T of f(n, m) P(n, m; sin latitude) exp(i m longitude)``, with associated
Legendre functions whose mean square over -1..1 is 1 and no factor (-1)**m (IFS Documentation, Part III, section 2.3;
GRIB2 template 5.50). Coefficients of m >= 0 are kept: real and imaginary part in turn, n = m..T, for m = 0..T. So
the first number is the mean of the field over the sphere.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError

Reals = NDArray[np.float64]
EARTH_RADIUS_M = 6_371_229.0


class Wavenumbers(NamedTuple):
    """Of each coefficient, in order: total wave number n and zonal wave number m."""

    total: NDArray[np.int64]
    zonal: NDArray[np.int64]


def size_of(truncation: int) -> int:
    """Numbers of a field of a triangular truncation."""
    return (truncation + 1) * (truncation + 2)


def truncation_of(size: int) -> int:
    """Return the triangular truncation of so many numbers.

    Raises
    ------
    GridError
        If no truncation has as many.
    """
    truncation = round(math.sqrt(size + 0.25) - 1.5)
    if size < 2 or size_of(truncation) != size:
        raise GridError(
            f"{size} numbers are no spherical harmonics of a triangular truncation.",
            hint="A truncation T has (T + 1) (T + 2) numbers along the last dimension.",
        )
    return truncation


@lru_cache(8)
def wavenumbers(truncation: int) -> Wavenumbers:
    """Return the wave numbers of all coefficients of a truncation; not to be changed."""
    lengths = np.arange(truncation + 1, 0, -1)
    zonal = np.repeat(np.arange(truncation + 1), lengths)
    total = np.arange(zonal.size) - np.repeat(np.cumsum(lengths) - lengths, lengths) + zonal
    for array in (total, zonal):
        array.flags.writeable = False
    return Wavenumbers(total, zonal)


def as_complex(values: NDArray[np.floating]) -> NDArray[np.complex128]:
    """Pairs of the last axis as complex numbers; a copy where they are not float64 side by side."""
    return np.ascontiguousarray(values, np.float64).view(np.complex128)


def as_pairs(values: NDArray[np.complex128]) -> Reals:
    """Complex numbers of the last axis as pairs; no copy."""
    return np.ascontiguousarray(values).view(np.float64)


def cut(values: NDArray[np.floating], truncation: int) -> NDArray[np.floating]:
    """Bring coefficients of shape (..., size) to another truncation: what is above goes, what is missing is 0."""
    known = truncation_of(values.shape[-1])
    if known == truncation:
        return values
    low, high = sorted((known, truncation))
    total, zonal = wavenumbers(high)
    places = np.flatnonzero((total <= low) & (zonal <= low))
    pairs = values.reshape(*values.shape[:-1], -1, 2)
    if truncation == low:
        return pairs[..., places, :].reshape(*values.shape[:-1], -1)
    result = np.zeros((*values.shape[:-1], total.size, 2), values.dtype)
    result[..., places, :] = pairs
    return result.reshape(*values.shape[:-1], -1)


def times_laplacian(values: NDArray[np.floating], power: int) -> NDArray[np.floating]:
    """Multiply by the eigenvalues of the Laplacian, ``-n (n + 1) / a**2``, or divide by them for the power -1.

    The mean has no inverse: it becomes 0.
    """
    total = wavenumbers(truncation_of(values.shape[-1])).total
    eigenvalues = -total * (total + 1.0) / EARTH_RADIUS_M**2
    if power < 0:
        eigenvalues = np.divide(1.0, eigenvalues, out=np.zeros_like(eigenvalues), where=total > 0)
    return (values * np.repeat(eigenvalues, 2)).astype(values.dtype, copy=False)


def power(values: NDArray[np.floating]) -> Reals:
    """Mean square of a field by total wave number; the sum over them is the mean square over the sphere (Parseval).

    Returns
    -------
    numpy.ndarray of float64, shape (..., T + 1)
    """
    total, zonal = wavenumbers(truncation := truncation_of(values.shape[-1]))
    squares = np.square(values.reshape(-1, total.size, 2).astype(np.float64))
    squares[:, zonal == 0, 1] = 0.0  # a real field has none; GRIB may hold anything there
    both = squares.sum(axis=-1) * np.where(zonal == 0, 1.0, 2.0)  # m and -m
    found = np.zeros((len(both), truncation + 1))
    for row, one in zip(found, both, strict=True):
        row[:] = np.bincount(total, one, truncation + 1)
    return found.reshape(*values.shape[:-1], truncation + 1)


def wind_times_cosine(vorticity: NDArray[np.floating], divergence: NDArray[np.floating]) -> tuple[Reals, Reals]:
    """Coefficients of u cos(latitude) and v cos(latitude), one wave number longer than those given.

    With the stream function and the velocity potential (inverse Laplacians) ``a U = d(chi)/d(longitude) -
    (1 - mu**2) d(psi)/d(mu)`` and ``a V = d(psi)/d(longitude) + (1 - mu**2) d(chi)/d(mu)``, and the recurrence
    ``(1 - mu**2) dP(n)/d(mu) = (n + 1) e(n) P(n - 1) - n e(n + 1) P(n + 1)``, ``e(n)**2 = (n**2 - m**2) /
    (4 n**2 - 1)`` (Temperton 1991, Mon. Wea. Rev. 119, 1303; IFS Documentation, Part III, section 2.3).
    """
    truncation = truncation_of(vorticity.shape[-1]) + 1
    zonal = wavenumbers(truncation).zonal
    psi, chi = (as_complex(cut(times_laplacian(part, -1), truncation)) for part in (vorticity, divergence))
    east, north = (1j * zonal * part for part in (chi, psi))
    east -= _meridional(psi, truncation)
    north += _meridional(chi, truncation)
    return as_pairs(east / EARTH_RADIUS_M), as_pairs(north / EARTH_RADIUS_M)


def _meridional(values: NDArray[np.complex128], truncation: int) -> NDArray[np.complex128]:
    """Coefficients of (1 - mu**2) d/d(mu); those given have none of the highest wave number."""
    total, zonal = wavenumbers(truncation)
    root = np.sqrt((total**2 - zonal**2) / (4.0 * total**2 - 1.0))
    result = np.zeros_like(values)
    upper = np.flatnonzero(total > zonal)  # those that have a neighbour n - 1 just before
    result[..., upper] -= (total[upper] - 1) * root[upper] * values[..., upper - 1]
    result[..., upper - 1] += (total[upper] + 1) * root[upper] * values[..., upper]
    return result
