"""Meshes of grids and of points."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from dtedask.core.errors import GridError
from dtedask.geo.grid import Grid
from dtedask.geo.grids.points import own_rows
from dtedask.geo.meshes.connectivity import Integers, cleaned
from dtedask.geo.meshes.healpix import healpix_elements
from dtedask.geo.meshes.sphere import Array, unit_vectors
from dtedask.geo.meshes.structured import elements_of_rows, elements_of_table
from dtedask.geo.meshes.triangulation import delaunay_elements
from dtedask.geo.meshes.value import Mesh, places

Kind = Literal["structured", "delaunay", "healpix"]
Poles = Literal["patch", "open"]


def mesh(grid: Grid, *, kind: Kind | None = None, poles: Poles = "patch") -> Mesh:
    """Build the mesh of a grid.

    Parameters
    ----------
    grid : Grid
    kind : {"structured", "delaunay", "healpix"}, optional
        Elements between neighbouring rows (or the lines of a table), triangles that follow from the points alone, or
        the corners of HEALPix's pixels. By default the grid's own: HEALPix for HEALPix, structured for grids of rows
        and tables, else Delaunay.
    poles : {"patch", "open"}
        Whether the hole that rows leave at each pole is closed by triangles, for structured meshes.

    Returns
    -------
    Mesh
        Kept for the next call; do not change its arrays.

    Raises
    ------
    GridError
        If the grid has no mesh of this kind, or no points that are known.

    Examples
    --------
    >>> mesh(Grid("O32"))
    <Mesh O32 structured: 5,248 nodes, 15,594 edges, 10,204 triangles, 144 quadrilaterals>
    """
    return _mesh(grid, kind or _own_kind(grid), poles)


def delaunay(latitude: ArrayLike, longitude: ArrayLike) -> Mesh:
    """Build the Delaunay mesh of points anywhere on the sphere.

    Parameters
    ----------
    latitude, longitude : array_like of float, shape (points,)
        Degrees. Points at one place are one node.

    Raises
    ------
    GridError
        If there are fewer than four places, or a coordinate is missing.
    """
    return _of_points(np.asarray(latitude, float).ravel(), np.asarray(longitude, float).ravel(), None, "Delaunay")


@lru_cache(maxsize=4)
def _mesh(grid: Grid, kind: Kind, poles: Poles) -> Mesh:
    points = grid.points()
    elements = None
    if kind == "structured":
        elements = _structured(grid, is_patched=poles == "patch")
    elif kind == "healpix":
        elements = _healpix(grid, unit_vectors(*points))
    elif kind != "delaunay":
        raise GridError(f"There is no mesh of kind {kind!r}.", hint="Kinds are structured, delaunay and healpix.")
    is_in_rows = grid.structure() is not None
    origin = (_mesh, (grid, kind, poles))
    return _of_points(*points, elements, f"{grid.label} {kind}", is_in_rows=is_in_rows, origin=origin)


def _of_points(
    latitude: Array,
    longitude: Array,
    elements: Integers | None,
    name: str,
    *,
    is_in_rows: bool = False,
    origin: Any = None,
) -> Mesh:
    """Build a mesh of elements of points; without elements those of Delaunay."""
    first, node_of_point = places(latitude, longitude, only_at_poles=is_in_rows)
    xyz = unit_vectors(latitude[first], longitude[first])
    if elements is None:
        found = cleaned(delaunay_elements(xyz), np.arange(len(xyz)), xyz)
    else:
        found = cleaned(elements, node_of_point, xyz)
    return Mesh(latitude[first], longitude[first], found, node_of_point, longitude, name, origin)


def _own_kind(grid: Grid) -> Kind:
    if grid.kind == "healpix":
        return "healpix"
    return "structured" if own_rows(grid.description) is not None or len(grid.shape) == 2 else "delaunay"


def _structured(grid: Grid, *, is_patched: bool) -> Integers:
    rows = own_rows(grid.description)  # a turned grid's own: which points are neighbours does not change
    if rows is not None:
        return elements_of_rows(rows, is_patched=is_patched)
    if len(grid.shape) == 2:
        return elements_of_table(*grid.shape)
    raise GridError(
        f"The points of the grid {grid.label} stand in no rows.", hint="Build its mesh with kind='delaunay'."
    )


def _healpix(grid: Grid, xyz: Array) -> Integers:
    said = grid.description
    if grid.kind != "healpix" or said["ordering"] not in ("ring", "nested"):
        raise GridError(
            f"The grid {grid.label} is no HEALPix grid in ring or nested order.",
            hint="Build its mesh with kind='delaunay'.",
        )
    return healpix_elements(int(said["nside"]), said["ordering"], xyz)
