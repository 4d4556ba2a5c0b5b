"""Grids: what they are called and in which order their points stand."""

from dtedask.geo.grid import Grid
from dtedask.geo.order import PointOrder

__all__ = ["Grid", "PointOrder"]
