"""Meshes: elements between the points of a grid, and the cells around them."""

from dtedask.geo.meshes.build import delaunay, mesh
from dtedask.geo.meshes.connectivity import Edges
from dtedask.geo.meshes.gmsh import write_gmsh
from dtedask.geo.meshes.ugrid import from_ugrid, to_ugrid
from dtedask.geo.meshes.value import Mesh

__all__ = ["Edges", "Mesh", "delaunay", "from_ugrid", "mesh", "to_ugrid", "write_gmsh"]
