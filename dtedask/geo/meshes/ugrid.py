"""Meshes by the UGRID conventions (https://ugrid-conventions.github.io/ugrid-conventions/, version 1.0)."""

from __future__ import annotations

import numpy as np
import xarray as xr

from dtedask.core.errors import GridError
from dtedask.geo.meshes.connectivity import NONE, Integers
from dtedask.geo.meshes.sphere import Array
from dtedask.geo.meshes.value import Mesh

_LATITUDE = {"standard_name": "latitude", "long_name": "latitude of nodes", "units": "degrees_north"}
_LONGITUDE = {"standard_name": "longitude", "long_name": "longitude of nodes", "units": "degrees_east"}


def to_ugrid(mesh: Mesh, *, name: str = "mesh") -> xr.Dataset:
    """Describe a mesh as a dataset that `to_netcdf` writes by CF and UGRID.

    Parameters
    ----------
    mesh : Mesh
    name : str
        Of the variable that describes the mesh; the other names begin with it.

    Returns
    -------
    xarray.Dataset
        The nodes' coordinates, the nodes of faces (elements) and of edges, the faces beside each edge, the areas of the
        cells of nodes in m2, and the node of each point of the grid. Indices count from 0, -1 is the fill value.
    """
    node, face, edge = f"{name}_nodes", f"{name}_faces", f"{name}_edges"
    topology = {
        "cf_role": "mesh_topology",
        "long_name": mesh.name,
        "topology_dimension": 2,
        "node_coordinates": f"{name}_node_longitude {name}_node_latitude",
        "face_node_connectivity": f"{name}_face_nodes",
        "face_dimension": face,
        "edge_node_connectivity": f"{name}_edge_nodes",
        "edge_dimension": edge,
        "edge_face_connectivity": f"{name}_edge_faces",
    }
    edges, two = mesh.edges, f"{name}_two"
    about_areas = {"standard_name": "cell_area", "long_name": "area of the cell of a node", "units": "m2"}
    variables = {
        name: ((), np.int32(0), topology),
        f"{name}_face_nodes": _connectivity((face, f"{name}_face_width"), mesh.elements, "face_node_connectivity"),
        f"{name}_edge_nodes": _connectivity((edge, two), edges.nodes, "edge_node_connectivity"),
        f"{name}_edge_faces": _connectivity((edge, two), edges.elements, "edge_face_connectivity"),
        f"{name}_node_area": ((node,), mesh.dual_areas, about_areas | {"mesh": name, "location": "node"}),
        f"{name}_point_node": (
            (f"{name}_points",),
            mesh.node_of_point,
            {"long_name": "node of each point of the grid", "start_index": 0},
        ),
        f"{name}_point_longitude": (
            (f"{name}_points",),
            mesh.point_longitude,
            _LONGITUDE | {"long_name": "longitude of each point of the grid"},
        ),
    }
    coordinates = {
        f"{name}_node_latitude": ((node,), mesh.latitude, dict(_LATITUDE)),
        f"{name}_node_longitude": ((node,), mesh.longitude, dict(_LONGITUDE)),
    }
    return xr.Dataset(variables, coordinates, {"Conventions": "CF-1.11 UGRID-1.0"})


def from_ugrid(dataset: xr.Dataset, *, name: str | None = None) -> Mesh:
    """Read a mesh from a dataset by UGRID, ours or others'.

    Parameters
    ----------
    dataset : xarray.Dataset
        As opened by xarray, with or without its decoding of fill values.
    name : str, optional
        Of the variable that describes the mesh; needed if there are several.

    Raises
    ------
    GridError
        If there is no two-dimensional mesh, or several and no name.
    """
    names = [str(key) for key, found in dataset.variables.items() if found.attrs.get("cf_role") == "mesh_topology"]
    wanted = name or (names[0] if len(names) == 1 else None)
    if wanted not in names or dataset[wanted].attrs.get("topology_dimension") != 2:
        raise GridError(
            f"The dataset has no mesh {name or 'of its own'}: it has {names or 'none'}.",
            hint="Name a variable whose cf_role is mesh_topology and whose topology_dimension is 2.",
        )
    topology = dataset[wanted].attrs
    latitude, longitude = _coordinates(dataset, topology["node_coordinates"].split())
    elements = _indices(dataset[topology["face_node_connectivity"]])
    node_of_point, point_longitude = np.arange(latitude.size), longitude
    if f"{wanted}_point_node" in dataset:
        node_of_point = dataset[f"{wanted}_point_node"].to_numpy().astype(np.int64)
        point_longitude = dataset[f"{wanted}_point_longitude"].to_numpy()
    said = str(topology.get("long_name", wanted))
    return Mesh(latitude, longitude, elements, node_of_point, point_longitude, said)


def _connectivity(
    dims: tuple[str, str], indices: Integers, role: str
) -> tuple[tuple[str, str], Integers, dict[str, object]]:
    attributes: dict[str, object] = {"cf_role": role, "start_index": 0}
    if (indices == NONE).any():
        attributes["_FillValue"] = NONE
    return dims, indices, attributes


def _indices(variable: xr.DataArray) -> Integers:
    """Indices from 0, with -1 where there is none."""
    fill = variable.encoding.get("_FillValue", variable.attrs.get("_FillValue"))
    values = variable.to_numpy()
    is_missing = np.isnan(values) if values.dtype.kind == "f" else values < int(variable.attrs.get("start_index", 0))
    if fill is not None and np.isfinite(fill):
        is_missing |= values == fill
    start = int(variable.attrs.get("start_index", 0))
    return np.where(is_missing, NONE, np.where(is_missing, 0, values).astype(np.int64) - start)


def _coordinates(dataset: xr.Dataset, names: list[str]) -> tuple[Array, Array]:
    """Latitude and longitude, told apart by their standard names or units."""
    found = {}
    for name in names:
        said = dataset[name].attrs
        is_latitude = said.get("standard_name") == "latitude" or str(said.get("units", "")).endswith("north")
        found["latitude" if is_latitude else "longitude"] = dataset[name].to_numpy().astype(float)
    return found["latitude"], found["longitude"]
