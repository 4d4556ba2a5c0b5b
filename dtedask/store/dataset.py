"""Lazy xarray datasets of the fields of one group, sorted, with CF coordinates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import xarray as xr
from xarray.core import indexing

from dtedask.core.errors import FieldError
from dtedask.store.bounds import interval_bounds
from dtedask.store.fields import CoordinateVariable, FieldArray, SlotTable, SnapshotVariable
from dtedask.store.group import Group, Variable
from dtedask.store.opaque import check_fields
from dtedask.store.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from dtedask.store.location import Location

    ArrayOf = Callable[[Location, "Part", Sequence[SlotTable]], "LazyArray"]

Time = Literal["reference", "valid"]
PREFERRED_CHUNK_BYTES = 64 * 2**20
_SMALL_BYTES = 64 * 2**10
_PRIVATE = frozenset({"dtedask_role", "dtedask_dims", "coordinates", "keep_bits", "tile_points"})


class Part(Protocol):
    """The fields of one variable that a dataset is made of, such as a `Selection`."""

    @property
    def snapshot(self) -> Snapshot: ...  # noqa: D102
    @property
    def cube(self) -> str: ...  # noqa: D102
    @property
    def group(self) -> Group: ...  # noqa: D102
    @property
    def variable(self) -> Variable: ...  # noqa: D102
    @property
    def slots(self) -> np.ndarray: ...  # noqa: D102


class LazyArray(Protocol):
    """Values that are read when they are asked for, as xarray's `BackendArray`."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any: ...


def field_array(location: Location, part: Part, tables: Sequence[SlotTable]) -> LazyArray:
    """Values of the fields of a part, read when they are asked for."""
    group = part.group
    series = group.series.get(part.variable.name)
    return FieldArray(location, part.snapshot.cube, part.snapshot.id, group.name, part.variable, tables, series=series)


def dataset_of(
    location: Location,
    selections: Sequence[Part],
    *,
    time: Time = "reference",
    used: Mapping[str, np.ndarray] | None = None,
    orders: Mapping[str, np.ndarray] | None = None,
    array_of: ArrayOf = field_array,
) -> xr.Dataset:
    """Make one lazy dataset of selections of one group.

    Parameters
    ----------
    location : Location
        The root.
    selections : sequence of Part
        At least one; all of one cube and group.
    used : mapping of str to numpy.ndarray, optional
        Slots of each dimension that hold fields, if that is known; else it is read from the selections.
    orders : mapping of str to numpy.ndarray, optional
        Slots of a dimension in the order that is wanted, where that is not the sorted one.
    time : {"reference", "valid"}
        ``"valid"`` joins reference time and step into one sorted axis ``time``; where several forecasts are valid at
        the same time, the latest one is taken.
    array_of : callable (location, part, tables) -> LazyArray
        Makes the lazy values of a variable.
    """
    check_fields(selections)
    first = selections[0]
    group, snapshot = first.group, first.snapshot
    slots = _in_order(group, _used(selections) if used is None else used, selections, orders or {})
    if time == "valid":
        slots = _with_valid_time(group, slots, selections)
    variables = {
        s.variable.name: _variable(location, s, {name: slots[name] for name in _names(s.variable, slots)}, array_of)
        for s in selections
    }
    coordinates = _coordinates(group, snapshot, slots, selections)
    others = {name: coordinate for name, coordinate in coordinates.items() if coordinate.dims != (name,)}
    axes = {name: coordinate for name, coordinate in coordinates.items() if name not in others}
    # Given as coords, xarray would make plain variables of the others.
    dataset = xr.Dataset({**variables, **others}, coords=axes, attrs=_attributes(first))
    return dataset.set_coords(list(others))


def _used(selections: Sequence[Part]) -> dict[str, np.ndarray]:
    """Slots of each dimension over all selections, ascending."""
    found: dict[str, list[np.ndarray]] = {}
    for selection in selections:
        for position, name in enumerate(selection.variable.dims):
            found.setdefault(name, []).append(np.unique(selection.slots[:, position]))
    return {name: np.unique(np.concatenate(parts)) for name, parts in found.items()}


