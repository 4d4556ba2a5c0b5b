"""One entry of a catalog: a group of a cube, its axes and ranges in words and as MARS values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.catalog.target import Time

if TYPE_CHECKING:
    from dtedask.store.group import Axis, Group

_LISTED = 64
_SHOWN_VARIABLES = 8
_TYPES = {
    "an": "Analyses",
    "fc": "Forecasts",
    "pf": "Ensemble forecasts",
    "em": "Ensemble means",
    "4v": "4D-Var analyses",
}
_LEVEL_TYPES = {
    "pl": "pressure levels",
    "sfc": "the surface",
    "ml": "model levels",
    "pt": "isentropic levels",
    "pv": "levels of potential vorticity",
    "hl": "height levels",
    "sol": "soil levels",
    "o2d": "the ocean surface",
    "o3d": "ocean levels",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A group of a cube, as a catalog lists it.

    Parameters
    ----------
    name : str
        Cube and group, such as ``"ea/enda/0001/an/pl/3x3"``.
    cube_url : str
        Path or URL of the cube.
    group : str, optional
        Group in the cube.
    time : {"reference", "valid"}
        Which time axis it is usually opened with: analyses with ``"valid"``.
    description : str
        One line.
    metadata : mapping
        ``keys`` (MARS keys that all fields share), ``axes`` (values of the others, as MARS writes them), ``sizes``,
        ``first`` and ``last`` reference time, ``variables`` and ``grid``.
    at : str or datetime, optional
        When to read the cube as it was; None for the newest.
    """

    name: str
    cube_url: str
    group: str | None
    time: Time = "reference"
    description: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    at: str | datetime | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the entry for JSON."""
        return {
            "name": self.name,
            "cube": self.cube_url,
            "group": self.group,
            "time": self.time,
            "description": self.description,
            "metadata": dict(self.metadata),
        }


def entry_of(cube: str, cube_url: str, cube_keys: Mapping[str, str], group: Group) -> Entry:
    """Make the entry of a group.

    It follows from labels and variables alone: it changes when an axis grows, not with every field.
    """
    metadata = {
        "cube": cube,
        "group": group.name,
        "grid": group.grid.label,
        "keys": {**cube_keys, **group.keys},
        "axes": _axes(group),
        "sizes": {**{name: len(group.axes[name].live) for name in _names(group)}, **_grid_sizes(group)},
        **_range(group.axes.get("forecast_reference_time")),
        "variables": {name: _variable(found.attributes) for name, found in group.variables.items()},
    }
    return Entry(f"{cube}/{group.name}", cube_url, group.name, _time_of(group), _describe(group, metadata), metadata)


def _names(group: Group) -> list[str]:
    """Axes in the order of the dimensions of the group's variables."""
    found = dict.fromkeys(name for variable in group.variables.values() for name in variable.dims)
    return [name for name in found if name in group.axes]


def _grid_sizes(group: Group) -> dict[str, int]:
    return dict(zip(group.grid.dims, group.grid.shape, strict=True))


def _time_of(group: Group) -> Time:
    has_step = {"step" in variable.dims for variable in group.variables.values()}
    is_analysis = group.keys.get("type") == "an" and "forecast_reference_time" in group.axes
    return "valid" if is_analysis and len(has_step) == 1 else "reference"


def _variable(attributes: Mapping[str, Any]) -> dict[str, str]:
    found = {"param": str(attributes["GRIB_paramId"])}
    return found | {key: str(attributes[key]) for key in ("long_name", "units") if attributes.get(key)}


def _range(axis: Axis | None) -> dict[str, str]:
    if axis is None or not len(axis.live_labels):
        return {}
    ends = axis.live_labels.min(), axis.live_labels.max()
    return {name: _moment(end) for name, end in zip(("first", "last"), ends, strict=True)}


def _moment(seconds: Any) -> str:
    return str(np.datetime64(int(seconds), "s").astype("datetime64[m]"))


