"""What makes two messages the same field: from a field's keys to its place in a cube."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dtedask.core.errors import FieldError
from dtedask.request import format_step, parse_step, variable_name, whole_months
from dtedask.store.labels import Dimension, Label, dimension_of, label_of, ordered
from dtedask.store.opaque import is_opaque
from dtedask.store.schema import CUBE_KEYS, GROUP_KEYS, Fitted, Schema, Values

if TYPE_CHECKING:
    from dtedask.geo import Grid
    from dtedask.grib import FieldDescription

_NEEDED = ("type", "levtype", "param", "date")
_CELL_METHODS = {
    "accum": "sum",
    "avg": "mean",
    "max": "maximum",
    "min": "minimum",
    "sd": "standard_deviation",
    "diff": "difference",
}


@dataclass(frozen=True, slots=True)
class VariableSpec:
    """What the array of a variable must look like.

    Parameters
    ----------
    name : str
        Name in the group, such as ``"2t"``.
    dims : tuple of str
        Dimensions before those of the grid.
    attributes : tuple of (str, object)
        Attributes that follow from keys and grid.
    edition : int
        GRIB edition that the attributes were read from; 0 for arrays.
    values : Values
        Data type and codec.
    """

    name: str
    dims: tuple[str, ...]
    attributes: tuple[tuple[str, str | int | float], ...]
    edition: int
    values: Values


@dataclass(frozen=True, slots=True)
class Address:
    """The place of a field: cube, group, variable and labels.

    Two messages are the same field when their `identity` is equal. `keys` are those of the field as the schema has
    them, `types` the types of keys that are not as in MARS.
    """

    cube: str
    group: str
    variable: VariableSpec
    labels: tuple[Label, ...]
    grid: Grid
    product: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    cube_keys: tuple[tuple[str, str], ...] = ()
    group_keys: tuple[tuple[str, str], ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict, compare=False)
    types: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def identity(self) -> tuple[str, str, str, tuple[Label, ...]]:
        """Cube, group, variable and labels."""
        return (self.cube, self.group, self.variable.name, self.labels)

    def __str__(self) -> str:
        labels = ", ".join(f"{name}={label}" for name, label in zip(self.variable.dims, self.labels, strict=True))
        return f"{self.cube} {self.group} {self.variable.name}({labels})"


def address_of(description: FieldDescription, schema: Schema) -> Address:
    """Place of a field in the cubes of a root.

    Raises
    ------
    FieldError
        If a key that every field needs is missing, or the keys contradict each other.
    """
    bytes_only = is_opaque(description.grid)
    fitted = schema.fit(description.keys, "" if bytes_only else description.grid.label)
    if fitted.rule or fitted.types:
        description = replace(description, keys=fitted.keys)
    keys = fitted.keys
    _check(keys, (*CUBE_KEYS, *(() if bytes_only else _NEEDED)))
    dims, labels = labels_of(fitted, schema)
    group_keys = _group_keys(keys)
    named = dict(group_keys)
    group = f"{named.get('type', 'none')}/{named.get('levtype', 'none')}/{description.grid.label}"
    spec = VariableSpec(
        name=_item_name(description, dims) if bytes_only else _variable_name(description),
        dims=dims,
        attributes=_attributes(description, _dating(fitted)),
        edition=description.edition,
        values=schema.values_of(keys.get("param", ""), description.short_name),
    )
    cube, cube_keys = cube_of(keys, schema)
    return Address(
        cube, group, spec, labels, description.grid, description.product, cube_keys, group_keys, keys, fitted.types
    )


def labels_of(fitted: Fitted, schema: Schema) -> tuple[tuple[str, ...], tuple[Label, ...]]:
    """Dimensions of a field in their order, and its labels on them."""
    keys, types = fitted.keys, fitted.types
    date_type = types.get("date", "") if "date" in keys else ""
    dims = ordered(list(_dimensions(keys, date_type, schema)))
    return dims, tuple(label_of(Dimension(name, types.get(name, "")), keys) for name in dims)


def _group_keys(keys: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Type and levtype as far as there are any; a control forecast stands with its ensemble."""
    found = [(key, keys[key]) for key in GROUP_KEYS if key in keys]
    return tuple((key, "pf" if (key, value) == ("type", "cf") else value) for key, value in found)


def _check(keys: Mapping[str, str], needed: tuple[str, ...]) -> None:
    for key in needed:
        if key not in keys and not (key == "date" and "year" in keys):
            raise FieldError(
                f"A field without the key {key!r} cannot be archived (it has {_text(keys)}).",
                hint=f"Give {key} with `key=`.",
            )
    if keys.get("type") == "cf" and "number" in keys and keys["number"] != "0":
        raise FieldError(f"A control forecast (type=cf) cannot be number={keys['number']}.", hint="Use type=pf.")
    if keys.get("type") == "pf" and keys.get("number") == "0":
        raise FieldError(
            "type=pf, number=0 cannot be told from the control forecast, which is member 0.",
            hint="Archive the control as type=cf, and number the perturbed members from 1.",
        )