def _in_order(
    group: Group, used: Mapping[str, np.ndarray], selections: Sequence[Part], orders: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Slots of each dimension in the order people see; shape (labels, 1)."""
    names = dict.fromkeys(name for selection in selections for name in selection.variable.dims)
    found = {}
    for name in names:
        order = orders.get(name, group.axes[name].order)
        found[name] = (used[name] if order is None else order[np.isin(order, used[name])])[:, np.newaxis]
    return found


def _names(variable: Variable, slots: Mapping[str, np.ndarray]) -> list[str]:
    """Dimensions of a variable as the dataset has them, before those of the grid."""
    if "time" not in slots:
        return list(variable.dims)
    return ["time", *(name for name in variable.dims if name not in ("forecast_reference_time", "step"))]


def _variable(location: Location, selection: Part, slots: Mapping[str, np.ndarray], array_of: ArrayOf) -> xr.Variable:
    variable, group = selection.variable, selection.group
    tables = [SlotTable(_positions(variable, name), values) for name, values in slots.items()]
    array = array_of(location, selection, tables)
    dims = (*slots, *group.grid.dims)
    attributes = {name: value for name, value in variable.attributes.items() if name not in _PRIVATE}
    mapping = _grid_mapping(group)
    if mapping:
        attributes["grid_mapping"] = mapping
    encoding = {"preferred_chunks": preferred_chunks(dims, array.shape, len(slots), array.dtype.itemsize)}
    series = group.series.get(variable.name)
    if series is not None:
        encoding["series_chunks"] = series_chunks(dims, array.shape, series.patch, array.dtype.itemsize)
    return SnapshotVariable(dims, indexing.LazilyIndexedArray(array), attributes, encoding)


def _positions(variable: Variable, name: str) -> tuple[int, ...]:
    names = [n for n in ("forecast_reference_time", "step") if n in variable.dims] if name == "time" else [name]
    return tuple(variable.dims.index(name) for name in names)


def preferred_chunks(
    dims: Sequence[str], shape: Sequence[int], leading: int, itemsize: int, limit: int = PREFERRED_CHUNK_BYTES
) -> dict[str, int]:
    """Chunks of whole fields, as many of them as `limit` bytes hold, the last dimensions first."""
    fields = max(limit // max(int(np.prod(shape[leading:])) * itemsize, 1), 1)
    chunks = dict(zip(dims[leading:], shape[leading:], strict=True))
    for name, size in reversed(list(zip(dims[:leading], shape[:leading], strict=True))):
        chunks[name] = max(min(size, fields), 1)
        fields = max(fields // max(size, 1), 1)
    return {name: int(chunks[name]) for name in dims}


def series_chunks(
    dims: Sequence[str], shape: Sequence[int], patch: Sequence[int], itemsize: int, limit: int = PREFERRED_CHUNK_BYTES
) -> dict[str, int]:
    """Chunks of all steps, of as many patches of points as `limit` bytes hold, the last dimensions first."""
    sizes = dict(zip(dims, shape, strict=True))
    along = "step" if "step" in sizes else "time"
    chunks = {name: size if name == along else 1 for name, size in sizes.items()}
    room = max(limit // max(chunks.get(along, 1) * math.prod(patch) * itemsize, 1), 1)
    for name, size in zip(reversed(dims), reversed(patch), strict=False):
        patches = min(-(-sizes[name] // size), room)
        chunks[name] = min(patches * size, sizes[name])
        room = max(room // patches, 1)
    return {name: int(chunks[name]) for name in dims}


def _with_valid_time(group: Group, slots: dict[str, np.ndarray], selections: Sequence[Part]) -> dict[str, np.ndarray]:
    if "forecast_reference_time" not in slots:
        raise FieldError(f"The group {group.name!r} has no reference time to make valid times of.")
    shapes = {("step" in selection.variable.dims) for selection in selections}
    if len(shapes) > 1:
        raise FieldError(
            f"Some variables of the group {group.name!r} have steps and some have none; they share no valid time.",
            hint="Open it with time='reference'.",
        )
    pairs, times = _present_pairs(group, slots, selections)
    order = np.lexsort((-group.axes["forecast_reference_time"].labels[pairs[:, 0]], times))
    first = np.unique(times[order], return_index=True)[1]
    others = {name: values for name, values in slots.items() if name not in ("forecast_reference_time", "step")}
    return {"time": pairs[order][first], **others}


def _present_pairs(
    group: Group, slots: Mapping[str, np.ndarray], selections: Sequence[Part]
) -> tuple[np.ndarray, np.ndarray]:
    """Slots of reference time and step that hold fields together, and the times at which they are valid."""
    names = [name for name in ("forecast_reference_time", "step") if name in selections[0].variable.dims]
    axes = [slots[name][:, 0] for name in names]
    if min(map(len, axes)) == 1:  # such as analyses: every slot of one goes with the only slot of the other
        pairs = np.stack(np.broadcast_arrays(*axes), axis=1)
    else:
        found = [s.slots[:, [s.variable.dims.index(name) for name in names]] for s in selections]
        pairs = np.unique(np.concatenate(found), axis=0)
    times = sum(group.axes[name].labels[pairs[:, column]] for column, name in enumerate(names))
    return pairs, np.asarray(times)


def _coordinates(
    group: Group, snapshot: Snapshot, slots: Mapping[str, np.ndarray], selections: Sequence[Part]
) -> dict[str, xr.Variable]:
    found: dict[str, xr.Variable] = {}
    for name, values in slots.items():
        if name == "time":
            found |= _time_axis(group, values)
            continue
        axis = group.axes[name]
        labels = axis.dimension.decode(axis.labels[values[:, 0]])
        attributes = {
            k: v
            for k, v in _axis_attributes(group, name).items()
            if k not in ("units", "calendar", "dtype") or labels.dtype.kind not in "mM"
        }
        found[name] = xr.Variable((name,), labels, attributes)
    if "time" not in found:
        found |= _valid_time(found)
        found |= interval_bounds(found, selections)
    return found | grid_coordinates(group, snapshot)


def _axis_attributes(group: Group, name: str) -> dict[str, str]:
    attributes = group.axes[name].dimension.attributes
    if name == "level":
        attributes |= _LEVELS.get(group.keys["levtype"], {"long_name": f"level ({group.keys['levtype']})"})
    return attributes


_GRID_COORDINATES = {
    "latitude": {"standard_name": "latitude", "long_name": "latitude", "units": "degrees_north"},
    "longitude": {"standard_name": "longitude", "long_name": "longitude", "units": "degrees_east"},
}
_LEVELS = {
    "pl": {"standard_name": "air_pressure", "long_name": "pressure", "units": "hPa", "positive": "down"},
    "ml": {"standard_name": "model_level_number", "long_name": "model level", "units": "1", "positive": "down"},
    "pt": {"standard_name": "air_potential_temperature", "long_name": "potential temperature", "units": "K"},
    "pv": {"long_name": "potential vorticity", "units": "1e-9 K m2 kg-1 s-1"},
}


def _time_axis(group: Group, pairs: np.ndarray) -> dict[str, xr.Variable]:
    reference = group.axes["forecast_reference_time"]
    started = reference.dimension.decode(reference.labels[pairs[:, 0]])
    found: dict[str, xr.Variable] = {
        "forecast_reference_time": CoordinateVariable(
            ("time",),
            started,
            {"standard_name": "forecast_reference_time", "long_name": "initial time of the forecast"},
        )
    }
    steps = np.zeros(len(pairs), dtype="timedelta64[ns]")
    if pairs.shape[1] == 2:
        axis = group.axes["step"]
        steps = axis.dimension.decode(axis.labels[pairs[:, 1]])
        found["step"] = CoordinateVariable(("time",), steps, {"standard_name": "forecast_period"})
    found["time"] = xr.Variable(("time",), started + steps, {"standard_name": "time", "long_name": "time"})
    return found


def _valid_time(coordinates: Mapping[str, xr.Variable]) -> dict[str, xr.Variable]:
    if "forecast_reference_time" not in coordinates:
        return {}
    started = coordinates["forecast_reference_time"]
    dims: tuple[str, ...] = ("forecast_reference_time",)
    times = started.to_numpy()
    if "step" in coordinates:
        dims = (*dims, "step")
        times = times[:, np.newaxis] + coordinates["step"].to_numpy()
    return {"valid_time": CoordinateVariable(dims, times, {"standard_name": "time", "long_name": "time"})}


def _grid_mapping(group: Group) -> str:
    """Name of the coordinate that holds the projection; empty where there is none."""
    found = group.coordinates.items()
    return next((name for name, metadata in found if "grid_mapping_name" in metadata["attributes"]), "")


def grid_coordinates(group: Group, snapshot: Snapshot) -> dict[str, xr.Variable]:
    """Coordinates of the points of a group's grid, in memory."""
    found: dict[str, xr.Variable] = {}
    for name, metadata in group.coordinates.items():
        own = {k: v for k, v in metadata["attributes"].items() if k not in _PRIVATE}
        attributes = _GRID_COORDINATES.get(name, {}) | own
        values = _coordinate_values(snapshot, f"{group.name}/{name}", metadata)
        found[name] = CoordinateVariable(tuple(metadata.get("dimension_names") or ()), values, attributes)
    return found


def _coordinate_values(snapshot: Snapshot, name: str, metadata: Mapping[str, Any]) -> np.ndarray:
    """Values of a coordinate; small ones, such as those of regular grids, stay in memory with the snapshot."""
    from zarr import AsyncArray
    from zarr.core.metadata import ArrayV3Metadata
    from zarr.storage import StorePath

    from dtedask.store.chunk_io import run_async

    known = snapshot.small_coordinates.get(name)
    if known is not None:
        return known.copy()
    path = StorePath(snapshot.session.store, name)
    array = AsyncArray(ArrayV3Metadata.from_dict(dict(metadata)), path)
    snapshot.check_arrays([path.path])
    with snapshot.told_damage(f"the coordinate {path.path!r}"):
        values = np.asarray(run_async(array.getitem(...)))
    if values.nbytes <= _SMALL_BYTES:
        snapshot.small_coordinates[name] = values.copy()
    return values


def _attributes(selection: Part) -> dict[str, Any]:
    keys = {**selection.snapshot.keys, **selection.group.keys}
    return {
        "Conventions": "CF-1.11",
        **{f"mars_{key}": value for key, value in keys.items()},
        "grid": selection.group.grid.label,
        "grid_spec": selection.group.grid.spec,
        "cube": selection.cube,
        "group": selection.group.name,
        "snapshot": selection.snapshot.id,
    }
