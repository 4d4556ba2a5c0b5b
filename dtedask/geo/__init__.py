"""Grids: what they are called, where their points are, and in which order."""

from dtedask.geo.grid import Grid
from dtedask.geo.healpix import places_of, reordered
from dtedask.geo.order import PointOrder
from dtedask.geo.projection import grid_mapping, project, unproject, unrotate
from dtedask.geo.regular import regular_latlon
from dtedask.geo.scan import ScanMode

__all__ = [
    "Grid",
    "PointOrder",
    "ScanMode",
    "grid_mapping",
    "places_of",
    "project",
    "regular_latlon",
    "reordered",
    "unproject",
    "unrotate",
]
