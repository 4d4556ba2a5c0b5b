"""What results are called: keys, names and units of a field that became another parameter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dtedask.pipeline.keys.parameters import known_parameter

if TYPE_CHECKING:
    from dtedask.grib import FieldDescription

__all__ = ["as_parameter", "param_words"]

# CF's names of parameters that are derived; of most others ecCodes knows them, or there is none.
_STANDARD_NAMES = {
    **dict.fromkeys(("10", "207", "228241", "228249"), "wind_speed"),
    **dict.fromkeys(("3031", "260260"), "wind_from_direction"),
    **dict.fromkeys(("157", "260242"), "relative_humidity"),
    **dict.fromkeys(("168", "3017"), "dew_point_temperature"),
    **dict.fromkeys(("133", "174096"), "specific_humidity"),
    "129": "geopotential",
    "156": "geopotential_height",
    "3": "air_potential_temperature",
    "228": "lwe_thickness_of_precipitation_amount",
    "228228": "precipitation_amount",
    "235055": "precipitation_flux",
    "260005": "wind_chill_of_air_temperature",
}


def as_parameter(
    field: FieldDescription, param: str, *, units: str = "", keys: Mapping[str, str] | None = None, **described: Any
) -> FieldDescription:
    """Return the description of a field that is another parameter.

    Parameters
    ----------
    field : FieldDescription
        What it was made of.
    param : str
        ParamId of the result.
    units : str
        Of the values; by default those of the parameter.
    keys : mapping of str to str, optional
        Other keys that change with it; a key with the value "" goes.
    **described
        Other attributes that change with it, such as ``step_type``.
    """
    changed = {**field.keys, **(keys or {}), "param": param}
    words: dict[str, Any] = {}
    if param != field.keys.get("param"):
        found = known_parameter(param)
        words = {"short_name": found.short_name, "name": found.name, "units": found.units}
        words["standard_name"] = _STANDARD_NAMES.get(param, "")
    if units:
        words["units"] = units
    return replace(field, keys={key: value for key, value in changed.items() if value}, **words, **described)


def param_words(field: FieldDescription) -> str:
    """Name of a field's parameter for messages: short name and paramId."""
    param = field.keys.get("param", "?")
    return f"{field.short_name} ({param})" if field.short_name else param
