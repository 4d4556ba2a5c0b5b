"""What results are called: keys, names and units of a field that became another parameter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dtedask.pipeline.keys.parameters import known_parameter

if TYPE_CHECKING:
    from dtedask.grib import FieldDescription

__all__ = ["as_parameter", "param_words"]


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
        words = {"short_name": found.short_name, "name": found.name, "standard_name": "", "units": found.units}
    if units:
        words["units"] = units
    return replace(field, keys={key: value for key, value in changed.items() if value}, **words, **described)


def param_words(field: FieldDescription) -> str:
    """Name of a field's parameter for messages: short name and paramId."""
    param = field.keys.get("param", "?")
    return f"{field.short_name} ({param})" if field.short_name else param
