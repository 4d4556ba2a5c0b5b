"""What statistics of an ensemble are called: type, and what GRIB says of such products."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dtedask.pipeline.keys.parameters import with_parameter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dtedask.grib import FieldDescription
    from dtedask.pipeline.message import Message
    from dtedask.pipeline.operations import OperationOptions

__all__ = ["described_statistic", "quantile_text", "result_message"]

_TYPES = {"average": "em", "stddev": "es", "exceedance": "ep", "quantile": "pb"}
# Product definition templates of GRIB2 for members, at a time and over an interval, and those of their statistics.
_OVER_INTERVAL = frozenset({8, 9, 10, 11, 12})
_TEMPLATES = {"average": (2, 12), "stddev": (2, 12), "exceedance": (5, 9), "quantile": (86, 87)}
_DERIVED_FORECAST = {"average": 0, "stddev": 4}
_PROBABILITY = {"above": 3, "at-least": 3, "below": 4, "at-most": 4}
_TEMPLATE = "GRIB_productDefinitionTemplateNumber"


def result_message(member: Message, operation: OperationOptions, members: int, values: Any) -> Message:
    """Return the message of a result.

    Parameters
    ----------
    member : Message
        Its first member.
    operation : OperationOptions
        What was done.
    members : int
        How many members are in it.
    values : array
        The result.
    """
    kept = {key: value for key, value in member.keys.items() if key not in ("number", "perturbationNumber")}
    said = {
        "type": _TYPES[operation.operation],
        "operation": operation.name,
        "numberOfForecastsInEnsemble": members,
        **_told_apart(operation),
    }
    message = _described(
        member.replaced(keys={**kept, **said}, values=values, data=None, origin=""), operation, members
    )
    units = _units(message, operation)
    if operation.param or units:
        param = operation.param or str(message.keys["param"])
        return with_parameter(message, param, units=units or "")
    return message


def _told_apart(operation: OperationOptions) -> dict[str, str]:
    """Keys that tell several results of one type apart."""
    if operation.operation == "quantile":
        return {"quantile": quantile_text(float(operation.quantile or 0))}
    if operation.operation == "exceedance" and not operation.param:
        count = "n" if operation.measure == "count" else ""
        return {"stattype": f"{count}{operation.compare.replace('-', '')}{operation.threshold:g}"}
    return {}


def quantile_text(quantile: float) -> str:
    """Write a quantile as MARS does: ``50:100``, ``1:3``."""
    exact = Fraction(str(quantile))
    near = exact.limit_denominator(1000)  # a third is no decimal number
    exact = near if abs(float(near) - quantile) < 1e-12 else exact
    whole = 100 if 100 % exact.denominator == 0 else exact.denominator
    return f"{int(exact * whole)}:{whole}"


def _units(message: Message, operation: OperationOptions) -> str:
    change = operation.units_change
    return "1" if change in ("fraction", "count") and message.description is not None else ""


def described_statistic(
    before: FieldDescription, operation: OperationOptions, members: int, keys: Mapping[str, str]
) -> FieldDescription:
    """Return the description of a result.

    Parameters
    ----------
    before : FieldDescription
        That of its first member.
    operation : OperationOptions
        What was done.
    members : int
        How many members are in it.
    keys : mapping of str to str
        Its keys.
    """
    attributes = dict(before.attributes)
    template = int(attributes.get(_TEMPLATE, 1 if before.interval is None else 11))
    over_interval = before.interval is not None or template in _OVER_INTERVAL
    attributes[_TEMPLATE] = _TEMPLATES[operation.operation][over_interval]
    attributes |= _details(operation, members)
    return replace(before, keys=keys, attributes=attributes)


def _described(message: Message, operation: OperationOptions, members: int) -> Message:
    if message.description is None:
        return message
    keys = {key: str(value) for key, value in message.keys.items()}
    return message.replaced(description=described_statistic(message.description, operation, members, keys))


def _details(operation: OperationOptions, members: int) -> dict[str, int]:
    if operation.operation in _DERIVED_FORECAST:
        return {
            "GRIB_derivedForecast": _DERIVED_FORECAST[operation.operation],
            "GRIB_numberOfForecastsInEnsemble": members,
        }
    if operation.operation == "quantile":
        part, whole = quantile_text(float(operation.quantile or 0)).split(":")
        return {"GRIB_quantileValue": int(part), "GRIB_totalNumberOfQuantiles": int(whole)}
    threshold, compared = float(operation.threshold or 0), _PROBABILITY[operation.compare]
    limit = "Lower" if compared == 3 else "Upper"
    limits = {f"GRIB_scaledValueOf{limit}Limit": int(threshold)} if threshold.is_integer() else {}
    return {"GRIB_probabilityType": compared, **limits}
