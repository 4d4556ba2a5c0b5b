"""Partitions: which part of a computation each point of a grid belongs to."""

from dtedask.geo.partition.methods import bands, checkerboard, equal_regions, healpix_ranges
from dtedask.geo.partition.regions import Zones, equal_zones
from dtedask.geo.partition.value import Partition

__all__ = ["Partition", "Zones", "bands", "checkerboard", "equal_regions", "equal_zones", "healpix_ranges"]
