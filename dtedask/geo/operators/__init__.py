"""Differences of fields on the sphere, by finite volumes on the cells of a mesh."""

from dtedask.geo.operators.nabla import Nabla

__all__ = ["Nabla"]
