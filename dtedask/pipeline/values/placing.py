"""What puts values on another grid: points that are taken out, weights, spherical harmonics.

Each is a function that a task can carry; equal ones give equal bits, on a live stream and on the archive.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import FieldError, GridError
from dtedask.geo import Cropped, Grid, Subset, cropped, subset
from dtedask.geo.area import Area
from dtedask.geo.spectral.way import way_of
from dtedask.geo.weighting import Interpolation, canonical_method
from dtedask.geo.weighting.masks import Mask

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
    rotation : tuple of float, optional
        Latitude and longitude of the south pole of a turned grid.
    truncation, intgrid, resol : str
        Which way spherical harmonics go, in MIR's words; "" where nothing is said.
    frame : int
        How many of the outermost rows and columns are kept; 0 for all.
    bitmap : str
        File that says which points are left out; "" for none.
    """

    method: str = ""
    options: str = "{}"
    is_kept: bool = True
    rotation: tuple[float, float] | None = None
    truncation: str = ""
    intgrid: str = ""
    resol: str = ""
    frame: int = 0
    bitmap: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether nothing is done with fields on their own grid."""
        return not (self.rotation or self.truncation or self.resol or self.frame or self.bitmap)

    def whole(self, grid: str) -> Grid:
        """The grid of a name, turned where it is to be."""
        return (
            Grid(grid) if self.rotation is None else Grid({"grid": _spacing(grid) or grid, "rotation": self.rotation})
        )

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


@dataclass(frozen=True, slots=True)
class Truncated:
    """Leaves out wave numbers of spherical harmonics."""

    truncation: int

    def __call__(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return the coefficients that are left."""
        from dtedask.geo.spectral.coefficients import cut

        return cut(values, self.truncation)


@dataclass(frozen=True, slots=True)
class Chained:
    """Does one thing after the other."""

    first: Callable[[Any], Any]
    second: Callable[[Any], Any]

    def __call__(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return what comes out of the second one."""
        found: NDArray[np.floating] = self.second(self.first(values))
        return found


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Makes points missing that lie inside of a frame, or that a bitmap leaves out."""

    grid: Grid
    frame: int
    kept: Mask | None

    def __call__(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return the values of the points that are kept, others NaN."""
        from dtedask.geo.framing import frame_points

        kept = np.True_ if self.kept is None else self.kept.bits.reshape(self.grid.shape)
        if self.frame:
            kept = kept & frame_points(self.grid, self.frame)
        return np.where(kept, values, np.asarray(np.nan, values.dtype))


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
    found = _on_points(source, grid, area, how)
    if not (how.frame or how.bitmap) or found.grid.kind == "sh":
        return found
    left_out = _left_out(found.grid, how)
    return replace(found, function=Chained(found.function, left_out) if found.function is not _as_it_is else left_out)


def _on_points(source: Grid, grid: str, area: Area | None, how: How) -> Placement:
    if source.kind == "sh" and not grid and area is None:
        wanted = way_of(int(source.description["truncation"]), None, truncation=how.truncation, resol=how.resol)
        return Placement("truncate", Truncated(wanted.truncation), Grid(f"T{wanted.truncation}"))
    if grid in ("", source.label) and how.rotation is None:
        return _own(source, area)
    if not grid:
        raise GridError("What the distances of a turned grid are is not said.", hint="Give 'grid' beside 'rotation'.")
    whole = how.whole(grid)
    target = whole if area is None else whole.within(area)
    found = _subset(source, grid, area) if how.gives_own_values and how.rotation is None else None
    if found is not None and found.grid == target:
        return Placement("cut", found.take, found.grid, found)
    return _summed(source, whole, area, how) if source.kind == "sh" else _weighted(source, whole, area, how)


def _left_out(grid: Grid, how: How) -> LeftOut:
    from dtedask.geo.bitmaps import read_bitmap
    from dtedask.geo.framing import lengths_of_rows

    if how.frame:
        lengths_of_rows(grid)  # an error for grids without rows
    return LeftOut(grid, how.frame, Mask.of(grid, read_bitmap(how.bitmap, grid), "bitmap") if how.bitmap else None)


def _as_it_is(values: NDArray[np.floating]) -> NDArray[np.floating]:
    return values


def _own(source: Grid, area: Area | None) -> Placement:
    if area is None:
        return Placement("cut", _as_it_is, source)
    if source.kind == "regular_ll":
        found = subset(source, area=area)
        return Placement("cut", found.take, found.grid, found)
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


def _summed(source: Grid, whole: Grid, area: Area | None, how: How) -> Placement:
    """Sum harmonics up at the points, or on a grid between where one is asked for."""
    target, known = whole if area is None else whole.within(area), int(source.description["truncation"])
    if not (how.truncation or how.intgrid or how.resol):
        return Placement("interpolate", Summed(target, _carried(target, known)), target)
    intgrid = how.intgrid or ("" if how.resol else "none")
    way = way_of(known, whole, truncation=how.truncation, intgrid=intgrid, resol=how.resol)
    if way.between is None:
        return Placement("interpolate", Summed(target, way.truncation), target)
    after = _weighted(way.between, whole, area, how)
    return replace(after, function=Chained(Summed(way.between, way.truncation), after.function))


def _carried(target: Grid, known: int) -> int:
    from dtedask.geo.spectral.resolution import matching_truncation

    try:
        return min(known, matching_truncation(target))
    except GridError:
        return known


@lru_cache(32)
def _part(grid: Grid, area: Area) -> Cropped:
    return cropped(grid, area)


def _spacing(label: str) -> tuple[float, float] | None:
    dx, cross, dy = label.partition("x")
    try:
        return (float(dx), float(dy)) if cross else None
    except ValueError:
        return None
