"""A grid as a value: its description, its shape, and the name that follows from them."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dtedask.geo.grids.cubed_sphere import label_of
from dtedask.geo.grids.gaussian import classic, octahedral
from dtedask.geo.grids.specification import described

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr
    from numpy.typing import ArrayLike, NDArray

    from dtedask.geo.grids.extent import BoundingBox
    from dtedask.geo.grids.rows import Points, Rows


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Grid:
    """Where the points of a field lie, in our order: rows north to south, columns west to east.

    Two grids with the same points in the same order are equal, whatever the edition or scan order of the messages.

    Parameters
    ----------
    kind : str, pair of float, or mapping
        Given alone: a name (``O320``, ``N320``, ``F160``, ``L360x181``, ``0.25/0.25``, ``H64``, ``H64-nested``), the
        distances of columns and rows in degrees, or a specification. With the other three: ``regular_ll``,
        ``regular_gg``, ``reduced_gg``, ``rotated_ll``, ``lambert``, ``healpix``, ``sh``, ...
    spec : str, optional
        The complete description as JSON with sorted keys and no spaces.
    dims : tuple of str, optional
        ``("latitude", "longitude")``, ``("y", "x")`` or ``("values",)``.
    shape : tuple of int, optional
        Length of each dimension.

    Raises
    ------
    GridError
        If there is no grid of that name or specification.

    Examples
    --------
    >>> Grid("H8").size
    768
    >>> Grid("0.25/0.25") == Grid([0.25, 0.25]) == Grid("L1440x721")
    True
    """

    kind: str
    spec: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]

    def __init__(
        self,
        kind: str | Sequence[float] | Mapping[str, Any],
        spec: str | None = None,
        dims: tuple[str, ...] = (),
        shape: tuple[int, ...] = (),
    ) -> None:
        if spec is None:
            kind, description, dims, shape = described(kind)
            spec = _written(kind, description)
        for name, value in (("kind", kind), ("spec", spec), ("dims", dims), ("shape", shape)):
            object.__setattr__(self, name, value)

    @classmethod
    def of(cls, kind: str, description: dict[str, Any], dims: tuple[str, ...], shape: tuple[int, ...]) -> Grid:
        """Make a grid from a description that JSON can hold."""
        return cls(kind, _written(kind, description), dims, shape)

    def __repr__(self) -> str:
        from dtedask.geo.grids.shown import text

        return text(self)

    def _repr_html_(self) -> str:
        from dtedask.geo.grids.shown import page

        return page(self)

    @property
    def size(self) -> int:
        """Number of points."""
        return math.prod(self.shape)

    @property
    def uid(self) -> str:
        """sha256 of the description, in hexadecimal."""
        return _digest(self.spec)

    @property
    def description(self) -> dict[str, Any]:
        """The description as a new dictionary."""
        described: dict[str, Any] = json.loads(self.spec)
        return described

    @property
    def label(self) -> str:
        """Short name, such as ``O320``, ``0.25x0.25`` or ``lambert-1a2b3c4d``; never contains a slash."""
        return _label(self)

    def points(self) -> Points:
        """Return where all points are: two arrays of shape (size,), in our order.

        Raises
        ------
        GridError
            If the grid does not say where its points are.
        """
        from dtedask.geo.grids.points import points

        return points(self)

    def structure(self) -> Rows | None:
        """Return the rows of a grid whose points stand on circles of latitude, north to south; else None."""
        from dtedask.geo.grids.points import structure

        return structure(self)

    def areas(self) -> NDArray[np.float64]:
        """Return the area of each point's cell, shape (size,), in square metres on a sphere of 6,371,229 m.

        Raises
        ------
        GridError
            If the grid does not say where its points are.
        """
        from dtedask.geo.grids.areas import areas

        return areas(self)

    @property
    def bounding_box(self) -> BoundingBox:
        """North, west, south, east of the smallest box that holds all points; `east` is not below `west`."""
        from dtedask.geo.grids.extent import bounding_box

        return bounding_box(self)

    def within(self, area: Sequence[float]) -> Grid:
        """Return the points that lie in an area, as a grid.

        Parameters
        ----------
        area : sequence of float
            North, west, south, east in degrees, edges included; for grids with a turned pole in their own system.

        Raises
        ------
        GridError
            If no point lies in it.
        """
        return self.crop(area)[0]

    def crop(self, area: Sequence[float]) -> tuple[Grid, NDArray[np.int64]]:
        """Return the points that lie in an area, as `within` does, and where they stand in this grid.

        Returns
        -------
        grid : Grid
            The points.
        places : numpy.ndarray of int64, shape (grid.size,)
            Places of its points among those of this grid.
        """
        from dtedask.geo.grids.sub_area import cut

        described, places = cut(self, area)
        return Grid.of(*described), places

    @classmethod
    def from_dataset(cls, data: xr.Dataset | xr.DataArray) -> Grid:
        """Tell the grid of an xarray object from its attributes or coordinates; values are not looked at.

        The attribute ``grid_spec``, the grid mapping of HEALPix, axes of regular and Gaussian grids, points of reduced
        Gaussian grids and HEALPix, maps and turned poles by their grid mapping; other points are unstructured.

        Raises
        ------
        GridError
            If nothing says where the points are, or rows do not run from north to south.
        """
        from dtedask.geo.grids.recognise import recognise

        return recognise(data)

    @classmethod
    def unstructured(cls, latitude: ArrayLike, longitude: ArrayLike, *, name: str = "") -> Grid:
        """Make a grid of points in no order, such as those of ORCA or FESOM, and keep their coordinates.

        Coordinates are kept by their digest in the folder of the setting ``dtedask.geo.coordinates``; the grid itself
        holds only the digest.

        Parameters
        ----------
        latitude, longitude : array-like, shape (size,)
            Degrees.
        name : str
            What it is called; grids of other names are other grids.

        Raises
        ------
        GridError
            If the points are none, or cannot be kept.
        """
        from dtedask.geo.grids.unstructured import unstructured

        return cls.of(*unstructured(latitude, longitude, name=name))

    def locate(self, latitude: ArrayLike, longitude: ArrayLike) -> None:
        """Keep the coordinates of a grid that GRIB messages name by its UUID only, such as ICON's.

        Raises
        ------
        GridError
            If the grid has no UUID, another number of points, or other coordinates already.
        """
        from dtedask.geo.grids.unstructured import locate

        locate(self.description, latitude, longitude)


def _written(kind: str, description: Mapping[str, Any]) -> str:
    return json.dumps({"kind": kind, **description}, sort_keys=True, separators=(",", ":"))


@lru_cache(maxsize=4096)
def _digest(spec: str) -> str:
    return hashlib.sha256(spec.encode()).hexdigest()


@lru_cache(maxsize=1024)
def _label(grid: Grid) -> str:
    name = _NAMES[grid.kind](grid.description) if grid.kind in _NAMES else ""
    return name or f"{grid.kind}-{grid.uid[:8]}"


def _reduced_gaussian(grid: dict[str, Any]) -> str:
    number, rows = grid["n"], grid["pl"]
    if "rows" in grid:
        return ""
    if rows == octahedral(number):
        return f"O{number}"
    return f"N{number}" if rows == classic(number) else ""


def _regular_gaussian(grid: dict[str, Any]) -> str:
    return f"F{grid['n']}" if "rows" not in grid and grid["ni"] == 4 * grid["n"] else ""


def _regular_latlon(grid: dict[str, Any]) -> str:
    is_global = grid["north"] == 90 and grid["south"] == -90 and grid["west"] == 0 and grid["periodic"]
    return f"{grid['dx']:.10g}x{grid['dy']:.10g}" if is_global else ""


def _healpix(grid: dict[str, Any]) -> str:
    if grid.get("first_longitude", 45.0) != 45.0:
        return ""
    return f"H{grid['nside']}" if grid["ordering"] == "ring" else f"H{grid['nside']}-{grid['ordering']}"


def _spectral(grid: dict[str, Any]) -> str:
    return f"T{grid['truncation']}" if "truncation" in grid else ""


_NAMES: dict[str, Callable[[dict[str, Any]], str]] = {
    "opaque": lambda _grid: "opaque",
    "reduced_gg": _reduced_gaussian,
    "regular_gg": _regular_gaussian,
    "regular_ll": _regular_latlon,
    "healpix": _healpix,
    "sh": _spectral,
    "cubed_sphere": label_of,
}
