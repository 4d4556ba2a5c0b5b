"""Which truncation goes with which grid."""

from __future__ import annotations

from typing import Literal

import numpy as np

from dtedask.core.errors import GridError
from dtedask.geo.grid import Grid

Order = Literal["linear", "quadratic", "cubic"]
_POINTS_PER_WAVE = {"linear": 2, "quadratic": 3, "cubic": 4}


def matching_truncation(grid: Grid, order: Order = "linear") -> int:
    """Highest wave number that a grid can carry.

    Parameters
    ----------
    grid : Grid
        The widest distance of its neighbours on a meridian counts: 90 degrees / N of a Gaussian grid, the larger step
        of a latitude-longitude grid, 90 degrees / (2 nside) of HEALPix.
    order : {"linear", "quadratic", "cubic"}
        Two, three or four points for the shortest wave: 2 N - 1, 4 N / 3 - 1, N - 1 (MIR's spectral orders).

    Raises
    ------
    GridError
        If it has no such distance.
    """
    if order not in _POINTS_PER_WAVE:
        raise GridError(f"There is no spectral order {order!r}.", hint="It is linear, quadratic or cubic.")
    number = _gaussian_number(grid)
    return max(0, int(4 * number / _POINTS_PER_WAVE[order] + 1e-9) - 1)


def _gaussian_number(grid: Grid) -> float:
    """Rows between the pole and the equator of the Gaussian grid that is as fine."""
    said = grid.description
    if grid.kind == "part":
        return _gaussian_number(Grid(said["of"]))
    if "n" in said:
        return float(said["n"])
    if grid.kind == "healpix":
        return 2.0 * float(said["nside"])
    steps = [abs(said[name]) for name in ("dx", "dy") if said.get(name)]
    if grid.kind in ("regular_ll", "rotated_ll") and steps:
        return 90.0 / float(max(steps))
    rows = grid.structure()
    if rows is None or len(rows.latitude) < 2:
        raise GridError(
            f"How fine the grid {grid.label} is does not follow from its description.",
            hint="Give the truncation as a number.",
        )
    return 90.0 / float(np.abs(np.diff(rows.latitude)).max())
