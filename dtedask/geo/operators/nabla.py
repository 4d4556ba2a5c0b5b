"""Gradient, divergence, curl and Laplacian of fields."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dtedask.core.errors import GridError
from dtedask.geo.meshes.value import Mesh
from dtedask.geo.operators.matrices import NodeMatrices, node_matrices
from dtedask.geo.operators.poles import scalar_to_nodes, scalar_to_points, vector_to_nodes, vector_to_points

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from dtedask.geo.application.compact import CompactWeights

Operator = Literal["gradient", "divergence", "curl", "laplacian"]
_WINDS = ("m s-1", "m s**-1", "m/s")
_BUILD = threading.RLock()
_LARGE = 100_000
"""Points of meshes for which the kernels of interpolation, which numba compiles once, are worth it."""


@dataclass(frozen=True, eq=False)
class Nabla:
    """Differences of fields on the points of a mesh, by finite volumes.

    The volumes are the medians' dual cells of the mesh's triangles, on a sphere of 6,371,229 m. The operators are
    sparse matrices in float64, built when first used and kept. Divergence and gradient are adjoint, and the integral of
    a divergence or curl over the globe is 0, both to rounding. Winds are added as vectors in three dimensions, so that
    poles are points like others.

    Parameters
    ----------
    mesh : Mesh

    Examples
    --------
    >>> nabla = Nabla(mesh(Grid("O32")))
    >>> vorticity = nabla.curl(u, v)
    """

    mesh: Mesh

    def gradient(self, field: xr.DataArray) -> xr.Dataset:
        """Slope of a field.

        Parameters
        ----------
        field : xarray.DataArray, shape (..., points) or (..., latitude, longitude)
            In the order of the grid's points. Dask arrays stay lazy, each chunk having all points; NaN makes its
            neighbours NaN.

        Returns
        -------
        xarray.Dataset
            Variables `eastward` and `northward` of the field's shape and type, in its units per m.

        Raises
        ------
        GridError
            If the field's last one or two dimensions are not the grid's points.
        """
        east, north = _applied(self, "gradient", field)
        units = _per_metre(field)
        return xr.Dataset({"eastward": east.assign_attrs(units), "northward": north.assign_attrs(units)})

    def divergence(self, eastward: xr.DataArray, northward: xr.DataArray) -> xr.DataArray:
        """Divergence of a wind or flux, given by its parts to the east and to the north; see `gradient`."""
        (found,) = _applied(self, "divergence", eastward, northward)
        return found.rename("divergence").assign_attrs(_per_metre(eastward, of_winds="divergence_of_wind"))

    def curl(self, eastward: xr.DataArray, northward: xr.DataArray) -> xr.DataArray:
        """Vertical part of the curl of a wind, its relative vorticity, counter-clockwise positive; see `gradient`."""
        (found,) = _applied(self, "curl", eastward, northward)
        return found.rename("curl").assign_attrs(_per_metre(eastward, of_winds="atmosphere_relative_vorticity"))

    def laplacian(self, field: xr.DataArray) -> xr.DataArray:
        """Divergence of the gradient of a field; see `gradient`."""
        (found,) = _applied(self, "laplacian", field)
        said = field.attrs.get("units")
        return found.rename("laplacian").assign_attrs({"units": f"{said} m**-2"} if said else {})

    def matrix(self, operator: Operator) -> csr_array:
        """Return an operator as one matrix over the points of the grid.

        Returns
        -------
        scipy.sparse.csr_array of float64
            Shape (points, points) for the Laplacian, (2 points, points) for the gradient, (points, 2 points) for
            divergence and curl; of two parts the eastward comes first.

        Raises
        ------
        GridError
            If there is no such operator.
        """
        chain = self._chain(operator)
        found = chain[-1]
        for step in chain[-2::-1]:
            found = found @ step
        return found

    @cached_property
    def nodes(self) -> NodeMatrices:
        """Gradient and divergence from nodes to nodes."""
        with _BUILD:
            return node_matrices(self.mesh)

    @cached_property
    def areas(self) -> NDArray[np.float64]:
        """Area that each point of the grid stands for in m2, shape (points,): points of one node share its volume."""
        many = np.bincount(self.mesh.node_of_point, minlength=self.mesh.nodes)
        return np.asarray((self.nodes.areas / many)[self.mesh.node_of_point])

    def _chain(self, operator: Operator) -> list[csr_array]:
        """Matrices to be applied one after the other."""
        if operator not in _PARTS:
            raise GridError(f"There is no operator {operator!r}.", hint=f"There are {', '.join(_PARTS)}.")
        before, core, after = _PARTS[operator]
        spread = (before, after) if self.mesh.has_shared_nodes else ()
        with _BUILD:
            names = [*spread[:1], *core, *spread[1:]]
            for name in names:
                if name not in self._matrices:
                    self._matrices[name] = _MATRICES[name](self)
            return [self._matrices[name] for name in names]

    def _steps(self, operator: Operator) -> list[Callable[[NDArray[Any]], NDArray[Any]]]:
        """What is done one after the other to fields of shape (fields, points).

        The mesh alone says by which code, so that the same bits come out however fields are cut into chunks.
        """
        matrices = self._chain(operator)
        if self.mesh.points < _LARGE:
            return [partial(_by_scipy, matrix) for matrix in matrices]
        with _BUILD:
            return [partial(_by_kernel, self._compacted(matrix)) for matrix in matrices]

    def _compacted(self, matrix: csr_array) -> CompactWeights:
        from dtedask.geo.application.compact import compact

        key = f"compact {id(matrix)}"
        if key not in self._matrices:
            self._matrices[key] = compact(matrix)
        found: CompactWeights = self._matrices[key]
        return found

    @cached_property
    def _matrices(self) -> dict[str, Any]:
        return {}

    def __dask_tokenize__(self) -> str:
        return f"nabla-{self.mesh.uid}"

    def __reduce__(self) -> tuple[Callable[[Mesh], Nabla], tuple[Mesh]]:
        return _nabla, (self.mesh,)


@lru_cache(maxsize=4)
def _nabla(mesh: Mesh) -> Nabla:
    """One object a process, so that its matrices are built once where it arrives."""
    return Nabla(mesh)


def _stacked(nabla: Nabla, direction: Literal["gradient", "divergence", "curl"]) -> csr_array:
    from scipy.sparse import hstack, vstack

    parts = nabla.nodes
    if direction == "gradient":
        return vstack([parts.east, parts.north], format="csr")
    # The curl of (u, v) is the divergence of (v, -u).
    pair = [parts.from_east, parts.from_north] if direction == "divergence" else [-parts.from_north, parts.from_east]
    return hstack(pair, format="csr")


_MATRICES: dict[str, Callable[[Nabla], csr_array]] = {
    "scalar to nodes": lambda nabla: scalar_to_nodes(nabla.mesh),
    "scalar to points": lambda nabla: scalar_to_points(nabla.mesh),
    "vector to nodes": lambda nabla: vector_to_nodes(nabla.mesh),
    "vector to points": lambda nabla: vector_to_points(nabla.mesh),
    "gradient": lambda nabla: _stacked(nabla, "gradient"),
    "divergence": lambda nabla: _stacked(nabla, "divergence"),
    "curl": lambda nabla: _stacked(nabla, "curl"),
}
_PARTS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "gradient": ("scalar to nodes", ("gradient",), "vector to points"),
    "divergence": ("vector to nodes", ("divergence",), "scalar to points"),
    "curl": ("vector to nodes", ("curl",), "scalar to points"),
    "laplacian": ("scalar to nodes", ("gradient", "divergence"), "scalar to points"),
}


def _applied(nabla: Nabla, operator: Operator, *fields: xr.DataArray) -> tuple[xr.DataArray, ...]:
    """Apply an operator to fields, lazily where they are lazy."""
    dims = _point_dims(fields[0], nabla.mesh)
    outputs = 2 if operator == "gradient" else 1
    kind = np.result_type(*(field.dtype for field in fields), np.float32)
    whole = [field.chunk(dict.fromkeys(dims, -1)) if field.chunks is not None else field for field in fields]
    found = xr.apply_ufunc(
        _on_arrays,
        *whole,
        kwargs={"nabla": nabla, "operator": operator},
        input_core_dims=[dims] * len(fields),
        output_core_dims=[dims] * outputs,
        dask="parallelized",
        output_dtypes=[kind] * outputs,
    )
    return found if outputs > 1 else (found,)


def _on_arrays(*fields: NDArray[Any], nabla: Nabla, operator: Operator) -> Any:
    """Apply an operator to arrays whose last dimensions are the points."""
    kind = np.result_type(*fields, np.float32)
    shape, points = np.broadcast_shapes(*(field.shape for field in fields)), nabla.mesh.points
    flat = [np.broadcast_to(field, shape).reshape(-1, points) for field in fields]
    values = np.concatenate(flat, axis=1) if len(flat) > 1 else flat[0]
    steps = nabla._steps(operator)  # noqa: SLF001
    # What lies between two steps is not rounded to float32.
    values = values.astype(kind if len(steps) == 1 else np.float64, copy=False)
    for step in steps:
        values = step(values)
    parts = np.split(values, values.shape[1] // points, axis=1)
    found = tuple(np.ascontiguousarray(part, kind).reshape(shape) for part in parts)
    return found if len(found) > 1 else found[0]


def _by_scipy(matrix: csr_array, fields: NDArray[Any]) -> NDArray[Any]:
    return np.asarray((matrix @ fields.T).T)


def _by_kernel(weights: CompactWeights, fields: NDArray[Any]) -> NDArray[Any]:
    from dtedask.geo.application.apply import apply

    return apply(weights, fields, missing="no")


def _point_dims(field: xr.DataArray, mesh: Mesh) -> list[Hashable]:
    for number in (1, 2):
        dims = list(field.dims[-number:])
        if len(dims) == number and int(np.prod([field.sizes[dim] for dim in dims])) == mesh.points:
            return dims
    raise GridError(
        f"A field of shape {field.shape} does not stand on the {mesh.points:,} points of {mesh!r}.",
        hint="Its last one or two dimensions must be the points of the grid, in the grid's order.",
    )


def _per_metre(field: xr.DataArray, *, of_winds: str = "") -> dict[str, str]:
    """Units of a difference; the difference of winds is per second and has a standard name."""
    units = field.attrs.get("units")
    if of_winds and units in _WINDS:
        is_wind = str(field.attrs.get("standard_name", "")).endswith("_wind")
        return {"units": "s**-1"} | ({"standard_name": of_winds} if is_wind else {})
    return {"units": f"{units} m**-1"} if units else {}