def _axes(group: Group) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in _names(group):
        axis = group.axes[name]
        if name == "forecast_reference_time":
            found |= _reference_axes(group, axis)
        else:
            labels = np.unique(axis.live_labels)
            key = "date" if name == "month" and "climate-monthly" in _date_texts(group) else axis.dimension.key
            found[key] = mars_text([axis.dimension.text(label) for label in labels.tolist()])
    return found


def _reference_axes(group: Group, axis: Axis) -> dict[str, str]:
    days = np.unique(axis.live_labels // 86_400).astype("datetime64[D]")
    texts = [text.replace("-", "") for text in np.datetime_as_string(days).tolist()]
    date_texts = _date_texts(group)
    if date_texts & {"year-and-month", "year-key"}:
        months = sorted({int(text[4:6]) for text in texts}) if "year-and-month" in date_texts else ()
        found = {"year": list(dict.fromkeys(text[:4] for text in texts)), "month": list(map(str, months))}
        return {key: mars_text(values) for key, values in found.items() if values}
    if date_texts & {"month", "year"}:
        length = 6 if "month" in date_texts else 4
        texts = list(dict.fromkeys(text[:length] for text in texts))
    times = [
        f"{seconds // 3600:02d}{seconds % 3600 // 60:02d}" for seconds in np.unique(axis.live_labels % 86_400).tolist()
    ]
    dated = {"hdate" if "date" in group.axes else "date": mars_text(texts)}
    has_time = any(variable.attributes.get("time_text") != "none" for variable in group.variables.values())
    return dated | {"time": mars_text(times)} if has_time else dated


def _date_texts(group: Group) -> set[str]:
    """How the keys of the variables say their dates, where they do not by days."""
    return {str(variable.attributes.get("date_text", "")) for variable in group.variables.values()}


def mars_text(values: Sequence[str]) -> str:
    """Write sorted values of a key as MARS does: a range where they are one, else a list.

    A list of more than 64 irregular values is shortened to ``first/.../last``, which is no request any more.
    """
    steps = _even_steps(values)
    if steps is not None:
        return f"{values[0]}/to/{values[-1]}/by/{steps}"
    return "/".join(values) if len(values) <= _LISTED else f"{values[0]}/.../{values[-1]}"


def _even_steps(values: Sequence[str]) -> int | None:
    if len(values) < 4 or not all(value.isdigit() for value in values):
        return None
    if all(len(value) == 8 for value in values):
        numbers = [datetime.strptime(value, "%Y%m%d").toordinal() for value in values]  # noqa: DTZ007 - a day
    elif any(len(value) > 1 and value.startswith("0") for value in values):
        return None  # times and months: their numbers are no distances
    else:
        numbers = [int(value) for value in values]
    differences = np.unique(np.diff(numbers))
    return int(differences[0]) if len(differences) == 1 else None


def _describe(group: Group, metadata: Mapping[str, Any]) -> str:
    kind, levels = group.keys.get("type", ""), group.keys.get("levtype", "")
    names = list(group.variables)
    more = f" and {len(names) - _SHOWN_VARIABLES} more" if len(names) > _SHOWN_VARIABLES else ""
    parts = [
        f"{_TYPES.get(kind, f'Fields of type {kind}')} on {_LEVEL_TYPES.get(levels, levels)}, grid {group.grid.label}",
        f"{', '.join(names[:_SHOWN_VARIABLES])}{more}",
        *([f"{metadata['first']} to {metadata['last']}"] if "first" in metadata else []),
    ]
    sizes = metadata["sizes"]
    counts = [f"{sizes[name]} {word}s" for name, word in _COUNTED if sizes.get(name, 1) > 1]
    return "; ".join([*parts, *([", ".join(counts)] if counts else [])])


_COUNTED = (("member", "member"), ("step", "step"), ("level", "level"))
