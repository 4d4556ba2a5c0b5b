"""Grids: what they are called, where their points are, and in which order."""

from dtedask.geo.grid import Grid
from dtedask.geo.healpix import places_of, reordered
from dtedask.geo.order import PointOrder
from dtedask.geo.projection import grid_mapping, project, unproject, unrotate
from dtedask.geo.regular import regular_latlon
from dtedask.geo.scan import ScanMode
from dtedask.geo.subset import Subset, subset

__all__ = [
    "Grid",
    "PointOrder",
    "ScanMode",
    "Subset",
    "grid_mapping",
    "places_of",
    "project",
    "regular_latlon",
    "reordered",
    "subset",
    "unproject",
    "unrotate",
]
