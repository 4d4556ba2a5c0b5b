"""Bring fields from their grid to another."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError
from dtedask.geo.application.frames import Directions
from dtedask.geo.application.lazily import in_dask, interpolated
from dtedask.geo.application.missing import DEFAULT, MissingPolicy, checked_policy
from dtedask.geo.application.operation import Operation, Window, rows_of, window_of
from dtedask.geo.application.winds import Pairs, WindOperation, pairs_among
from dtedask.geo.area import Area, read_area
from dtedask.geo.fields import grid_of, on_grid
from dtedask.geo.grid import Grid

if TYPE_CHECKING:
    import xarray as xr

    from dtedask.geo.application.lazily import Interpolates
    from dtedask.geo.weighting import WeightsHandle

    GridLike = Grid | str | Sequence[float] | Mapping[str, Any]
    Fields = TypeVar("Fields", "xr.DataArray", "xr.Dataset", NDArray[Any])

_OF_GRIDS = (("latitude", "longitude"), ("y", "x"), ("values",))
_OF_SNAPSHOT = ("cube", "group", "snapshot")  # what a result is no longer
_WHOLE = (170.0, 350.0)  # degrees from north to south and west to east that all but touch all of the source


def regrid(
    data: Fields,
    grid: GridLike,
    method: str = "linear",
    *,
    area: str | Sequence[float] | None = None,
    source: GridLike | None = None,
    vectors: Pairs = "auto",
    winds: tuple[Directions, Directions] = ("north", "north"),
    missing: str = DEFAULT,
    simulated_missing_value: float = 9999.0,
    simulated_missing_value_epsilon: float = 0.0,
    **options: Any,
) -> Fields:
    """Interpolate fields to another grid.

    Parameters
    ----------
    data : xarray.Dataset, xarray.DataArray, numpy.ndarray or dask.array.Array
        The last dimensions are those of the grid. What is lazy stays so: chunks of Dask become tasks of many fields,
        other lazy arrays, such as those of a store, are interpolated when they are read.
    grid : Grid, str, pair of float or mapping
        Where values are wanted: a grid, its name (``O320``, ``0.25/0.25``) or its description.
    method : str
        ``linear``, ``nearest``, ``conservative``, ...; see `dtedask.geo.weights`.
    area : str or sequence of float, optional
        North, west, south, east in degrees, or text such as ``75/-30/30/50``: only the points of the target that lie in
        it. No more of the source is read than they need.
    source : Grid, str, pair of float or mapping, optional
        The grid of `data`; by default what its attribute ``grid_spec`` or its coordinates say.
    vectors : sequence of pairs of str, "auto" or None
        Variables of a dataset that are the two components of winds or other vectors, which are turned to the directions
        at the points of the target; ``auto``: u and v, 10u and 10v and the like where both are there. Other variables,
        such as vorticity, and components that are alone are interpolated as they are.
    winds : pair of {"north", "grid"}
        What components count from on the source and on the target: true east and north, or the columns and rows of a
        turned grid or map.
    missing : MissingPolicy
        What becomes of points whose source has missing values (NaN).
    simulated_missing_value, simulated_missing_value_epsilon : float
        The number that counts as missing under ``simulated-missing-value``, and how far from it a value may be.
    **options
        Options of the method, and `source_mask`, `target_mask`, `cache`, ... of `dtedask.geo.weights`. Spherical
        harmonics need no method: of them only `truncation` is heeded, as `dtedask.geo.spectral.inverse` has it.

    Returns
    -------
    of the type of `data`
        float32 where the values are, else float64, with the coordinates and attributes of the grid. Variables of a
        dataset that have no grid stay as they are. Points that the method gives no value are NaN.

    Raises
    ------
    GridError
        If a grid is not known or does not fit, or the method or its options are wrong.
    """
    import xarray as xr

    target = grid if isinstance(grid, Grid) else Grid(grid)
    treatment = (checked_policy(missing), simulated_missing_value, simulated_missing_value_epsilon)
    wanted = _Wanted(
        target,
        None if area is None else read_area(area),
        method,
        options,
        treatment,
        (vectors, *winds),
        _grid_or_none(source),
    )
    if isinstance(data, xr.Dataset):
        return wanted.dataset(data)
    if isinstance(data, xr.DataArray):
        return wanted.array(data)
    return cast("Fields", wanted.plain(data))


def _grid_or_none(source: GridLike | None) -> Grid | None:
    return source if source is None or isinstance(source, Grid) else Grid(source)


@dataclass
class _Wanted:
    """What is asked for, for fields of any source grid; weights are named once a source."""

    whole: Grid
    area: Area | None
    method: str
    options: Mapping[str, Any]
    treatment: tuple[MissingPolicy, float, float]
    winds: tuple[Pairs, Directions, Directions]
    source: Grid | None
    operations: dict[str, Operation] = field(default_factory=dict)

    @cached_property
    def target(self) -> Grid:
        """The part of the grid that is wanted."""
        return self.whole if self.area is None else self.whole.within(self.area)

    def dataset(self, data: xr.Dataset) -> xr.Dataset:
        """Interpolate all variables that have a grid."""
        with_grid = {name: array for name, array in data.data_vars.items() if grid_dims(array.dims)}
        if not with_grid:
            raise GridError("No variable of the dataset has a grid.", hint="Dimensions are latitude, longitude, ...")
        gone = {dim for array in with_grid.values() for dim in grid_dims(array.dims)}
        stale = {name for name, variable in data.variables.items() if gone & set(variable.dims)}
        rest = data.drop_vars(stale | ({"crs"} & set(data.variables)))
        said = {name: data.attrs[name] for name in ("grid_spec",) if name in data.attrs}
        known = {name: array.assign_attrs({**said, **array.attrs}) for name, array in with_grid.items()}
        found = self._vectors(known)
        found |= {name: self.array(array) for name, array in known.items() if name not in found}
        result = rest.assign({name: found.get(name, rest.get(name)) for name in data.data_vars})
        result.attrs = _attributes(data.attrs, self.target)
        return result

    def _vectors(self, arrays: dict[Hashable, xr.DataArray]) -> dict[Hashable, xr.DataArray]:
        """Interpolate pairs of variables that turn together."""
        found: dict[Hashable, xr.DataArray] = {}
        for pair in pairs_among([str(name) for name in arrays], self.winds[0]):
            both = [_grid_last(arrays[name]) for name in pair]
            source = self.source or grid_of(both[0])
            if source.kind == "sh" or both[0].sizes != both[1].sizes or both[0].dims != both[1].dims:
                continue
            operation = self.operation(source)
            if operation.handle.reduction == "sum":
                turned = interpolated([array.variable for array in both], WindOperation(operation, *self.winds[1:]))
                found |= {n: self._placed(a, values) for n, a, values in zip(pair, both, turned, strict=True)}
        return found

    def array(self, data: xr.DataArray) -> xr.DataArray:
        """Interpolate one variable."""
        data = _grid_last(data)
        source = self.source or grid_of(data)
        (values,) = interpolated([data.variable], self.step(source))
        return self._placed(data, values)

    def _placed(self, data: xr.DataArray, values: Any) -> xr.DataArray:
        """Give values on the target what describes them."""
        import xarray as xr

        dims = grid_dims(data.dims)
        kept = {n: c for n, c in data.coords.items() if not set(dims) & set(c.dims) and n != "crs"}
        attributes = _attributes(data.attrs, self.target)
        variable = xr.Variable((*data.dims[: -len(dims)], *self.target.dims), values, attributes)
        return on_grid(xr.DataArray(variable, kept, name=data.name), self.target)

    def plain(self, values: Any) -> Any:
        """Interpolate an array without names."""
        source = self.source
        if source is None:
            raise GridError("Where the points of a plain array are is not known.", hint="Say it by source='O320'.")
        if values.shape[-1:] == (source.size,):
            values = values.reshape(*values.shape[:-1], *source.shape)
        if values.shape[values.ndim - len(source.shape) :] != source.shape:
            raise GridError(
                f"An array of shape {values.shape} does not end with the points of {source.label}.",
                hint=f"They are {source.shape}.",
            )
        operation = self.step(source)
        if hasattr(values, "dask"):
            return in_dask([values], operation)[0]
        cut = tuple(slice(first, last) for first, last in operation.window)
        outer = (slice(None),) * (values.ndim - len(cut))
        return operation(np.asarray(values)[outer + cut])

    def step(self, source: Grid) -> Interpolates:
        """What is done to fields of a source grid, each by itself; spherical harmonics need no weights."""
        if source.kind != "sh":
            return self.operation(source)
        from dtedask.geo.spectral.operation import SpectralOperation

        return SpectralOperation.wanted(source, self.target, self.options.get("truncation"))

    def operation(self, source: Grid) -> Operation:
        """Name the weights from a source grid, and the part of it that they read."""
        if source.uid not in self.operations:
            from dtedask.geo.weighting import weights_handle

            handle = weights_handle(source, self.whole, self.method, **self.options)
            window = _window(handle, self.area, self.target)
            self.operations[source.uid] = Operation(handle, self.area, window, *self.treatment)
        return self.operations[source.uid]


def _window(handle: WeightsHandle, area: Area | None, target: Grid) -> Window:
    """Find the part of the source that weights read: all of it where the target is the whole globe."""
    shape = handle.interpolation.source.shape
    north, west, south, east = target.bounding_box
    if north - south >= _WHOLE[0] and east - west >= _WHOLE[1]:
        return tuple((0, size) for size in shape)
    limits = handle.limits()
    handles = [handle] if limits is None else [handle, limits]
    windows = [window_of(rows_of(one, area), shape) for one in handles]
    return tuple(
        (min(first for first, _ in edges), max(last for _, last in edges)) for edges in zip(*windows, strict=True)
    )


def _grid_last(data: xr.DataArray) -> xr.DataArray:
    dims = grid_dims(data.dims)
    if not dims:
        raise GridError(
            f"An array over {', '.join(map(str, data.dims)) or 'nothing'} has no grid.",
            hint="Its last dimensions are latitude and longitude, y and x, or values.",
        )
    return data.transpose(..., *dims)


def grid_dims(dims: Sequence[Hashable]) -> tuple[str, ...]:
    """Return the dimensions of a grid among others; none where there is no grid."""
    return next((names for names in _OF_GRIDS if set(names) <= set(dims)), ())


def _attributes(said: Mapping[Hashable, Any], target: Grid) -> dict[Hashable, Any]:
    """Return the attributes of fields on another grid; they are no longer those of a snapshot."""
    kept = {name: value for name, value in said.items() if name not in _OF_SNAPSHOT}
    of_grid = {"grid": target.label, "grid_spec": target.spec}
    return kept | {name: value for name, value in of_grid.items() if name in said}
