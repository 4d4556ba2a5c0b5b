"""The action `average-rate`: an accumulation becomes the mean rate over its interval."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from dtedask.core.errors import FieldError
from dtedask.pipeline.action import Action, ActionOptions, Context
from dtedask.pipeline.keys.glossary import value_of
from dtedask.pipeline.keys.parameter_tables import AVERAGE_RATES, LOCAL_TO_WMO, pairs
from dtedask.pipeline.keys.parameters import AnyParam, OneParam, known_parameter, param_ids, with_parameter
from dtedask.pipeline.values.numbers import numbers_of
from dtedask.request import parameter, parse_step

if TYPE_CHECKING:
    from dtedask.pipeline.compute import Compute
    from dtedask.pipeline.message import Message

_DAY_S = 86_400


class RateMapping(BaseModel):
    """An accumulation and its rate."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, populate_by_name=True, frozen=True)

    param_in: AnyParam = Field(alias="param-in")
    """Parameter of the accumulation."""
    param_out: OneParam = Field(alias="param-out")
    """Parameter of the mean rate; values are per second, or per day where its units say so."""


class AverageRateOptions(ActionOptions):
    """Parameters are changed with the values: an accumulation of kg m**-2 is a rate of kg m**-2 s**-1."""

    type: Literal["average-rate"] = "average-rate"
    """What the action does."""
    custom_mappings: tuple[RateMapping, ...] = Field((), alias="custom-mappings")
    """Parameters besides those of MultIO's table of accumulations and rates."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Turns an accumulation into a rate.

    Parameters
    ----------
    seconds : int
        Length of the interval, above 0.
    per_s : int
        Seconds of the unit of time of the rate.
    """

    seconds: int
    per_s: int = 1

    def __call__(self, values: Any) -> Any:
        """Divide an array by the interval; missing points stay missing."""
        rate = values * (1.0 / self.seconds)
        return rate if self.per_s == 1 else rate * float(self.per_s)


class AverageRate(Action):
    """Makes rates of accumulations; messages that are no fields go on as they are."""

    Options = AverageRateOptions

    def __init__(self, options: AverageRateOptions, context: Context) -> None:
        super().__init__(options, context)
        self.rates = dict(pairs(AVERAGE_RATES))
        for mapping in options.custom_mappings:
            params = param_ids(mapping.param_in)
            self.rates |= dict.fromkeys(params, parameter(mapping.param_out).id)

    def handle(self, message: Message, state: Any, compute: Compute) -> Iterable[Message]:  # noqa: ARG002
        """See `Action`."""
        if not message.is_field:
            return [message]
        param = self._rate_of(message)
        start, end = _interval(message)
        per_s = _DAY_S if known_parameter(param).units.endswith("day**-1") else 1
        values = compute.call("average-rate", Rate(end - start, per_s), numbers_of(message, "average-rate"))
        interval = (start, end)
        changed = with_parameter(message, param, step_type="avg", interval=interval)
        return [changed.replaced(values=values, data=None)]

    def _rate_of(self, message: Message) -> str:
        param = value_of(message, "param")
        if param in self.rates:
            return self.rates[param]
        local = {one for text in LOCAL_TO_WMO.values() for one, other in pairs(text) if other in self.rates}
        hint = "Select the accumulations before it, or name its rate under custom-mappings."
        if param in local:
            hint = "Put the action 'scale' with preset-mappings: local-to-wmo before it."
        raise FieldError(f"There is no mean rate of the parameter of {message}.", hint=hint)


def _interval(message: Message) -> tuple[int, int]:
    """Start and end of an accumulation, in seconds after the reference time."""
    end, timespan = message.step_s, message.keys.get("timespan")
    if timespan == "fs":
        start = 0
    elif timespan not in (None, "none"):
        start = end - parse_step(str(timespan)).end_s
    else:
        start, end = _said(message)
    if start >= end:
        raise FieldError(
            f"The interval of {message} has no length: no rate can be made of it.",
            hint="Leave out the first step by 'select', or give the field a timespan.",
        )
    return start, end


def _said(message: Message) -> tuple[int, int]:
    step = parse_step(value_of(message, "stepRange") or "0")
    if step.start_s is not None:
        return step.start_s, step.end_s
    if message.description is not None and message.description.interval is not None:
        return message.description.interval
    return step.end_s, step.end_s
