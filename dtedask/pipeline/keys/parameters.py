"""A field becomes one of another parameter: keys, names and units together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator

from dtedask.core.errors import DtedaskError
from dtedask.pipeline.keys.glossary import accepted_texts
from dtedask.request import Parameter, parameter

if TYPE_CHECKING:
    from dtedask.pipeline.message import Message

__all__ = ["AnyParam", "OneParam", "known_parameter", "param_ids", "with_parameter"]


def param_ids(value: str | int) -> frozenset[str]:
    """All paramIds that a plan means by a parameter: several for some short names.

    Raises
    ------
    InvalidValueError
        If there is no such parameter.
    """
    return frozenset(text for text in accepted_texts("param", value) if text[:1].isdecimal())


def _exists(value: str | int) -> str | int:
    param_ids(value)
    return value


def _is_one(value: str | int) -> str | int:
    parameter(value)
    return value


AnyParam = Annotated[str | int, AfterValidator(_exists)]
"""An option that names a parameter, or several that share a short name."""
OneParam = Annotated[str | int, AfterValidator(_is_one)]
"""An option that names one parameter."""


def known_parameter(param: str) -> Parameter:
    """Find a parameter by its paramId; one that ecCodes does not know has no names and no units."""
    try:
        return parameter(param)
    except DtedaskError:
        return Parameter(param, "", "", "")


def with_parameter(message: Message, param: str, *, units: str = "", **described: Any) -> Message:
    """Return the message of another parameter.

    Parameters
    ----------
    message : Message
        A field; its values are not touched.
    param : str
        The paramId.
    units : str
        Units of the values, where they are not those of the parameter.
    **described
        Other attributes of its description that change with it, such as ``step_type``.

    Returns
    -------
    Message
        With the key ``param``, and names and units of the description that fit. Of keys that say the same in other
        words ``paramId`` is set, ``shortName`` and ``units`` are left out; ``name`` is the model's own and stays.
    """
    same = str(message.keys.get("param")) == param
    said: dict[str, Any] = {"param": param, **({"paramId": param} if "paramId" in message.keys else {})}
    changed = message.with_keys(**said, **({} if same else {"shortName": None}), units=None)
    if message.description is None:
        return changed.with_keys(units=units) if units else changed
    found = known_parameter(param)
    words: dict[str, Any] = {} if same else {"short_name": found.short_name, "name": found.name, "standard_name": ""}
    unit = units or (message.description.units if same else found.units)
    if "step_type" in described:
        described["product"] = _with_step_type(message.description.product, described["step_type"])
    return changed.replaced(description=replace(message.description, units=unit, **words, **described))


def _with_step_type(product: tuple[tuple[str, str], ...], step_type: str) -> tuple[tuple[str, str], ...]:
    return tuple((key, step_type if key == "stepType" else value) for key, value in product)
