"""What puts values on another grid: points that are taken out, weights, spherical harmonics.

Each is a function that a task can carry; equal ones give equal bits, on a live stream and on the archive.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import FieldError, GridError
from dtedask.geo import Cropped, Grid, Subset, cropped, subset
from dtedask.geo.area import Area
from dtedask.geo.weighting import Interpolation, canonical_method

__all__ = ["How", "Placement", "placement"]

_AT_POINTS = frozenset({"none", "linear", "bilinear", "nearest", "k-nearest"})
"""Methods that give a field's own values at its own points."""


@dataclass(frozen=True, slots=True)
class How:
    """How to interpolate.

    Parameters
    ----------
    method : str
        Name of a method, ours or MIR's; "" for the default, which is linear.
    options : str
        Its options, as JSON.
    is_kept : bool
        Whether weights are kept in the cache.
    """

    method: str = ""
    options: str = "{}"
    is_kept: bool = True

    @property
    def gives_own_values(self) -> bool:
        """Whether it gives a field's own values at its own points."""
        return canonical_method(self.method)[0] in _AT_POINTS and self.options == "{}"

    def check(self, grid: Grid) -> None:
        """Look whether there is such a method and whether it has these options.

        Raises
        ------
        GridError
            If not.
        """
        if self.method != "none":
            Interpolation.of(grid, grid, self.method, json.loads(self.options))


@dataclass(frozen=True, slots=True)
class Placement:
    """How fields come from one grid to another.

    Parameters
    ----------
    name : str
        What a dashboard shows.
    function : callable
        Takes values in the shape of the one grid and returns them in that of the other.
    grid : Grid
        The other grid.
    subset : Subset, optional
        The rows and columns, where they were taken out.
    """

    name: str
    function: Callable[[Any], Any]
    grid: Grid
    subset: Subset | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """Takes the points in an area out of the values of a grid."""

    grid: Grid
    area: Area

    def __call__(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return the values of the part."""
        part = _part(self.grid, self.area)
        return values.reshape(-1)[part.places].reshape(part.grid.shape)


@dataclass(frozen=True, slots=True)
class Summed:
    """Sums up spherical harmonics at the points of a grid, without the wave numbers that it cannot carry, as MIR."""

    grid: Grid
    truncation: int

    def __call__(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return the values at the points."""
        from dtedask.geo.spectral.coefficients import cut
        from dtedask.geo.spectral.synthesis import scalar_at

        found = scalar_at(cut(values[None], self.truncation), self.grid, 1)
        return found.reshape(self.grid.shape).astype(values.dtype, copy=False)


@lru_cache(256)
def placement(source: Grid, grid: str, area: Area | None, how: How) -> Placement:
    """Find out how fields come to a grid, and make the weights that it takes.

    Points that the field has already are taken out, where the method gives a field's own values there.

    Parameters
    ----------
    source : Grid
        Where the values are.
    grid : str
        Canonical name of the other grid, "" for the same.
    area : tuple of float, optional
        North, west, south, east.
    how : How
        The method.

    Raises
    ------
    GridError
        If it cannot be done.
    FieldError
        If no point lies in the area.
    """
    if grid in ("", source.label):
        return _own(source, area)
    whole = Grid(grid)
    target = whole if area is None else whole.within(area)
    found = _subset(source, grid, area) if how.gives_own_values else None
    if found is not None and found.grid == target:
        return Placement("cut", found.take, found.grid, found)
    return _summed(source, target) if source.kind == "sh" else _weighted(source, whole, area, how)


def _own(source: Grid, area: Area | None) -> Placement:
    if source.kind == "regular_ll":
        found = subset(source, area=area)
        return Placement("cut", found.take, found.grid, found)
    assert area is not None  # else nothing is wanted
    return Placement("cut", Taken(source, area), _part(source, area).grid)


def _subset(source: Grid, grid: str, area: Area | None) -> Subset | None:
    """Rows and columns that the field has; None where there are others to be made."""
    spacing = _spacing(grid)
    if source.kind != "regular_ll" or spacing is None:
        return None
    try:
        return subset(source, spacing=spacing, area=area)
    except FieldError:
        return None


def _weighted(source: Grid, whole: Grid, area: Area | None, how: How) -> Placement:
    from dtedask.geo.application.operation import Operation
    from dtedask.geo.weighting import weights_handle

    options: dict[str, Any] = json.loads(how.options)
    handle = weights_handle(source, whole, how.method, cache=None if how.is_kept else False, **options)
    limits = handle.limits()
    if limits is not None:
        limits.ensure()
    operation = Operation(handle, area, tuple((0, length) for length in source.shape))
    return Placement("interpolate", operation, operation.target)


def _summed(source: Grid, target: Grid) -> Placement:
    from dtedask.geo.spectral.resolution import matching_truncation

    known = int(source.description["truncation"])
    try:
        carried = matching_truncation(target)
    except GridError:
        carried = known
    return Placement("interpolate", Summed(target, min(known, carried)), target)


@lru_cache(32)
def _part(grid: Grid, area: Area) -> Cropped:
    return cropped(grid, area)


def _spacing(label: str) -> tuple[float, float] | None:
    dx, cross, dy = label.partition("x")
    try:
        return (float(dx), float(dy)) if cross else None
    except ValueError:
        return None
