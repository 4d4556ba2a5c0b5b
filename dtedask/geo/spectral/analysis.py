"""From points to coefficients: quadrature on Gaussian grids, which is exact, and what comes close to it elsewhere."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError
from dtedask.geo.grid import Grid
from dtedask.geo.spectral.coefficients import EARTH_RADIUS_M, as_pairs, truncation_of, wavenumbers
from dtedask.geo.spectral.places import Rings, places_of_grid

_Complex = NDArray[np.complex128]
_Reals = NDArray[np.float64]
_Spin = Literal[0, 1]
_CONVERGED = 1e-14  # of the largest coefficient: rounding is all that is left
_MOST_PASSES = 60
_SPHERE = 4.0 * math.pi


def scalar_from(values: NDArray[np.floating], grid: Grid, truncation: int, threads: int) -> _Reals:
    """Coefficients of fields, shape (fields, numbers), from values of shape (fields, grid.size)."""
    found = _analyse(np.asarray(values, np.float64)[:, None], grid, truncation, 0, threads)[:, 0]
    return _as_grib(found)


def vorticity_divergence_from(
    east: NDArray[np.floating], north: NDArray[np.floating], grid: Grid, truncation: int, threads: int
) -> tuple[_Reals, _Reals]:
    """Coefficients of vorticity and divergence, each of shape (fields, numbers), from winds (fields, grid.size)."""
    values = np.stack([-np.asarray(north, np.float64), np.asarray(east, np.float64)], axis=1)
    found = _analyse(values, grid, truncation, 1, threads)
    total = wavenumbers(truncation).total
    found *= -np.sqrt(total * (total + 1.0)) / EARTH_RADIUS_M
    return _as_grib(found[:, 1]), _as_grib(found[:, 0])


def highest_truncation(grid: Grid) -> int:
    """Return the highest truncation that the points of a grid can tell.

    Raises
    ------
    GridError
        If fields on this grid cannot be transformed.
    """
    rings = _gaussian_rings(grid)
    if rings is not None:
        highest = min(2 * int(grid.description["n"]) - 1, (int(rings.count.max()) - 1) // 2)
    elif grid.kind == "healpix":
        highest = 2 * int(grid.description["nside"])
    elif (geometry := _equidistant(grid)) is not None:
        rows, columns = grid.shape
        highest = min(rows - (2 if geometry == "CC" else 1), (columns - 1) // 2)
    else:
        highest = -1
    if highest < 0:
        raise GridError(
            f"Fields on the grid {grid.label} have no direct spectral transform.",
            hint="Take a global Gaussian, HEALPix or regular latitude-longitude grid; regrid to one first.",
        )
    return highest


def _gaussian_rings(grid: Grid) -> Rings | None:
    if grid.kind not in ("regular_gg", "reduced_gg") or "rows" in grid.description:
        return None
    rings = places_of_grid(grid)
    return rings if isinstance(rings, Rings) and rings.taken is None else None


def _analyse(values: _Reals, grid: Grid, truncation: int, spin: _Spin, threads: int) -> _Complex:
    """Harmonics (fields, 1 or 2, coefficients) of values (fields, 1 or 2, grid.size)."""
    highest = highest_truncation(grid)
    if not 0 <= truncation <= highest:
        raise GridError(
            f"The truncation {truncation} cannot be told from the grid {grid.label}.",
            hint=f"It allows 0 to {highest}.",
        )
    if grid.kind == "regular_ll":
        return _equidistant_rows(values, grid, truncation, spin, threads)
    rings = places_of_grid(grid)
    assert isinstance(rings, Rings)
    if rings.taken is not None:
        values = _back_on_rings(values, rings)
    quadrature, synthesis = _transforms(grid, rings, truncation, spin, threads)
    found = quadrature(values)
    is_exact = grid.kind == "regular_gg"
    return found if is_exact else _refined(found, values, quadrature, synthesis, grid)


def _transforms(
    grid: Grid, rings: Rings, truncation: int, spin: _Spin, threads: int
) -> tuple[Callable[[_Reals], _Complex], Callable[[_Complex], _Reals]]:
    from ducc0 import sht

    options = {
        "theta": rings.colatitude,
        "nphi": rings.count,
        "phi0": rings.first,
        "ringstart": rings.start,
        "spin": spin,
        "lmax": truncation,
        "nthreads": threads,
    }
    factor = _weights(grid, rings)
    return (
        lambda values: sht.adjoint_synthesis(map=values, ringfactor=factor, **options),
        lambda harmonics: sht.synthesis(alm=harmonics, **options),
    )


def _weights(grid: Grid, rings: Rings) -> _Reals:
    """Area on the unit sphere that a point of each ring stands for."""
    if grid.kind == "healpix":
        return np.full(len(rings.count), _SPHERE / rings.size)
    from ducc0.misc import GL_weights

    weights: _Reals = GL_weights(len(rings.count), 1) / rings.count
    return weights


def _refined(
    found: _Complex,
    values: _Reals,
    quadrature: Callable[[_Reals], _Complex],
    synthesis: Callable[[_Complex], _Reals],
    grid: Grid,
) -> _Complex:
    """Add the coefficients of what the synthesis leaves over, until nothing changes.

    On reduced grids high zonal wave numbers alias into short rows; on HEALPix the quadrature is not exact. Each pass
    makes the error smaller by a constant factor.
    """
    change = scale = np.abs(found).max(initial=0.0)
    for _ in range(_MOST_PASSES):
        if not change > _CONVERGED * scale:
            return found
        added = quadrature(values - synthesis(found))
        before, change = change, np.abs(added).max()
        if change >= before:
            break
        found += added
    if change <= 100 * _CONVERGED * scale:
        return found
    raise GridError(
        f"The direct transform on {grid.label} does not settle for this truncation: rows near the poles are too short.",
        hint="Take a lower truncation: N - 1 on octahedral grids (cubic), 4 N / 3 - 1 (quadratic).",
    )


def _equidistant(grid: Grid) -> Literal["CC", "F1"] | None:
    """How the rows of a global latitude-longitude grid stand: on both poles, or half a row from them."""
    if grid.kind != "regular_ll" or not grid.description["periodic"]:
        return None
    place, rows = grid.description, grid.shape[0]
    if rows < 2 or abs(place["north"] + place["south"]) > 1e-6:
        return None
    step = (place["north"] - place["south"]) / (rows - 1)
    if abs(place["north"] - 90.0) < 1e-6:
        return "CC"
    return "F1" if abs(place["north"] + step / 2 - 90.0) < 1e-6 else None


def _equidistant_rows(values: _Reals, grid: Grid, truncation: int, spin: _Spin, threads: int) -> _Complex:
    """Quadrature by Clenshaw and Curtis, or Fejer, after refinement along meridians: exact."""
    from ducc0.sht import analysis_2d

    options = {
        "spin": spin,
        "lmax": truncation,
        "geometry": _equidistant(grid),
        "phi0": math.radians(grid.description["west"]),
        "nthreads": threads,
    }
    maps = values.reshape(*values.shape[:2], *grid.shape)
    return np.stack([analysis_2d(map=one, **options) for one in maps])


def _back_on_rings(values: _Reals, rings: Rings) -> _Reals:
    whole = np.empty((*values.shape[:2], rings.size))
    whole[..., rings.taken] = values
    return whole


def _as_grib(harmonics: _Complex) -> _Reals:
    truncation = truncation_of(2 * harmonics.shape[-1])
    zonal = wavenumbers(truncation).zonal
    return as_pairs(harmonics * (np.where(zonal % 2, -1.0, 1.0) / math.sqrt(_SPHERE)))
