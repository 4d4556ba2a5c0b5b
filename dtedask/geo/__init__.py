"""Grids: what they are called, where their points are, and in which order.

Names of the heavy parts load on first use, so that grids and orders cost no SciPy and no numba.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from dtedask.geo.area import read_area
from dtedask.geo.cropping import Cropped, cropped
from dtedask.geo.grid import Grid
from dtedask.geo.grids.extent import BoundingBox
from dtedask.geo.grids.rows import Points, Rows
from dtedask.geo.healpix import places_of, reordered
from dtedask.geo.order import PointOrder
from dtedask.geo.projection import grid_mapping, project, unproject, unrotate
from dtedask.geo.regular import regular_latlon
from dtedask.geo.scan import ScanMode
from dtedask.geo.subset import Subset, subset

if TYPE_CHECKING:
    from dtedask.geo.application.regrid import regrid
    from dtedask.geo.meshes import Mesh, delaunay, mesh
    from dtedask.geo.operators import Nabla
    from dtedask.geo.weighting import WeightsHandle, adjoint, weights, weights_handle

__all__ = [
    "BoundingBox",
    "Cropped",
    "Grid",
    "Mesh",
    "Nabla",
    "PointOrder",
    "Points",
    "Rows",
    "ScanMode",
    "Subset",
    "WeightsHandle",
    "adjoint",
    "cropped",
    "delaunay",
    "grid_mapping",
    "mesh",
    "places_of",
    "project",
    "read_area",
    "regrid",
    "regular_latlon",
    "reordered",
    "subset",
    "unproject",
    "unrotate",
    "weights",
    "weights_handle",
]

_HOMES: dict[str, str] = {
    "regrid": "dtedask.geo.application.regrid",
    "Mesh": "dtedask.geo.meshes",
    "Nabla": "dtedask.geo.operators",
    "WeightsHandle": "dtedask.geo.weighting",
    "adjoint": "dtedask.geo.weighting",
    "delaunay": "dtedask.geo.meshes",
    "mesh": "dtedask.geo.meshes",
    "weights": "dtedask.geo.weighting",
    "weights_handle": "dtedask.geo.weighting",
}
"""Where names are that load on first use; none may be called as a module of this package is."""
_PACKAGES = ("reductions", "spectral", "vertical")
"""Packages that load on first use: ``geo.spectral.inverse``."""


def __getattr__(name: str) -> object:
    if name in _PACKAGES:
        return import_module(f"dtedask.geo.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'dtedask.geo' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
