"""What fell, or came in, during a period: differences of what is accumulated from the start of the forecast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import ProductError
from dtedask.pipeline.keys.parameters import known_parameter
from dtedask.products.derived.naming import as_parameter, param_words
from dtedask.products.derived.parameter import Axes, Derived, Keys
from dtedask.products.derived.units import conversion, known_unit, unit_of, unit_text
from dtedask.products.operation import Operation
from dtedask.request import format_step, parse_step

if TYPE_CHECKING:
    from dtedask.grib import FieldDescription
    from dtedask.products.node import Node, Nodes

__all__ = ["OfPeriod", "PeriodOperation"]


@dataclass(frozen=True, slots=True)
class PeriodOperation(Operation):
    """The amount of a period, or its mean rate: what is accumulated at its end less what was at its start.

    Parameters
    ----------
    param : str
        ParamId of the result.
    start_s, end_s : int
        The period, seconds after the reference time.
    factor : float
        What the difference is multiplied by: units, and one through the length of the period for a rate.
    units : str
        Units of the result.
    is_rate : bool
        Whether it is a mean rate.
    timespan : str
        The key of the result; "" for none.
    """

    name: ClassVar[str] = "period"
    param: str
    start_s: int
    end_s: int
    factor: float
    units: str
    is_rate: bool
    timespan: str = ""

    @property
    def identity(self) -> str:
        """See `Operation`."""
        return f"{self.param}|{self.start_s}|{self.end_s}|{self.factor!r}|{self.is_rate}|{self.timespan}"

    def describe(self, *fields: FieldDescription) -> FieldDescription:
        """See `Operation`."""
        later = fields[0]
        if len(fields) > 1 and later.grid.uid != fields[1].grid.uid:
            raise ProductError(
                f"{param_words(later)} is on {later.grid.label} at the end of the period, and on "
                f"{fields[1].grid.label} at its start."
            )
        product = tuple((key, self._step_type if key == "stepType" else value) for key, value in later.product)
        return as_parameter(
            later, self.param, units=self.units, keys={"timespan": self.timespan}, step_type=self._step_type,
            interval=(self.start_s, self.end_s), step_seconds=self.end_s, product=product,
        )  # fmt: skip

    def __call__(self, *values: NDArray[np.floating]) -> NDArray[np.floating]:
        """See `Operation`."""
        amount = values[0].astype(np.float64)
        if len(values) > 1:
            amount -= values[1]
        return (amount * self.factor).astype(np.result_type(*values))

    @property
    def _step_type(self) -> str:
        return "avg" if self.is_rate else "accum"


@dataclass(frozen=True, slots=True)
class OfPeriod(Derived):
    """The amount or the mean rate of a period, from a parameter that is accumulated from the start of the forecast.

    The period is the last ``timespan`` before the step; without that key, the time since the step before.

    Parameters
    ----------
    param : str
        ParamId of the result.
    accumulation : str
        ParamId of what is accumulated.
    is_rate : bool
        Whether the result is a mean rate.
    """

    param: str
    accumulation: str
    is_rate: bool = False

    def like(self, keys: Keys) -> Keys:
        """See `Derived`."""
        kept = {key: value for key, value in keys.items() if key not in ("step", "timespan")}
        return {**kept, "param": self.accumulation}

    def inputs(self, keys: Keys, axes: Axes) -> tuple[Keys, ...]:
        """See `Derived`."""
        start_s, end_s = _period(keys, [parse_step(step).end_s for step in axes.get("step", ())])
        steps = [end_s, *([start_s] if start_s else [])]
        return tuple({**self.like(keys), "step": format_step(step)} for step in steps)

    def make(self, nodes: Nodes, keys: Keys, inputs: Sequence[Node]) -> Node:
        """See `Derived`."""
        later = inputs[0].description
        end_s = later.step_seconds
        start_s = inputs[1].description.step_seconds if len(inputs) > 1 else 0
        taken = _taken(inputs, start_s)
        units, factor = _units(later, self.param, is_rate=self.is_rate)
        seconds = end_s - start_s if self.is_rate else 1
        timespan = keys.get("timespan", "") if not self.is_rate else ""
        made = PeriodOperation(self.param, start_s, end_s, factor / seconds, units, self.is_rate, timespan)
        return nodes.make(made, *taken)


def _period(keys: Keys, steps: Sequence[int]) -> tuple[int, int]:
    end_s = parse_step(keys["step"]).end_s
    span = keys.get("timespan", "none")
    if span not in ("none", "fs"):
        start_s = end_s - parse_step(span).end_s
    else:
        start_s = max((step for step in steps if step < end_s), default=0)
    if start_s < 0 or end_s == start_s:
        raise ProductError(
            f"param={keys['param']} at step {keys['step']} is that of a period which begins {_ago(end_s - start_s)} "
            "before it, and there is none.",
            hint="Begin at a later step.",
        )
    return max(start_s, 0), end_s


def _ago(seconds: int) -> str:
    return "0 hours" if seconds <= 0 else f"{seconds / 3600:g} hours"


def _taken(inputs: Sequence[Node], start_s: int) -> Sequence[Node]:
    """Fields to take: the later one alone where it covers just the period, as many models write it."""
    first = inputs[0].description.interval
    if first is None or first[0] == 0:
        return inputs
    if first[0] == start_s:
        return inputs[:1]
    raise ProductError(
        f"{param_words(inputs[0].description)} is accumulated from {format_step(first[0])} to {format_step(first[1])}, "
        f"and the period begins at {format_step(start_s)}.",
        hint="Ask for steps and a timespan that fit.",
    )


def _units(field: FieldDescription, param: str, *, is_rate: bool) -> tuple[str, float]:
    """Units of the result, and what an amount (or an amount in one second) is multiplied by to be in them."""
    wanted = known_parameter(param).units
    before, after = known_unit(field.units), known_unit(wanted)
    if before is None or after is None:
        return wanted, 1.0
    given = unit_of(f"{unit_text(before)} s**-1") if is_rate else before
    try:
        return wanted, conversion(given, after).factor
    except ProductError as error:
        raise ProductError(
            f"{param_words(field)} in {field.units} does not give param={param} in {wanted}.",
            hint="Take another parameter.",
        ) from error
