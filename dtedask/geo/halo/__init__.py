"""Halos: the points that a part of a grid needs of other parts, and how they come there and back."""

from dtedask.geo.halo.exchange import accumulate, exchange, join, split
from dtedask.geo.halo.lists import Halos, Part, halos
from dtedask.geo.halo.local import apply, local_matrix

__all__ = ["Halos", "Part", "accumulate", "apply", "exchange", "halos", "join", "local_matrix", "split"]