def _dimensions(keys: Mapping[str, str], date_type: str, schema: Schema) -> set[str]:
    names = {dimension_of(key, date_type) for key in keys if schema.is_dimension(key)}
    if "date" not in keys and "year" in keys:
        names = {"forecast_reference_time" if name in ("year", "month") else name for name in names}
    if "hdate" in keys:
        names.add("date")
    if keys.get("type") == "cf":
        names.add("member")
    return names


def _date_text(fitted: Fitted) -> str:
    """How the keys of the field say its time, where they do not by a day; the attribute that makes keys of labels."""
    if "date" not in fitted.keys:
        return "" if "year" not in fitted.keys else "year-and-month" if "month" in fitted.keys else "year-key"
    name = fitted.types.get("date", "date")
    if name in ("date", "year-month"):
        return "month" if len(fitted.keys["date"]) == 6 else ""
    return "climate-monthly" if name == "month" else name


def cube_of(keys: Mapping[str, str], schema: Schema) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Name of the cube that holds a field, and the keys in it."""
    found = [(key, keys[key]) for key in CUBE_KEYS] + [(key, keys[key]) for key in schema.qualifiers if key in keys]
    for key, value in found:
        if "/" in value or "," in value or value.startswith("."):
            raise FieldError(f"{key}={value} cannot be part of a cube's name.", hint="Use letters, digits, '-' or '_'.")
    name = "/".join(value for _, value in found[:3])
    return ",".join([name, *(f"{key}={value}" for key, value in found[3:])]), tuple(found)


def _variable_name(description: FieldDescription) -> str:
    keys = description.keys
    name = variable_name(keys["param"], description.short_name) if "param" in keys else "data"
    if statistic := keys.get("stattype"):
        name = f"{statistic}_{name}"
    if span := timespan(description):
        name = f"{name}_{span}"
    return name


def _item_name(description: FieldDescription, dims: tuple[str, ...]) -> str:
    """Opaque bytes may have any keys: those of other dimensions, or over an interval, are another variable."""
    keys = ("steprange" if name == "step" and interval_of(description) else Dimension(name).key for name in dims)
    return "-".join([_variable_name(description), *keys])


def timespan(description: FieldDescription) -> str:
    """Length of the statistical interval as part of a name, such as ``6h``; empty when it starts at step 0."""
    named = description.keys.get("timespan", "")
    if named:
        return "" if named == "fs" else named
    interval = interval_of(description)
    if interval is None or interval[0] == 0:
        return ""
    text = format_step(interval[1] - interval[0])
    return text if text[-1].isalpha() else f"{text}h"


def interval_of(description: FieldDescription) -> tuple[int, int] | None:
    """Statistical interval of a field in seconds after the reference time; None for an instant."""
    if description.interval is not None:
        return description.interval
    step = parse_step(description.keys.get("step", "0"))
    return None if step.start_s is None else (step.start_s, step.end_s)


def _dating(fitted: Fitted) -> dict[str, str]:
    """Attributes that say how keys are made of the labels of a time."""
    date_text = _date_text(fitted)
    has_no_time = fitted.rule and "time" not in fitted.keys and "date" in fitted.keys and "climate" not in date_text
    return {"date_text": date_text, "time_text": "none" if has_no_time else ""}


def _attributes(description: FieldDescription, dating: Mapping[str, str]) -> tuple[tuple[str, str | int | float], ...]:
    keys = description.keys
    found: dict[str, str | int | float] = {
        **description.attributes,
        "standard_name": description.standard_name,
        "long_name": description.name,
        "units": description.units,
        "GRIB_paramId": keys.get("param", ""),
        "GRIB_shortName": description.short_name,
        "GRIB_typeOfLevel": description.level_type,
        "timespan": keys.get("timespan", ""),
        "stattype": keys.get("stattype", ""),
    }
    found |= _statistics(description)
    if "levelist" not in keys and description.level is not None:
        found["GRIB_level"] = float(description.level)
    found |= dating
    if dating["date_text"] in ("month", "year-and-month"):
        found.setdefault("cell_methods", "forecast_reference_time: mean (interval: 1 month)")
    return tuple(sorted((name, value) for name, value in found.items() if value != ""))


def _statistics(description: FieldDescription) -> dict[str, str | int | float]:
    interval = interval_of(description)
    if interval is None:
        # Accumulations are coded as instants at step 0 by some models: there, nothing is said of the statistics.
        return {} if description.step_seconds == 0 else {"GRIB_stepType": description.step_type}
    method = _CELL_METHODS.get(description.step_type, "")
    return {
        "GRIB_stepType": description.step_type,
        "cell_methods": f"{_over(description)}: {method}" if method else "",
        **_length(description, interval),
        "step_text": "range" if "-" in description.keys.get("step", "") else "end",
    }


def _over(description: FieldDescription) -> str:
    """The dimension that a statistic is taken over: means over months have no step."""
    return "step" if "step" in description.keys else "forecast_reference_time"


def _length(description: FieldDescription, interval: tuple[int, int]) -> dict[str, int]:
    """Length of the interval, the same for all fields of a variable; 0 where all begin at the reference time."""
    months = whole_months(description.keys, interval)
    if months is not None:
        return {"interval_months": months}
    return {"interval_s": interval[1] - interval[0] if timespan(description) else 0}


def _text(keys: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in keys.items())
