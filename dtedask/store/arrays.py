"""Fields of an xarray DataArray, as the store archives them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.core.errors import FieldError, RequestError
from dtedask.geo import Grid, PointOrder, regular_latlon
from dtedask.grib import Coordinate, Field, FieldDescription
from dtedask.request import Language, Parameter, canonical_keys, format_step, parameter, parse_step
from dtedask.store.intervals import interval_of
from dtedask.store.labels import CLIMATE_TYPES, DATE_LENGTHS, Dimension

if TYPE_CHECKING:
    import xarray as xr

_SPATIAL = (("latitude", "longitude"), ("y", "x"), ("values",))
_NO_KEYS = ("valid_time", "time", "date", "latitude", "longitude", "crs")
_KEYS = {"member": "number", "level": "levelist"}
_CIRCLE = 360.0
_DESCRIBED = ("GRIB_paramId", "GRIB_shortName", "GRIB_stepType", "GRIB_level", "GRIB_edition")


def fields_of_array(
    array: xr.DataArray, key: Mapping[str, object], language: Language | None = None
) -> Iterator[Field]:
    """Cut an array into fields.

    Parameters
    ----------
    array : xarray.DataArray, shape (..., grid)
        Its last dimensions are ``latitude, longitude``, ``y, x`` or ``values``; the others, and scalar coordinates, are
        ``forecast_reference_time``, ``step``, ``member``, ``level`` or MARS keys.
    key : mapping
        MARS keys that the array does not say itself; they win over its attributes.
    language : Language, optional
        Keys and types of the root that are not as in MARS.

    Yields
    ------
    Field
        In the order of the dimensions; of an array with chunks of Dask, chunk by chunk, so that each is computed once.

    Raises
    ------
    FieldError
        If the grid cannot be told, or a coordinate is no key.
    """
    held = _Chunk()
    for one in parts_of_array(array, key, language):
        yield Field(one.description, held.values(one), one.coordinates)


@dataclass(frozen=True, slots=True, eq=False)
class ArrayPart:
    """One field of an array, whose values were not looked at.

    Parameters
    ----------
    description : FieldDescription
        What it is.
    whole : xarray.DataArray
        The array, its points in the order of the grid.
    place : mapping of str to int
        Where the field is on the dimensions before those of the grid.
    coordinates : mapping of str to Coordinate
        Of the grid.
    """

    description: FieldDescription
    whole: xr.DataArray
    place: Mapping[str, int]
    coordinates: Mapping[str, Coordinate]


class _Chunk:
    """The chunk of a lazy array that was computed last, with all of its fields."""

    def __init__(self) -> None:
        self._array: xr.DataArray | None = None
        self._where: dict[str, slice] = {}
        self._values = np.empty(0)

    def values(self, part: ArrayPart) -> np.ndarray:
        """The values of a field."""
        where = {str(name): _around(part.place[name], part.whole.chunksizes.get(name, ())) for name in part.place}
        if part.whole is not self._array or where != self._where:
            self._array, self._where = part.whole, where
            self._values = np.asarray(part.whole.isel(where).to_numpy())
        found: np.ndarray = self._values[tuple(part.place[name] - where[name].start for name in part.place)]
        return found


def _around(index: int, chunks: Sequence[int]) -> slice:
    """The chunk that an index is in; itself where there are none."""
    start = 0
    for length in chunks:
        if index < start + length:
            return slice(start, start + length)
        start += length
    return slice(index, index + 1)


def _in_chunks(array: xr.DataArray, names: Sequence[str]) -> Iterator[tuple[int, ...]]:
    """Indices along some dimensions, those of each chunk one after the other."""
    edges = []
    for name in names:
        ends = np.cumsum(array.chunksizes.get(name, (array.sizes[name],))).tolist()
        edges.append([range(first, last) for first, last in itertools.pairwise([0, *ends])])
    for chunk in itertools.product(*edges):
        yield from itertools.product(*chunk)


def grib_attributes(attributes: Mapping[Any, Any]) -> dict[str, Any]:
    """What the attributes of a variable say that encoding needs and a description says nowhere else."""
    return {
        str(name): value
        for name, value in attributes.items()
        if str(name).startswith("GRIB_") and str(name) not in _DESCRIBED
    }


def parts_of_array(
    array: xr.DataArray, key: Mapping[str, object], language: Language | None = None
) -> Iterator[ArrayPart]:
    """Cut an array into fields whose values are not looked at: what is lazy stays so; else as `fields_of_array`."""
    leading, spatial = _split(array)
    grid, coordinates, array = _grid_of(array, spatial)
    fixed = _attribute_keys(array)
    given = canonical_keys(key, language=language)
    found = _parameter(array, {**fixed, **given})
    labels = array.coords.to_dataset().drop_dims(spatial, errors="ignore")
    for indices in _in_chunks(array, leading):
        place = dict(zip(leading, indices, strict=True))
        part = labels.isel({name: index for name, index in place.items() if name in labels.dims})
        keys = canonical_keys(
            {**fixed, **_dated(_coordinate_keys(part, language), array.attrs), **given, "param": found.id},
            language=language,
        )
        described = _describe(array, _as_message(keys, array.attrs, "number" in key), found, grid)
        yield ArrayPart(described, array, place, coordinates)


def arrays_of(fields: xr.DataArray | xr.Dataset) -> list[xr.DataArray]:
    """The arrays of a dataset, each with the attributes of both."""
    import xarray as xr

    if isinstance(fields, xr.DataArray):
        return [fields]
    return [array.assign_attrs({**fields.attrs, **array.attrs}) for array in fields.data_vars.values()]


def _split(array: xr.DataArray) -> tuple[tuple[str, ...], tuple[str, ...]]:
    names = tuple(str(name) for name in array.dims)
    for spatial in _SPATIAL:
        if names[-len(spatial) :] == spatial:
            return names[: -len(spatial)], spatial
    raise FieldError(
        f"An array with the dimensions {', '.join(names) or 'none'} has no grid at its end.",
        hint="Its last dimensions must be (latitude, longitude), (y, x) or (values); see DataArray.transpose.",
    )


def _grid_of(array: xr.DataArray, spatial: tuple[str, ...]) -> tuple[Grid, Mapping[str, Coordinate], xr.DataArray]:
    shape = tuple(array.sizes[name] for name in spatial)
    spec = array.attrs.get("grid_spec")
    if spec is not None:
        import json

        grid = Grid(json.loads(spec)["kind"], spec, spatial, shape)
    elif spatial == ("latitude", "longitude"):
        array = _in_our_order(array)
        grid = regular_latlon(array["latitude"].to_numpy(), array["longitude"].to_numpy())
    else:
        raise FieldError(
            f"The grid of an array over {', '.join(spatial)} cannot be told from its coordinates.",
            hint="Set the attribute grid_spec, as the datasets of a store have it.",
        )
    return grid, _coordinates(array, spatial), array


def _in_our_order(array: xr.DataArray) -> xr.DataArray:
    if array.sizes["latitude"] > 1 and array["latitude"][0] < array["latitude"][-1]:
        array = array.isel(latitude=slice(None, None, -1))
    longitudes = np.unwrap(array["longitude"].to_numpy().astype(np.float64), period=_CIRCLE)
    is_global = len(longitudes) > 1 and 2 * longitudes[-1] - longitudes[-2] - longitudes[0] >= _CIRCLE - 1e-6
    if is_global and longitudes[0] != 0:
        return array.assign_coords(longitude=longitudes % _CIRCLE).sortby("longitude")
    if longitudes[-1] >= _CIRCLE:
        longitudes = longitudes - _CIRCLE
    if not np.array_equal(longitudes, array["longitude"]):
        array = array.assign_coords(longitude=longitudes)
    return array


def _coordinates(array: xr.DataArray, spatial: tuple[str, ...]) -> dict[str, Coordinate]:
    found = {}
    for name, coordinate in array.coords.items():
        of_grid = coordinate.dims and set(coordinate.dims) <= set(spatial)
        if of_grid or "grid_mapping_name" in coordinate.attrs:
            dims = tuple(str(dim) for dim in coordinate.dims)
            found[str(name)] = Coordinate(dims, np.asarray(coordinate.to_numpy()), dict(coordinate.attrs))
    return found


def _attribute_keys(array: xr.DataArray) -> dict[str, object]:
    named = {str(name): value for name, value in array.attrs.items()}
    found = {name.removeprefix("mars_"): value for name, value in named.items() if name.startswith("mars_")}
    return found | {name: named[name] for name in ("timespan", "stattype") if name in named}


def _as_message(keys: dict[str, str], attributes: Mapping[Any, Any], is_named: bool) -> dict[str, str]:
    """Keys as a message has them: member 0 of an ensemble is the control forecast, some steps are intervals."""
    if keys.get("type") == "pf" and keys.get("number") == "0" and not is_named:
        keys = {**keys, "type": "cf"}
        del keys["number"]
    if attributes.get("step_text") == "range" and "step" in keys:
        start, end = interval_of(attributes, keys) or (0, 0)
        keys = {**keys, "step": format_step(end, start)}
    return keys


def _parameter(array: xr.DataArray, keys: Mapping[str, object]) -> Parameter:
    wanted = keys.get("param") or array.attrs.get("GRIB_paramId") or array.attrs.get("GRIB_shortName") or array.name
    if wanted is None:
        raise FieldError("An array without a name has no parameter.", hint="Give param with key={'param': 't'}.")
    try:
        return parameter(str(wanted))
    except RequestError as error:
        raise FieldError(error.message, hint=f"Set it by key={{'param': ...}}. {error.hint}") from error


def _coordinate_keys(part: xr.Dataset, language: Language | None) -> dict[str, object]:
    keys: dict[str, object] = {}
    for name, coordinate in part.coords.items():
        if coordinate.ndim == 0 and str(name) not in _NO_KEYS:
            keys |= _keys_of(_key_name(str(name), language), coordinate.to_numpy())
    if "date" in part.coords:
        keys |= {"hdate": keys["date"], **_date_of(part.coords["date"].to_numpy())}
    return keys


def _dated(keys: dict[str, object], attributes: Mapping[Any, Any]) -> dict[str, object]:
    """Keys with a date as the variable has it, whose labels are the first of its months or years."""
    if attributes.get("time_text") == "none":
        keys = {key: value for key, value in keys.items() if key != "time"}
    date_text, day = attributes.get("date_text", ""), str(keys.get("date", ""))
    if date_text not in DATE_LENGTHS or len(day) != len("20240101"):
        return keys
    if date_text in ("month", "year"):
        return {**keys, "date": day[: DATE_LENGTHS[date_text]]}
    others = {key: value for key, value in keys.items() if key not in ("date", "time")}
    return {**others, "year": day[:4], **({"month": day[4:6]} if date_text == "year-and-month" else {})}


def _date_of(day: Any) -> dict[str, object]:
    return {"date": np.datetime_as_string(day.astype("datetime64[D]")).replace("-", "")}


def _key_name(name: str, language: Language | None) -> str:
    """The months of a climatology are those of its dates, where the root has such dates."""
    types = language.types_of("date") if name == "month" and language is not None else ()
    return "date" if CLIMATE_TYPES.keys() & types else name


def _keys_of(name: str, value: Any) -> dict[str, object]:
    if name == "forecast_reference_time":
        text = np.datetime_as_string(value.astype("datetime64[m]")).replace("-", "").replace(":", "")
        return {"date": text[:8], "time": text[9:13]}
    if name == "step":
        return {"step": format_step(int(value.astype("timedelta64[s]").astype(np.int64)))}
    if name == "time_of_day":
        seconds = int(value.astype("timedelta64[s]").astype(np.int64))
        return {"time": Dimension("time_of_day").text(seconds)}
    item = value.item()
    if name == "dayofyear":
        return {"date": Dimension("dayofyear").text(item)}
    return {_KEYS.get(name, name): f"{item:.10g}" if isinstance(item, float) else item}


def _describe(array: xr.DataArray, keys: Mapping[str, str], found: Parameter, grid: Grid) -> FieldDescription:
    units = str(array.attrs.get("units", found.units))
    return FieldDescription(
        keys=keys,
        short_name=found.short_name,
        name=found.name,
        units=units,
        standard_name=str(array.attrs.get("standard_name", "")),
        step_type=str(array.attrs.get("GRIB_stepType", "instant")),
        interval=interval_of(array.attrs, keys),
        step_seconds=parse_step(keys.get("step", "0")).end_s,
        level_type=str(array.attrs.get("GRIB_typeOfLevel", "")),
        level=array.attrs.get("GRIB_level"),
        edition=0,
        grid=grid,
        order=PointOrder(grid.shape),
        packing="",
        bits_per_value=0,
        has_bitmap=False,
        product=(),
        attributes={},
    )
