"""What is drawn: one field, or the two components of a wind."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import FieldError, GridError
from dtedask.geo.area import Area, read_area
from dtedask.plot.sampling.choose import grid_dims

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Wind", "area_of", "field_of", "is_wind", "one_field", "values_of"]

_PAIRS = (("u", "v"), ("10u", "10v"), ("100u", "100v"), ("200u", "200v"), ("10fg_u", "10fg_v"))
_FEWEST_ROWS = 96  # between pole and equator, so that coarse harmonics look as smooth as they are
_CF_PAIR = ("eastward_wind", "northward_wind")


@dataclass(frozen=True, slots=True, eq=False)
class Wind:
    """The two components of a wind.

    Parameters
    ----------
    east, north : xarray.DataArray
        Towards the east and towards the north.
    """

    east: xr.DataArray
    north: xr.DataArray

    def speed(self) -> xr.DataArray:
        """Return its speed as a field, with the words of its title."""
        values = np.hypot(values_of(self.east), values_of(self.north)).reshape(self.east.shape)
        attributes = {name: value for name, value in self.east.attrs.items() if not _is_of_parameter(str(name))}
        named = str(self.east.attrs.get("GRIB_shortName") or self.east.name)
        height = named.removesuffix("u")
        words = {
            "long_name": f"{height} metre wind" if height.isdecimal() else "Wind",
            "GRIB_shortName": f"{height}si" if height.isdecimal() else "ws",
            "standard_name": "wind_speed",
        }
        field = self.east.copy(data=values)
        field.attrs = attributes | words
        return field


def _is_of_parameter(name: str) -> bool:
    return name in ("long_name", "standard_name", "GRIB_shortName", "GRIB_paramId", "GRIB_name")


def field_of(data: xr.DataArray | xr.Dataset) -> xr.DataArray | Wind:
    """Return the one field of what was given, or the wind whose components it has.

    Raises
    ------
    FieldError
        If there are several fields, naming the dimensions on which they differ.
    """
    import xarray as xr

    if isinstance(data, xr.DataArray):
        return one_field(data)
    arrays = {str(name): one.assign_attrs({**data.attrs, **one.attrs}) for name, one in data.data_vars.items()}
    if len(arrays) == 1:
        return one_field(next(iter(arrays.values())))
    pair = _pair(arrays)
    if pair is None:
        raise FieldError(
            f"A map shows one field, or the two components of a wind; there are {', '.join(arrays) or 'none'}.",
            hint="Select one, as data['2t'], or both of a wind, as data[['10u', '10v']].",
        )
    return Wind(one_field(pair[0]).compute(), one_field(pair[1]).compute())  # read once, drawn twice


def is_wind(names: Iterable[str]) -> bool:
    """Whether short names are those of the two components of a wind."""
    found = set(names)
    return any(found == set(pair) for pair in _PAIRS)


def _pair(arrays: dict[str, xr.DataArray]) -> tuple[xr.DataArray, xr.DataArray] | None:
    if len(arrays) != 2:
        return None
    for names in _PAIRS:
        if set(names) == set(arrays):
            return arrays[names[0]], arrays[names[1]]
    found = {one.attrs.get("standard_name"): one for one in arrays.values()}
    return (found[_CF_PAIR[0]], found[_CF_PAIR[1]]) if set(_CF_PAIR) == set(found) else None


def one_field(array: xr.DataArray) -> xr.DataArray:
    """Drop dimensions of one label; what remains must be the dimensions of the grid.

    Raises
    ------
    FieldError
        If it holds several fields, or no grid.
    """
    array = _on_points(array)
    spatial = grid_dims(array)
    if not spatial:
        raise FieldError(
            f"An array over {', '.join(map(str, array.dims)) or 'no dimension'} has no grid that could be drawn.",
            hint="It needs coordinates latitude and longitude.",
        )
    field = array.squeeze([name for name in array.dims if name not in spatial and array.sizes[name] == 1])
    several = {str(name): size for name, size in field.sizes.items() if name not in spatial}
    if several:
        counts = ", ".join(f"{name} ({size})" for name, size in several.items())
        first = next(iter(several))
        raise FieldError(
            f"A map shows one field; these differ on {counts}.",
            hint=f"Select one, as field.isel({first}=0), or draw each on its own Axes.",
        )
    return field.transpose(*spatial)


def _on_points(array: xr.DataArray) -> xr.DataArray:
    """Transform spherical harmonics to points that carry all of them; everything else stays as it is."""
    spec = json.loads(array.attrs.get("grid_spec", "{}"))
    if spec.get("kind") != "sh" or "truncation" not in spec:
        return array
    from dtedask.geo import spectral

    points = spectral.inverse(array, f"F{max(_FEWEST_ROWS, (spec['truncation'] + 2) // 2)}")
    return points.assign_attrs(
        {name: value for name, value in array.attrs.items() if name not in ("grid", "grid_spec")}
    )


def values_of(field: xr.DataArray) -> NDArray[np.float64]:
    """Read a field: float64, shape (points,), missing ones NaN."""
    return np.asarray(field.to_numpy(), dtype=np.float64).ravel()


def area_of(area: str | Sequence[float] | None) -> Area | None:
    """Read an area, north, west, south, east in degrees: four numbers, or text as ``75/-30/30/50``.

    Raises
    ------
    GridError
        If it is none.
    """
    if area is None:
        return None
    north, west, south, east = read_area(area)
    if north == south:
        raise GridError(f"The area {north:g}/{west:g}/{south:g}/{east:g} has no height.", hint="Give it some degrees.")
    span = (east - west) % 360.0 or 360.0
    return north, west, south, west + span
